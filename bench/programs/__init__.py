"""Programs that benchmarks run, and a generator of programs of any size."""
