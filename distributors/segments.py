"""Who belongs to a segment: asked of compact rows by the block, and of the database by HQ's pages. Both say the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
from django.db.models import Exists, OuterRef, Q

from .blocks import Ints
from .models import Distributor, Segment


def bits(segments: Sequence[Segment], joined: Ints, recruits_at: Ints, today: Ints) -> Ints:
    """Of n people: bit i is set for who belongs to the i-th segment.

    `joined` and `today` (each one's own) are day numbers; `recruits_at` is where each one's RECRUIT records start, n + 1.
    """
    found = np.zeros(len(joined), np.int64)
    days, leads = today - joined, np.diff(recruits_at) > 0
    for i, segment in enumerate(segments):
        inside = np.ones(len(joined), bool)
        if segment.days_from is not None:
            inside &= days >= segment.days_from
        if segment.days_to is not None:
            inside &= days <= segment.days_to
        if segment.team:
            inside &= leads == (segment.team == Segment.Team.LEADS)
        found |= inside.astype(np.int64) << i
    return found


def condition(segment: Segment | None, today: date) -> Q:
    """The same for a query over Distributor, on the local day `today` of its market."""
    if segment is None:
        return Q()
    found = Q()
    if segment.days_from is not None:
        found &= Q(joined_on__lte=today - timedelta(days=segment.days_from))
    if segment.days_to is not None:
        found &= Q(joined_on__gte=today - timedelta(days=segment.days_to))
    if segment.team:
        leads = Exists(Distributor.objects.active().filter(sponsor=OuterRef("pk")))
        found &= Q(leads) if segment.team == Segment.Team.LEADS else ~Q(leads)
    return found
