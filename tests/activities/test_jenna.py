"""The table of ranking.md, to the digits shown."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from activities import drawing, scoring
from activities.drawing import Slot
from activities.scoring import Batch, CompanyGoal, Model, OwnGoal

LEFT = 62.50
NAMES = ["Maria", "Li", "Ana", "lesson", "Tom", "Rosa"]
P = np.array([0.46, 0.35, 0.40, 0.55, 0.30, 0.50])
EFFECTS = {
    "sales": [18, 22, 0, 3, 6, 0],
    "repeat_orders:eye": [0.22, 0.05, 0, 0.03, 0.03, 0],
    "enrolments": [0, 0, 0.15, 0, 0, 0],
    "retained_recruits": [0, 0, 0, 0, 0, 0.16],
    "order_size": [1.0, 9.0, 0, 0, 0, 0],
}
SCALES = {"repeat_orders:eye": 0.10, "enrolments": 0.06, "retained_recruits": 0.08, "order_size": 3.20}
BEFORE = {"repeat_orders:eye": 0.40, "enrolments": 0.20, "retained_recruits": 0.15, "order_size": 0.25}
AFTER = {"repeat_orders:eye": 0.15, "enrolments": 0.10, "retained_recruits": 0.15, "order_size": 0.60}


@np.vectorize
def week(x: float) -> float:
    """The rest of the week as a normal 60 +- 55 dollars."""
    return 1 - NormalDist(60, 55).cdf(x)


@np.vectorize
def month(x: float) -> float:
    """Enrolments still to come as a Poisson(1); what is added moves its mean."""
    needed = math.ceil(x)
    mean = 1 + (needed - x)
    return 1 - sum(math.exp(-mean) * mean**k / math.factorial(k) for k in range(needed))


def model(weights: dict[str, float]) -> Model:
    return Model(
        goals=[OwnGoal("sales", 0.5, LEFT, week), OwnGoal("enrolments", 0.5, 1.0, month)],
        company=[CompanyGoal(metric, weight, 1, SCALES[metric]) for metric, weight in weights.items()],
        own_share=0.6,
        own_scale=0.056,
    )


def batch() -> Batch:
    return Batch(
        p=P,
        tau={metric: P * np.array(effects) for metric, effects in EFFECTS.items()},
        skill_gap=np.array([0, 0, 0, 0.45, 0, 0]),
        exposure=np.zeros(6),
        boost=np.zeros(6),
    )


def feed(terms: scoring.Components) -> list[tuple[str, Slot]]:
    learning = np.array([name == "lesson" for name in NAMES])
    people = ["" if name == "lesson" else name for name in NAMES]
    placed = drawing.draw(terms, keys=NAMES, people=people, learning=learning)
    return [(NAMES[one.index], one.slot) for one in placed]


def test_it_works() -> None:
    terms = scoring.components(batch(), model(BEFORE))
    assert [f"{x:.3f}" for x in terms.own] == ["0.516", "0.479", "0.218", "0.103", "0.112", "0.000"]
    assert [f"{x:.3f}" for x in terms.company] == ["0.174", "0.126", "0.080", "0.026", "0.014", "0.060"]
    assert [f"{x:.3f}" for x in terms.learning] == ["0.000", "0.000", "0.000", "0.062", "0.000", "0.000"]
    assert [f"{x:.3f}" for x in terms.score] == ["0.690", "0.606", "0.298", "0.191", "0.126", "0.060"]


def test_after_hq_moves_order_size_to_sixty() -> None:
    terms = scoring.components(batch(), model(AFTER))
    assert [f"{x:.3f}" for x in terms.score] == ["0.610", "0.726", "0.258", "0.175", "0.117", "0.060"]


def test_chances_and_what_maria_adds() -> None:
    terms = scoring.components(batch(), model(BEFORE))
    assert (f"{week(LEFT):.2f}", f"{month(1):.2f}") == ("0.48", "0.63")
    assert f"{P[0] * 18:.2f}" == "8.28"
    assert f"{100 * terms.gains[0, 0]:.1f}" == "6.0"
    assert int(100 * terms.shares[0, 0]) == 13
    assert f"{week(LEFT - 8.28):.2f}" == "0.54"
    assert scoring.company_share(terms, 0) == 25


def test_the_feed_with_the_noise_off() -> None:
    own, company, learning = Slot.OWN, Slot.COMPANY, Slot.LEARNING
    before = feed(scoring.components(batch(), model(BEFORE)))
    assert before == [("Maria", own), ("Li", own), ("Ana", own), ("Rosa", company), ("lesson", learning)]
    after = feed(scoring.components(batch(), model(AFTER)))
    assert [name for name, _slot in after] == ["Li", "Maria", "Ana", "Rosa", "lesson"]


def test_rank_without_company() -> None:
    terms = scoring.components(batch(), model(BEFORE))
    assert scoring.ranks_without_company(terms, [""] * 6).tolist() == [1, 2, 3, 4, 5, 6]


def test_the_company_never_gets_more_than_half() -> None:
    with pytest.raises(ValueError, match="between .5 and 1"):
        Model(goals=[], company=[], own_share=0.4)
