"""Uplinks (client roles towards brokers and databases): one module each."""
