"""Builds the offline web app: one folder that any static file server can serve from its root.

Everything comes from this repository, from flet-web as installed, and from PyPI wheels pinned by
hash; nothing in the result asks another origin for anything. The same inputs give the same files.
"""

import base64
import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mobile.pwa import archive
from mobile.pwa.bytecode import beside_sources, compiled_zip, find_compiler, without_sources
from mobile.pwa.flet_files import PYODIDE, STDLIB, quicker, shell_files
from mobile.pwa.snapshot import SNAPSHOT, take_snapshot
from mobile.pwa.wheels import gather_wheels

NAME = "回访 Huifang"
SHORT_NAME = "回访"
DESCRIPTION = "客户拜访与上门维修，离线可用 · Visits and on-site repairs, offline"

_PWA = Path(__file__).parent
LATER = "later.tar"
_REPOSITORY = _PWA.parent.parent
_FONTS = _REPOSITORY / "mobile" / "ui" / "assets" / "fonts"
_FONT_IN_ARCHIVE = {archive.REPORT_FONT: "/assets/huifang/NotoSansSC-Regular.otf"}

# Flutter writes one style element, which differs by browser, and no style attribute; CanvasKit,
# Pyodide and its extension modules compile WebAssembly, and none of them needs to evaluate text as
# script. No other origin appears anywhere.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "style-src-attr 'none'",
        "font-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'none'",
    )
)

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class BuildReport:
    """What was built; sizes in bytes. `version` is a hash of all files: equal ones, equal apps.

    `compiled` is false where no Node was to be had: the app is the same, and slower to start.
    """

    dist: Path
    version: str
    files: int
    size: int
    archive_size: int
    packages: tuple[str, ...]
    compiled: bool
    seconds: float


def build_web_app(
    dist: Path, *, cache: Path, progress: Progress, app_dir: Path | None = None
) -> BuildReport:
    """Lays the web app out in `dist`, replacing what is there only once the new one is whole.

    `cache` keeps the wheels; with them there, no network is used. `progress(step, share)` is told
    the share done, 0 to 1. `app_dir` builds another Flet app (its `main.py` is the entry) in place
    of Huifang's `mobile.main`. Raises WheelMissing, CompileFailed or UnexpectedFletWeb, and leaves
    `dist` as it was.
    """
    began = time.monotonic()
    progress("wheels", 0.0)
    wheels = gather_wheels(cache)
    progress("packages", 0.2)
    packages, program = quicker(archive.package_files(wheels)), _program(app_dir)
    files = shell_files(_font_faces())
    progress("bytecode", 0.4)
    compiler = find_compiler(PYODIDE, cache)
    if compiler:
        packages = without_sources(packages, compiler)
        program = beside_sources(program, compiler)
        files[STDLIB] = compiled_zip(files[STDLIB], compiler)
    program |= packages
    if compiler:
        progress("snapshot", 0.6)
        snapshot = take_snapshot(compiler, files[STDLIB], program)
        files[SNAPSHOT] = snapshot.memory
        files[STDLIB] = snapshot.stdlib_without_held(files[STDLIB])
        program = snapshot.without_held(program)
    progress("archive", 0.8)
    program, later = archive.split(program) if app_dir is None else (program, {})
    files["app.tar"] = archive.tar(program)
    if later:
        files[LATER] = archive.tar(later)
    files |= _own_files()
    files |= {f"licences/{name}": text for name, text in archive.licences(wheels).items()}
    if _FONTS.is_dir():
        files |= {f"assets/huifang/{font.name}": font.read_bytes() for font in _fonts()}
    version = _version(files)
    entry = "mobile.main" if app_dir is None else "main"
    files["shell/config.js"] = _config(version, entry, files)
    files["service_worker.js"] = _service_worker(version, files)
    files["headers.json"] = _headers()
    progress("writing", 0.9)
    _write(dist, files)
    progress("done", 1.0)
    return BuildReport(
        dist=dist,
        version=version,
        files=len(files),
        size=sum(map(len, files.values())),
        archive_size=len(files["app.tar"]),
        packages=tuple(wheel.name.split("-")[0] for wheel in wheels),
        compiled=compiler is not None,
        seconds=time.monotonic() - began,
    )


def _program(app_dir: Path | None) -> dict[str, bytes]:
    if app_dir is not None:
        return archive.app_files([(app_dir, "")])
    return archive.app_files([(_REPOSITORY / name, f"{name}/") for name in ("mobile", "shared")])


def _fonts() -> list[Path]:
    return sorted(path for path in _FONTS.iterdir() if path.suffix in (".otf", ".ttf", ".woff2"))


