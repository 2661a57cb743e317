"""Whom a rule is tried on before it is published: everybody who is active, or as many of them by chance.

They are loaded once and kept for a few minutes with every fact that was worked out about them: who moves a threshold waits
for a comparison of columns and for nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import cached_property
from threading import Lock
from typing import Any, NamedTuple, TypeVar

import numpy as np
from django.db.models import CharField, Model, QuerySet, Value
from django.db.models.functions import Coalesce, NullIf

from distributors import reordering, versions
from distributors.blocks import QUANTILES, Calendar, Ints, Spread, calendar_of
from distributors.chances import spread_for
from distributors.conditions import Fact
from distributors.conditions.checks import Column
from distributors.conditions.facts import Block
from distributors.kept import Kept
from distributors.models import Distributor
from distributors.periods import month_of
from distributors.records import UNIX, day_number, day_of, microseconds
from kpis.models import Policy

from ..preview import sampling
from ..preview.trial import Mask
from ..ranking import shelf as shelves
from ..ranking.blocks import People
from ..ranking.loading import RECORDS
from ..ranking.shelf import Shelf
from . import activity_facts

#: How long the same people and facts are looked at: a figure beside a condition is no older.
MINUTES = 3
#: Facts kept about them; some 40 kB each for 5,000 people.
MOST_FACTS = 200

T = TypeVar("T", bound=Model)

#: Facts by name and parameters -> what they come to for each person of a block.
Columns = dict[Fact, Column]


@dataclass(frozen=True, eq=False)
class Crowd:
    """The people looked at and what is known about them, at one instant. `waiting`: whose row waits for a refresh."""

    total: int  # active people, looked at or not
    waiting: int
    order: list[int]  # the ids looked at, by chance
    numbers: dict[str, int]  # versions of the reference data
    shelf: Shelf
    people: People
    block: Block
    facts: Columns = field(default_factory=dict)
    days_before: dict[tuple[int, bool], Crowd] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    @property
    def as_of(self) -> datetime:
        return self.block.as_of

    @property
    def seen(self) -> int:
        return len(self.people.ids)

    @property
    def whole(self) -> bool:
        """Whether everybody was looked at, so that figures are exact."""
        return self.seen >= self.total

    @property
    def days(self) -> Ints:
        """Each one's own local day number."""
        return self.block.calendar.today[self.people.market]

    def columns(self, asked: Iterable[Fact]) -> Columns:
        """Those asked for the first time are worked out now, together; the others are here already."""
        wanted = list(dict.fromkeys(asked))
        with self.lock:
            if missing := [fact for fact in wanted if fact not in self.facts]:
                if len(self.facts) + len(missing) > MOST_FACTS:
                    self.facts.clear()
                    missing = wanted
                self.facts.update(activity_facts.everything(missing, self.block, self.numbers))
            return {fact: self.facts[fact] for fact in wanted}

    def past(self, ago: int, *, chances: bool = False) -> Crowd:
        """The same people at the end of so many days before, as far as it is known now; themselves today for 0.

        `chances`: whether chances of goals will be asked for, which takes seconds where no morning has prepared them.
        """
        if ago == 0:
            return self
        with self.lock:
            if (ago, chances) not in self.days_before:
                self.days_before[ago, chances] = at_end_of(self, ago, chances=chances)
            return self.days_before[ago, chances]

    @cached_property
    def places(self) -> dict[int, int]:
        """Where each is among the people looked at, by id; the database gives them in no order."""
        return {pk: place for place, pk in enumerate(self.people.ids.tolist())}

    def place(self, pk: int) -> int | None:
        return self.places.get(pk)


KEPT: Kept[Crowd] = Kept(most=2)


def of(as_of: datetime) -> Crowd:
    """Everybody, or SAMPLE of them: the same people all day, their facts at most MINUTES old. One query when kept."""
    numbers = versions.current()
    shelf = shelves.of(numbers)
    calendar = calendar_of(shelf.markets, as_of)
    key = (
        tuple(sorted(numbers.items())), tuple(shelf.market_index), shelf.languages, tuple(calendar.today.tolist()),
        calendar.now // (MINUTES * sampling.MINUTE),
    )  # fmt: skip
    return KEPT.of(key, lambda: loaded(numbers, shelf, calendar, as_of), holds=lambda: versions.current() == numbers)


def loaded(numbers: dict[str, int], shelf: Shelf, calendar: Calendar, as_of: datetime) -> Crowd:
    """Six queries, however many people; facts are asked for later."""
    ids, total = sampling.by_chance(Distributor.objects.active(), as_of.date().toordinal())
    waiting = sampling.brought_up_to_date(ids)
    people = sampling.people_of(ids, shelf)
    return Crowd(total, waiting, ids, numbers, shelf, people, block_of(people, shelf, calendar, as_of, numbers))


def block_of(
    people: People, shelf: Shelf, calendar: Calendar, as_of: datetime, numbers: Mapping[str, int]
) -> Block:  # fmt: skip
    """One query, for the pools behind their goals."""
    spread = spread_for(shelf.markets, calendar, people.goals, people.goals_at, people.market)
    return Block(
        people=people, calendar=calendar, spread=spread, markets=shelf.markets, languages=shelf.languages, as_of=as_of,
        line_ids=shelf.line_ids, buying=reordering.of(numbers, shelf.markets),
    )  # fmt: skip


# Everybody, a block at a time


def everybody(as_of: datetime) -> Iterator[Block]:
    """All active people by id, as the other pages of HQ count them: who waits for a refresh counts as stored."""
    numbers = versions.current()
    shelf = shelves.of(numbers)
    calendar = calendar_of(shelf.markets, as_of)
    ids = list(Distributor.objects.active().order_by("pk").values_list("pk", flat=True))
    sampling.brought_up_to_date(ids)
    return (block_of(people, shelf, calendar, as_of, numbers) for people in sampling.blocks(ids, shelf))


