"""Properties of the score and the draw, for any numbers."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activities import drawing, scoring
from activities.drawing import Slot
from activities.scoring import Batch, CompanyGoal, Components, Model, OwnGoal

METRICS = ("sales", "enrolments", "repeat_orders:eye")
numbers = st.floats(-50, 50, allow_nan=False)
DAY = date(2026, 8, 27)


def falling(x: scoring.Array) -> scoring.Array:
    return np.where(x <= 0, 1.0, np.exp(-np.maximum(x, 0) / 30))


@st.composite
def problems(draw: st.DrawFn) -> tuple[Batch, Model, np.ndarray, list[str]]:
    n = draw(st.integers(1, 12))

    def column(values: st.SearchStrategy[float]) -> np.ndarray:
        return np.array(draw(st.lists(values, min_size=n, max_size=n)), dtype=np.float64)

    batch = Batch(
        p=column(st.floats(0, 1)),
        tau={metric: column(numbers) for metric in METRICS},
        skill_gap=column(st.floats(0, 1)),
        exposure=column(st.floats(0, 25)),
        boost=column(st.floats(-1, 1)),
    )
    goals = [
        OwnGoal(metric, draw(st.floats(0.01, 10)), draw(st.sampled_from([0.0, 0.5, 1.0, 62.5])), falling)
        for metric in draw(st.lists(st.sampled_from(METRICS), max_size=3, unique=True))
    ]
    company = [
        CompanyGoal(metric, draw(st.floats(0.01, 100)), draw(st.sampled_from([1, -1])), draw(st.floats(0.01, 10)))
        for metric in draw(st.lists(st.sampled_from(METRICS), max_size=3, unique=True))
    ]
    model = Model(goals, company, own_share=draw(st.floats(0.5, 1)), own_scale=draw(st.floats(0.01, 1)))
    learning = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    people = draw(st.lists(st.sampled_from(["", "c1", "c2", "c3"]), min_size=n, max_size=n))
    return batch, model, learning, people


def keys(n: int) -> list[str]:
    return [f"activity-{i}" for i in range(n)]


def by_hand(batch: Batch, model: Model, i: int) -> float:
    """S of candidate i, straight from the formula, in plain Python."""
    weights = [goal.weight for goal in model.goals]
    utility = 0.0
    for goal in model.goals:
        tau = float(batch.tau[goal.metric][i])
        if goal.left > 0:
            gain = float(falling(np.array(goal.left - tau)) - falling(np.array(goal.left)))
            utility += goal.weight / sum(weights) * (0.5 * gain + 0.5 * min(1.0, tau / goal.left))
    total = sum(kpi.weight for kpi in model.company)
    company = sum(
        kpi.weight / total * max(-1.0, min(1.0, kpi.direction * float(batch.tau[kpi.metric][i]) / kpi.scale))
        for kpi in model.company
    )
    return (
        model.own_share * min(1.0, utility / model.own_scale)
        + (1 - model.own_share) * company
        + 0.25 * float(batch.p[i]) * float(batch.skill_gap[i])
        - 0.01 * float(batch.exposure[i])
        + max(-0.1, min(0.1, float(batch.boost[i])))
    )


@given(problems())
@settings(deadline=None, max_examples=150)
def test_terms_add_up_to_the_score(problem: tuple[Batch, Model, np.ndarray, list[str]]) -> None:
    batch, model, _learning, _people = problem
    terms = scoring.components(batch, model)
    for i in range(len(batch)):
        parts = terms.own[i] + terms.company[i] + terms.learning[i] + terms.fatigue[i] + terms.rules[i]
        assert abs(parts - by_hand(batch, model, i)) < 1e-9
        assert abs(terms.score[i] - parts) < 1e-9
        assert abs(terms.company[i] - terms.by_kpi[:, i].sum()) < 1e-9


@given(problems())
@settings(deadline=None, max_examples=60)
def test_a_batch_scores_like_each_alone(problem: tuple[Batch, Model, np.ndarray, list[str]]) -> None:
    batch, model, _learning, _people = problem
    together = scoring.components(batch, model).score
    for i in range(len(batch)):
        one = Batch(
            p=batch.p[[i]], tau={m: tau[[i]] for m, tau in batch.tau.items()}, skill_gap=batch.skill_gap[[i]],
            exposure=batch.exposure[[i]], boost=batch.boost[[i]],
        )  # fmt: skip
        assert scoring.components(one, model).score[0] == pytest.approx(together[i], abs=1e-12)


@given(problems(), st.integers(0, 2**63 - 1))
@settings(deadline=None, max_examples=100)
def test_a_slate_is_the_same_again_and_fair(problem: tuple[Batch, Model, np.ndarray, list[str]], seed: int) -> None:
    batch, model, learning, people = problem
    terms = scoring.components(batch, model)
    given = {"keys": keys(len(batch)), "people": people, "learning": learning, "size": 5}
    placed = drawing.draw(terms, seed=seed, **given)
    assert placed == drawing.draw(terms, seed=seed, **given)
    # As many as there are different people and cards about nobody, up to five; nobody twice.
    about = [people[one.index] for one in placed if people[one.index]]
    assert len(about) == len(set(about))
    assert len(placed) == min(5, people.count("") + len(set(people) - {""}))
    assert all(0 < one.propensity <= 1 + 1e-12 for one in placed)


@given(problems())
@settings(deadline=None, max_examples=60)
def test_weights_of_a_pool_sum_to_one_and_name_each_person_once(
    problem: tuple[Batch, Model, np.ndarray, list[str]],
) -> None:
    batch, model, learning, people = problem
    pools = pools_of(scoring.components(batch, model), learning, people)
    for slot in drawing.SLOTS:
        for pool in pools.of(slot):
            assert pool.weights.sum() == pytest.approx(1.0, abs=1e-12)
            assert (pool.weights >= 0.05 / len(pool.at) - 1e-12).all()
        listed = [people[i] for pool in pools.of(slot) for i in pool.at if people[i]]
        assert len(listed) == len(set(listed))


def pools_of(terms: Components, learning: np.ndarray, people: list[str]) -> drawing.Pools:
    everyone = np.ones(len(terms), dtype=bool)
    return drawing.Pools(terms, learning=learning, people=people, activities=keys(len(terms)), allowed=everyone)


def six() -> Components:
    """Four cards for her goals, one for the company, one lesson."""
    own = np.array([0.45, 0.40, 0.30, 0.20, 0.0, 0.0])
    company = np.array([0.0, 0.0, 0.0, 0.0, 0.2, 0.1])
    zeros = np.zeros(6)
    return Components(own, company, zeros, zeros, zeros, np.zeros((0, 6)), np.zeros((0, 6)), np.zeros((0, 6)))


LEARNING = np.array([False] * 5 + [True])


def test_twenty_thousand_draws_match_the_propensities() -> None:
    """First slot by w; second slot by w over those remaining: what is logged is what happens."""
    n, terms = 20_000, six()
    (pool,) = pools_of(terms, LEARNING, [""] * 6).of(Slot.OWN)
    weights = np.zeros(4)
    weights[pool.at] = pool.weights
    first, second = np.zeros(4), np.zeros((4, 4))
    logged = np.zeros((4, 4))
    for person in range(n):
        seed = drawing.seed_of(f"d{person}", DAY)
        one, two, *_rest = drawing.draw(terms, keys=keys(6), people=[""] * 6, learning=LEARNING, seed=seed)
        first[one.index] += 1
        second[one.index, two.index] += 1
        logged[one.index, two.index] = two.propensity
    # Four standard errors of 20,000 draws.
    assert np.abs(first / n - weights).max() < 4 * np.sqrt(0.25 / n)
    for i in range(4):
        rates = second[i] / first[i]
        assert np.abs(rates - logged[i]).max() < 4 * np.sqrt(0.25 / first[i])
        assert logged[i].sum() == pytest.approx(1.0, abs=1e-9)


def test_company_slot_is_not_tainted_by_the_own_slots_draw() -> None:
    """Three cards left over from her own slots, equal to the company: each is drawn a third of the time.

    With one noise for both, the two that lost against their equals would be behind the one that hardly took part.
    """
    zeros, none, n = np.zeros(6), np.zeros((0, 6)), 4_000
    terms = Components(np.array([0.6] * 5 + [0.01]), np.full(6, 0.1), zeros, zeros, zeros, none, none, none)
    hardly_took_part = left_over = 0
    for person in range(n):
        seed = drawing.seed_of(f"d{person}", DAY)
        placed = drawing.draw(terms, keys=keys(6), people=[""] * 6, learning=np.zeros(6, dtype=bool), seed=seed)
        assert [one.slot for one in placed[:4]] == [Slot.OWN, Slot.OWN, Slot.OWN, Slot.COMPANY]
        if 5 not in {one.index for one in placed[:3]}:
            left_over += 1
            hardly_took_part += placed[3].index == 5
            assert placed[3].propensity == pytest.approx(1 / 3)
    assert abs(hardly_took_part / left_over - 1 / 3) < 4 * np.sqrt(2 / 9 / left_over)


def test_a_new_candidate_changes_nobody_elses_noise() -> None:
    seed = drawing.seed_of("jenna", DAY)
    few, more = drawing.gumbel(seed, ["a", "b"]), drawing.gumbel(seed, ["a", "new", "b"])
    assert (few[:, 0] == more[:, 0]).all()
    assert (few[:, 1] == more[:, 2]).all()


def test_seed_is_stable_and_moves_with_person_and_day() -> None:
    assert drawing.seed_of("jenna", DAY) == 7816689075936482567
    assert len({drawing.seed_of(p, DAY + timedelta(days=d)) for p in ("jenna", "maria") for d in range(10)}) == 20


def test_empty_slots_fall_to_her_own_goals_first() -> None:
    zeros, none = np.zeros(5), np.zeros((0, 5))
    terms = Components(np.linspace(0.1, 0.5, 5), zeros, zeros, zeros, zeros, none, none, none)
    placed = drawing.draw(terms, keys=keys(5), people=[""] * 5, learning=np.zeros(5, dtype=bool))
    assert [one.slot for one in placed] == [Slot.OWN] * 5
    assert [one.index for one in placed] == [4, 3, 2, 1, 0]


def test_a_long_list_is_drawn_eight_at_a_time() -> None:
    """The ninth best competes only when the first eight are placed."""
    zeros, none = np.zeros(20), np.zeros((0, 20))
    terms = Components(np.linspace(0.5, 0.1, 20), zeros, zeros, zeros, zeros, none, none, none)
    for person in range(50):
        placed = drawing.draw(
            terms, keys=keys(20), people=[""] * 20, learning=np.zeros(20, dtype=bool), size=20,
            seed=drawing.seed_of(f"d{person}", DAY),
        )  # fmt: skip
        assert {one.index for one in placed[:8]} == set(range(8))
        assert {one.index for one in placed} == set(range(20))


def test_an_activity_comes_again_only_when_no_other_is_left() -> None:
    """Maria and Li could both get the video: the second card is the other thing to do, and only then the video again."""
    zeros, none = np.zeros(4), np.zeros((0, 4))
    terms = Components(np.array([0.5, 0.49, 0.1, 0.2]), zeros, zeros, zeros, zeros, none, none, none)
    given = {"keys": keys(4), "people": ["c1", "c2", "c1", "c2"], "activities": ["video", "video", "call", "call"]}
    placed = drawing.draw(terms, learning=np.zeros(4, dtype=bool), **given)
    assert [one.index for one in placed] == [0, 3]
    given = {"keys": keys(4), "people": ["c1", "c2", "c3", "c4"], "activities": ["video", "video", "video", "call"]}
    placed = drawing.draw(terms, learning=np.zeros(4, dtype=bool), **given)
    assert [one.index for one in placed] == [0, 3, 1, 2]
    for person in range(30):
        seed = drawing.seed_of(f"d{person}", DAY)
        placed = drawing.draw(terms, learning=np.zeros(4, dtype=bool), seed=seed, **given)
        assert 3 in {one.index for one in placed[:2]}
        assert {one.index for one in placed} == {0, 1, 2, 3}


def test_a_person_counts_once_in_the_rank_without_the_company() -> None:
    zeros, none = np.zeros(3), np.zeros((0, 3))
    terms = Components(np.array([0.5, 0.4, 0.3]), zeros, zeros, zeros, zeros, none, none, none)
    assert scoring.ranks_without_company(terms, ["c1", "c1", ""]).tolist() == [1, 2, 2]


def test_nothing_that_moves_anything_is_still_shown() -> None:
    zeros, none = np.zeros(2), np.zeros((0, 2))
    terms = Components(zeros, zeros, zeros, zeros, zeros, none, none, none)
    placed = drawing.draw(terms, keys=keys(2), people=["", ""], learning=np.zeros(2, dtype=bool))
    assert [one.slot for one in placed] == [Slot.OTHER, Slot.OTHER]


def test_a_pin_comes_first_and_suppressed_cards_never() -> None:
    suppressed = np.array([True, False, False, False, False, False])
    placed = drawing.draw(six(), keys=keys(6), people=[""] * 6, learning=LEARNING, seed=1, pin=4, suppressed=suppressed)
    assert (placed[0].index, placed[0].slot, placed[0].propensity) == (4, Slot.PIN, 1.0)
    assert 0 not in {one.index for one in placed}


def test_no_candidates_no_slate() -> None:
    none, empty = np.zeros(0), np.zeros((0, 0))
    terms = Components(none, none, none, none, none, empty, empty, empty)
    assert drawing.draw(terms, keys=[], people=[], learning=np.zeros(0, dtype=bool), seed=1) == []


def test_a_reached_goal_is_not_pressed() -> None:
    batch = Batch(np.array([0.5]), {"sales": np.array([9.0])}, np.zeros(1), np.zeros(1), np.zeros(1))
    terms = scoring.components(batch, Model([OwnGoal("sales", 1, 0.0, falling)], []))
    assert terms.own[0] == 0


def test_boosts_are_bounded() -> None:
    batch = Batch(np.ones(2), {}, np.zeros(2), np.zeros(2), np.array([5.0, -5.0]))
    assert scoring.components(batch, Model([], [])).rules.tolist() == [0.1, -0.1]


def test_a_count_moves_between_whole_numbers() -> None:
    """.06 enrolments more is one more with probability .06."""
    steps = scoring.whole_steps(lambda x: (x <= 0).astype(float))
    assert steps(np.array([1.0, 0.94, 0.0, -0.5])) == pytest.approx([0.0, 0.06, 1.0, 1.0])


def test_shown_today_for_two_weeks_loses_a_tenth() -> None:
    assert scoring.exposure([]) == 0
    assert scoring.exposure([15]) == 0.5
    assert 0.08 < scoring.FATIGUE_WEIGHT * scoring.exposure(list(range(1, 15))) < 0.12
