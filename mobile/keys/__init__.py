"""Vault keys, device identity and sealing, behind one port with a native and a browser half."""
