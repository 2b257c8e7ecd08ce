"""Somebody at the console, in a real browser."""

from __future__ import annotations

from playwright.sync_api import Page

from sync_server.demo.cast import PASSWORD


def sign_in(page: Page, url: str, username: str, password: str = PASSWORD) -> None:
    """By the form, on the way to a page of the console; returns when that is there."""
    page.goto(url)
    page.locator("[name=username]").fill(username)
    page.locator("[name=password]").fill(password)
    page.locator("[name=password]").press("Enter")
    page.locator("nav.menu").wait_for()
