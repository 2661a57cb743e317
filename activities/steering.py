"""What the company wants of the ranking, as the kernel reads it: each market's priorities, and the frozen scales.

Built from the database when a version number or a market's local day says that it changed, else taken from memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from distributors import versions
from distributors.models import Distributor
from distributors.records import day_of
from kpis import priorities
from kpis.models import Priority
from kpis.priorities import Priorities

from . import scales
from .blocks import Steering
from .kept import Kept
from .scales import Scales
from .shelf import Shelf, numbers_of

#: The reference data that a course is made of, besides that of its shelf.
NAMES = ("kpis", "scales", "catalogue", "effects", "reference")


@dataclass(frozen=True, eq=False)
class Course:
    """By market, in the order of the shelf it was made for. People share it, so nobody changes it."""

    versions: dict[str, int]  # NAMES -> number; what is here is no older
    days: tuple[int, ...]  # the local day of each market that it holds for
    arrays: Steering
    priorities: list[Priorities]  # in the market's language
    scales: Scales
    live: list[list[Priority]]
    market_index: dict[int, int]
    said: dict[tuple[int, str], Priorities] = field(default_factory=dict)  # by market and language, as readers came

    def priorities_for(self, distributor: Distributor) -> Priorities:
        """Her market's in her language; she may keep a larger share for her own goals. No query."""
        key = self.market_index[distributor.market_id], distributor.speaks
        if key not in self.said:
            self.said[key] = priorities.told(self.live[key[0]], key[1])
        return priorities.with_her_share(self.said[key], distributor)


#: Twice that of the shelf: around midnight the local days of markets change one by one.
KEPT: Kept[Course] = Kept(most=4)


def of(numbers: Mapping[str, int], shelf: Shelf, calendar_days: Iterable[int]) -> Course:
    """The course of these versions (versions.current(), read before) on these local days, one for each of the shelf's
    markets (Calendar.today), or a newer one. No query when it is kept.

    A shelf may be newer than its numbers, so what the arrays point into is part of the key.
    """
    mine = numbers_of({**numbers, **shelf.versions}, NAMES)
    days = tuple(int(day) for day in calendar_days)
    return KEPT.of(
        (*mine.values(), days, tuple(shelf.keys), tuple(shelf.market_index)),
        lambda: built(mine, shelf, days),
        holds=lambda: numbers_of(versions.current(), NAMES) == mine,
    )


def built(numbers: dict[str, int], shelf: Shelf, days: tuple[int, ...]) -> Course:
    """From the database: a query for each market and one for the scales."""
    live = [priorities.live(market, day_of(day)) for market, day in zip(shelf.markets, days, strict=True)]
    found = [priorities.told(rows, market.language) for rows, market in zip(live, shelf.markets, strict=True)]
    frozen = scales.current()
    return Course(
        versions=numbers,
        days=days,
        arrays=columns(found, frozen, shelf),
        priorities=found,
        scales=frozen,
        live=live,
        market_index=shelf.market_index,
    )


def columns(found: Sequence[Priorities], frozen: Scales, shelf: Shelf) -> Steering:
    """A key that no activity moves keeps its weight, so that the other ones do not grow; it just adds nothing."""
    shape = len(found), max((len(one.weights) for one in found), default=0)
    key, weight = np.full(shape, -1, np.int64), np.zeros(shape)
    direction, scale = np.ones(shape), np.ones(shape)
    for i, (one, market) in enumerate(zip(found, shelf.markets, strict=True)):
        for j, (name, points) in enumerate(one.weights.items()):
            key[i, j] = shelf.key_index.get(name, -1)
            weight[i, j] = points
            direction[i, j] = one.directions[name]
            scale[i, j] = frozen.of(name, market)
    share = np.array([one.own_goal_share for one in found], np.float64)
    return Steering(key, weight, direction, scale, share, frozen.own)
