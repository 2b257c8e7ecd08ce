"""The phone's senses behind one port: where it is, and what its camera saw. A browser's half and a
native one; screens and use cases know only `port`.
"""
