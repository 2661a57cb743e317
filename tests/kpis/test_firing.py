"""Rules fire once, whoever asks and however often; what they leave is whole or not there."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from distributors import versions
from distributors.models import Distributor, SegmentMember
from distributors.records import day_number
from kpis import firing, rules
from kpis.firing import Match
from kpis.models import Call, Firing, Rule
from kpis.rule_effects import Join, Trigger
from tests import factories as make

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def definition(*then: dict[str, Any], **fields: Any) -> dict[str, Any]:
    asks = {"effect": "trigger", "activity": "win-back", "for": "her", "days": 7}
    return {"if": {"fact": "joined_days", "is": "at_least", "value": 1}, "then": list(then) or [asks], **fields}


def for_leader(days: int = 7) -> dict[str, Any]:
    return {"effect": "trigger", "activity": "check-recruit", "for": "leader", "days": days}


def book() -> rules.Book:
    return rules.book(versions.current())


def match(person: Distributor, day: date = make.TODAY, **fields: Any) -> Match:
    return Match(**{"rule": 0, "person": person.pk, "day": day, "facts": [("", 8.0)], **fields})


def fire(*found: Match) -> list[Firing]:
    return firing.fire(found, book(), as_of=make.NOW)


def test_it_works() -> None:
    rule, dora = make.rule(definition()), make.distributor()
    (fired,) = fire(match(dora))
    stored = Firing.objects.get()
    assert stored == fired
    assert (stored.rule, stored.version, stored.distributor) == (rule, rule.versions.get(), dora)
    assert (stored.day, stored.at, stored.facts, stored.held_back) == (make.TODAY, make.NOW, [["", 8.0]], False)
    call = Call.objects.get()
    assert (call.firing, call.to, call.what, call.activity, call.place) == (stored, dora, "activity", "win-back", 0)
    assert (call.since, call.until) == (make.TODAY, make.TODAY + 6 * DAY)


def test_the_same_thing_twice_writes_once() -> None:
    make.rule(definition())
    dora = make.distributor()
    assert len(fire(match(dora), match(dora))) == 1
    assert fire(match(dora)) == []
    assert (Firing.objects.count(), Call.objects.count()) == (1, 1)


def test_a_different_day_of_the_same_cooldown_writes_nothing() -> None:
    make.rule(definition(cooldown_days=7))
    dora = make.distributor()
    fire(match(dora))
    assert fire(match(dora, make.TODAY + 6 * DAY)) == []
    assert fire(match(dora, make.TODAY - DAY)) == []  # her market's clock went back
    assert len(fire(match(dora, make.TODAY + 7 * DAY))) == 1


def test_a_cooldown_of_a_day_fires_each_day() -> None:
    make.rule(definition(cooldown_days=1))
    dora = make.distributor()
    assert [len(fire(match(dora, make.TODAY + n * DAY))) for n in (0, 0, 1, 2)] == [1, 0, 1, 1]


def test_cooling_is_asked_of_all_at_once() -> None:
    first, second = make.rule(definition(priority=9)), make.rule(definition(priority=5, cooldown_days=1))
    dora, nele = make.distributor(), make.distributor()
    make.firing(first, dora, day=make.TODAY - 27 * DAY)
    make.firing(first, nele, day=make.TODAY - 28 * DAY)
    make.firing(second, nele, day=make.TODAY - DAY)
    days = np.full(2, day_number(make.TODAY))
    found = book()
    with CaptureQueriesContext(connection) as asked:
        cooling = firing.cooling(found, [dora.pk, nele.pk], days)
    assert cooling.tolist() == [[True, False], [False, False]]
    assert len(asked) == 1


def test_held_back_is_logged_and_gets_nothing() -> None:
    segment = make.segment(by_rules=True)
    make.rule(definition(for_leader(), {"effect": "segment", "segment": segment.pk}))
    leader = make.distributor()
    dora = make.distributor(sponsor=leader)
    assert len(fire(match(dora, held_back=True))) == 1
    assert Firing.objects.get().held_back
    assert not Call.objects.exists() and not SegmentMember.objects.exists()


def test_a_leader_is_the_sponsor_on_her_own_day() -> None:
    make.rule(definition(for_leader(days=1)))
    sydney = make.market("au", currency="AUD", time_zone="Australia/Sydney")
    leader = make.distributor(market=sydney)
    dora = make.distributor(sponsor=leader)
    fire(match(dora))
    call = Call.objects.get()
    assert call.to == leader
    assert call.since == call.until == make.TODAY + DAY  # 15:00 UTC is tomorrow there


@pytest.mark.parametrize("led", [False, True])
def test_without_an_active_leader_nobody_is_asked(led: bool) -> None:
    make.rule(definition(for_leader()))
    leader = make.distributor(left_on=make.TODAY) if led else None
    assert len(fire(match(make.distributor(sponsor=leader)))) == 1
    assert not Call.objects.exists()


def test_who_has_left_is_fired_for_no_more() -> None:
    make.rule(definition())
    assert fire(match(make.distributor(left_on=make.TODAY))) == []


def test_a_rule_paused_since_the_book_was_read_fires_for_nobody() -> None:
    rule, dora = make.rule(definition()), make.distributor()
    found = book()
    Rule.objects.filter(pk=rule.pk).update(state=Rule.State.PAUSED)
    assert firing.fire([match(dora)], found, as_of=make.NOW) == []
    assert not Firing.objects.exists()


# Memberships


def joining(days: int | None = 30, **fields: Any) -> tuple[Rule, Any]:
    segment = make.segment(by_rules=True)
    effect = {"effect": "segment", "segment": segment.pk} | ({"days": days} if days else {})
    return make.rule(definition(effect, cooldown_days=1, **fields)), segment


def stays(person: Distributor) -> list[tuple[date, date | None]]:
    return list(SegmentMember.objects.filter(distributor=person).order_by("since").values_list("since", "until"))


def test_a_running_stay_is_extended() -> None:
    _rule, _segment = joining(30)
    dora = make.distributor()
    fire(match(dora))
    assert stays(dora) == [(make.TODAY, make.TODAY + 29 * DAY)]
    fire(match(dora, make.TODAY + 10 * DAY))
    assert stays(dora) == [(make.TODAY, make.TODAY + 39 * DAY)]


def test_a_stay_without_an_end_stays_so() -> None:
    _rule, segment = joining(30)
    dora = make.distributor()
    SegmentMember.objects.create(segment=segment, distributor=dora, since=make.TODAY - 5 * DAY)
    fire(match(dora))
    assert stays(dora) == [(make.TODAY - 5 * DAY, None)]


def test_a_stay_that_is_over_is_kept() -> None:
    _rule, segment = joining(30)
    dora = make.distributor()
    SegmentMember.objects.create(
        segment=segment, distributor=dora, since=make.TODAY - 9 * DAY, until=make.TODAY - 2 * DAY
    )
    fire(match(dora))
    assert len(stays(dora)) == 2


def test_two_rules_that_join_her_at_once_leave_one_stay() -> None:
    _rule, segment = joining(30)
    make.rule(definition({"effect": "segment", "segment": segment.pk}))
    dora, nele = make.distributor(), make.distributor()
    fire(match(dora), match(dora, rule=1), match(nele))
    assert stays(dora) == [(make.TODAY, None)]
    assert stays(nele) == [(make.TODAY, make.TODAY + 29 * DAY)]


# Whole or not at all


def test_killed_in_between_nothing_is_half_written(monkeypatch: pytest.MonkeyPatch) -> None:
    segment = make.segment(by_rules=True)
    make.rule(definition(for_leader(), {"effect": "segment", "segment": segment.pk}))
    dora = make.distributor(sponsor=make.distributor())

    def killed(*_args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Join, "fire", killed)
    with pytest.raises(KeyboardInterrupt):
        fire(match(dora))
    assert not Firing.objects.exists() and not Call.objects.exists()
    monkeypatch.undo()
    assert len(fire(match(dora))) == 1
    assert Call.objects.count() == SegmentMember.objects.count() == 1


def test_so_many_queries_for_any_number_of_people() -> None:
    segment = make.segment(by_rules=True)
    make.rule(definition(for_leader(), {"effect": "segment", "segment": segment.pk}))
    leader = make.distributor()

    def asked(many: int) -> int:
        found, people = book(), [match(make.distributor(sponsor=leader)) for _n in range(many)]
        with CaptureQueriesContext(connection) as queries:
            assert len(firing.fire(people, found, as_of=make.NOW)) == many
        return len(queries)

    # A savepoint and its end, as it stands in a transaction here; lock, cooldowns, log; leaders, calls, stays and members.
    assert asked(1) == asked(40) == 9


@pytest.mark.django_db(transaction=True)
def test_two_processes_at_once_write_once(monkeypatch: pytest.MonkeyPatch) -> None:
    make.rule(definition(for_leader(), cooldown_days=7))
    leader = make.distributor()
    people = [make.distributor(sponsor=leader) for _n in range(20)]
    ready, written = threading.Barrier(2), []

    def process(day: date) -> None:
        try:
            found = book()
            ready.wait(10)
            written.append(firing.fire([match(one, day) for one in people], found, as_of=make.NOW))
        finally:
            connections.close_all()

    # One of them is past midnight already: still within the cooldown of the other.
    threads = [threading.Thread(target=process, args=(make.TODAY + n * DAY,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(map(len, written)) == [0, 20]
    assert (Firing.objects.count(), Call.objects.count()) == (20, 20)


@pytest.mark.django_db(transaction=True)
def test_who_comes_while_another_fires_waits_and_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    make.rule(definition())
    dora, inside, go = make.distributor(), threading.Event(), threading.Event()
    asks = Trigger.fire

    def slow(self: Trigger, *args: Any) -> None:
        inside.set()
        go.wait(10)
        asks(self, *args)

    monkeypatch.setattr(Trigger, "fire", slow)
    written: list[list[Firing]] = []

    def process() -> None:
        try:
            written.append(fire(match(dora)))
        finally:
            connections.close_all()

    first, second = threading.Thread(target=process), threading.Thread(target=process)
    first.start()
    assert inside.wait(10)
    second.start()
    second.join(0.5)
    assert second.is_alive()
    go.set()
    first.join(10)
    second.join(10)
    assert sorted(map(len, written)) == [0, 1]
    assert Call.objects.count() == 1


def test_the_database_alone_keeps_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if somebody wrote without taking turns."""
    rule, dora = make.rule(definition()), make.distributor()
    monkeypatch.setattr(firing, "still_due", lambda found, _book: found)
    make.firing(rule, dora)
    with transaction.atomic():
        assert fire(match(dora)) == []
    assert (Firing.objects.count(), Call.objects.count()) == (1, 0)
