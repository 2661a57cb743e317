"""All of a person's candidates, scored: facts -> candidates -> scores. What is drawn and said of it is recommend.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from distributors import goals
from distributors.goals import GoalState
from distributors.models import Distributor
from distributors.reorder import Due
from kpis import priorities
from kpis.priorities import Priorities

from . import candidates, drawing, learning, scales, scoring
from .cards import Candidate
from .history import History, history_of
from .scales import Scales
from .scoring import CompanyGoal, Components, Model

#: Everything that decides a rank besides the facts; rules follow with their own number.
RULES_VERSION = 0


@dataclass(frozen=True)
class Ranking:
    """All of a person's candidates with their scores, before any is drawn."""

    distributor: Distributor
    as_of: datetime
    goals: list[GoalState]
    priorities: Priorities
    scales: Scales
    history: History
    due: list[Due]  # whom to contact today, found on the way
    candidates: list[Candidate]
    known: dict[int, float]  # mastery by skill id
    model: Model
    terms: Components

    @property
    def seed(self) -> int:
        return drawing.seed_of(self.distributor.external_id, self.history.day)

    @property
    def people(self) -> list[str]:
        """Whom each candidate is about, empty for nobody."""
        return [candidate.about_key for candidate in self.candidates]

    @cached_property
    def ranks_without_company(self) -> list[int]:
        return [int(rank) for rank in scoring.ranks_without_company(self.terms, self.people)]

    @property
    def versions(self) -> dict[str, object]:
        return {
            "kpi": self.priorities.version,
            "scales": self.scales.version,
            "catalogue": catalogue_version(self.candidates),
            "rules": RULES_VERSION,
        }


def rank(distributor: Distributor, *, as_of: datetime, company: Priorities | None = None) -> Ranking:
    """Score everything she could be shown. `company` stands in for the live priorities in a preview of a change."""
    history = history_of(distributor, as_of=as_of)
    states = goals.states(distributor, as_of=as_of)
    weights = priorities.for_distributor(distributor, as_of=as_of) if company is None else company
    frozen = scales.current()
    people = candidates.people_of(distributor, as_of=as_of)
    found = candidates.for_distributor(distributor, people=people, history=history)
    known = learning.masteries(distributor, as_of=as_of)
    batch = candidates.batch_of(found, history, known)
    model = Model(
        goals=candidates.own_goals(states),
        company=company_goals(weights, frozen, distributor),
        own_share=weights.own_goal_share,
        own_scale=frozen.own,
    )
    terms = scoring.components(batch, model)
    return Ranking(
        distributor, as_of, states, weights, frozen, history, people.worth_a_message, found, known, model, terms
    )


def company_goals(weights: Priorities, frozen: Scales, distributor: Distributor) -> list[CompanyGoal]:
    return [
        CompanyGoal(key, weight, weights.directions[key], frozen.of(key, distributor.market))
        for key, weight in weights.weights.items()
    ]


def catalogue_version(found: Sequence[Candidate]) -> str:
    """When the newest of the activities she could be shown was changed."""
    return max((candidate.activity.updated_at.isoformat() for candidate in found), default="")
