"""The compiled program as a thing of its own: code, layout, names, source map, one file."""
