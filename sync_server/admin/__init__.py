"""The console: server-rendered pages for administrators and store managers (README.md)."""
