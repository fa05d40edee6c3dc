"""The networked half of Takt: field devices, uplinks, metrics. It sees only the image."""
