"""A bare Flet app of one button, laid out as `flet publish --no-cdn` 1.0.5 lays one out: what our
start is measured against.

Followed step by step from `flet_cli/commands/publish.py`: flet-web's files as they are, patched by
flet-web's own functions; the app and its `requirements.txt` in `app.tar.gz`; Python begun when
Flutter asks for it, and Flet put in by micropip at each start. The command itself wants archives
from three hosts, and a benchmark must run without them, so four things differ, none of them to the
reference's harm:

* micropip asks this origin, not PyPI, for flet and what it needs: an index page with one file each
  (PyPI's own is 100 times longer), and no second host to reach.
* msgpack is PyPI's wheel for this Pyodide; Pyodide's own lies only on its CDN.
* `pyodideUrl` begins with a slash: `patch_index_html` writes a name that a module worker can't
  resolve (flet 1.0.5).
* `flutter_service_worker.js`, which only unregisters itself, is a plain one that keeps every file
  this browser asks for: the layout has none of its own, and without one nothing starts offline.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from flet.controls.types import RouteUrlStrategy, WebRenderer
from flet_web import (
    get_package_web_dir,
    patch_font_manifest_json,
    patch_index_html,
    patch_manifest_json,
)

from mobile.pwa.flet_files import FLET_VERSION
from mobile.pwa.wheels import DEFAULT_CACHE, gather_wheels

# Latin only: for other scripts this layout would go on asking for fonts that are not there.
BUTTON, PRESSED = "Press me", "Thank you"
APP = f"""import flet as ft


def main(page: ft.Page) -> None:
    button = ft.Button({BUTTON!r})

    def press() -> None:
        button.content = {PRESSED!r}
        button.update()

    button.on_click = press
    page.add(button)


ft.run(main)
"""
# What micropip would have fetched from PyPI for `flet==1.0.5`.
_NEEDED = ("flet-", "repath-", "six-")
_INDEX = re.compile(rb"^PYPI_URL = .+$", re.MULTILINE)
_HERE = b'PYPI_URL = str(__import__("js").location.origin) + "/simple"'

_KEEP_ALL = """
const CACHE = "all";
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => event.respondWith((async () => {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(event.request.url);
  if (kept) return kept;
  const reply = await fetch(event.request);
  if (reply.ok) await cache.put(event.request.url, reply.clone());
  return reply;
})()));
"""
SERVICE_WORKER = "flutter_service_worker.js?v=1804020039"


def publish(dist: Path) -> Path:
    """Lays the app out in the new folder `dist`, and returns it."""
    shutil.copytree(get_package_web_dir(), dist)
    _pack_app(dist / "app.tar.gz")
    _offer_wheels(dist)
    _patch(dist)
    (dist / "flutter_service_worker.js").write_text(_KEEP_ALL, encoding="utf-8")
    types = {".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm"}
    told = {"headers": {"Cache-Control": "no-cache"}, "types": types}
    (dist / "headers.json").write_text(json.dumps(told), encoding="utf-8")
    return dist


def _pack_app(target: Path) -> None:
    with tarfile.open(target, "w:gz", format=tarfile.GNU_FORMAT) as archive:
        for name, text in (("main.py", APP), ("requirements.txt", f"flet=={FLET_VERSION}\n")):
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))


def _offer_wheels(dist: Path) -> None:
    """Index pages and wheels under this origin, and a micropip and a lock file that name them."""
    wheels = {wheel.name: wheel.read_bytes() for wheel in gather_wheels(DEFAULT_CACHE)}
    (dist / "wheels").mkdir()
    for name, content in wheels.items():
        if not name.startswith(_NEEDED):
            continue
        (dist / "wheels" / name).write_bytes(content)
        page = dist / "simple" / name.split("-")[0] / "index.html"
        page.parent.mkdir(parents=True)
        link = f'<a href="/wheels/{name}#sha256={_sha256(content)}">{name}</a>'
        page.write_text(f"<!DOCTYPE html><body>{link}</body>", encoding="utf-8")
    lock_file = dist / "pyodide" / "pyodide-lock.json"
    lock = json.loads(lock_file.read_bytes())
    (msgpack,) = (name for name in wheels if name.startswith("msgpack-"))
    (dist / "pyodide" / msgpack).write_bytes(wheels[msgpack])
    version = msgpack.split("-")[1]
    named = {"file_name": msgpack, "version": version, "sha256": _sha256(wheels[msgpack])}
    lock["packages"]["msgpack"] |= named
    micropip = lock["packages"]["micropip"]
    micropip["sha256"] = _ask_here(dist / "pyodide" / micropip["file_name"])
    lock_file.write_text(json.dumps(lock), encoding="utf-8")


def _ask_here(micropip: Path) -> str:
    """Points this wheel at our index; returns its new hash."""

    def altered(name: str, content: bytes) -> bytes:
        if name.endswith("package_index.py"):
            content, count = _INDEX.subn(_HERE, content)
            assert count == 1, "micropip names its index in another way now"
        return content

    _rewrite(micropip, altered)
    return _sha256(micropip.read_bytes())


def _rewrite(wheel: Path, change: Callable[[str, bytes], bytes]) -> None:
    with zipfile.ZipFile(wheel) as opened:
        files = {name: change(name, opened.read(name)) for name in opened.namelist()}
    record = next(name for name in files if name.endswith("/RECORD"))
    lines = []
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{name},," if name == record else f"{name},sha256={digest},{len(content)}")
    files[record] = "\n".join(lines).encode()
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as written:
        for name, content in files.items():
            written.writestr(name, content)


def _patch(dist: Path) -> None:
    index = dist / "index.html"
    package = json.loads((dist / "pyodide" / "package.json").read_bytes())
    patch_index_html(
        index_path=str(index),
        base_href="/",
        app_name="Bare",
        app_description="",
        pyodide=True,
        pyodide_script_path="main.py",
        pyodide_version=package["version"],
        app_package_url="app.tar.gz",
        web_renderer=WebRenderer.CANVAS_KIT,
        route_url_strategy=RouteUrlStrategy.PATH,
        no_cdn=True,
    )
    text = index.read_text(encoding="utf-8")
    text, count = re.subn('pyodideUrl="pyodide/', 'pyodideUrl="/pyodide/', text)
    assert count == 1, "flet-web names Pyodide in another way now"
    index.write_text(text, encoding="utf-8")
    patch_manifest_json(manifest_path=str(dist / "manifest.json"), app_name="Bare")
    patch_font_manifest_json(manifest_path=str(dist / "assets" / "FontManifest.json"))


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
