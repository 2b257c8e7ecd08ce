"""A working day: several browsers, one real server."""
