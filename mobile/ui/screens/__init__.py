"""One file per screen; `mobile.ui.routes` imports each when it is first opened."""
