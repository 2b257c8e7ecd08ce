"""The suites, one folder per part of the house; each test name is a sentence."""
