"""The scan engine: native code that waits for the clock and nothing else."""
