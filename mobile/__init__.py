"""The field app: one Flet app, run natively and, under Pyodide, as an offline web app."""
