"""What the company wants of the ranking, as the kernel reads it: a row of weights for each market and set of segments,
and the frozen scales.

Built from the database when a version number, a market's local day or the start or end of a campaign says that it changed,
else taken from memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from distributors import segments, versions
from distributors.blocks import Calendar, Ints
from distributors.kept import Kept
from distributors.models import Distributor, Market, Segment
from distributors.records import UNIX
from kpis import board, priorities
from kpis.board import Board
from kpis.models import Priority
from kpis.priorities import Priorities

from . import scales
from .blocks import People, Steering
from .scales import Scales
from .shelf import Shelf, numbers_of

#: The reference data that a course is made of, besides that of its shelf.
NAMES = ("kpis", "scales", "catalogue", "effects", "reference")
#: And that the board is made of.
OF_BOARD = ("kpis", "reference")


@dataclass(frozen=True, eq=False)
class Course:
    """Rows by market, in the order of the shelf it was made for, and within one by set of segments: row = market x sets +
    bits. People share it, so nobody changes it."""

    versions: dict[str, int]  # NAMES -> number; what is here is no older
    arrays: Steering  # without `row`: whose rows they are depends on the people (arrays_for)
    segments: tuple[Segment, ...]  # bit i of a set is the i-th
    priorities: list[Priorities]  # by row, in the market's language
    scales: Scales
    live: list[list[Priority]]  # by row
    market_index: dict[int, int]
    said: dict[tuple[int, str], Priorities] = field(default_factory=dict)  # by row and language, as readers came

    def rows(self, people: People, calendar: Calendar) -> Ints:
        """Which row counts for each of these people."""
        if not self.segments:
            return people.market
        today = calendar.today[people.market]
        bits = segments.bits(self.segments, people.joined, people.recruits_at, today, people.tags, people.tags_at)
        return people.market * (1 << len(self.segments)) + bits

    def arrays_for(self, people: People, calendar: Calendar) -> Steering:
        return self.arrays._replace(row=self.rows(people, calendar))

    def priorities_for(self, distributor: Distributor, row: int) -> Priorities:
        """What counts in her row, in her language; she may keep a larger share for her own goals. No query."""
        key = row, distributor.speaks
        if key not in self.said:
            self.said[key] = priorities.told(self.live[row], key[1])
        return priorities.with_her_share(self.said[key], distributor)


@dataclass(frozen=True, eq=False)
class Held:
    """The board, and when something of it starts or ends in any market."""

    board: Board
    moments: list[datetime]


BOARDS: Kept[Held] = Kept(most=2)
#: Twice that of the shelf: around midnight the local days of markets change one by one.
KEPT: Kept[Course] = Kept(most=4)


def of(numbers: Mapping[str, int], shelf: Shelf, calendar: Calendar) -> Course:
    """The course of these versions (versions.current(), read before) at the calendar's instant, or a newer one. No query when
    it is kept.

    A shelf may be newer than its numbers, so what the arrays point into is part of the key.
    """
    mine = numbers_of({**numbers, **shelf.versions}, NAMES)
    held = board_of(mine, shelf.markets)
    as_of = instant_of(calendar)
    return KEPT.of(
        (*mine.values(), board.phase(held.moments, as_of), tuple(shelf.keys), tuple(shelf.market_index)),
        lambda: built(mine, shelf, held.board, as_of),
        holds=lambda: numbers_of(versions.current(), NAMES) == mine,
    )


def board_of(numbers: Mapping[str, int], markets: Sequence[Market]) -> Held:
    mine = numbers_of(numbers, OF_BOARD)
    return BOARDS.of(
        (*mine.values(), tuple(market.pk for market in markets)),
        lambda: board_with_moments(markets),
        holds=lambda: numbers_of(versions.current(), OF_BOARD) == mine,
    )


def board_with_moments(markets: Sequence[Market]) -> Held:
    found = board.current()
    return Held(found, sorted({at for market in markets for at in found.moments(market)}))


def instant_of(calendar: Calendar) -> datetime:
    return UNIX + timedelta(microseconds=calendar.now)


def built(numbers: dict[str, int], shelf: Shelf, held: Board, as_of: datetime) -> Course:
    """One query, for the scales."""
    live = [
        held.counting(market, as_of, named)
        for market in shelf.markets
        for named in sets_of([s.pk for s in held.segments])
    ]
    each = 1 << len(held.segments)
    found = [priorities.told(rows, shelf.markets[at // each].language) for at, rows in enumerate(live)]
    frozen = scales.current()
    return Course(
        versions=numbers,
        arrays=columns(found, frozen, shelf),
        segments=held.segments,
        priorities=found,
        scales=frozen,
        live=live,
        market_index=shelf.market_index,
    )


def sets_of(named: Sequence[int]) -> Iterator[frozenset[int]]:
    """Every set of these segments, in the order of its bits."""
    for bits in range(1 << len(named)):
        yield frozenset(pk for i, pk in enumerate(named) if bits >> i & 1)


def columns(found: Sequence[Priorities], frozen: Scales, shelf: Shelf, width: int = 0) -> Steering:
    """`found` by row, as many rows for each of the shelf's markets. `width`: columns there should be at least.

    A key that no activity moves keeps its weight, so that the other ones do not grow; it just adds nothing.
    """
    shape = len(found), max((len(one.weights) for one in found), default=0)
    shape = shape[0], max(shape[1], width)
    key, weight = np.full(shape, -1, np.int64), np.zeros(shape)
    direction, scale = np.ones(shape), np.ones(shape)
    each = max(1, len(found) // max(1, len(shelf.markets)))
    for i, one in enumerate(found):
        for j, (name, points) in enumerate(one.weights.items()):
            key[i, j] = shelf.key_index.get(name, -1)
            weight[i, j] = points
            direction[i, j] = one.directions[name]
            scale[i, j] = frozen.of(name, shelf.markets[i // each])
    share = np.array([one.own_goal_share for one in found], np.float64)
    return Steering(key, weight, direction, scale, share, frozen.own, np.zeros(0, np.int64))
