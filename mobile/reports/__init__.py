"""Signed reports as PDF files, made on the device without a network."""
