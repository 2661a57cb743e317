"""The table of ranking.md, to the digits shown."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from activities.ranking import drawing, scoring
from activities.ranking.drawing import Slot
from activities.ranking.scoring import Terms
from tests.activities import columns

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


def week(x: float) -> float:
    """The rest of the week as a normal 60 +- 55 dollars."""
    return 1 - NormalDist(60, 55).cdf(x)


def month(x: float) -> float:
    """Enrolments still to come as a Poisson(1); what is added moves its mean."""
    needed = math.ceil(x)
    mean = 1 + (needed - x)
    return 1 - sum(math.exp(-mean) * mean**k / math.factorial(k) for k in range(needed))


KEYS = list(EFFECTS)
CATALOGUE = columns.catalogue(EFFECTS)


def scored(weights: dict[str, float]) -> scoring.Cards:
    found = columns.cards(6, 2, len(weights), p=P, gap=[0, 0, 0, 0.45, 0, 0], learning=[0, 0, 0, 1, 0, 0])
    columns.about(found, ["" if name == "lesson" else name for name in NAMES])
    columns.goal(found, 0, list(P * np.array(EFFECTS["sales"])), LEFT, week)
    columns.goal(found, 1, list(P * np.array(EFFECTS["enrolments"])), 1.0, month)
    course = columns.steering(
        [KEYS.index(key) for key in weights], list(weights.values()), [SCALES[key] for key in weights]
    )
    columns.kpis(found, CATALOGUE, course, 0.6)
    columns.add_up(found, np.array([0.5, 0.5]), 0.6, 0.056)
    return found


def terms_of(weights: dict[str, float]) -> Terms:
    return scoring.terms_of(6, scored(weights))


def feed(weights: dict[str, float]) -> list[tuple[str, Slot]]:
    placed = drawing.slate(6, scored(weights), CATALOGUE.activity)
    return [(NAMES[one.index], one.slot) for one in placed]


def test_it_works() -> None:
    terms = terms_of(BEFORE)
    assert [f"{x:.3f}" for x in terms.own] == ["0.516", "0.479", "0.218", "0.103", "0.112", "0.000"]
    assert [f"{x:.3f}" for x in terms.company] == ["0.174", "0.126", "0.080", "0.026", "0.014", "0.060"]
    assert [f"{x:.3f}" for x in terms.learning] == ["0.000", "0.000", "0.000", "0.062", "0.000", "0.000"]
    assert [f"{x:.3f}" for x in terms.score] == ["0.690", "0.606", "0.298", "0.191", "0.126", "0.060"]


def test_after_hq_moves_order_size_to_sixty() -> None:
    assert [f"{x:.3f}" for x in terms_of(AFTER).score] == ["0.610", "0.726", "0.258", "0.175", "0.117", "0.060"]


def test_chances_and_what_maria_adds() -> None:
    terms = terms_of(BEFORE)
    assert (f"{week(LEFT):.2f}", f"{month(1):.2f}") == ("0.48", "0.63")
    assert f"{P[0] * 18:.2f}" == "8.28"
    assert f"{100 * terms.gains[0, 0]:.1f}" == "6.0"
    assert int(100 * terms.shares[0, 0]) == 13
    assert f"{week(LEFT - 8.28):.2f}" == "0.54"
    assert scoring.company_share(terms, 0) == 25


def test_the_feed_with_the_noise_off() -> None:
    own, company, learning = Slot.OWN, Slot.COMPANY, Slot.LEARNING
    assert feed(BEFORE) == [("Maria", own), ("Li", own), ("Ana", own), ("Rosa", company), ("lesson", learning)]
    assert [name for name, _slot in feed(AFTER)] == ["Li", "Maria", "Ana", "Rosa", "lesson"]


def test_rank_without_company() -> None:
    assert scoring.ranks_without_company(terms_of(BEFORE), [""] * 6).tolist() == [1, 2, 3, 4, 5, 6]
