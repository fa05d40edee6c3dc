"""HTTP for people and monitors: `/metrics`."""
