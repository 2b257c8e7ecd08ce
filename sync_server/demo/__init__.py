"""The demo organisation: a small part of the real data, with people who can sign in."""
