"""The score of a card: pure NumPy, formulas of ranking.md 2. Drawing a slate from scores is drawing.py.

Arrays are float64 over the n candidates of one person unless said otherwise. Nothing here reads a clock or a database, so
the same inputs give the same scores on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

SKILL_WEIGHT = 0.25  # lambda
FATIGUE_WEIGHT = 0.01  # gamma: a card shown every day for two weeks loses about .1
FATIGUE_HALF_LIFE = 15.0  # days
BOOST_LIMIT = 0.1
OWN_SHARE_FLOOR = 0.5  # alpha is never below: company weights cannot crowd out her own goals


@dataclass(frozen=True)
class OwnGoal:
    """One of her running goals: its metric key, relative weight, R_g (0 once reached) and P(X >= x) for an array of x."""

    metric: str
    weight: float
    left: float
    survival: Callable[[Array], Array]


@dataclass(frozen=True)
class CompanyGoal:
    """One KPI: its metric key, relative weight, direction (+1 up, -1 down) and scale s_k in the metric's unit."""

    metric: str
    weight: float
    direction: int
    scale: float


@dataclass(frozen=True)
class Model:
    """Everything about the person and her market that a score depends on."""

    goals: Sequence[OwnGoal]
    company: Sequence[CompanyGoal]
    own_share: float = 0.6  # alpha
    own_scale: float = 0.056  # s_U

    def __post_init__(self) -> None:
        if not OWN_SHARE_FLOOR <= self.own_share <= 1:
            raise ValueError(f"The own goals' share is {self.own_share}; it must be between .5 and 1.")

    def goal_weights(self) -> Array:
        return _normalised([goal.weight for goal in self.goals])

    def company_weights(self) -> Array:
        return _normalised([kpi.weight for kpi in self.company])


@dataclass(frozen=True)
class Batch:
    """n candidates. `tau[metric]` is the effect of showing each one, in the metric's unit; an absent metric is 0."""

    p: Array
    tau: Mapping[str, Array]
    skill_gap: Array  # max_s iota_s (m* - m_s)+ / m*
    exposure: Array  # sum of 0.5^(days/15) over earlier days it was shown
    boost: Array  # B, by rules

    def __len__(self) -> int:
        return len(self.p)

    def effect(self, metric: str) -> Array:
        found = self.tau.get(metric)
        return np.zeros(len(self)) if found is None else found


@dataclass(frozen=True)
class Components:
    """The weighted terms of each score, and what they were made of. `gains`, `shares`: goals x n; `by_kpi`: KPIs x n."""

    own: Array
    company: Array
    learning: Array
    fatigue: Array
    rules: Array
    gains: Array = field(repr=False)  # dP_g
    shares: Array = field(repr=False)  # min(1, tau_g / R_g)
    by_kpi: Array = field(repr=False)  # (1 - alpha) w_k clip(...)

    @cached_property
    def score(self) -> Array:
        return self.own + self.company + self.learning + self.fatigue + self.rules

    @cached_property
    def without_company(self) -> Array:
        return self.own + self.learning + self.fatigue + self.rules

    def __len__(self) -> int:
        return len(self.own)


def components(batch: Batch, model: Model) -> Components:
    """The terms of S = alpha U~ + (1 - alpha) K + lambda L - F + B for every candidate."""
    gains, shares = chance_gains(batch, model.goals), gap_shares(batch, model.goals)
    utility = model.goal_weights() @ (0.5 * gains + 0.5 * shares)
    by_kpi = (1 - model.own_share) * company_terms(batch, model)
    return Components(
        own=model.own_share * np.minimum(1.0, utility / model.own_scale),
        company=by_kpi.sum(axis=0),
        learning=SKILL_WEIGHT * batch.p * batch.skill_gap,
        fatigue=0.0 - FATIGUE_WEIGHT * batch.exposure,
        rules=np.clip(batch.boost, -BOOST_LIMIT, BOOST_LIMIT),
        gains=gains,
        shares=shares,
        by_kpi=by_kpi,
    )


def utilities(batch: Batch, model: Model) -> Array:
    """U before scaling: what scales.py takes the 95th percentile of."""
    return model.goal_weights() @ (0.5 * chance_gains(batch, model.goals) + 0.5 * gap_shares(batch, model.goals))


def chance_gains(batch: Batch, goals: Sequence[OwnGoal]) -> Array:
    """dP_g = P(X >= R - tau) - P(X >= R), goals x n. A goal already reached gains nothing."""
    gains = np.zeros((len(goals), len(batch)))
    for row, goal in zip(gains, goals, strict=True):
        tau = batch.effect(goal.metric)
        moved = np.flatnonzero(tau)
        if goal.left <= 0 or not len(moved):
            continue
        now, then = goal.survival(np.array([goal.left])), goal.survival(goal.left - tau[moved])
        row[moved] = np.where(tau[moved] < goal.left, then, 1.0) - now
    return gains


def whole_steps(survival: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """P(X >= x) of a count between whole numbers: an added tau of .06 is one more with probability .06."""

    def between(x: Array) -> Array:
        below = np.floor(x)
        part = x - below
        return (1 - part) * survival(below) + part * survival(below + 1)

    return between


def gap_shares(batch: Batch, goals: Sequence[OwnGoal]) -> Array:
    """min(1, tau_g / R_g), goals x n: the part of what is missing that showing it would close."""
    shares = np.zeros((len(goals), len(batch)))
    for row, goal in zip(shares, goals, strict=True):
        if goal.left > 0:
            row[:] = np.minimum(1.0, batch.effect(goal.metric) / goal.left)
    return shares


def company_terms(batch: Batch, model: Model) -> Array:
    """w_k clip(direction tau_k / s_k, -1, 1), KPIs x n; the sum over KPIs is K."""
    terms = np.zeros((len(model.company), len(batch)))
    for row, kpi, weight in zip(terms, model.company, model.company_weights(), strict=True):
        row[:] = weight * np.clip(kpi.direction * batch.effect(kpi.metric) / kpi.scale, -1.0, 1.0)
    return terms


def exposure(days_ago: Sequence[int]) -> float:
    """sum of 0.5^(days/15) over the earlier days on which a card was shown."""
    return float(sum(0.5 ** (days / FATIGUE_HALF_LIFE) for days in days_ago))


def ranks_without_company(terms: Components, people: Sequence[str]) -> npt.NDArray[np.int64]:
    """1 for the best score without the company's term, ties sharing the better rank. A person counts once, by her best."""
    best: dict[str, float] = {}
    for n, (who, score) in enumerate(zip(people, terms.without_company.tolist(), strict=True)):
        name = who or f"#{n}"
        best[name] = max(best.get(name, score), score)
    others = np.sort(-np.array(list(best.values()), dtype=np.float64))
    return np.searchsorted(others, -terms.without_company, side="left") + 1


def company_share(terms: Components, index: int) -> int:
    """Percent of what speaks for the card that comes from the company, floored; 0 when not positive."""
    speaking = sum(max(0.0, float(part[index])) for part in (terms.own, terms.company, terms.learning, terms.rules))
    return int(100 * float(terms.company[index]) / speaking) if terms.company[index] > 0 else 0


def _normalised(weights: Sequence[float]) -> Array:
    given = np.asarray(weights, dtype=np.float64)
    total = given.sum()
    return given / total if total > 0 else given
