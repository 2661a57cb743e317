"""Lift: what it finds is there, what is not there it does not find however often somebody looks, and what it refuses."""

from __future__ import annotations

from math import erfc, log, sqrt

import numpy as np
import pytest

from kpis import lift
from kpis.lift import Arms, Lift, OddLotError, TooFewError, Verdict


def world(
    seed: int, *, teams: int = 400, size: int = 3, share: float = 0.5, effect: float = 0.0, together: float = 0.0
) -> Arms:
    """Sales of people in teams, half of which the lot holds back. `together`: how much of the noise a team shares."""
    dice = np.random.default_rng(seed)
    team = np.repeat(np.arange(teams), size)
    held = dice.random(teams) < share
    usual = dice.gamma(2.0, 100.0, teams * size)
    shared = dice.normal(0, 60, teams)[team]
    own = dice.normal(0, 60, teams * size)
    before = np.maximum(0, usual + dice.normal(0, 60, len(usual)))
    got = ~held[team]
    after = np.maximum(0, usual + sqrt(together) * shared + sqrt(1 - together) * own) * np.where(got, 1 + effect, 1)
    return Arms(after, before, got, team)


def test_it_works() -> None:
    found = lift.lift(world(1, teams=2000, effect=0.10), 0.5)
    assert found.verdict is Verdict.UP
    assert found.low < 0.10 * found.held_back < found.high
    assert found.difference == pytest.approx(found.got - found.held_back)
    assert found.inner < found.half
    assert lift.lift(world(1, teams=2000, effect=-0.10), 0.5).verdict is Verdict.DOWN


def arms_held(arms: Arms) -> float:
    return arms.sides[1][1] / (arms.sides[0][1] + arms.sides[1][1])


def test_the_range_holds_the_truth_whoever_the_lot_chose() -> None:
    """Of 200 worlds with an effect of a tenth nearly all ranges have it; a fixed range would in 190."""
    within = 0
    for seed in range(200):
        arms = world(seed, effect=0.1, together=0.5)
        truth = 0.1 * np.where(arms.got, arms.after / 1.1, arms.after).mean()
        found = lift.lift(arms, arms_held(arms))
        within += found.low <= truth <= found.high
    assert within >= 190


def naive(arms: Arms) -> bool:
    """What one would do: the difference of means by person at 5 %."""
    a, b = arms.after[arms.got], arms.after[~arms.got]
    return bool(abs(a.mean() - b.mean()) > 1.96 * sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)))


def test_looking_every_week_at_nothing_finds_nothing() -> None:
    """300 experiments without any effect, people of a team alike, looked at in each of 26 weeks as more teams come."""
    alarms = alarmed = 0
    for seed in range(300):
        arms = world(seed, teams=650, size=3, together=0.9)
        ever = ever_naive = False
        for week in range(1, 27):
            some = arms.team < 25 * week
            now = Arms(arms.after[some], arms.before[some], arms.got[some], arms.team[some])
            try:
                ever |= lift.lift(now, 0.5).verdict in {Verdict.UP, Verdict.DOWN}
            except (TooFewError, OddLotError):
                continue
            ever_naive |= naive(now)
        alarms, alarmed = alarms + ever, alarmed + ever_naive
    assert alarms / 300 < 0.05
    assert alarmed / 300 > 0.15  # and naive peeking does find something


# Closed forms


def test_teams_of_one_have_the_variance_of_welch() -> None:
    arms = world(3, teams=900, size=1)
    a, b = arms.after[arms.got], arms.after[~arms.got]
    welch = a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)
    assert lift.clustered(arms.after, arms.got, arms.team) == pytest.approx(welch)


def test_people_who_do_as_their_team_does_count_as_one() -> None:
    """Everybody four times over, in her team: as many teams, the same variance. Taken one by one it would be a quarter."""
    arms = world(4, teams=900, size=1)
    after, got, team = (np.repeat(column, 4) for column in (arms.after, arms.got, arms.team))
    assert lift.clustered(after, got, team) == pytest.approx(lift.clustered(arms.after, arms.got, arms.team))
    alone = lift.clustered(after, got, np.arange(len(after)))
    assert alone == pytest.approx(lift.clustered(arms.after, arms.got, arms.team) / 4, rel=0.01)


