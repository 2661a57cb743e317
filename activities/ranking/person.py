"""All of a person's candidates, scored: compact rows -> kernel -> columns. What is drawn and said of it is recommend.py."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

import numpy as np

from distributors import features, goals, reorder, reordering
from distributors.blocks import CALLED, RECRUITS, Calendar, Floats, Spread, calendar_of
from distributors.chances import spread_for
from distributors.features import Row
from distributors.goals import GoalState
from distributors.models import Distributor, Goal
from distributors.records import NEVER
from distributors.timing import Reason, reasons_in
from kpis.board import Board
from kpis.priorities import Priorities

from ..models import Activity
from ..rules import ruling
from ..rules.decisions import Ruling
from . import drawing, kernel, loading, memory, scoring, steering
from . import shelf as shelves
from .blocks import Catalogue, People, Rules, Steering
from .kernel import Ranked
from .scoring import Terms
from .shelf import Shelf

NOBODY, CUSTOMER, RECRUIT = range(3)


@dataclass(frozen=True)
class Ranking:
    """All of a person's candidates with their scores, before any is drawn. Candidates are named by their index."""

    distributor: Distributor
    as_of: datetime
    day: date  # hers
    shelf: Shelf
    priorities: Priorities
    scales_version: int
    row: Row
    people: People
    calendar: Calendar
    spread: Spread
    steering: Steering
    ruling: Ruling
    found: Ranked

    def __len__(self) -> int:
        return self.found.cards

    @property
    def market(self) -> int:
        """Index of her market among the shelf's."""
        return int(self.people.market[0])

    @property
    def catalogue(self) -> Catalogue:
        return self.shelf.arrays

    @property
    def rules(self) -> Rules:
        return self.ruling.rules

    @property
    def seed(self) -> int:
        return drawing.seed_of(int(self.people.identity[0]), self.day)

    @cached_property
    def goals(self) -> list[GoalState]:
        """Her running goals, most important first. One query."""
        running = Goal.objects.running().of(self.distributor.pk).in_bulk()
        return goals.states_in(self.row, self.distributor, running, self.market, self.calendar, self.spread)

    @cached_property
    def places(self) -> list[int]:
        """Where each of `goals` is in her row: those out of their period have no state."""
        ids = self.row.goals["id"].tolist()
        return [ids.index(state.goal.pk) for state in self.goals]

    @cached_property
    def terms(self) -> Terms:
        """The columns of the candidates; `gains` and `shares` have a column for each of `goals`."""
        terms = scoring.terms_of(len(self), self.found.room.cards)
        return terms._replace(gains=terms.gains[:, self.places], shares=terms.shares[:, self.places])

    @property
    def goal_weights(self) -> Floats:
        """Of `goals`, summing to 1."""
        return self.found.room.weights[self.places]

    @property
    def own_share(self) -> float:
        """alpha."""
        return float(kernel.own_share(0, self.people, self.steering))

    def activity(self, index: int) -> Activity:
        return self.shelf.activities[self.found.room.cards.card["activity"][index]]

    def p(self, index: int) -> float:
        return float(self.found.room.cards.card["p"][index])

    def stated_p(self, index: int) -> float:
        """P(done | shown) of the card's activity, whoever it is about."""
        return float(self.catalogue.activity["p"][self.found.room.cards.card["activity"][index]])

    def due(self, index: int) -> Reason:
        """Why the card's person came up; only of a card about somebody."""
        at = int(self.found.room.cards.card["due"][index])
        if at >= self.found.dues:
            # Behind them are the calls of rules (kernel.about_called).
            return Reason(int(self.found.room.cards.card["about"][index]), CALLED, 0, kernel.CALLED_SCORE, NEVER, NEVER)
        return reasons_in(self.found.room.due, at, at + 1)[0]

    @cached_property
    def about(self) -> list[str]:
        """Whom each candidate is about: `c12`, `r5`, empty for nobody."""
        cards = self.found.room.cards.card[: len(self)]
        kinds, ids = cards["kind"].tolist(), cards["about"].tolist()
        return [about_key(kind, pk) for kind, pk in zip(kinds, ids, strict=True)]

    @cached_property
    def keys(self) -> list[str]:
        """Names of the candidates in URLs and logs: `eye-refill-video.c12`."""
        names = [self.shelf.activities[a].key for a in self.found.room.cards.card["activity"][: len(self)].tolist()]
        return [f"{name}.{about}" if about else name for name, about in zip(names, self.about, strict=True)]

    @cached_property
    def ranks(self) -> list[int]:
        """1 for the best score."""
        return [int(rank) for rank in scoring.ranks(self.terms.score, self.about)]

    @cached_property
    def ranks_without_company(self) -> list[int]:
        return [int(rank) for rank in scoring.ranks_without_company(self.terms, self.about)]

    def mastery(self, skill_id: int) -> float:
        """m_s, 0 for a skill never learned."""
        return float(memory.mastery(self.people.skills, skill_id, self.calendar.now))

    @cached_property
    def worth_a_message(self) -> list[Reason]:
        """Each customer who is due, once with her best reason, the best first."""
        found = reasons_in(self.found.room.due, 0, self.found.dues)
        return reorder.best_of(one for one in found if one.code < RECRUITS)

    @property
    def due_customers(self) -> int:
        """How many of those have bought before, or are customers otherwise; prospects are not counted."""
        prospects = set(self.people.customers["id"][self.people.customers["interest"] > 0].tolist())
        return sum(one.person not in prospects for one in self.worth_a_message)

    @property
    def versions(self) -> dict[str, object]:
        return {
            "kpi": self.priorities.version,
            "scales": self.scales_version,
            "catalogue": self.shelf.versions["catalogue"],
            "effects": self.shelf.effects_version,
            "rules": self.ruling.number,
        }


def about_key(kind: int, pk: int) -> str:
    return f"{'cr'[kind - 1]}{pk}" if kind else ""


def rank(distributor: Distributor, *, as_of: datetime, board: Board | None = None, settle: bool = False) -> Ranking:
    """Score everything she could be shown. `board` stands in for the live campaigns in a preview of a change.

    `settle` closes first what events have settled since, and fires the rules that newly hold, so that this very ranking
    has what they ask for. Three queries when nothing is out of date: her two rows, the one with the versions of all
    reference data; pools. With live rules those of ruling.of are added.
    """
    held = memory.of([distributor.pk], as_of, settle=settle)[distributor.pk]
    rows, numbers = features.of_with_versions([distributor.pk])
    shelf = shelves.of(numbers)
    calendar = calendar_of(shelf.markets, as_of)
    people = loading.people_of([distributor], rows, {distributor.pk: held}, shelf)
    spread = spread_for(shelf.markets, calendar, people.goals, people.goals_at, people.market)
    course = (
        steering.of(numbers, shelf, calendar) if board is None else steering.built(dict(numbers), shelf, board, as_of)
    )
    arrays = course.arrays_for(people, calendar)
    decided = ruling.of(
        people, numbers=numbers, shelf=shelf, calendar=calendar, spread=spread, as_of=as_of, fire=settle,
        sponsors=np.array([distributor.sponsor_id or 0], np.int64),
    )  # fmt: skip
    buying = reordering.of(numbers, shelf.markets)
    found = kernel.ranked(people, calendar, spread, buying, shelf.arrays, arrays, decided.rules)
    return Ranking(
        distributor, as_of, distributor.local_day(as_of), shelf, course.priorities_for(distributor, int(arrays.row[0])),
        course.scales.version, rows[distributor.pk], people, calendar, spread, arrays, decided, found,
    )  # fmt: skip
