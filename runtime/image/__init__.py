"""The process image: the one contract between the two halves, a segment of shared memory.

Stands on both sides of the wall. The runtime creates the segment; the gateway and the monitors
attach. Every part has a single writer, no writer ever waits for a reader, and a process that dies
at any instruction leaves a segment that the others can read.
"""
