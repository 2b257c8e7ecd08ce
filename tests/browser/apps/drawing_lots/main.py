"""Shows a random number: another one at each start."""

import random

import flet as ft


def main(page: ft.Page) -> None:
    page.add(ft.Text(f"lot {random.random()}"))


ft.run(main)
