"""Thin HTTP routes: read the request, call one service, write the reply."""
