"""What comes with the start and what after it."""

from mobile.pwa import archive


def test_the_printing_packages_come_after_the_start_and_their_font_is_not_sent_twice() -> None:
    program = {
        "mobile/main.py": b"a",
        "mobile/reports/strokes.py": b"b",
        "__pypackages__/apsw/__init__.py": b"c",
        "__pypackages__/fpdf/__init__.py": b"d",
        "__pypackages__/fontTools/ttLib/__init__.pyc": b"e",
        archive.REPORT_FONT: b"f",
    }
    first, later = archive.split(program)
    assert set(first) == {
        "mobile/main.py",
        "mobile/reports/strokes.py",
        "__pypackages__/apsw/__init__.py",
    }
    assert set(later) == {
        "__pypackages__/fpdf/__init__.py",
        "__pypackages__/fontTools/ttLib/__init__.pyc",
    }
