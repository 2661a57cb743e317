"""Effects from a log of drawn slates, in worlds where they are known: no database, the real draw and its propensities."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from activities.evidence import estimating
from activities.evidence.contests import IN_A_ROW, Contest, contests, included
from activities.models import Slate
from activities.ranking import drawing, scoring
from activities.ranking.blocks import ACTIVITY
from activities.ranking.scoring import Cards
from activities.recommend import COLUMNS

KEYS = [f"a{i}" for i in range(6)]
PLACES = {key: place for place, key in enumerate(KEYS)}
TERMS = ("own", "company", "learned", "fatigue", "rules")
ACTIVITIES = np.zeros(6, ACTIVITY)
ACTIVITIES["id"] = np.arange(6) + 1


def candidates(own: np.ndarray, **columns: Any) -> Cards:
    """One of each activity."""
    found = scoring.cards(len(own), 0, 0)
    found.card["activity"] = np.arange(len(own))
    found.card["own"] = own
    for name, values in columns.items():
        found.card[name] = values
    found.card["score"] = sum(found.card[name] for name in TERMS)
    return found


def log(found: Cards, *, seed: int, size: int, pin: int = -1, noise: bool = True) -> Slate:
    """A slate's row, not saved."""
    card = found.card
    placed = drawing.slate(len(card), found, ACTIVITIES, size=size, seed=seed if noise else None, pin=pin)
    keys = [KEYS[one["activity"]] + (f".c{one['about']}" if one["kind"] else "") for one in card]
    return Slate(
        seed=seed,
        versions={"columns": list(COLUMNS), "drawing": drawing.VERSION, "noise": noise},
        cards=[{"key": keys[p.index], "slot": str(p.slot), "propensity": p.propensity, "score": 0} for p in placed],
        eligible=[
            [
                key,
                *(float(one[name]) for name in TERMS),
                int(one["activity"]) + 1,
                int(one["learning"]),
                int(one["barred"]),
            ]
            for key, one in zip(keys, card, strict=True)
        ],
    )


def places(contest: Contest) -> list[int]:
    return [PLACES[key] for key in contest.activities]


# Contests


OWN = np.array([0.50, 0.45, 0.40, 0.38, 0.30, 0.20])
COMPANY = np.array([0.05, 0.09, 0.0, 0.20, 0.08, 0.30])


def drawn(seed: int) -> list[Contest]:
    return contests(log(candidates(OWN, company=COMPANY), seed=seed, size=4))


def test_it_works() -> None:
    own, company = drawn(1)
    assert own.activities == ["a3", "a0", "a1", "a5", "a2", "a4"]  # by score
    assert (own.won.sum(), own.chance.sum()) == (3, pytest.approx(3))
    placed = np.array(places(own))[own.won == 1]
    assert set(places(company)) == set(np.flatnonzero(COMPANY > 0)) - set(placed)
    assert (company.won.sum(), company.chance.sum()) == (1, pytest.approx(1))


def test_chances_are_how_often_a_place_is_won() -> None:
    won, chance, company = np.zeros(6), np.zeros(6), np.zeros(6)
    for seed in range(4000):
        one, other = drawn(seed)
        won[places(one)] += one.won
        chance[places(one)] = one.chance
        company[places(other)] += other.won - other.chance
    assert np.abs(won / 4000 - chance).max() < 0.03
    assert np.abs(company / 4000).max() < 0.03


@pytest.mark.parametrize("slots", [1, 2, 3])
def test_chances_of_several_places_add_up_every_order(slots: int) -> None:
    weights = np.array([0.5, 0.2, 0.15, 0.1, 0.05])
    by_hand = np.zeros(5)
    for order in itertools.permutations(range(5), slots):
        p, left = 1.0, 1.0
        for i in order:
            p, left = p * weights[i] / left, left - weights[i]
        by_hand[list(order)] += p
    chance = np.zeros(8)
    included(weights, slots, chance)
    assert chance[:5] == pytest.approx(by_hand)


def test_a_slate_has_no_longer_run_of_one_kind_of_slot() -> None:
    assert max(len(list(run)) for _slot, run in itertools.groupby(drawing.PATTERN.tolist())) == IN_A_ROW


