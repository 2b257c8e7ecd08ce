"""What the web app takes from flet-web and flet, and the four places where they are altered.

flet-web ships several renderers, source maps, Pyodide's launchers for Node and Windows, and fonts
for controls that this app does not draw; one renderer with what it needs is two thirds of it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import flet_web
import flet_web.version

FLET_VERSION = "1.0.5"

PYODIDE = Path(flet_web.get_package_web_dir()) / "pyodide"
STDLIB = "pyodide/python_stdlib.zip"

_TAKEN = (
    "assets/AssetManifest.bin",
    "assets/AssetManifest.bin.json",
    "assets/NOTICES",
    "assets/fonts/MaterialIcons-Regular.otf",
    "assets/fonts/roboto.woff2",
    "assets/packages/cupertino_icons/assets/CupertinoIcons.ttf",
    "assets/packages/wakelock_plus/assets/no_sleep.js",
    "assets/shaders/ink_sparkle.frag",
    "assets/shaders/stretch_effect.frag",
    "canvaskit/canvaskit.js",
    "canvaskit/canvaskit.wasm",
    "canvaskit/chromium/canvaskit.js",
    "canvaskit/chromium/canvaskit.wasm",
    "flutter_bootstrap.js",
    "main.dart.js",
    "pyodide/pyodide.asm.mjs",
    "pyodide/pyodide.asm.wasm",
    "pyodide/pyodide.mjs",
    STDLIB,
    "version.json",
)

# The client loads Rive's engine from a CDN at every start, for animations; this app has none.
# It takes a refusal for an answer, so it is pointed at two scripts of ours that refuse.
_RIVE_CDN = "https://cdn.jsdelivr.net/npm/@rive-app/flutter-native-wasm@44.0.0/"
_RIVE_REFUSAL = b'globalThis.RiveNative = () => Promise.reject(new Error("not part of it"));\n'


# Before a frame is sent, flet looks into every field of every new control for more controls: 80
# fields each, nearly all of them plain values, through a generator each. Without those the first
# drawing of Today takes half as long.
_WALK = b"""                for field in dataclasses.fields(item):
                    if not field.metadata.get("skip", False):
                        yield from self._configure_dataclass(
                            getattr(item, field.name), child_parent, frozen
                        )
"""
_QUICK_WALK = b"""                for name in _walked(type(item)):
                    value = getattr(item, name)
                    if type(value) not in _PLAIN:
                        yield from self._configure_dataclass(value, child_parent, frozen)
"""
_WALKED = b"""

_PLAIN = frozenset((type(None), bool, int, float, str, bytes))


@__import__("functools").cache
def _walked(kind):
    fields = dataclasses.fields(kind)
    return tuple(field.name for field in fields if not field.metadata.get("skip", False))
"""
_PATCH_MODULE = "flet/controls/object_patch.py"


class UnexpectedFletWeb(Exception):
    """flet-web is not the version whose files this builder knows."""


def shell_files(faces: Sequence[Mapping[str, object]]) -> dict[str, bytes]:
    """Path in the web app → content. `faces` go into Flutter's font manifest."""
    if flet_web.version.version != FLET_VERSION:
        raise UnexpectedFletWeb(
            f"flet-web {flet_web.version.version} is installed; the web app is built from"
            f" {FLET_VERSION}. Install that version, or teach mobile/pwa/flet_files.py the new one."
        )
    source = Path(flet_web.get_package_web_dir())
    files = {name: (source / name).read_bytes() for name in _TAKEN}
    files["main.dart.js"] = _without_rive(files["main.dart.js"])
    files["flutter_bootstrap.js"] = _without_service_worker(files["flutter_bootstrap.js"])
    files["rive/wasm/rive_native.js"] = _RIVE_REFUSAL
    files["rive/wasm_compatibility/rive_native.js"] = _RIVE_REFUSAL
    files["assets/FontManifest.json"] = _font_manifest(source, faces)
    files["pyodide/pyodide-lock.json"] = _empty_lock(source)
    return files


def quicker(packages: Mapping[str, bytes]) -> dict[str, bytes]:
    """The packages (paths in the archive) with flet's walk over new controls shortened."""
    (name,) = (name for name in packages if name.endswith(_PATCH_MODULE))
    if packages[name].count(_WALK) != 1:
        raise UnexpectedFletWeb("flet's object_patch.py does not walk over fields as it did")
    return {**packages, name: packages[name].replace(_WALK, _QUICK_WALK) + _WALKED}


def _without_rive(script: bytes) -> bytes:
    if script.count(_RIVE_CDN.encode()) != 1:
        raise UnexpectedFletWeb("main.dart.js does not name Rive's CDN where it did")
    return script.replace(_RIVE_CDN.encode(), b"rive/")


def _without_service_worker(script: bytes) -> bytes:
    """Flutter's own service worker only unregisters itself, and would take ours with it."""
    altered, count = re.subn(rb"serviceWorkerSettings: \{[^}]*\},?", b"", script)
    if count != 1:
        raise UnexpectedFletWeb("flutter_bootstrap.js does not name its service worker as it did")
    return altered


def _font_manifest(source: Path, faces: Sequence[Mapping[str, object]]) -> bytes:
    """Flutter loads every font named here before its first frame: the two icon fonts and ours.

    Ours goes by the name Roboto, which is both Flutter's default family and the one it falls back
    to when a theme names another: no control can end up with a font that lacks Chinese.
    """
    manifest = json.loads((source / "assets/FontManifest.json").read_bytes())
    kept = [entry for entry in manifest if not entry["family"].startswith("packages/flutter_math")]
    roboto: Sequence[Mapping[str, object]] = faces or [{"asset": "fonts/roboto.woff2"}]
    kept.append({"family": "Roboto", "fonts": roboto})
    return json.dumps(kept, indent=1).encode()


def _empty_lock(source: Path) -> bytes:
    """Pyodide reads this at start; the 300 packages it could fetch from elsewhere are left out."""
    lock = json.loads((source / "pyodide/pyodide-lock.json").read_bytes())
    return json.dumps({"info": lock["info"], "packages": {}}).encode()
