"""The device side (client roles): drivers, what to ask them, and when."""
