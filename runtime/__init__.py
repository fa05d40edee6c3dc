"""The deterministic half of Takt: compile, load, scan. It never imports the gateway."""

__version__ = "0.1.0"