def one(distributor: Distributor, as_of: datetime) -> Crowd:
    """She alone, with the newest facts."""
    numbers = versions.current()
    shelf = shelves.of(numbers)
    sampling.brought_up_to_date([distributor.pk])
    people = sampling.people_of([distributor.pk], shelf)
    block = block_of(people, shelf, calendar_of(shelf.markets, as_of), as_of, numbers)
    return Crowd(1, 0, [distributor.pk], numbers, shelf, people, block)


# A day before


def at_end_of(crowd: Crowd, ago: int, *, chances: bool) -> Crowd:
    """Each market on its own day; of facts nothing later counts (conditions/facts.py). At most one query, where nothing is missing."""
    calendar, people = calendar_before(crowd.shelf, crowd.block.calendar, ago), crowd.people
    spread = no_spread()
    if chances:
        spread = spread_for(crowd.shelf.markets, calendar, people.goals, people.goals_at, people.market)
    as_of = UNIX + timedelta(microseconds=calendar.now)
    return replace(crowd, block=replace(crowd.block, calendar=calendar, spread=spread, as_of=as_of), **fresh())


def no_spread() -> Spread:
    none = np.zeros(0, np.int64)
    return Spread(none, none, none, none, none, np.zeros(0), none, np.zeros((0, QUANTILES)))


def fresh() -> dict[str, Any]:
    """Nothing known yet."""
    return {"facts": {}, "days_before": {}, "lock": Lock()}


def calendar_before(shelf: Shelf, today: Calendar, ago: int) -> Calendar:
    """So many days before in every market; `now` is when that day ended in the last of them."""
    days = [day_of(day) - timedelta(days=ago) for day in today.today.tolist()]
    weeks = [market.week_of(day) for market, day in zip(shelf.markets, days, strict=True)]
    months = [month_of(day) for day in days]
    ends = [
        datetime.combine(day + timedelta(days=1), time(), market.zone)
        for market, day in zip(shelf.markets, days, strict=True)
    ]

    def numbers(dates: Iterable[date]) -> Ints:
        return np.array([day_number(one) for one in dates], np.int64)

    return Calendar(
        now=max((microseconds(end) - 1 for end in ends), default=today.now),
        today=numbers(days),
        week_first=numbers(first for first, _last in weeks),
        week_last=numbers(last for _first, last in weeks),
        month_first=numbers(first for first, _last in months),
        month_last=numbers(last for _first, last in months),
    )


# Their leaders


class Sponsors(NamedTuple):
    """Of n people."""

    ids: Ints  # 0 without one
    active: Mask
    languages: Ints  # index among the shelf's; -1 without one


def sponsors(crowd: Crowd) -> Sponsors:
    """One query."""
    n = crowd.seen
    found = Sponsors(np.zeros(n, np.int64), np.zeros(n, bool), np.full(n, -1, np.int64))
    said = Coalesce(NullIf("sponsor__language", Value("")), "sponsor__market__language", output_field=CharField())
    people = of_people(Distributor.objects.filter(sponsor__isnull=False), crowd.people.ids, "id")
    for pk, sponsor, left, language in people.values_list("pk", "sponsor_id", "sponsor__left_on", said):
        place = crowd.place(pk)
        if place is not None and sponsor is not None:
            found.ids[place], found.active[place] = sponsor, left is None
            found.languages[place] = crowd.shelf.language_of(language)
    return found


def of_people(rows: QuerySet[T], ids: Ints, column: str = "distributor_id") -> QuerySet[T]:
    """Those of these people, whose ids are sent as one array: as thousands of parameters they would take a quarter of a second."""
    table = rows.model._meta.db_table
    where = f'"{table}"."{column}" = ANY(%s)'
    return rows.extra(where=[where], params=[ids.tolist()])  # noqa: S610 (names of the models' own)


# Parts of a block


def among(people: People, places: Ints) -> People:
    """These of them, in the order of `places`."""
    parts: dict[str, Any] = {}
    for name in RECORDS:
        at = getattr(people, f"{name}_at")
        size = np.diff(at)[places]
        into = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
        parts[name] = getattr(people, name)[np.repeat(at[places] - into[:-1], size) + np.arange(into[-1])]
        parts[f"{name}_at"] = into
    columns = {name: getattr(people, name)[places] for name in People._fields if name not in parts}
    return people._replace(**parts, **columns)


# A few to look at one by one


def first_of(crowd: Crowd, places: Ints, most: int) -> list[int]:
    """Ids of these of the crowd: whom HQ named first, then one of each market after the other, by chance."""
    matched = set(crowd.people.ids[places].tolist())
    found = [pk for pk in named() if pk in matched][:most]
    return mixed(crowd, [pk for pk in crowd.order if pk in matched and pk not in found], found, most)


def named() -> list[int]:
    return list(Policy.current().samples.order_by("name", "pk").values_list("pk", flat=True))


def mixed(crowd: Crowd, ids: Iterable[int], found: list[int], most: int) -> list[int]:
    """`found`, then of `ids` the first of each market, the second of each, until there are `most`."""
    market = dict(zip(crowd.people.ids.tolist(), crowd.people.market.tolist(), strict=True))
    seen: dict[int, int] = {}
    turns: list[tuple[int, int]] = []
    for pk in ids:
        turn = seen[market[pk]] = seen.get(market[pk], 0) + 1
        if turn <= most:
            turns.append((turn, pk))
    return found + [pk for _turn, pk in sorted(turns, key=lambda one: one[0])][: most - len(found)]
