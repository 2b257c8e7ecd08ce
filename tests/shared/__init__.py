"""Rules and declarations, pure and fast."""
