"""Every kernel that pages and recalculations run, compiled before the first one needs it."""

from __future__ import annotations

from distributors.conditions import checks, facts

from ..evidence import redrawing
from . import kernel


def compile_ahead() -> int:
    """As far as it is not on disk yet; how many kernels were compiled. Half a minute once on a machine, nothing after that."""
    return kernel.compile_ahead() + redrawing.compile_ahead() + facts.compile_ahead() + checks.compile_ahead()
