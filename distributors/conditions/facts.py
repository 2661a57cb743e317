"""What every fact of the vocabulary comes to for a block of people: a column each, worked out for all of them at once.

Facts about figures are in windows.py, those about goals in goal_facts.py; what only higher apps know is in kpis/rule_facts.py and
activities/rules/activity_facts.py. Everything holds on each person's own day, the calendar's: of a block whose calendar is of an
earlier instant nothing later counts. Money is in the company's base currency; what is unknown is NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from django.db import connection

from .. import decline, segments
from ..blocks import BUYER, QUANTILES, REASONS, RECRUITS, Buying, Calendar, Floats, Ints, Spread, dues, outlooks
from ..compiling import kernel
from ..models import Market, Segment
from ..records import CUSTOMER, DAY, EPOCH, GOAL, LINE, Records, native
from ..timing import contacts
from . import Fact, goal_facts, windows
from .checks import Column
from .vocabulary import VOCABULARY, Source

Dates = np.ndarray[Any, np.dtype[np.datetime64]]

#: Of a person's list: everybody on it.
EVERYBODY = "all"


class People(Protocol):
    """What facts are made of, of the columns of activities.blocks.People."""

    @property
    def ids(self) -> Ints: ...
    @property
    def market(self) -> Ints: ...
    @property
    def language(self) -> Ints: ...
    @property
    def joined(self) -> Ints: ...
    @property
    def goals(self) -> Records: ...
    @property
    def goals_at(self) -> Ints: ...
    @property
    def days(self) -> Records: ...
    @property
    def days_at(self) -> Ints: ...
    @property
    def customers(self) -> Records: ...
    @property
    def customers_at(self) -> Ints: ...
    @property
    def lines(self) -> Records: ...
    @property
    def lines_at(self) -> Ints: ...
    @property
    def recruits(self) -> Records: ...
    @property
    def recruits_at(self) -> Ints: ...
    @property
    def tags(self) -> Records: ...
    @property
    def tags_at(self) -> Ints: ...
    @property
    def shown(self) -> Records: ...
    @property
    def shown_at(self) -> Ints: ...


@dataclass(frozen=True, eq=False)
class Block:
    """People, and what their columns point into. `as_of` is the calendar's instant, `spread` of their running goals."""

    people: People
    calendar: Calendar
    spread: Spread
    markets: Sequence[Market]
    languages: Sequence[str]
    as_of: datetime
    line_ids: Mapping[str, int]
    buying: Buying

    def __len__(self) -> int:
        return len(self.people.ids)

    @cached_property
    def today(self) -> Ints:
        """Each person's own day number."""
        return self.calendar.today[self.people.market]

    @cached_property
    def todays(self) -> list[tuple[int, int]]:
        """Of the markets that anybody here is of: index and day number."""
        return [(m, int(self.calendar.today[m])) for m in np.unique(self.people.market).tolist()]

    @cached_property
    def price_levels(self) -> Floats:
        """By market."""
        return np.array([float(market.price_level) for market in self.markets])

    @cached_property
    def price(self) -> Floats:
        """What money in each person's market is divided by."""
        return self.price_levels[self.people.market]

    @cached_property
    def who(self) -> dict[str, list[int]]:
        """For `unnest` in statements about all of them."""
        return {"ids": self.people.ids.tolist(), "markets": self.people.market.tolist()}


def columns(asked: Iterable[Fact], block: Block) -> dict[Fact, Column]:
    """Facts of this app; others are left out. Queries: measures of some days, the last and first days, what recruits of theirs
    did, ranks, segments: at most one for each, none for what nobody asks."""
    mine = [fact for fact in dict.fromkeys(asked) if VOCABULARY[fact.name].source is Source.DISTRIBUTORS]

    def named(*names: str) -> list[Fact]:
        return [fact for fact in mine if fact.name in names]

    found = windows.columns(named("measured", "change"), block)
    found |= windows.days_since(named("days_since", "days_since_first"), block)
    found |= goal_facts.columns(named(*goal_facts.NAMED), block)
    found |= customers(named("customers"), block)
    found |= in_segments(named("in_segment"), block)
    return found | {fact: ALONE[fact.name](block) for fact in named(*ALONE)}


