"""Reads the two real data sets into an organisation, all or nothing."""
