"""A project: one folder with a `takt.toml` (tasks, sources, devices, I/O map) and ST sources."""