# Who she is


def market(block: Block) -> Column:
    return choice(block.people.market, [one.code for one in block.markets])


def language(block: Block) -> Column:
    return choice(block.people.language, block.languages)


def choice(places: Ints, names: Sequence[str]) -> Column:
    return Column(places.astype(np.float64), {name: float(place) for place, name in enumerate(names)})


def joined_days(block: Block) -> Column:
    """Unknown before she has."""
    days = block.today - block.people.joined
    return Column(np.where(days >= 0, days, np.nan))


def years(block: Block) -> Column:
    """Full ones. Who joined on 29 February has them on the 28th of other years."""
    today = dates(block.today)
    full = year_of(today) - year_of(dates(block.people.joined)) - (anniversary(block, year_of(today)) > today)
    return Column(np.where(block.today >= block.people.joined, full, np.nan))


def anniversary_days(block: Block) -> Column:
    """To the next one; the day on which she joined is none."""
    today = dates(block.today)
    this_year = anniversary(block, year_of(today))
    over = (this_year < today) | (year_of(today) <= year_of(dates(block.people.joined)))
    on = np.where(over, anniversary(block, year_of(today) + 1), this_year)
    days = np.minimum(365, (on - today).astype(np.int64))
    return Column(np.where(block.today >= block.people.joined, days, np.nan))


def anniversary(block: Block, year: Ints) -> Dates:
    """Each person's day in her `year`."""
    joined = dates(block.people.joined)
    months = joined.astype("M8[M]")
    month = ((year - 1970) * 12 + months.astype(np.int64) % 12).astype("M8[M]")
    day: Dates = month.astype("M8[D]") + (joined - months.astype("M8[D]"))
    return np.where(day.astype("M8[M]") > month, day - 1, day)


def dates(numbers: Ints) -> Dates:
    return np.datetime64(EPOCH, "D") + numbers.astype("m8[D]")


def year_of(day: Dates) -> Ints:
    return day.astype("M8[Y]").astype(np.int64) + 1970


def team_size(block: Block) -> Column:
    return Column(team(block).astype(np.float64))


def team(block: Block) -> Ints:
    """Direct recruits who are here, each once whatever she ordered; without those who joined later than today."""
    people = block.people
    whose = np.repeat(np.arange(len(block)), np.diff(people.recruits_at))
    first = np.ones(len(whose), bool)
    first[1:] = (whose[1:] != whose[:-1]) | (people.recruits["id"][1:] != people.recruits["id"][:-1])
    there = first & (people.recruits["joined_on"] <= block.today[whose])
    return np.bincount(whose[there], minlength=len(block)).astype(np.int64)


RANKS = """
SELECT d.rank, array_agg(who.nth - 1) FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS who(id, nth)
JOIN distributors_distributor d USING (id) WHERE d.rank <> '' GROUP BY 1 ORDER BY 1
"""


def rank(block: Block) -> Column:
    """As the newest event says it. One query."""
    found, codes = np.full(len(block), np.nan), dict[str, float]()
    with connection.cursor() as cursor:
        cursor.execute(RANKS, {"ids": block.who["ids"]})
        for code, (name, places) in enumerate(cursor.fetchall()):
            found[places], codes[name] = code, float(code)
    return Column(found, codes)


def in_segments(asked: Collection[Fact], block: Block) -> dict[Fact, Column]:
    """One query, none when nothing is asked. Nobody is in a segment that there is no longer."""
    if not asked:
        return {}
    known = Segment.objects.in_bulk([fact["segment"] for fact in asked])
    teams = np.concatenate([[0], np.cumsum(team(block))])
    return {fact: Column(membership(known.get(fact["segment"]), teams, block)) for fact in asked}


