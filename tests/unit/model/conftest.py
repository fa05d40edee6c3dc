"""The compiler raises Python's recursion limit; hypothesis wants that done before its tests."""

import sys

from runtime.limits import RECURSION_LIMIT

sys.setrecursionlimit(RECURSION_LIMIT)
