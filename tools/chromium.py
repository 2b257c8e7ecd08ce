"""Where a Chromium is that the browser suites can drive, and how to get one.

`HUIFANG_CHROMIUM` names one outright; otherwise the usual names are looked for on the path.
"""

from __future__ import annotations

import os
import shutil

from tools import debian

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def find() -> str | None:
    """The path of an installed Chromium, or None."""
    named = os.environ.get("HUIFANG_CHROMIUM")
    if named:
        return shutil.which(named)
    return next(filter(None, map(shutil.which, NAMES)), None)


def why_missing() -> str:
    """One sentence for whoever reads that browser suites were skipped."""
    named = os.environ.get("HUIFANG_CHROMIUM")
    if named:
        return f"HUIFANG_CHROMIUM names {named}, which can't be run"
    if not debian.may_install():
        return "there is no Chromium, and only root can install Debian's (apt-get install chromium)"
    return "there is no Chromium, and Debian's could not be installed (apt-get install chromium)"


def ensure() -> str | None:
    """The path of a Chromium, installing Debian's where none is and this user may."""
    if find() is None and "HUIFANG_CHROMIUM" not in os.environ:
        debian.install("chromium")
    return find()
