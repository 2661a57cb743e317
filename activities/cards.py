"""The nouns of the feed, passed from candidates to ranking to page and API."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from distributors.goals import GoalState
from distributors.models import Customer, Distributor
from distributors.reorder import Due

from .models import Action, Activity, ActivityText
from .ranking.drawing import Slot


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a card key names: an activity, and the customer or recruit of hers it is about."""

    activity: Activity
    customer: Customer | None = None
    recruit: Distributor | None = None

    @property
    def person(self) -> Customer | Distributor | None:
        return self.customer or self.recruit

    @property
    def about_key(self) -> str:
        if self.customer is not None:
            return f"c{self.customer.pk}"
        return f"r{self.recruit.pk}" if self.recruit is not None else ""

    @property
    def key(self) -> str:
        """Names the card in URLs, noise seeds and logs: `eye-refill-video.c12`."""
        return f"{self.activity.key}.{self.about_key}" if self.about_key else self.activity.key


@dataclass(frozen=True, kw_only=True)
class Candidate(Target):
    """An activity she could be shown, about at most one person. Facts explain why it came up."""

    text: ActivityText
    # p, and the effect of doing it by metric key in natural units and her own market's money.
    p: float = 0.0
    effects: dict[str, float] = field(default_factory=dict)
    # What the reason sentences are made of: days_since_order, product, orders, usual_gap_days, order_average, ...
    facts: dict[str, object] = field(default_factory=dict)

    @property
    def tau(self) -> dict[str, float]:
        """The effect of *showing* it: p times the effect of doing it."""
        return {metric: self.p * effect for metric, effect in self.effects.items()}


@dataclass(frozen=True)
class Reason:
    """One fact with a number, in her language. `source` says whose: her customers, her goal, the company, her skill."""

    source: str  # "person" | "goal" | "company" | "skill" | "rule"
    heading: str
    sentence: str
    note: str = ""  # whose word the number is: the author's, or that of so many showings


@dataclass(frozen=True)
class Terms:
    """The summands of the score, already weighted: own + company + learning + fatigue + rules = score (within 1e-9)."""

    own: float
    company: float
    learning: float
    fatigue: float  # zero or negative
    rules: float

    @property
    def score(self) -> float:
        return self.own + self.company + self.learning + self.fatigue + self.rules


@dataclass(frozen=True)
class Card:
    """A ranked candidate as she sees it."""

    candidate: Candidate
    slot: Slot
    position: int
    terms: Terms
    propensity: float
    title: str
    summary: str
    why: str  # the one line on the row
    worth: str  # "This could close 13 % of your $62.50 gap"; empty when no own goal moves
    reasons: list[Reason]
    company_share: int  # percent of the score, floored, 0 when not positive
    rank_without_company: int
    rank: int = 0  # by score, which is not her place on the list: that is drawn, slot by slot
    message: str = ""
    started: bool = False
    pinned: bool = False  # on top by a rule, and not by its score

    @property
    def key(self) -> str:
        return self.candidate.key


@dataclass(frozen=True)
class Done:
    """A line under "done today". `closed_by` is the sentence when the result arrived by itself."""

    action: Action
    title: str
    closed_by: str = ""


@dataclass(frozen=True)
class Feed:
    distributor: Distributor
    as_of: datetime
    day: date
    goals: list[GoalState]
    due: list[Due]  # the first few to contact today, best first
    due_customers: int  # how many customers are due in all
    cards: list[Card]
    done: list[Done]
    focus: str  # the company's focus in the field's words, empty without a live campaign
    focus_until: date | None
    versions: dict[str, object]
    seed: int
    own_share: float  # alpha: what her goals weigh against the company's priorities, at least a half
