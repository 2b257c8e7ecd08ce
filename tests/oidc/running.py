"""Starts the provider of this folder: npm's `oidc-provider`, pinned in package-lock.json.

    with provider(redirect_uri) as one:
        ...one.issuer, one.client_id, one.client_secret...

Skips the test, with a line that says why, where there is no Node, no npm or no registry.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from re import search

import httpx
import pytest

from mobile.pwa.node import find_node
from mobile.pwa.wheels import DEFAULT_CACHE

_HERE = Path(__file__).parent
_FILES = ("package.json", "package-lock.json", "provider.mjs")
CLIENT, SECRET = "huifang", "a secret between server and provider"


@dataclass(frozen=True, slots=True)
class RunningProvider:
    """A provider at which anybody signs in with their name and any password."""

    issuer: str
    client_id: str = CLIENT
    client_secret: str = SECRET

    def sign_in(self, address: str, login: str) -> str:
        """Does what a person does in a browser; returns where the provider then sends it."""
        with httpx.Client(base_url=self.issuer, timeout=30) as browser:
            page = browser.get(address)
            for asked in ({"prompt": "login", "login": login, "password": "any"},
                          {"prompt": "consent"}):  # fmt: skip
                page = self._followed(browser, page)
                form = search(r'<form[^>]*action="([^"]+)"', page.text)
                assert form, page.text[:2000]
                page = browser.post(unescape(form[1]), data=asked)
            return self._left(browser, page)

    def abort(self, address: str) -> str:
        """The person changes their mind."""
        with httpx.Client(base_url=self.issuer, timeout=30) as browser:
            page = self._followed(browser, browser.get(address))
            link = search(r'href="([^"]+/abort)"', page.text)
            assert link, page.text[:2000]
            return self._left(browser, browser.get(unescape(link[1])))

    def _followed(self, browser: httpx.Client, page: httpx.Response) -> httpx.Response:
        while page.is_redirect:
            page = browser.get(page.headers["location"])
        return page

    def _left(self, browser: httpx.Client, page: httpx.Response) -> str:
        while page.headers.get("location", "").startswith((self.issuer, "/")):
            page = browser.get(page.headers["location"])
        return str(page.headers["location"])


@contextmanager
def provider(redirect_uri: str) -> Iterator[RunningProvider]:
    """A provider that sends browsers back to `redirect_uri`, ended at the end."""
    node, folder = find_node(DEFAULT_CACHE), _installed()
    if node is None:
        pytest.skip("Node is not here: the provider can't run")
    process = subprocess.Popen(
        [node, folder / "provider.mjs", CLIENT, SECRET, redirect_uri],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None  # asked for above
        said = process.stdout.readline()
        assert said.startswith("ISSUER "), "the provider did not start"
        yield RunningProvider(said.split()[1])
    finally:
        process.terminate()
        process.wait(30)
        assert process.stdout is not None
        process.stdout.close()


def _installed() -> Path:
    """The folder with the provider and what it needs, installed once for each lock."""
    digest = hashlib.sha256(b"".join((_HERE / name).read_bytes() for name in _FILES)).hexdigest()
    folder = DEFAULT_CACHE / f"oidc-provider-{digest[:16]}"
    DEFAULT_CACHE.mkdir(parents=True, exist_ok=True)
    with open(DEFAULT_CACHE / "oidc-provider.lock", "w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if folder.exists():
            return folder
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("npm is not here: the provider can't be installed")
        fresh = folder.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        for name in _FILES:
            shutil.copy(_HERE / name, fresh / name)
        command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(command, cwd=fresh, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"npm could not install the provider: {done.stderr.strip()[-200:]}")
        fresh.rename(folder)
    return folder
