"""What the server decides: push, pull, scopes, grants, sign-in, files."""
