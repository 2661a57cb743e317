"""Version numbers of the reference data that processes keep in memory. Raised by triggers (marks.py)."""

from __future__ import annotations

from collections.abc import Mapping

from .models import Version

NAMES = ("reference", "catalogue", "kpis", "scales", "effects", "rules", "reorder")


def current() -> dict[str, int]:
    """The number of each kind of reference data, 0 for one that nobody ever changed. One query."""
    return complete(dict(Version.objects.values_list("name", "number")))


def complete(stored: Mapping[str, int]) -> dict[str, int]:
    """Numbers as stored -> numbers of all kinds."""
    return dict.fromkeys(NAMES, 0) | dict(stored)
