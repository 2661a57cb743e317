"""Rules that could not be worked out lately, for the list of rules."""

from __future__ import annotations

from django.core.cache import cache

#: How long it is told that a rule could not be worked out (`failing`).
TOLD_SECONDS = 2 * 3600
FAILING = "rules.failing"


def tell_failing(rule_id: int, problem: str) -> None:
    """For the list of rules. Of two processes at once one may be forgotten: whoever comes next tells it again."""
    told = failing()
    if told.get(rule_id) != problem:
        cache.set(FAILING, told | {rule_id: problem}, TOLD_SECONDS)


def failing() -> dict[int, str]:
    """Rules that could not be worked out lately, by id, each with its problem."""
    found: dict[int, str] = cache.get(FAILING) or {}
    return found
