"""Sans-I/O codecs: bytes in, events out. No socket, no clock, no store."""
