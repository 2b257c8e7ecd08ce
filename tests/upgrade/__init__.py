"""Databases that earlier versions wrote, opened and synced by today's code."""