def membership(segment: Segment | None, teams: Ints, block: Block) -> Floats:
    """`teams`: where each one's recruits would start if each had one record."""
    if segment is None:
        return np.zeros(len(block))
    people = block.people
    return segments.bits([segment], people.joined, teams, block.today, people.tags, people.tags_at).astype(np.float64)


# Her day


def weekday(block: Block) -> Column:
    """From Monday, 0."""
    return choice((block.today + EPOCH.weekday()) % 7, [str(day) for day in range(7)])


def day_of_month(block: Block) -> Column:
    return Column((block.today - block.calendar.month_first[block.people.market] + 1).astype(np.float64))


ALONE: dict[str, Callable[[Block], Column]] = {
    "decline": decline.column, "market": market, "language": language, "rank": rank, "joined_days": joined_days, "years": years,
    "anniversary_days": anniversary_days, "team_size": team_size, "weekday": weekday, "day_of_month": day_of_month,
}  # fmt: skip


# Her customers


def customers(asked: Collection[Fact], block: Block) -> dict[Fact, Column]:
    """No query."""
    if not asked:
        return {}
    people = block.people
    found = np.zeros((RECRUITS + 1, len(block)))
    most_customers, most_lines = (int(np.diff(at).max(initial=0)) for at in (people.customers_at, people.lines_at))
    count_customers(
        people.customers, people.customers_at, people.lines, people.lines_at, people.market, block.calendar,
        block.buying, dues(most_customers, most_lines, 0), found,
    )  # fmt: skip
    places = {EVERYBODY: RECRUITS} | {reason: place for place, reason in enumerate(REASONS[:RECRUITS])}
    return {fact: Column(found[places[fact["reason"]]]) for fact in asked}


@kernel
def count_customers(
    customers: Records, customers_at: Ints, lines: Records, lines_at: Ints, market: Ints, calendar: Calendar,
    buying: Buying, due: Records, found: Floats,
) -> None:  # fmt: skip
    """Each customer counts by her best reason, of equal ones by the first (reorder.best_of); and everybody in the last row."""
    for i in range(len(market)):
        today = calendar.today[market[i]]
        hers = customers[customers_at[i] : customers_at[i + 1]]
        for who in range(len(hers)):
            found[RECRUITS, i] += hers[who].added_on <= today
        n = contacts(hers, lines[lines_at[i] : lines_at[i + 1]], market[i], today, calendar.now, buying, due)
        d = 0
        while d < n:
            best = d
            while d < n and due[d].who == due[best].who:
                if due[d].score > due[best].score:
                    best = d
                d += 1
            found[due[best].reason, i] += hers[due[best].who].added_on <= today


def compile_ahead() -> int:
    """Compile the above and what is said of goals; how many kernels were compiled."""
    at, day = np.zeros(2, np.int64), np.zeros(1, np.int64)
    nothing, real = np.zeros(0, np.int64), np.zeros(1)
    goals, days, hers, lines = (np.zeros(0, native(dtype)) for dtype in (GOAL, DAY, CUSTOMER, LINE))
    calendar = Calendar(0, day, day, day, day, day)
    spread = Spread(nothing, nothing, nothing, nothing, nothing, np.zeros(0), nothing, np.zeros((0, QUANTILES)))
    buying = Buying(0, np.zeros(1, BUYER), 1.0, 1.0, 1.0, 1.0, np.zeros(QUANTILES), 1.0, day, day)
    count_customers(hers, at, lines, at, day, calendar, buying, dues(0, 0, 0), np.zeros((RECRUITS + 1, 1)))
    goal_facts.fill(
        goals, at, days, at, day, day, calendar, spread, real, goal_facts.periods_before(calendar),
        np.zeros((0, 2), np.int64), outlooks(0), days, np.zeros((0, len(goal_facts.NAMED), 1)),
    )  # fmt: skip
    return sum(len(one.stats.cache_misses) for one in (count_customers, goal_facts.fill))
