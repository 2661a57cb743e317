"""Opening goals for many people from their own history: the same suggestion as the goals page makes, in one go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from ..models import Distributor, Goal
from ..periods import previous_periods, running_period
from ..remainders import Ask, values
from ..targets import PERIODS, within_reach

#: People asked about in one query.
BLOCK = 2000


@dataclass(frozen=True)
class Wish:
    """A goal that every `every`-th person sets, if her last four periods show what is within reach."""

    metric: str
    period: str
    every: int = 1
    weight: Decimal = Decimal(1)


def set_from_history(people: Sequence[Distributor], wishes: Iterable[Wish], *, as_of: datetime) -> int:
    """How many goals were set. Load the people `with_market()`; a goal that is running already stays."""
    made = 0
    for wish in wishes:
        asked = [person for number, person in enumerate(people) if number % wish.every == 0]
        for first in range(0, len(asked), BLOCK):
            made += set_block(asked[first : first + BLOCK], wish, as_of)
    return made


def set_block(people: Sequence[Distributor], wish: Wish, as_of: datetime) -> int:
    targets = suggestions(people, wish, as_of)
    goals = [
        Goal(
            distributor_id=pk,
            metric=wish.metric,
            period=wish.period,
            target=target,
            weight=wish.weight,
            created_at=as_of,
        )
        for pk, target in targets.items()
    ]
    return len(Goal.objects.bulk_create(goals, ignore_conflicts=True))


def suggestions(people: Iterable[Distributor], wish: Wish, as_of: datetime) -> dict[int, Decimal]:
    """`goals.suggest` for many: by distributor, those without a suggestion left out. One query."""
    asks = [
        Ask(person.pk, wish.metric, "", first, last)
        for person in people
        for first, last in periods(person, wish.period, as_of)
        if last >= person.joined_on
    ]
    past: dict[int, list[Decimal]] = defaultdict(list)
    for ask, value in zip(asks, values(asks), strict=True):
        past[ask.distributor_id].append(value)
    return {pk: target for pk, made in past.items() if (target := within_reach(made)) is not None}


def periods(person: Distributor, period: str, as_of: datetime) -> list[tuple[date, date]]:
    """Her last four whole weeks or months, newest first."""
    running = running_period(person.market, period, person.local_day(as_of))
    return previous_periods(person.market, period, *running, PERIODS) if running else []
