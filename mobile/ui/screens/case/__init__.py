"""One case: who, what, where, how long still, and the next step."""

from mobile.ui.screens.case.page import CaseScreen

__all__ = ["CaseScreen"]
