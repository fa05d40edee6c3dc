"""Simulated plants: physics in numba, behind a Modbus TCP server in a process of their own.

The gateway has them as virtual devices too (`gateway.field.virtual`), without a network.

Stands beside Takt, not in it: a plant knows nothing of programs or of the process image, and is
reached only as a field device is.
"""
