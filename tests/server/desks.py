"""A browser at the console, as far as tests need one: cookies, forms, and what a page says."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.server.phones import PASSWORD, Field

_TOKEN = re.compile(r'name="form_token" value="(\w*)"')
_TAGS = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL)


@dataclass
class Desk:
    """One browser. Follows no redirect by itself; `page` is the last one that was shown."""

    field: Field
    language: str = "en"
    cookies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    page: str = ""

    def get(self, path: str) -> httpx.Response:
        return self._send("GET", path)

    def post(
        self, path: str, *, token: str | None = None, files: Any = None, **fields: Any
    ) -> httpx.Response:
        """Sends a form of the last page, or one with another `token`; `files` as httpx has them."""
        found = _TOKEN.search(self.page)
        sent = {"form_token": token if token is not None else found[1] if found else ""}
        return self._send("POST", path, data={**fields, **sent}, files=files)

    def sign_in(self, username: str, password: str = PASSWORD) -> httpx.Response:
        answer = self.post("/console/sign-in", username=username, password=password)
        if answer.status_code == 303:
            self.get("/console")
        return answer

    def follow(self, answer: httpx.Response) -> str:
        """The page that an answer leads to."""
        assert answer.status_code == 303, answer.text
        self.get(answer.headers["location"])
        return self.text

    @property
    def text(self) -> str:
        """What the page says, without its tags."""
        return " ".join(html.unescape(_TAGS.sub(" ", self.page)).split())

    def _send(self, method: str, path: str, **sent: Any) -> httpx.Response:
        told = {"Accept-Language": self.language, **self.headers}
        if self.cookies:
            told["Cookie"] = "; ".join(f"{n}={v}" for n, v in self.cookies.items())
        answer = self.field.client.request(method, path, headers=told, **sent)
        for name, value in answer.cookies.items():
            self.cookies[name] = value
        for line in answer.headers.get_list("set-cookie"):
            if "Max-Age=0" in line:
                self.cookies.pop(line.partition("=")[0], None)
        if answer.headers.get("content-type", "").startswith("text/html"):
            self.page = answer.text
        return answer


def signed_in(field: Field, username: str = "gao") -> Desk:
    """Somebody at the console's first page."""
    desk = Desk(field)
    answer = desk.sign_in(username)
    assert answer.status_code == 303, answer.text
    return desk
