"""How kernels are compiled: once on a machine, kept on disk (pep/kernels.py), the same for every process.

Division by zero gives an infinity, as in NumPy: a kernel that cannot raise is one that LLVM can clear of reference
counting, which is most of what small functions over arrays would cost. For the same reason what is called for every
card takes records and numbers, not tuples of many arrays.
"""

from __future__ import annotations

from numba import njit

kernel = njit(cache=True, error_model="numpy")
#: Into the code of the caller: for the few that are called more often than cards are looked at.
inlined = njit(cache=True, error_model="numpy", inline="always")
