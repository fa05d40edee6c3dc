"""Diagnostics: what a compiler says about a program, with code, place, help and a page each."""
