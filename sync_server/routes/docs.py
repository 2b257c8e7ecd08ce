"""The API's pages: the OpenAPI document, and a table of it that needs no script and no other
site."""

from __future__ import annotations

import html
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}
h2{border-top:1px solid #ccc;font-size:1.1rem;margin-top:2rem;padding-top:1rem}
code{background:#eef3f3;border-radius:3px;padding:0 .2em}
table{border-collapse:collapse;width:100%}
td{border-top:1px solid #eee;padding:.2rem .6rem .2rem 0;vertical-align:top}
"""


def document(app: FastAPI) -> None:
    """Make the OpenAPI document say what this server answers: FastAPI's own 422, which `answers`
    turns into a refusal with a code, is taken out."""
    described = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = described()
            for methods in schema["paths"].values():
                for told in methods.values():
                    if "HTTPValidationError" in str(told["responses"].get("422")):
                        del told["responses"]["422"]
            for name in ("HTTPValidationError", "ValidationError"):
                schema["components"]["schemas"].pop(name, None)
        return described()

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way of extending it


@router.get("/docs")
def docs(request: Request) -> HTMLResponse:
    """Every route with what it takes and what it may answer."""
    schema = request.app.openapi()
    parts = [
        _operation(method, path, told)
        for path, methods in sorted(schema["paths"].items())
        for method, told in methods.items()
    ]
    about = html.escape(schema["info"]["description"]).replace("\n\n", "</p><p>")
    page = (
        f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Huifang API</title>'
        f"<style>{_STYLE}</style><h1>Huifang API</h1><p>{about}</p>"
        f'<p><a href="/openapi.json">OpenAPI document</a></p>{"".join(parts)}</html>'
    )
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    return HTMLResponse(page, headers={"Content-Security-Policy": policy})


def _operation(method: str, path: str, told: dict[str, Any]) -> str:
    answers = "".join(
        f"<tr><td><code>{status}</code></td><td>{html.escape(answer['description'])}</td></tr>"
        for status, answer in sorted(told["responses"].items())
    )
    body = told.get("requestBody", {}).get("content", {}).get("application/json", {})
    takes = body.get("schema", {}).get("$ref", "").rsplit("/", 1)[-1]
    taken = f"<p>Takes <code>{html.escape(takes)}</code>.</p>" if takes else ""
    about = html.escape(told.get("description", "")).replace("\n\n", "</p><p>")
    return (
        f"<h2><code>{method.upper()} {html.escape(path)}</code></h2>"
        f"<p>{about}</p>{taken}<table>{answers}</table>"
    )
