"""Builds the offline web app and holds its service worker."""
