"""The builder without a browser: what goes in, what stays out, what it says when it cannot."""

import base64
import hashlib
import io
import json
import re
import shutil
import struct
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from mobile.pwa import archive
from mobile.pwa.builder import CONTENT_SECURITY_POLICY, build_web_app
from mobile.pwa.bytecode import Compiler
from mobile.pwa.fonts import characters
from mobile.pwa.wheels import DEFAULT_CACHE, PACKAGES, WheelMissing, gather_wheels, read_pins
from tests.browser.conftest import APPS

Built = Callable[[str], Path]


def build(dist: Path, app: Path) -> str:
    return build_web_app(dist, cache=DEFAULT_CACHE, progress=lambda *_: None, app_dir=app).version


def program(dist: Path) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO((dist / "app.tar").read_bytes())) as opened:
        files = {member.name: opened.extractfile(member) for member in opened.getmembers()}
        return {name: file.read() for name, file in files.items() if file}


def test_the_same_sources_give_the_same_files(built: Built, tmp_path: Path) -> None:
    first = built("hello")
    build(tmp_path / "again", APPS / "hello")
    names = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert names == sorted(
        path.relative_to(tmp_path / "again")
        for path in (tmp_path / "again").rglob("*")
        if path.is_file()
    )
    assert [
        name
        for name in names
        if (first / name).read_bytes() != (tmp_path / "again" / name).read_bytes()
    ] == []


def test_one_changed_letter_gives_another_version(built: Built, tmp_path: Path) -> None:
    app = shutil.copytree(APPS / "hello", tmp_path / "app")
    unchanged = build(tmp_path / "one", app)
    (app / "main.py").write_text((app / "main.py").read_text().replace("Press", "press"))
    assert build(tmp_path / "two", app) != unchanged
    config = (built("hello") / "shell" / "config.js").read_text()
    assert f'"version": "{unchanged}"' in config


def test_huifang_itself_is_packed_byte_for_byte_without_its_builder() -> None:
    repository = APPS.parents[2]
    packed = archive.app_files([(repository / name, f"{name}/") for name in ("mobile", "shared")])
    assert packed["shared/errors.py"] == (repository / "shared" / "errors.py").read_bytes()
    assert "mobile/pwa/page.py" in packed
    assert "mobile/ui/assets/fonts/NotoSansSC-Regular.otf" in packed
    assert not [name for name in packed if name.endswith((".pyc", "builder.py", "-Bold.woff2"))]


def test_the_archive_holds_the_packages_without_their_baggage(built: Built) -> None:
    names = program(built("hello"))
    assert "main.py" in names
    assert "__pypackages__/msgpack/__init__.pyc" in names
    assert any(re.search(r"apsw/__init__\..*\.so$", name) for name in names)
    assert not [name for name in names if "/tests/" in name or ".dist-info" in name]


def test_every_kept_file_is_named_with_its_hash_in_the_service_worker(built: Built) -> None:
    dist = built("hello")
    script = (dist / "service_worker.js").read_text()
    kept = json.loads(script[script.index("{") : script.index("};") + 1])["files"]
    for path, integrity in kept.items():
        digest = hashlib.sha256((dist / path[1:]).read_bytes()).digest()
        assert integrity == "sha256-" + base64.b64encode(digest).decode(), path
    assert {"/index.html", "/app.tar", "/shell/config.js", "/manifest.json"} <= set(kept)


def test_the_policy_allows_no_other_origin(built: Built) -> None:
    assert not re.search(r"https?:|\*|'unsafe-eval'", CONTENT_SECURITY_POLICY)
    assert CONTENT_SECURITY_POLICY in (built("hello") / "index.html").read_text()
    headers = json.loads((built("hello") / "headers.json").read_bytes())["headers"]
    assert headers["Content-Security-Policy"].startswith(CONTENT_SECURITY_POLICY)


def test_no_script_names_a_content_delivery_network_at_start(built: Built) -> None:
    assert b"jsdelivr" not in (built("hello") / "main.dart.js").read_bytes()


def test_a_wheel_that_cannot_be_had_is_named_with_what_to_do(tmp_path: Path) -> None:
    pins = tmp_path / "packages.txt"
    pins.write_text("msgpack==0.0.1 --hash=sha256:" + "0" * 64)
    with pytest.raises(WheelMissing, match=r"Cannot get msgpack==0\.0\.1 .*PyPI"):
        gather_wheels(tmp_path / "cache", pins_file=pins, target=("--no-index",))


def test_a_wheel_with_other_bytes_is_not_taken(tmp_path: Path) -> None:
    pins = tmp_path / "packages.txt"
    pins.write_text("msgpack==1.2.4 --hash=sha256:" + "0" * 64)
    (tmp_path / "msgpack-1.2.4-py3-none-any.whl").write_bytes(b"something else")
    with pytest.raises(WheelMissing):
        gather_wheels(tmp_path, pins_file=pins, target=("--no-index",))


def test_a_failed_build_leaves_the_last_one_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dist = tmp_path / "web"
    build(dist, APPS / "hello")
    before = (dist / "index.html").read_bytes()

    def refuse(*_: object, **__: object) -> None:
        raise WheelMissing("gone")

    monkeypatch.setattr("mobile.pwa.builder.gather_wheels", refuse)
    with pytest.raises(WheelMissing):
        build(dist, APPS / "workbench")
    assert (dist / "index.html").read_bytes() == before


def test_without_node_the_app_is_built_from_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> Compiler | None:
        return None

    monkeypatch.setattr("mobile.pwa.builder.find_compiler", none)
    report = build_web_app(
        tmp_path / "web", cache=DEFAULT_CACHE, progress=lambda *_: None, app_dir=APPS / "hello"
    )
    assert not report.compiled
    assert "__pypackages__/flet/__init__.py" in program(report.dist)


def test_every_pin_has_a_hash_and_no_package_is_pinned_twice() -> None:
    pins = read_pins(PACKAGES)
    assert len({pin.name for pin in pins}) == len(pins) >= 8
    assert all(re.fullmatch(r"[0-9a-f]{64}", pin.sha256) for pin in pins)


def test_the_bundled_font_draws_what_the_interface_and_names_need() -> None:
    from fontTools.ttLib import TTFont

    font = TTFont(APPS.parents[2] / "mobile/ui/assets/fonts/NotoSansSC-Regular.otf")
    drawn = set(font.getBestCmap())
    needed = "陳麗華龍鳳國際貿易葉劉關鄭客户拜访维修回访签字→·…✓￥喆堃珺①℃，。、：；？！（）《》"
    assert [character for character in needed if ord(character) not in drawn] == []
    assert len(characters() & drawn) > 7600


def test_the_icons_in_the_repository_are_what_the_script_draws() -> None:
    from mobile.pwa import icons

    assert (icons.FOLDER / "icon.svg").read_text() == icons.svg()
    kept = (icons.FOLDER / "icon-192.png").read_bytes()
    assert pixels(kept) == pixels(icons.png(192, corner=0.22, scale=1.0))


def pixels(png: bytes) -> bytes:
    """The picture's rows: the compressed bytes may differ between versions of zlib."""
    start = png.index(b"IDAT")
    (size,) = struct.unpack(">I", png[start - 4 : start])
    return zlib.decompress(png[start + 4 : start + 4 + size])