def _font_faces() -> list[dict[str, object]]:
    """Our fonts as entries for Flutter's font manifest."""
    if not _FONTS.is_dir():
        return []
    return [
        {"asset": f"huifang/{font.name}", "weight": 700 if "Bold" in font.name else 400}
        for font in _fonts()
    ]


def _own_files() -> dict[str, bytes]:
    shell = _PWA / "shell"
    files = {
        f"shell/{path.name}": path.read_bytes()
        for path in sorted(shell.iterdir())
        if path.suffix in (".js", ".css")
    }
    files |= {f"icons/{path.name}": path.read_bytes() for path in (shell / "icons").iterdir()}
    page = (shell / "index.html").read_text(encoding="utf-8")
    for mark, text in (
        ("@CSP@", CONTENT_SECURITY_POLICY),
        ("@NAME@", NAME),
        ("@SHORT_NAME@", SHORT_NAME),
        ("@DESCRIPTION@", DESCRIPTION),
    ):
        page = page.replace(mark, text)
    files["index.html"] = page.encode()
    files["manifest.json"] = _manifest()
    return files


def _manifest() -> bytes:
    icons = [{"src": "icons/icon.svg", "sizes": "any", "type": "image/svg+xml", "purpose": "any"}]
    for side in (192, 512):
        for kind, purpose in (("icon", "any"), ("icon-maskable", "maskable")):
            icons.append(
                {
                    "src": f"icons/{kind}-{side}.png",
                    "sizes": f"{side}x{side}",
                    "type": "image/png",
                    "purpose": purpose,
                }
            )
    manifest = {
        "id": "/",
        "name": NAME,
        "short_name": SHORT_NAME,
        "description": DESCRIPTION,
        "lang": "zh-CN",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#f5f8f8",
        "theme_color": "#0b6e6e",
        "icons": icons,
    }
    return json.dumps(manifest, ensure_ascii=False, indent=1).encode()


def _config(version: str, entry_module: str, files: Mapping[str, bytes]) -> bytes:
    """The two global objects that Flet's client and our own scripts read."""
    flet = {
        "pyodide": True,
        "multiView": False,
        "noCdn": True,
        "webRenderer": "canvaskit",
        # Screens live behind '#': a reload does not tell the server whose page is being read.
        "routeUrlStrategy": "hash",
        "entrypointBaseUrl": "/",
        "assetBase": "/",
        "canvasKitBaseUrl": "/canvaskit/",
        "fontFallbackBaseUrl": "/assets/fallback/",
        "webSocketEndpoint": "/ws",
    }
    own = {
        "version": version,
        "entryModule": entry_module,
        "archiveUrl": "/app.tar",
        "pyodideUrl": "/pyodide/",
        "snapshotUrl": f"/{SNAPSHOT}" if SNAPSHOT in files else "",
        # After the start: what reports need. The font is the one that Flutter draws with.
        "laterUrl": f"/{LATER}" if LATER in files else "",
        "laterFiles": _FONT_IN_ARCHIVE if LATER in files else {},
    }
    return (
        f"globalThis.flet = {json.dumps(flet, indent=1)};\n"
        "globalThis.flet.flutterAppResolve = () => {};\n"
        f"globalThis.huifang = {json.dumps(own, indent=1)};\n"
    ).encode()


def _version(files: dict[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(name.encode() + b"\0" + hashlib.sha256(files[name]).digest())
    return digest.hexdigest()[:16]


def _service_worker(version: str, files: dict[str, bytes]) -> bytes:
    kept = {
        f"/{name}": "sha256-" + base64.b64encode(hashlib.sha256(content).digest()).decode()
        for name, content in sorted(files.items())
        if not name.startswith("licences/") and name != "assets/NOTICES"
    }
    build = json.dumps({"version": version, "files": kept}, indent=1)
    script = (_PWA / "service_worker.js").read_bytes()
    return f"const BUILD = {build};\n\n".encode() + script


def _headers() -> bytes:
    """How a server should send these files; sync_server reads it, any other can.

    Every file is revalidated (its name does not change with its content); the service worker keeps
    the copies that count. The policy on scripts is in index.html too, for servers that send none.
    """
    every = {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": CONTENT_SECURITY_POLICY + "; frame-ancestors 'none'",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    types = {
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".json": "application/json",
        ".svg": "image/svg+xml",
        ".wasm": "application/wasm",
        ".woff2": "font/woff2",
        ".otf": "font/otf",
        ".tar": "application/x-tar",
    }
    return json.dumps({"headers": every, "types": types}, indent=1).encode()


def _write(dist: Path, files: dict[str, bytes]) -> None:
    dist.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=dist.parent, prefix=f".{dist.name}-") as scratch:
        fresh = Path(scratch) / "web"
        for name, content in files.items():
            target = fresh / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        if dist.exists():
            dist.rename(Path(scratch) / "old")
        shutil.move(fresh, dist)
