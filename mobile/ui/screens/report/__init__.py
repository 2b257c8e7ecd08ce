"""The repair report in steps that one hand can fill in."""

from mobile.ui.screens.report.page import ReportScreen

__all__ = ["ReportScreen"]
