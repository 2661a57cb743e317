"""Who belongs to a segment: asked of compact rows by the block, and of the database by HQ's pages. Both say the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
from django.db.models import Exists, OuterRef, Q

from .blocks import Ints
from .models import Distributor, Segment, SegmentMember
from .records import Records

#: What apps above this one tell of segments that no foreign key holds: asked with ids, each says the names of what names
#: which. One that is named stays, and stays as it is.
NAMED_BY: list[Callable[[Sequence[int]], dict[int, list[str]]]] = []


def bits(
    segments: Sequence[Segment], joined: Ints, recruits_at: Ints, today: Ints, tags: Records, tags_at: Ints
) -> Ints:
    """Of n people: bit i is set for who belongs to the i-th segment.

    `joined` and `today` (each one's own) are day numbers; `recruits_at` is where each one's RECRUIT records start, n + 1,
    and `tags_at` where her TAG records do.
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
        if segment.by_rules:
            inside &= members(segment.pk, today, tags, tags_at)
        found |= inside.astype(np.int64) << i
    return found


def members(segment_id: int, today: Ints, tags: Records, tags_at: Ints) -> npt.NDArray[np.bool_]:
    """Of n people: who is a member on her own `today`."""
    whose = np.repeat(np.arange(len(today)), np.diff(tags_at))
    day = today[whose]
    there = (tags["segment"] == segment_id) & (tags["since"] <= day) & (day <= tags["until"])
    found = np.zeros(len(today), bool)
    found[whose[there]] = True
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
    if segment.by_rules:
        stays = SegmentMember.objects.filter(Q(until__isnull=True) | Q(until__gte=today), since__lte=today)
        found &= Q(Exists(stays.filter(segment=segment, distributor=OuterRef("pk"))))
    return found
