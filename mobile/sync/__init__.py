"""The sync engine: pushes the outbox, pulls pages, decides when."""
