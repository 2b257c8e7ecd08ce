"""The sync server, on SQLite and on PostgreSQL."""
