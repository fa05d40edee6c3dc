"""Data types of IEC 61131-3 clause 6.4: sizes, ranges, values and literals in memory."""
