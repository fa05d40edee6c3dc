"""Recursive descent over the tokens; the grammar is annex A of IEC 61131-3."""
