"""Photos on their way into the store: small, upright, without what the camera wrote into them."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from mobile.device.native import NativeDevice, reduced
from mobile.device.pictures import fitted, media_type
from shared.errors import Code, Refusal

ORIENTATION, MAKE = 0x0112, 0x010F


def photo(width: int, height: int, kind: str = "JPEG", turned: int = 1) -> bytes:
    """A picture that is red on its left half, with a camera's marks in it."""
    picture = Image.new("RGB", (width, height), "blue")
    picture.paste("red", (0, 0, width // 2, height))
    exif = picture.getexif()
    exif[ORIENTATION], exif[MAKE] = turned, "SecretCam"
    out = io.BytesIO()
    picture.save(out, kind, exif=exif)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize(
    ("size", "small"),
    [
        ((4000, 3000), (2048, 1536)),
        ((3000, 4000), (1536, 2048)),
        ((2048, 100), (2048, 100)),
        ((640, 480), (640, 480)),
        ((100_000, 10), (2048, 1)),
    ],
)
def test_the_longer_edge_is_what_counts_and_nothing_is_blown_up(size, small):
    assert fitted(*size, 2048) == small


def test_a_photo_is_reduced_to_a_jpeg_of_the_wanted_size():
    made = reduced(photo(4000, 3000), 2048, 82)

    picture = opened(made.data)
    assert (picture.format, picture.size) == ("JPEG", (2048, 1536))
    assert (made.media_type, made.width, made.height) == ("image/jpeg", 2048, 1536)
    assert len(made.data) < 200_000


def test_nothing_that_the_camera_wrote_goes_along():
    made = reduced(photo(800, 600), 2048, 82)

    assert b"SecretCam" in photo(800, 600), "the sample has something to lose"
    assert b"SecretCam" not in made.data and b"Exif" not in made.data
    assert dict(opened(made.data).getexif()) == {}


def test_a_photo_taken_sideways_stands_upright():
    made = reduced(photo(400, 200, turned=6), 2048, 90)

    picture = opened(made.data)
    assert picture.size == (200, 400)
    red, _, blue = picture.getpixel((100, 20))
    assert red > 200 and blue < 60, "what was left is on top"


def test_what_is_see_through_becomes_paper_and_other_formats_become_jpeg():
    out = io.BytesIO()
    Image.new("RGBA", (50, 50), (0, 0, 0, 0)).save(out, "PNG")

    made = reduced(out.getvalue(), 2048, 90)

    assert min(opened(made.data).getpixel((25, 25))) > 245
    assert opened(reduced(photo(60, 40, "WEBP"), 2048, 90).data).format == "JPEG"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"%PDF-1.7 not a picture",
        b"\xff\xd8\xff\xe0 begins like a JPEG and goes on as nothing",
        photo(400, 300)[:600],
    ],
    ids=["empty", "document", "pretender", "cut short"],
)
async def test_what_is_no_picture_is_refused_and_named_so(data):
    with pytest.raises(Refusal) as refused:
        await NativeDevice().reduce(data, 2048, 82)

    assert refused.value.code is Code.FILE_NOT_IMAGE


def test_a_picture_that_would_fill_the_memory_is_refused_before_it_is_unpacked():
    out = io.BytesIO()
    Image.new("1", (20_000, 9_000)).save(out, "PNG")  # 180 megapixels in a few kilobytes

    with pytest.raises(Refusal) as refused:
        reduced(out.getvalue(), 2048, 82)

    assert refused.value.code is Code.FILE_TOO_LARGE


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (photo(8, 8), "image/jpeg"),
        (photo(8, 8, "PNG"), "image/png"),
        (photo(8, 8, "WEBP"), "image/webp"),
        (b"\x00\x00\x00\x18ftypheic....", "image/heif"),
        (b"RIFF\x00\x00\x00\x00WAVE", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", None),
    ],
)
def test_a_picture_is_known_by_its_first_bytes_and_never_by_its_name(data, kind):
    assert media_type(data) == kind