def test_a_pin_is_no_contest_but_takes_its_person_and_its_activity() -> None:
    found = candidates(OWN, kind=[1, 1, 1, 0, 0, 0], about=[7, 7, 8, 0, 0, 0])
    slate = log(found, seed=1, size=3, pin=0)
    assert slate.cards[0]["slot"] == "pin"
    (contest,) = contests(slate)
    assert sorted(places(contest)) == [2, 3, 4, 5]
    assert contest.won.sum() == 2


def test_who_is_barred_does_not_compete() -> None:
    (contest,) = contests(log(candidates(OWN, barred=[1, 0, 0, 0, 0, 0]), seed=1, size=1))
    assert sorted(places(contest)) == [1, 2, 3, 4, 5]


def test_who_has_to_win_is_no_contest() -> None:
    assert contests(log(candidates(OWN[:3]), seed=1, size=3)) == []


def test_a_draw_that_its_log_does_not_explain_is_left_out() -> None:
    def slate() -> Slate:
        return log(candidates(OWN), seed=1, size=1)

    noiseless, other_formula, older, strange, changed = (slate() for _ in range(5))
    assert contests(slate())
    assert contests(log(candidates(OWN), seed=1, size=1, noise=False)) == []
    noiseless.cards[0]["propensity"] = 1.0
    other_formula.versions["drawing"] = drawing.VERSION - 1
    older.versions["columns"] = list(COLUMNS[:6])
    strange.cards[0]["key"] = "unheard-of"
    changed.eligible[0][1] += 0.01
    for one in (noiseless, other_formula, older, strange, changed):
        assert contests(one) == []


# Estimates


@dataclass
class World:
    """Showing is drawn; the more she makes anyway, the better the first activity scores: the two go together."""

    p: np.ndarray
    e: np.ndarray
    people: int = 400
    days: int = 8
    size: int = 2
    swing: float = 20.0
    level: float = 30.0  # how much more a motivated person makes anyway

    def lived(self, stated: np.ndarray, seed: int = 1) -> tuple[estimating.Sums, np.ndarray]:
        """Sums of its log, and for each activity what those shown it made more than those not shown it."""
        chance, sums = np.random.default_rng(seed), estimating.nothing_yet(stated[None])
        made, shown = [], []
        for person in range(self.people):
            motive = chance.normal()
            rows = [self.day(motive, chance) for _ in range(self.days)]
            z, won, done, u, seen = (np.array(column) for column in zip(*rows, strict=True))
            sums.add(z, won, done, u[None], np.full(len(u), person))
            made.append(u)
            shown.append(seen)
        u, seen = np.concatenate(made), np.concatenate(shown)
        naive = [u[seen[:, a] == 1].mean() - u[seen[:, a] == 0].mean() for a in range(len(self.p))]
        return sums, np.array(naive)

    def day(self, motive: float, chance: np.random.Generator) -> tuple[np.ndarray, ...]:
        own = 0.3 + chance.normal(0, 0.05, len(self.p))
        own[0] += 0.15 * motive
        slate = log(candidates(np.maximum(own, 0.01)), seed=int(chance.integers(1 << 60)), size=self.size)
        z, won, seen = (np.zeros(len(self.p)) for _ in range(3))
        for contest in contests(slate):
            z[places(contest)] += contest.won - contest.chance
            won[places(contest)] += contest.won
        seen[[PLACES[card["key"]] for card in slate.cards]] = 1
        done = seen * (chance.random(len(self.p)) < self.p)
        return z, won, done, self.level * motive + self.e @ done + chance.normal(0, self.swing), seen


P = np.array([0.4, 0.5, 0.3, 0.6, 0.4, 0.5])
#: Four that state sales, one of them falsely; two that state nothing, and do nothing.
E, STATED = np.array([10.0, 0, 20, 8, 0, 0]), np.array([18.0, 18, 20, 8, 0, 0])
SALES = [0, 1, 2, 3]


def estimated(world: World, *, prior: float, stated: np.ndarray = STATED, seed: int = 1) -> estimating.Effects:
    return estimating.estimate(world.lived(stated, seed)[0], (stated != 0)[None], prior=prior)


