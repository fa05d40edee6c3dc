"""Modbus: PDU, MBAP framing and the client side of a connection, without any I/O."""
