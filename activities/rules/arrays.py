"""Everything that rules do while they hold, as arrays for the kernel."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import numpy as np

from distributors import reordering
from distributors.blocks import Buying, Calendar, Ints, Spread
from kpis.rule_effects import MOST_BOOST, Standing, nothing
from kpis.rules import Book

from ..ranking.blocks import People, Rules
from ..ranking.memory import hidden
from ..ranking.shelf import Shelf
from .asked import Asked, calls_of
from .decisions import Mask, offer_of
from .failing import tell_failing
from .somebody import Somebody

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class Arranging:
    """One block of people and the book that is worked out for them."""

    people: People
    book: Book
    shelf: Shelf
    calendar: Calendar
    spread: Spread
    as_of: datetime
    numbers: Mapping[str, int]
    broken: set[int] = field(default_factory=set)

    @property
    def n(self) -> int:
        return len(self.people.ids)

    @cached_property
    def days(self) -> Ints:
        return self.calendar.today[self.people.market]

    @cached_property
    def buying(self) -> Buying:
        return reordering.of(self.numbers, self.shelf.markets)

    @cached_property
    def somebody(self) -> Somebody:
        return Somebody(self.people, self.shelf, self.calendar, self.buying)

    def leave_out(self, place: int, error: Exception) -> None:
        ruled = self.book.rules[place]
        self.broken.add(place)
        logger.error("Rule %s (%s) is left out: %s", ruled.rule.pk, ruled.rule.name, error, exc_info=error)
        tell_failing(ruled.rule.pk, self.as_of)

    def arrays(self, acting: Mask, reached: Mask, asked: Sequence[Asked]) -> Rules:
        out = self.standing(acting, reached)
        for one in asked:
            # What asks her for it shows it to her as well, whether or not its condition holds still.
            if not one.acted:
                out.let[one.place, one.activity] = 1
        barred = out.barred.astype(bool) | (out.only.astype(bool) & ~out.let.astype(bool))
        pin, about = self.pinned(out.pins, barred), np.zeros(self.n, np.int64)
        for one in asked:
            if (
                pin[one.place] >= 0
                and about[one.place] == 0
                and not self.has_card(one.place, pin[one.place], 0, barred)
            ):
                pin[one.place] = -1
            if not one.acted and pin[one.place] < 0 and self.has_card(one.place, one.activity, one.recruit, barred):
                pin[one.place], about[one.place] = one.activity, one.recruit
            else:
                out.boost[one.place, one.activity] += MOST_BOOST
        calls, calls_at = calls_of(asked, self.n)
        boost = np.clip(out.boost, -MOST_BOOST, MOST_BOOST)
        return Rules(boost, barred.astype(np.uint8), pin, about, calls, calls_at)

    def pinned(self, pins: Ints, barred: Mask) -> Ints:
        """An activity by person, -1 for none. Of several that are to be on top the first that she has a card of."""
        first = np.where(pins == 1, np.arange(pins.shape[1]), -1).max(axis=1, initial=-1)
        # Cards are looked for only where it makes a difference: a rule may pin for everybody.
        for place in np.flatnonzero((pins > 1).any(axis=1)):
            wanted = np.flatnonzero(pins[place])
            by_order = wanted[np.argsort(pins[place, wanted])].tolist()
            first[place] = next((one for one in by_order if self.has_card(int(place), one, 0, barred)), -1)
        return first

    def standing(self, acting: Mask, reached: Mask) -> Standing:
        """All effects that hold, rule by rule in the order of the book. After one that fails it starts again without it."""
        offer, out = offer_of(self.shelf), nothing(self.n, len(self.shelf.activities))
        for place, ruled in enumerate(self.book.rules):
            if place in self.broken:
                continue
            try:
                for effect in ruled.definition.then:
                    effect.hold(acting[place], reached[place], self.days, offer, out)
            except Exception as error:
                self.leave_out(place, error)
                return self.standing(acting, reached)
        return out

    def has_card(self, place: int, activity: int, recruit: int, barred: Mask) -> bool:
        """Whether she has a card of it (of that recruit) at all: a pin that nobody sees would keep the next one away."""
        arrays, m = self.shelf.arrays, int(self.people.market[place])
        if barred[place, activity] or not arrays.sold[m, activity]:
            return False
        if not arrays.readable[self.people.language[place], activity]:
            return False
        one, today = arrays.activity[activity], int(self.days[place])
        hides = self.people.hides[self.people.hides_at[place] : self.people.hides_at[place + 1]]
        if recruit:
            return not hidden(hides, one["id"], 2, recruit, today)
        if one["about"] < 0:
            return not hidden(hides, one["id"], 0, 0, today)
        return self.somebody.has_one_of(place, [activity])
