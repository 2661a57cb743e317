"""Rules asked by the clock: whom an event reached, everybody hourly and after a publish, never two at once."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from activities.models import Sweep
from activities.ranking import dayslates, recalculating
from activities.rules import naming, ruling, sweep
from activities.rules.sweep import HOUR
from distributors import features, versions
from distributors.models import Distributor, Event, Feature, Market, SegmentMember
from kpis import definitions, rules
from kpis.models import Call, Firing, Rule, RuleDay
from pep import schedules
from tests import factories as make
from tests.activities.stage import order, stage
from tests.kpis.test_firing import definition
from tests.pages import now

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
SELLS = {"fact": "measured", "of": {"metric": "sales", "line": "", "days": 7}, "is": "at_least", "value": 10}


def rule(**fields: Any) -> Rule:
    return make.rule(definition(**fields))


def selling() -> Rule:
    return make.rule(definition() | {"if": SELLS})


def fired() -> set[int]:
    return set(Firing.objects.values_list("distributor_id", flat=True))


def sell(person: Distributor, **fields: Any) -> Event:
    """It reached us when it happened."""
    return order(person, make.customer(person), 0, **{"time": make.NOW} | fields)


@pytest.fixture(autouse=True)
def nothing_kept(settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    cache.clear()


@pytest.fixture
def people() -> list[Distributor]:
    make.product("EYE-1")
    return [make.distributor() for _n in range(3)]


# Whom an event reached


def test_it_works(people: list[Distributor]) -> None:
    dora, nele, _idle = people
    selling()
    sell(dora)
    sweep.changed(make.NOW)
    assert fired() == {dora.pk}
    assert Call.objects.get().to == dora
    sell(nele)
    sweep.changed(make.NOW + MINUTE)
    assert fired() == {dora.pk, nele.pk}
    assert Firing.objects.count() == 2


def test_an_event_that_committed_late_is_seen(people: list[Distributor]) -> None:
    """Its row is older than one that was looked at: what is young is looked at again."""
    dora = people[0]
    selling()
    old, young = sell(dora, time=make.NOW - HOUR), sell(dora)
    sweep.changed(make.NOW)
    mark = Sweep.objects.get(name="rules").event_id
    assert old.pk <= mark < young.pk
    Firing.objects.all().delete()
    sweep.changed(make.NOW + 10 * MINUTE)
    assert fired() == {dora.pk}


def test_what_is_old_is_looked_at_once(people: list[Distributor]) -> None:
    dora = people[0]
    selling()
    sweep.changed(make.NOW)
    event = sell(dora)
    sweep.changed(make.NOW + 20 * MINUTE)
    assert fired() == {dora.pk}
    Firing.objects.all().delete()
    sweep.changed(make.NOW + 20 * MINUTE)
    assert Sweep.objects.get(name="rules").event_id == event.pk
    assert not Firing.objects.exists()


def test_without_a_live_rule_nothing_is_looked_at(people: list[Distributor]) -> None:
    sell(people[0])
    make.rule(state="paused")
    sweep.changed(make.NOW)
    with CaptureQueriesContext(connection) as asked:
        sweep.changed(make.NOW)
    assert len(asked) == 2  # the versions, and that there is no mark
    with CaptureQueriesContext(connection) as asked:
        sweep.due(make.NOW)
    assert len(asked) == 1
    assert not Sweep.objects.exists()


# Everybody


def test_a_full_sweep_asks_everybody_and_notes_the_day(people: list[Distributor]) -> None:
    made, gone = selling(), make.distributor(left_on=make.TODAY)
    berlin = make.market("de", currency="EUR", time_zone="Europe/Berlin")
    lena = make.distributor(market=berlin)
    sell(people[0])
    sweep.sweep(make.NOW)
    assert fired() == {people[0].pk}
    days = {(one.market.code, one.day, one.people, one.matched) for one in RuleDay.objects.filter(rule=made)}
    assert days == {("us", make.TODAY, 3, 1), ("de", make.TODAY, 1, 0)}
    assert gone and lena


def test_the_newest_sweep_of_a_day_counts(people: list[Distributor]) -> None:
    selling()
    sweep.sweep(make.NOW)
    sell(people[0])
    sweep.sweep(make.NOW + HOUR)
    assert [(one.people, one.matched) for one in RuleDay.objects.all()] == [(3, 1)]
    sweep.sweep(make.NOW + DAY)
    assert RuleDay.objects.count() == 2


def test_what_time_alone_makes_true_fires(people: list[Distributor]) -> None:
    make.rule({"if": {"fact": "joined_days", "is": "equals", "value": 600}, "then": definition()["then"]})
    when = make.NOW + 2 * DAY  # joined on 6 January 2025
    sweep.sweep(make.NOW)
    assert not fired()
    sweep.sweep(when)
    assert fired() == {one.pk for one in people}


def test_it_is_due_hourly_and_after_a_publish(people: list[Distributor], monkeypatch: pytest.MonkeyPatch) -> None:
    swept: list[str] = []
    work = sweep.sweep_market

    def told(market: Market, *args: Any, **options: Any) -> Any:
        swept.append(market.code)
        return work(market, *args, **options)

    monkeypatch.setattr(sweep, "sweep_market", told)
    rule()
    for minutes, expected in ((0, ["us"]), (1, []), (59, []), (60, ["us"]), (61, [])):
        swept.clear()
        sweep.due(make.NOW + minutes * MINUTE)
        assert swept == expected, minutes
    rule()
    sweep.due(make.NOW + 62 * MINUTE)
    assert swept == ["us"]


def test_a_killed_sweep_goes_on_where_it_was(people: list[Distributor], monkeypatch: pytest.MonkeyPatch) -> None:
    rule()
    monkeypatch.setattr(sweep, "BLOCK", 2)
    asks, calls = sweep.asked_of, []

    def killed(ids: Any, given: Any) -> Any:
        calls.append(list(ids))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return asks(ids, given)

    monkeypatch.setattr(sweep, "asked_of", killed)
    with pytest.raises(KeyboardInterrupt):
        sweep.due(make.NOW)
    assert len(fired()) == 2 and not RuleDay.objects.exists() and not Sweep.objects.exists()
    sweep.due(make.NOW + MINUTE)
    assert calls[2] == calls[1] == [people[2].pk]
    assert Firing.objects.count() == Call.objects.count() == 3
    assert (RuleDay.objects.get().people, RuleDay.objects.get().matched) == (3, 3)


def test_a_cut_sweep_of_other_rules_or_another_day_is_begun_anew(
    people: list[Distributor], monkeypatch: pytest.MonkeyPatch
) -> None:
    rule()
    us, given = people[0].market, sweep.setting(make.NOW)
    kept = sweep.Found(given.numbers["rules"], make.TODAY, after=people[1].pk)
    cache.set(sweep.place_kept(us), kept)
    assert sweep.begun(us, given) == kept
    assert sweep.begun(us, sweep.setting(make.NOW + DAY)).after == 0
    rule()
    assert sweep.begun(us, sweep.setting(make.NOW)).after == 0


def test_a_task_makes_way_for_others_after_its_turn(people: list[Distributor], monkeypatch: pytest.MonkeyPatch) -> None:
    rule()
    monkeypatch.setattr(sweep, "BLOCK", 2)
    monkeypatch.setattr(sweep, "TURN", 1)
    ticks = iter(range(100))
    monkeypatch.setattr(sweep.time, "monotonic", lambda: next(ticks))
    sweep.due(make.NOW)
    assert len(fired()) == 2 and not RuleDay.objects.exists()
    sweep.due(make.NOW)
    assert len(fired()) == 3 and RuleDay.objects.get().people == 3


def test_rows_that_wait_for_a_refresh_are_made_first(people: list[Distributor]) -> None:
    selling()
    sweep.sweep(make.NOW)
    assert Feature.objects.count() == 3
    sell(people[1])
    sweep.sweep(make.NOW)
    assert fired() == {people[1].pk}


def test_a_rule_that_cannot_be_worked_out_has_no_day(
    people: list[Distributor], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.activities.test_ruling import broken

    selling()
    good = rule()
    monkeypatch.setattr(ruling.activity_facts, "everything", broken("measured"))
    sweep.sweep(make.NOW)
    assert [one.rule for one in RuleDay.objects.all()] == [good]


def test_a_stay_in_a_segment_reaches_her_row(people: list[Distributor]) -> None:
    segment = make.segment(by_rules=True)
    make.rule(definition({"effect": "segment", "segment": segment.pk}))
    inside = {"if": {"fact": "in_segment", "of": {"segment": segment.pk}, "is": "yes"}, "then": definition()["then"]}
    made = make.rule(inside)
    sweep.sweep(make.NOW)
    assert SegmentMember.objects.count() == 3 and not Firing.objects.filter(rule=made).exists()
    sweep.sweep(make.NOW)
    assert Firing.objects.filter(rule=made).count() == 3


@pytest.mark.django_db(transaction=True)
def test_never_two_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    make.distributor()
    rule()
    inside, go = threading.Event(), threading.Event()
    asks, calls = sweep.asked_of, []

    def slow(*asked: Any) -> Any:
        calls.append(1)
        inside.set()
        go.wait(10)
        return asks(*asked)

    monkeypatch.setattr(sweep, "asked_of", slow)

    def process() -> None:
        try:
            sweep.due(make.NOW)
        finally:
            connections.close_all()

    thread = threading.Thread(target=process)
    thread.start()
    assert inside.wait(10)
    sweep.due(make.NOW)
    assert sweep.sweep(make.NOW) == []
    go.set()
    thread.join(10)
    assert calls == [1] and Firing.objects.count() == 1
    sweep.sweep(make.NOW)  # the lock is free again
    assert len(calls) == 2


# One that fails


def fail_refresh(monkeypatch: pytest.MonkeyPatch, bad: Distributor) -> None:
    """Her row cannot be made: the database refuses, as it does within a transaction too."""
    work = features.refresh

    def refresh(ids: Any) -> Any:
        if bad.pk in ids:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 / 0")
        return work(ids)

    monkeypatch.setattr(sweep.features, "refresh", refresh)


def fail_evaluation(monkeypatch: pytest.MonkeyPatch, bad: Distributor) -> None:
    """Her row is there, and no rule can be worked out with it."""
    work = ruling.Evaluation.ruling

    def failing(self: Any, **options: Any) -> Any:
        if bad.pk in self.people.ids:
            raise ValueError("no such record")
        return work(self, **options)

    monkeypatch.setattr(ruling.Evaluation, "ruling", failing)


@pytest.mark.parametrize("fail", [fail_refresh, fail_evaluation])
def test_one_bad_row_keeps_nobody_else_from_being_asked(
    people: list[Distributor], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, fail: Any
) -> None:
    made, bad = rule(), people[1]
    lena = make.distributor(market=make.market("de", currency="EUR", time_zone="Europe/Berlin"))
    fail(monkeypatch, bad)
    sweep.due(make.NOW)
    assert fired() == {people[0].pk, people[2].pk, lena.pk}
    days = {(one.market.code, one.people, one.matched) for one in RuleDay.objects.filter(rule=made)}
    assert days == {("us", 2, 2), ("de", 1, 1)}
    told = [one.getMessage() for one in caplog.records if one.name == sweep.__name__]
    assert told[-1] == f"Distributor {bad.pk} is left out: rules could not be asked."
    assert all(one.exc_info for one in caplog.records if one.name == sweep.__name__)
    assert not sweep.waiting(versions.current()["rules"], make.NOW + MINUTE)


def test_one_bad_row_does_not_keep_the_mark_from_moving(
    people: list[Distributor], monkeypatch: pytest.MonkeyPatch
) -> None:
    selling()
    sweep.changed(make.NOW)
    events = [sell(one) for one in people]
    fail_refresh(monkeypatch, people[0])
    sweep.changed(make.NOW + 20 * MINUTE)
    assert fired() == {people[1].pk, people[2].pk}
    assert Sweep.objects.get(name="rules").event_id == events[-1].pk


def test_when_all_fail_it_is_not_tried_one_by_one(
    people: list[Distributor], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[int] = []

    def failing(ids: Any, _given: Any) -> Any:
        calls.append(len(ids))
        raise ValueError("never")

    monkeypatch.setattr(sweep, "asked_of", failing)
    caplog.set_level(logging.CRITICAL)
    assert not list(sweep.answers(list(range(5_000)), sweep.setting(make.NOW)))
    assert calls.count(1) <= sweep.MOST_ALONE + 1 and len(calls) < 80


def test_a_market_that_fails_waits_an_hour_and_the_others_go_on(
    people: list[Distributor], monkeypatch: pytest.MonkeyPatch
) -> None:
    rule()
    lena = make.distributor(market=make.market("de", currency="EUR", time_zone="Europe/Berlin"))
    work, tried = sweep.people_in, list[str]()

    def failing(market: Market) -> list[int]:
        tried.append(market.code)
        if market.code == "us":
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 / 0")
        return work(market)

    monkeypatch.setattr(sweep, "people_in", failing)
    for minutes, expected in ((0, ["us", "de"]), (1, []), (59, []), (60, ["us", "de"])):
        tried.clear()
        sweep.due(make.NOW + minutes * MINUTE)
        assert sorted(tried, reverse=True) == expected, minutes
    assert fired() == {lena.pk}
    assert [one.people for one in sweep.sweep(make.NOW + 61 * MINUTE)] == [1]


# Many events at once


@pytest.fixture
def chunks_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "CHUNK", 2)


def mark() -> int:
    return Sweep.objects.get(name="rules").event_id


@pytest.mark.usefixtures("chunks_of_two")
def test_a_look_that_is_killed_goes_on_where_it_was(people: list[Distributor], monkeypatch: pytest.MonkeyPatch) -> None:
    rule()
    sweep.changed(make.NOW)
    events = [sell(people[n]) for n in (0, 1, 0, 2, 2)]
    asks, calls = sweep.asked_of, []

    def killed(ids: Any, given: Any) -> Any:
        calls.append(list(ids))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return asks(ids, given)

    monkeypatch.setattr(sweep, "asked_of", killed)
    later = make.NOW + 20 * MINUTE
    with pytest.raises(KeyboardInterrupt):
        sweep.changed(later)
    assert mark() == events[1].pk
    sweep.changed(later)
    zero, one, two = (each.pk for each in people)
    assert calls == [[zero, one], [zero, two], [zero, two], [two]]
    assert mark() == events[-1].pk and fired() == {zero, one, two}


@pytest.mark.usefixtures("chunks_of_two")
def test_a_look_makes_way_for_others_after_its_turn(people: list[Distributor], monkeypatch: pytest.MonkeyPatch) -> None:
    rule()
    sweep.changed(make.NOW)
    events = [sell(people[n]) for n in (0, 0, 1, 2)]
    monkeypatch.setattr(sweep, "TURN", 1)
    ticks = iter(range(100))
    monkeypatch.setattr(sweep.time, "monotonic", lambda: next(ticks))
    sweep.changed(make.NOW + 20 * MINUTE)
    assert mark() == events[1].pk and fired() == {people[0].pk}
    sweep.changed(make.NOW + 21 * MINUTE)
    assert mark() == events[3].pk and len(fired()) == 3


@pytest.mark.usefixtures("chunks_of_two")
def test_the_mark_stays_before_what_is_young(people: list[Distributor], monkeypatch: pytest.MonkeyPatch) -> None:
    selling()
    asks, marks = sweep.asked_of, list[int]()

    def told(ids: Any, given: Any) -> Any:
        marks.append(mark())
        return asks(ids, given)

    monkeypatch.setattr(sweep, "asked_of", told)
    old = [sell(people[0], time=make.NOW - HOUR) for _n in range(3)]
    Sweep.objects.create(name="rules", event_id=old[0].pk - 1, swept_at=make.NOW)
    for n in (1, 1, 2):
        sell(people[n])
    for minutes in (0, 1):
        sweep.changed(make.NOW + minutes * MINUTE)
        assert mark() == max(marks) == old[-1].pk and fired() >= {people[1].pk, people[2].pk}
        Firing.objects.all().delete()


# Ranks that rules may name


def test_ranks_are_looked_for_once_in_a_while() -> None:
    make.distributor(rank="Silver")
    assert naming.ranks() == ["Silver"]
    make.distributor(rank="Gold")
    with CaptureQueriesContext(connection) as asked:
        assert naming.ranks() == ["Silver"]
    assert not asked
    cache.clear()
    assert naming.ranks() == ["Gold", "Silver"]


def test_a_published_rule_stays_valid_when_nobody_has_the_rank_any_more() -> None:
    is_rank = {"fact": "rank", "is": "one_of", "value": ["Ruby"]}
    one_of = {"fact": "rank", "is": "not_one_of", "value": ["Jade", "Opal"]}
    other = {"fact": "market", "is": "one_of", "value": ["us"]}
    raw = {"if": {"all": [other, {"any": [is_rank, one_of]}]}, "then": definition()["then"]}
    make.rule(raw)
    make.market("us")
    assert naming.ranks() == ["Jade", "Opal", "Ruby"]
    assert definitions.read(raw, naming.of("en")._replace(activities={"win-back": "Win her back"}))
    numbers = versions.current()
    assert not rules.book(numbers).broken and rules.book(numbers).rules


# What else follows


def test_a_publish_makes_slates_written_ahead_follow() -> None:
    jenna = stage()
    recalculating.morning(make.NOW)
    run = recalculating.Recalculation.objects.get()
    recalculating.work_here(run.pk)
    recalculating.steered(make.NOW)
    assert recalculating.Recalculation.objects.count() == 1
    make.rule({"if": definition()["if"], "then": [
        {"effect": "pin", "target": {"activity": "nurture"}, "until": str(make.TODAY)}]})  # fmt: skip
    recalculating.steered(make.NOW)
    assert recalculating.Recalculation.objects.count() == 2
    recalculating.work_here(recalculating.Recalculation.objects.latest("pk").pk)
    jenna.refresh_from_db()
    assert f"rules={versions.current()['rules']}" in jenna.day_slate.versions
    given = dayslates.frame(make.NOW)
    assert given.numbers["rules"] == versions.current()["rules"]
    assert not Firing.objects.exists()


def test_both_are_scheduled_each_minute() -> None:
    jobs = {job.func: job.minutes for job in schedules.JOBS}
    assert jobs["activities.rules.sweep.changed"] == jobs["activities.rules.sweep.due"] == 1
    assert sweep.changed() is None and sweep.due() is None  # type: ignore[func-returns-value]
