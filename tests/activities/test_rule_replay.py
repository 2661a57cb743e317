"""What a rule would have done over the last seven days: by day as it is known now, with cooldown, validity and who is held back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from activities.preview import sampling
from activities.rules import counting, last_week, tried_on
from activities.rules.counting import Count
from activities.rules.last_week import DAYS, Replay
from distributors.models import Distributor, Measure
from distributors.records import NEVER
from kpis import definitions, rules
from kpis.models import Rule
from tests import factories as f
from tests.activities.preview_field import company
from tests.pages import now

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now

Json = dict[str, Any]
ASKS: Json = {"effect": "trigger", "activity": "a00", "for": "her", "days": 7}
TELLS: Json = {"effect": "notice", "for": "leader", "days": 7, "title": {"en": "x"}, "text": {"en": "y"}}
RAISES: Json = {"effect": "boost", "target": {"kind": "reach_out"}, "by": 0.05}
SOLD: Json = {"fact": "measured", "of": {"metric": "sales", "line": "", "days": 1}, "is": "at_least", "value": 100}


def replay(said: Json, rule: Rule | None = None) -> Replay:
    tried_on.KEPT.results.clear()
    return last_week.of(definitions.read({"then": [ASKS], **said}), tried_on.of(f.NOW), rule)


def sold(person: Distributor, *days_ago: int, value: int = 120) -> None:
    for ago in days_ago:
        Measure.objects.create(
            distributor=person, metric="sales", scope="", day=f.TODAY - timedelta(days=ago), value=value
        )


def fired(found: Replay) -> list[int]:
    """By day, the oldest first."""
    return [day.fired.people for day in found.days]


def matched(found: Replay) -> list[int]:
    return [day.matched.people for day in found.days]


def test_it_works() -> None:
    """Each day by what was sold on it; a firing holds the next one off for the cooldown."""
    one, other = f.distributor(), f.distributor()
    sold(one, 6, 5, 1, 0, 7)
    sold(other, 2)
    found = replay({"if": SOLD, "cooldown_days": 5})
    assert [day.day for day in found.days] == [f.TODAY - timedelta(days=ago) for ago in range(6, -1, -1)]
    assert matched(found) == [1, 1, 0, 0, 1, 1, 1]
    assert fired(found) == [1, 0, 0, 0, 1, 1, 0]
    assert (found.times, found.people, found.held_back) == (Count(3), Count(2), Count(0))
    assert fired(replay({"if": SOLD, "cooldown_days": 1})) == [1, 1, 0, 0, 1, 1, 1]
    assert fired(replay({"if": SOLD, "cooldown_days": 6})) == [1, 0, 0, 0, 1, 0, 1]
    assert fired(replay({"if": SOLD, "cooldown_days": 7})) == [1, 0, 0, 0, 1, 0, 0]


def test_a_day_is_what_it_was() -> None:
    """What came later is not known yet, and who was not here does not count."""
    person = f.distributor(joined_on=f.TODAY - timedelta(days=2))
    f.goal(person, period="month", target=1000)
    sold(person, 1, value=600)
    new: Json = {"fact": "joined_days", "is": "at_most", "value": 400}
    half: Json = {"fact": "goal_percent", "of": {"metric": "sales", "period": "month"}, "is": "at_least", "value": 50}
    leads: Json = {"fact": "team_size", "is": "at_least", "value": 1}
    f.distributor(sponsor=person, joined_on=f.TODAY)
    Distributor.objects.filter(sponsor__isnull=False).update(left_on=None)
    assert matched(replay({"if": {"all": [new, {"none": [leads]}]}}))[-3:] == [1, 1, 1]
    assert matched(replay({"if": {"all": [{"none": [half]}, {"none": [new]}]}})) == [0] * 7
    assert matched(replay({"if": {"none": [leads]}}))[:5] == [0, 0, 0, 0, 1]
    assert matched(replay({"if": half})) == [0, 0, 0, 0, 0, 1, 1]
    assert matched(replay({"if": leads})) == [0, 0, 0, 0, 0, 0, 1]
    assert matched(replay({"if": new}))[:4] == [0, 0, 0, 0]


def test_chances_of_earlier_days_are_prepared_only_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    company()
    prepared: list[int] = []
    spread_for = tried_on.spread_for

    def counted(markets: Any, calendar: Any, *people: Any) -> Any:
        prepared.append(int(calendar.today[0]))
        return spread_for(markets, calendar, *people)

    monkeypatch.setattr(tried_on, "spread_for", counted)
    likely: Json = {"fact": "goal_chance", "of": {"metric": "sales", "period": ""}, "is": "at_least", "value": 1}
    replay({"if": SOLD})
    assert len(prepared) == 1
    replay({"if": likely})
    assert len(set(prepared)) == DAYS


def test_each_market_has_its_own_days() -> None:
    """At 15:00 UTC it is Thursday in New York and Friday in Auckland."""
    far = f.market("nz", time_zone="Pacific/Auckland")
    here, there = f.distributor(), f.distributor(market=far)
    thursday: Json = {"fact": "weekday", "is": "one_of", "value": ["3"]}
    assert matched(replay({"if": thursday})) == [0, 0, 0, 0, 0, 1, 1]
    sold(here, 0)
    sold(there, 0)
    assert matched(replay({"if": SOLD})) == [0, 0, 0, 0, 0, 1, 1]


def test_its_days_are_those_of_its_validity() -> None:
    sold(f.distributor(), 6, 5, 4, 3, 2, 1, 0)
    first, last = f.TODAY - timedelta(days=4), f.TODAY - timedelta(days=2)
    found = replay({"if": SOLD, "from": first.isoformat(), "to": last.isoformat(), "cooldown_days": 1})
    assert fired(found) == matched(found) == [0, 0, 1, 1, 1, 0, 0]
    assert replay({"if": SOLD, "from": (f.TODAY + timedelta(days=1)).isoformat()}).times == Count(0)


def test_real_firings_before_count_for_the_cooldown() -> None:
    person, rule = f.distributor(), f.rule()
    sold(person, 6, 5, 4, 3, 2, 1, 0)
    f.firing(rule, person, day=f.TODAY - timedelta(days=20))
    f.firing(rule, person, day=f.TODAY - timedelta(days=8))
    f.firing(rule, person, day=f.TODAY - timedelta(days=5))  # of the days that are tried: it would be another one
    f.firing(f.rule(), person, day=f.TODAY - timedelta(days=7))
    assert fired(replay({"if": SOLD, "cooldown_days": 5}, rule)) == [0, 0, 0, 1, 0, 0, 0]
    assert fired(replay({"if": SOLD, "cooldown_days": 5})) == [1, 0, 0, 0, 0, 1, 0]
    assert fired(replay({"if": SOLD, "cooldown_days": 60}, rule)) == [0] * 7


def test_what_each_effect_comes_to() -> None:
    leader, gone = f.distributor(), f.distributor(left_on=f.TODAY)
    led, alone, left = f.distributor(sponsor=leader), f.distributor(), f.distributor(sponsor=gone)
    for person in (led, alone, left):
        sold(person, 4, 0)
    found = replay({"if": SOLD, "then": [ASKS, TELLS, RAISES], "cooldown_days": 2})
    assert (found.times, found.people) == (Count(6), Count(3))
    asks, tells, raises = found.effects
    assert (asks.times, asks.without_leader) == (Count(6), Count(0))
    assert (tells.times, tells.without_leader) == (Count(2), Count(4))
    assert (raises.times, raises.without_leader) == (Count(3), Count(0))


def test_who_is_held_back_gets_nothing() -> None:
    rule = f.rule()
    people = [f.distributor() for _ in range(60)]
    for person in people:
        sold(person, 1)
    found = replay({"if": SOLD, "held_back": 50}, rule)
    ids = np.array([person.pk for person in people], np.int64)
    quiet = int(rules.held_back(rule.pk, 50, np.zeros(60, np.int64), ids).sum())
    assert 10 < quiet < 50
    assert (found.people, found.held_back, found.effects[0].times) == (Count(60), Count(quiet), Count(60 - quiet))


def test_firings_are_those_of_a_day_by_day_run() -> None:
    """Any days that match, any firing before, any cooldown."""
    dice = np.random.default_rng(3)
    for _ in range(200):
        held, today = dice.random((DAYS, 1)) < 0.6, np.array([9_000])
        cooldown, last = int(dice.integers(1, 12)), int(dice.choice([NEVER, 8_990, 8_993]))
        naive, before = [], last
        for place in range(DAYS):
            day = 9_000 - (DAYS - 1 - place)
            fires = bool(held[place, 0]) and day - before >= cooldown
            before = day if fires else before
            naive.append(fires)
        assert last_week.firings(held, today, np.array([last]), cooldown)[:, 0].tolist() == naive


def test_a_sample_is_scaled(monkeypatch: pytest.MonkeyPatch) -> None:
    company()
    new: Json = {"if": {"fact": "joined_days", "is": "at_most", "value": 60}, "cooldown_days": 3}
    exact = replay(new)
    monkeypatch.setattr(sampling, "SAMPLE", 25)
    found = replay(new)
    assert (found.seen, found.total, found.whole) == (25, 40, False)
    assert found.times.error > 0 and found.people.error > 0
    assert abs(found.times.people - exact.times.people) <= 2 * found.times.error
    assert abs(found.people.people - exact.people.people) <= 2 * found.people.error
    assert replay(new | {"if": {"fact": "team_size", "is": "at_least", "value": 900}}).times == Count(
        0, counting.estimated(0, 25, 40).error
    )


def test_nobody_in_the_field() -> None:
    found = replay({"if": SOLD})
    assert (found.times, found.people, fired(found)) == (Count(0), Count(0), [0] * 7)
