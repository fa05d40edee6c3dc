"""Sparkplug B 3.0 without a socket: payloads, the catalogue, and the session of an edge node."""
