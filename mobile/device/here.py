"""Which half serves this device."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mobile.device.port import Device


def this_device() -> Device:
    """The half for where the app runs. It is imported here, as neither imports where the other
    lives.
    """
    if sys.platform == "emscripten":
        from mobile.device.browser import BrowserDevice

        return BrowserDevice()
    from mobile.device.native import NativeDevice

    return NativeDevice()
