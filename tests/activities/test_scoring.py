"""Properties of the score, for any numbers: the compiled columns against the formula in plain Python."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.ranking import scoring
from activities.ranking.scoring import Terms
from tests.activities import columns

METRICS = ("sales", "enrolments", "repeat_orders:eye")


def falling(x: float) -> float:
    return 1.0 if x <= 0 else math.exp(-x / 30)


@dataclass
class Problem:
    p: np.ndarray
    effects: dict[str, np.ndarray]  # of doing it
    gap: np.ndarray
    exposure: np.ndarray
    boost: np.ndarray
    goals: list[tuple[str, float, float]]  # metric, weight, left
    kpis: list[tuple[str, float, float, float]]  # metric, weight, direction, scale
    share: float
    own_scale: float


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    n = draw(st.integers(1, 12))

    def column(values: st.SearchStrategy[float]) -> np.ndarray:
        return np.array(draw(st.lists(values, min_size=n, max_size=n)), dtype=np.float64)

    def some() -> list[str]:
        return draw(st.lists(st.sampled_from(METRICS), max_size=3, unique=True))

    return Problem(
        p=column(st.floats(0, 1)),
        effects={metric: column(st.floats(-50, 50, allow_nan=False)) for metric in METRICS},
        gap=column(st.floats(0, 1)), exposure=column(st.floats(0, 25)), boost=column(st.floats(-1, 1)),
        goals=[(m, draw(st.floats(0.01, 10)), draw(st.sampled_from([0.0, 0.5, 1.0, 62.5]))) for m in some()],
        kpis=[
            (m, draw(st.floats(0.01, 100)), draw(st.sampled_from([1.0, -1.0])), draw(st.floats(0.01, 10))) for m in some()
        ],
        share=draw(st.floats(0.5, 1)), own_scale=draw(st.floats(0.01, 1)),
    )  # fmt: skip


def scored(problem: Problem) -> Terms:
    n = len(problem.p)
    found = columns.cards(
        n,
        len(problem.goals),
        len(problem.kpis),
        p=problem.p,
        gap=problem.gap,
        exposure=problem.exposure,
        boost=problem.boost,
    )
    for g, (metric, _weight, left) in enumerate(problem.goals):
        columns.goal(found, g, list(problem.p * problem.effects[metric]), left, falling)
    metrics = list(METRICS)
    course = columns.steering(
        [metrics.index(kpi[0]) for kpi in problem.kpis],
        [kpi[1] for kpi in problem.kpis],
        [kpi[3] for kpi in problem.kpis],
    )._replace(direction=np.array([[kpi[2] for kpi in problem.kpis]]).reshape(1, -1))
    columns.kpis(found, columns.catalogue(problem.effects), course, problem.share)
    weights = np.array([goal[1] for goal in problem.goals])
    columns.add_up(found, weights / weights.sum() if len(weights) else weights, problem.share, problem.own_scale)
    return scoring.terms_of(n, found)


def by_hand(problem: Problem, i: int) -> float:
    """S of candidate i, straight from the formula."""
    weights = sum(goal[1] for goal in problem.goals)
    utility = 0.0
    for metric, weight, left in problem.goals:
        tau = float(problem.p[i] * problem.effects[metric][i])
        if left > 0:
            gain = falling(left - tau) - falling(left)
            utility += weight / weights * (0.5 * gain + 0.5 * min(1.0, tau / left))
    total = sum(kpi[1] for kpi in problem.kpis)
    company = sum(
        weight / total * max(-1.0, min(1.0, direction * float(problem.p[i] * problem.effects[metric][i]) / scale))
        for metric, weight, direction, scale in problem.kpis
    )
    return (
        problem.share * min(1.0, utility / problem.own_scale)
        + (1 - problem.share) * company
        + 0.25 * float(problem.p[i]) * float(problem.gap[i])
        - 0.01 * float(problem.exposure[i])
        + max(-0.1, min(0.1, float(problem.boost[i])))
    )


@given(problems())
@settings(deadline=None, max_examples=300)
def test_terms_add_up_to_the_score(problem: Problem) -> None:
    terms = scored(problem)
    for i in range(len(problem.p)):
        parts = terms.own[i] + terms.company[i] + terms.learning[i] + terms.fatigue[i] + terms.rules[i]
        assert abs(parts - by_hand(problem, i)) < 1e-9
        assert abs(terms.score[i] - parts) < 1e-9
        assert abs(terms.company[i] - terms.by_kpi[i].sum()) < 1e-9


def test_a_person_counts_once_in_the_rank_without_the_company() -> None:
    found = columns.cards(3, 0, 0, own=[0.5, 0.4, 0.3])
    terms = scoring.terms_of(3, found)
    assert scoring.ranks_without_company(terms, ["c1", "c1", ""]).tolist() == [1, 2, 2]


def test_boosts_are_bounded() -> None:
    found = columns.cards(2, 0, 0, boost=[5.0, -5.0])
    columns.add_up(found, np.zeros(0), 0.6, 0.056)
    assert scoring.terms_of(2, found).rules.tolist() == [0.1, -0.1]


def test_money_is_the_markets_and_sales_are_the_customers() -> None:
    """Sales of $18 at a price level of 18, of somebody who orders twice as much; a count is neither."""
    arrays = columns.catalogue({"sales": [18.0], "orders": [0.5]})
    arrays.key["money"], arrays.key["sales"] = [1, 0], [1, 0]
    found = columns.cards(1, 0, 0, p=0.5, stretch=2.0)
    tau = np.zeros(1)
    scoring.shown_effects(1, 0, 18.0, found.card, arrays.key, arrays.effects, tau)
    assert tau[0] == 0.5 * 18 * 18 * 2
    scoring.shown_effects(1, 1, 18.0, found.card, arrays.key, arrays.effects, tau)
    assert tau[0] == 0.25


def test_a_kpi_that_no_activity_moves_adds_nothing() -> None:
    found = columns.cards(1, 0, 2)
    columns.kpis(found, columns.catalogue({"sales": [5.0]}), columns.steering([-1, 0], [50, 50], [1, 10]), 0.6)
    assert found.by_kpi.tolist() == [[0.0, pytest.approx(0.4 * 0.5 * 0.5)]]
