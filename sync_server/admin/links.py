"""Addresses that leave the console, on paper or in a message."""

from __future__ import annotations

from sync_server.admin.visit import Visit


def public_link(visit: Visit, path: str) -> str:
    """The whole address of a page of ours, as the world knows this server."""
    base = visit.server.settings.public_url
    base = base or f"{visit.request.url.scheme}://{visit.request.url.netloc}"
    return f"{base.rstrip('/')}{path}"
