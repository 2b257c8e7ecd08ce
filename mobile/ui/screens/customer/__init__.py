"""One customer: who it is, what is open, and everything that happened."""

from mobile.ui.screens.customer.page import CustomerScreen

__all__ = ["CustomerScreen"]
