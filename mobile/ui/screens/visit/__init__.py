"""One visit: planned, under way, or as it was."""

from mobile.ui.screens.visit.page import VisitScreen

__all__ = ["VisitScreen"]
