"""Sparkplug B 3.0 without a socket: payloads, and the session of an edge node."""
