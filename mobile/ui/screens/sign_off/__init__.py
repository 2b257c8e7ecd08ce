"""The customer signs, or says why not."""

from mobile.ui.screens.sign_off.page import SignOffScreen

__all__ = ["SignOffScreen"]
