"""Reading a photo's header without Pillow, checked against files that Pillow wrote."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mobile.reports.jpeg import read_jpeg
from tests.mobile.report_samples import photo


def saved(mode: str, **options: object) -> bytes:
    file = BytesIO()
    Image.new(mode, (33, 21)).save(file, "JPEG", **options)
    return file.getvalue()


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize(("mode", "colours"), [("L", 1), ("RGB", 3), ("CMYK", 4)])
def test_size_and_colours_are_those_that_pillow_wrote(
    mode: str, colours: int, progressive: bool
) -> None:
    content = saved(mode, progressive=progressive)
    jpeg = read_jpeg(content)
    assert jpeg is not None
    assert (jpeg.width, jpeg.height, jpeg.colours) == (33, 21, colours)
    assert jpeg.content is content
    assert jpeg.inverted == (mode == "CMYK")


@pytest.mark.parametrize(
    ("orientation", "turned", "upright"),
    [(1, 0, (40, 30)), (3, 180, (40, 30)), (6, 90, (30, 40)), (8, 270, (30, 40)), (2, 0, (40, 30))],
)
def test_the_cameras_orientation_is_heeded(
    orientation: int, turned: int, upright: tuple[int, int]
) -> None:
    jpeg = read_jpeg(photo(40, 30, orientation=orientation))
    assert jpeg is not None
    assert jpeg.turned == turned
    assert jpeg.upright_size == upright


def test_a_big_endian_orientation_is_heeded_too() -> None:
    tiff = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    jpeg = read_jpeg(saved("RGB", exif=b"Exif\0\0" + tiff))
    assert jpeg is not None
    assert jpeg.turned == 90


def test_a_photo_cut_off_before_its_picture_is_none() -> None:
    content = photo()
    scan = content.index(b"\xff\xda")
    assert read_jpeg(content[: scan + 3]) is None
    assert read_jpeg(content[:scan]) is None
    assert read_jpeg(content) is not None


def test_codings_that_pdf_viewers_do_not_know_are_none() -> None:
    content = bytearray(photo())
    frame = content.index(b"\xff\xc0")
    for marker in (0xC3, 0xC9):  # lossless, arithmetic
        content[frame + 1] = marker
        assert read_jpeg(bytes(content)) is None
    content[frame + 1] = 0xC0
    content[frame + 4] = 12  # bits per sample
    assert read_jpeg(bytes(content)) is None
    content[frame + 4] = 8
    content[frame + 5 : frame + 7] = b"\0\0"  # the height is to follow after the picture
    assert read_jpeg(bytes(content)) is None


def test_another_format_is_none() -> None:
    file = BytesIO()
    Image.new("RGB", (5, 5)).save(file, "PNG")
    assert read_jpeg(file.getvalue()) is None
    assert read_jpeg(b"") is None


@given(st.binary(max_size=300), st.integers(0, 400))
def test_damaged_bytes_never_raise(junk: bytes, at: int) -> None:
    content = photo()
    damaged = content[:at] + junk + content[at + len(junk) :]
    jpeg = read_jpeg(damaged)
    assert jpeg is None or (jpeg.width > 0 and jpeg.height > 0 and jpeg.colours in (1, 3, 4))
