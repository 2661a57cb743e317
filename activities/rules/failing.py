"""Rules that could not be worked out lately, for HQ's pages of rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import cache

#: How long it is told that a rule could not be worked out, after it happened last.
TOLD = timedelta(hours=2)
#: It fails at every page that is loaded, and is told no oftener.
AGAIN = timedelta(minutes=5)
FAILING = "rules.failing.times"


@dataclass(frozen=True)
class Failing:
    since: datetime
    last: datetime  # within `AGAIN`


def tell_failing(rule_id: int, at: datetime) -> None:
    """Of two processes at once one may be forgotten: whoever comes next tells it again."""
    told = failing(at)
    before = told.get(rule_id)
    if before is None or at - before.last >= AGAIN:
        now = Failing(before.since if before else at, at)
        cache.set(FAILING, told | {rule_id: now}, TOLD.total_seconds())


def failing(as_of: datetime) -> dict[int, Failing]:
    """Rules that could not be worked out in the last two hours, by id."""
    told: dict[int, Failing] = cache.get(FAILING) or {}
    return {rule_id: one for rule_id, one in told.items() if as_of - one.last < TOLD}
