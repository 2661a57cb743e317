"""Whom an activity is about. A rule that only brings activities about people does nothing for whoever has none of them: it
does not fire for her, so that its quiet time is not spent for nothing, and fires once there is somebody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from distributors.blocks import RECRUITS, Buying, Calendar, Ints, dues
from distributors.timing import care, contacts
from kpis.definitions import Definition
from kpis.rule_effects import Offer

from ..ranking.blocks import People
from ..ranking.memory import hidden
from ..ranking.shelf import Shelf
from .decisions import Mask


@dataclass(frozen=True, eq=False)
class Somebody:
    """Looks among the customers and recruits of a block of people, as the kernel does for cards."""

    people: People
    shelf: Shelf
    calendar: Calendar
    buying: Buying

    def lacking(self, brought: Sequence[int], places: Ints) -> Mask:
        """Of these of the people: who has nobody that any of these activities is about. False without activities."""
        if not brought:
            return np.zeros(len(places), bool)
        return np.array([not self.has_one_of(int(place), brought) for place in places], bool)

    def has_one_of(self, place: int, activities: Sequence[int]) -> bool:
        due = self.due(place)
        rows = self.shelf.arrays.activity
        return any(self.fits(place, rows[one], due) for one in activities)

    def fits(self, place: int, activity: Any, due: Any) -> bool:
        """Whether one of those who are due is for this activity, and she has not answered for her already."""
        people, today = self.people, self.today(place)
        hides = people.hides[people.hides_at[place] : people.hides_at[place + 1]]
        kind = 2 if activity["about"] >= RECRUITS else 1
        return any(
            one["reason"] == activity["about"]
            and (kind == 2 or activity["line"] in (0, one["line"]))
            and not hidden(hides, activity["id"], kind, one["person"], today)
            for one in due
        )

    def due(self, place: int) -> Any:
        """Her customers and recruits with a reason today."""
        people, m, today = self.people, int(self.people.market[place]), self.today(place)
        customers = people.customers[people.customers_at[place] : people.customers_at[place + 1]]
        lines = people.lines[people.lines_at[place] : people.lines_at[place + 1]]
        recruits = people.recruits[people.recruits_at[place] : people.recruits_at[place + 1]]
        found = dues(len(customers), len(lines), len(recruits))
        many = contacts(customers, lines, m, today, self.calendar.now, self.buying, found)
        return found[: care(recruits, today, many, found)]

    def today(self, place: int) -> int:
        return int(self.calendar.today[self.people.market[place]])


def brought_by(definition: Definition, shelf: Shelf, offer: Offer) -> list[int]:
    """Places on the shelf of all that a rule brings her, when that is all it does and each of it is about somebody; else
    nothing: it does something for everybody for whom it holds."""
    found: list[int] = []
    for effect in definition.then:
        target = effect.about()
        if target is None or effect.hides:
            return []
        found += target.places(offer).tolist()
    return found if all(shelf.arrays.activity["about"][place] >= 0 for place in found) else []
