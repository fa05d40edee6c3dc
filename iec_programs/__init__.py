"""Programs in IEC 61131-3 that come with Takt: plants with their projects, and examples.

A package of data only, so that `takt demo` finds its project in an installed Takt too.
"""
