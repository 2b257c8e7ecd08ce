"""The simulation: real phones and a real server in one process, and everything that can go wrong
between them, decided by a seed (docs/simulation.md)."""
