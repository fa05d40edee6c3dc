"""Lets the benchmarks under `micro/` import their neighbours: pytest adds this folder."""
