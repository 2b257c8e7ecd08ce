"""The device's encrypted store: vault, rows, outbox and search."""
