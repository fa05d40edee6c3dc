"""The commands of `takt`: each reads its arguments, calls one function, prints the result."""
