"""A real OpenID Connect provider, run by Node for the tests that sign in at it."""