def test_the_range_is_the_one_of_ranking() -> None:
    V, t2, a = 4.0, 9.0, 0.05
    assert lift.always_valid(V, t2, a) == pytest.approx(sqrt(V * (V + t2) / t2 * log((V + t2) / (V * a * a))))
    found = Lift(got=33.0, held_back=30.0, difference=3.0, variance=V)
    assert found.half == pytest.approx(lift.always_valid(V, t2, a))  # a tenth of 30, squared
    assert found.detectable == pytest.approx(found.half + 0.8416212335729143 * 2)


def test_without_a_scale_nothing_can_be_told() -> None:
    assert Lift(0.0, 0.0, 0.0, 1.0).half == float("inf")
    assert Lift(0.0, 0.0, 0.0, 1.0).verdict is Verdict.CANNOT_TELL
    assert Lift(10.0, 10.0, 0.0, 0.0).verdict is Verdict.NO_CHANGE


def test_what_was_made_before_is_taken_off() -> None:
    arms = world(5, teams=2000)
    plain = lift.clustered(arms.after, arms.got, arms.team)
    left = lift.cuped(arms.after, arms.before, arms.got)
    before = lift.within(arms.before, arms.got)
    correlation = np.corrcoef(lift.within(arms.after, arms.got), before)[0, 1]
    assert lift.clustered(left, arms.got, arms.team) == pytest.approx(plain * (1 - correlation**2), rel=0.02)
    assert left.mean() == pytest.approx(arms.after.mean())
    constant = np.full(len(arms.after), 7.0)
    assert lift.cuped(arms.after, constant, arms.got) == pytest.approx(arms.after)


def test_one_lucky_order_decides_nothing() -> None:
    arms = world(6, teams=500)
    lucky = arms.after.copy()
    lucky[np.flatnonzero(arms.got)[0]] = 1e7
    with_luck = lift.lift(Arms(lucky, arms.before, arms.got, arms.team), 0.5)
    assert with_luck.difference == pytest.approx(lift.lift(arms, 0.5).difference, abs=3)


def test_no_clear_change_is_less_than_a_tenth() -> None:
    assert Lift(100.0, 100.0, 0.5, 1.0).verdict is Verdict.NO_CHANGE
    assert Lift(100.0, 100.0, 0.5, 100.0).verdict is Verdict.CANNOT_TELL


# Refusals


def test_under_two_hundred_people_a_side_there_is_no_figure() -> None:
    arms = world(7, teams=130)
    assert min(people for people, _teams in arms.sides) < 200
    with pytest.raises(TooFewError):
        lift.lift(arms, 0.5)


def test_two_hundred_people_of_a_few_teams_are_too_few() -> None:
    arms = world(8, teams=40, size=30)
    assert min(people for people, _teams in arms.sides) >= 200
    with pytest.raises(TooFewError):
        lift.lift(arms, 0.5)


def test_a_lot_that_fell_oddly_hides_the_result() -> None:
    arms = world(9, teams=1000, share=0.4)
    with pytest.raises(OddLotError):
        lift.lift(arms, 0.5)
    lift.lift(arms, 0.4)


def test_the_odds_are_those_of_pearsons_test() -> None:
    assert lift.odds_of_lot(500, 500, 0.5) == 1.0
    assert lift.odds_of_lot(530, 470, 0.5) == pytest.approx(erfc(sqrt(3.6 / 2)))
    assert lift.odds_of_lot(900, 100, 0.1) == 1.0
    assert lift.odds_of_lot(10, 1, 0.0) == 0.0


def test_a_lot_that_fell_as_it_should_hides_nothing() -> None:
    """People of large and small teams, a tenth held back: the check counts teams, as the lot did."""
    hidden = 0
    for seed in range(200):
        dice = np.random.default_rng(seed)
        team = np.repeat(np.arange(600), dice.integers(1, 40, 600))
        got = (dice.random(600) >= 0.1)[team]
        sales = dice.gamma(2.0, 100.0, len(team))
        try:
            lift.lift(Arms(sales, sales, got, team), 0.1)
        except OddLotError:
            hidden += 1
    assert hidden <= 1
