"""One callback: the script, what was answered, and what follows."""

from mobile.ui.screens.callback.page import CallbackScreen

__all__ = ["CallbackScreen"]