def test_effects_are_recovered_and_the_naive_comparison_is_not() -> None:
    world = World(P, E)
    sums, naive = world.lived(STATED)
    found = estimating.estimate(sums, (STATED != 0)[None], prior=1e-6)
    off = (found.mean[0, SALES] - E[SALES]) / found.error[0, SALES]
    assert np.abs(off).max() < 2
    assert found.error[0, SALES].max() < 6
    assert naive[0] > P[0] * E[0] + 15
    assert np.isnan(found.mean[0, 4:]).all()


def test_its_errors_are_as_large_as_it_says() -> None:
    worlds = [estimated(World(P, E, people=60, days=4), prior=1e-6, seed=seed) for seed in range(40)]
    off = np.array([(found.mean[0, SALES] - E[SALES]) / found.error[0, SALES] for found in worlds])
    assert np.abs(off.mean(axis=0)).max() < 0.6
    assert 0.7 < off.std() < 1.3


def test_what_states_an_effect_and_has_none_goes_to_nothing() -> None:
    found = estimated(World(P, E), prior=200)
    assert abs(found.mean[0, 1]) < 2 * found.error[0, 1]
    assert 500 < found.weight[0, 1] < 2000


def test_displaced_cards_do_not_make_good_ones_look_useless() -> None:
    """All of them bring 18: whoever is shown takes the place of one as good, so that showing changes nothing at all."""
    alike = np.full(6, 18.0)
    world = World(np.full(6, 0.4), alike, level=0.0)
    sums, naive = world.lived(alike)
    found = estimating.estimate(sums, np.ones((1, 6), bool), prior=200)
    assert np.abs(naive).max() < 3
    assert found.mean[0] == pytest.approx(alike, abs=4)
    # They cannot be told from their common level: the authors' words weigh more than they would by the number of showings.
    assert (found.weight[0] < 0.9 * sums.showings).all()


def test_few_showings_leave_it_with_the_author() -> None:
    few = estimated(World(P, E, people=80, days=4), prior=5000)
    assert few.mean[0, 0] == pytest.approx(STATED[0], abs=3)
    none = estimated(World(P, E, people=8, days=2), prior=1000)
    assert np.isnan(none.mean).all()


def test_what_showing_does_not_move_is_not_learned() -> None:
    """She does it as often without being shown: there is nothing to learn from, whatever the number of showings."""
    sums = estimating.nothing_yet(STATED[None])
    chance = np.random.default_rng(1)
    z = chance.choice([-0.5, 0.5], (400, 6))
    done = (chance.random((400, 6)) < 0.5).astype(float)
    sums.add(z, (z > 0).astype(float), done, (done @ E)[None], np.arange(400))
    assert (sums.showings >= estimating.LEAST).all()
    assert np.isnan(estimating.estimate(sums, (STATED != 0)[None], prior=1).mean).all()


def test_for_one_activity_it_is_the_weighted_mean_of_author_and_data() -> None:
    sums = estimating.nothing_yet(np.array([[10.0]]))
    z = np.tile([[0.5], [-0.5]], (100, 1))
    done = np.tile([[1.0], [0.0]], (100, 1))
    u = np.tile([4.0, 0.0], 100)[None]
    sums.add(z, (z > 0).astype(float), done, u, np.arange(200))
    found = estimating.estimate(sums, np.ones((1, 1), bool), prior=300)
    assert found.mean[0, 0] == pytest.approx((300 * 10 + 100 * 4) / 400)
    assert found.weight[0, 0] == pytest.approx(100)


def test_blocks_add_up_to_the_whole() -> None:
    chance = np.random.default_rng(3)
    z, done, u = chance.normal(size=(60, 6)), chance.random((60, 6)), chance.normal(size=(1, 60))
    person = np.repeat(np.arange(20), 3)
    whole, parts = estimating.nothing_yet(STATED[None]), estimating.nothing_yet(STATED[None])
    whole.add(z, z, done, u, person)
    for at in (slice(0, 30), slice(30, 30), slice(30, 60)):
        parts.add(z[at], z[at], done[at], u[:, at], person[at])
    for name in ("showings", "done", "spread", "moved", "noise"):
        assert getattr(whole, name) == pytest.approx(getattr(parts, name))


def test_the_chance_of_doing_it_is_shrunk_to_the_author() -> None:
    assert estimating.chance(0.3, 0, 0, prior=50) == 0.3
    assert estimating.chance(0.3, 50, 25, prior=50) == pytest.approx(0.4)
