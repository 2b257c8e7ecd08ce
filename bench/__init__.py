"""Measures what Huifang does, in the units that its users feel: `python -m bench`."""
