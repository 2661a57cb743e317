"""A result is credited to the newest of what she did about the person before it, whatever order things arrive in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from django.db import connection

from activities import actions, crediting
from activities.models import Action, Activity, Credit, Outreach
from distributors import ingest
from distributors.models import Customer, Distributor, Event
from tests import factories as f
from tests.activities.stage import arrive, at, order

pytestmark = pytest.mark.django_db

NOW = f.NOW


@pytest.fixture
def dora() -> Distributor:
    f.product("EYE-1", line=f.product_line("eye"))
    f.product("LIP-1", line=f.product_line("lip"))
    return f.distributor(external_id="dora", name="Dora Diaz")


@pytest.fixture
def maya(dora: Distributor) -> Customer:
    return f.customer(dora, name="Maya Ortiz")


def did(
    who: Distributor, about: Customer | Distributor, days_ago: float, *, activity: Activity | None = None, **fields: Any
) -> Action:
    """A to-do that she did herself."""
    when = NOW - timedelta(days=days_ago)
    person = {"customer": about, "about_key": f"c{about.pk}"} if isinstance(about, Customer) else {
        "recruit": about, "about_key": f"r{about.pk}"}  # fmt: skip
    defaults = {"kind": Action.Kind.DONE, "at": when, "day": who.market.local_day(when)} | person
    return Action.objects.create(
        distributor=who, activity=activity or f.activity(form="message"), **defaults | fields
    )  # fmt: skip


def sent(who: Distributor, to: Customer, days_ago: float, **fields: Any) -> Outreach:
    when = NOW - timedelta(days=days_ago)
    defaults = {
        "channel": "text", "language": "en", "text": "Hello", "state": "sent", "opened_at": when, "sent_at": when,
        "waits_until": who.market.local_day(when) + timedelta(days=14),
    }  # fmt: skip
    return Outreach.objects.create(distributor=who, customer=to, **defaults | fields)


def replied(who: Distributor, by: Customer, days_ago: float = 0) -> Event:
    return ingest.record(
        type="contact.replied", distributor=who, customer=by, time=NOW - timedelta(days=days_ago),
        external_id=f"reply{f.number()}", data={"tone": "interested"},
    )  # fmt: skip


def credit(*who: Distributor) -> list[int]:
    return crediting.credit([one.pk for one in who], as_of=NOW)


def told() -> dict[int, tuple[str, int | None, int | None]]:
    return {
        pk: (kind, action, outreach)
        for pk, kind, action, outreach in Credit.objects.values_list("event_id", "kind", "action_id", "outreach_id")
    }


def test_it_works(dora: Distributor, maya: Customer) -> None:
    did(dora, maya, 9)
    last = did(dora, maya, 2)
    did(dora, f.customer(dora), 1)
    event = order(dora, maya, 0)
    assert credit(dora) == [event.pk]
    made = Credit.objects.get()
    assert (made.kind, made.action, made.outreach, made.distributor) == ("order", last, None, dora)
    assert (made.touched_at, made.at) == (last.at, event.time)
    assert credit(dora) == []


def test_a_message_and_the_to_do_it_was_written_from_are_one_touch(dora: Distributor, maya: Customer) -> None:
    action = did(dora, maya, 2)
    message = sent(dora, maya, 2, action=action, activity=action.activity)
    event = order(dora, maya, 0)
    credit(dora)
    assert told() == {event.pk: ("order", action.pk, message.pk)}


def test_a_reply_and_an_order_follow_the_same_message(dora: Distributor, maya: Customer) -> None:
    message = sent(dora, maya, 3)
    reply, event = replied(dora, maya, 1), order(dora, maya, 0)
    credit(dora)
    assert told() == {reply.pk: ("reply", None, message.pk), event.pk: ("order", None, message.pk)}


@pytest.mark.parametrize("state", ["opened", "dropped"])
def test_a_message_she_did_not_say_she_sent_is_no_touch(dora: Distributor, maya: Customer, state: str) -> None:
    sent(dora, maya, 2, state=state)
    order(dora, maya, 0)
    assert credit(dora) == [] and not Credit.objects.exists()


@pytest.mark.parametrize("kind", ["start", "snooze", "dismiss"])
def test_only_what_she_did_counts(dora: Distributor, maya: Customer, kind: str) -> None:
    did(dora, maya, 2, kind=kind, until=f.TODAY)
    order(dora, maya, 0)
    assert credit(dora) == []


def test_a_card_only_shown_credits_nobody(dora: Distributor, maya: Customer) -> None:
    event = order(dora, maya, 0)
    did(dora, maya, 0, closed_by=event)
    assert credit(dora) == []


def test_a_card_she_began_counts_from_when_she_began(dora: Distributor, maya: Customer) -> None:
    activity = f.activity(form="message")
    begun = did(dora, maya, 3, activity=activity, kind="start")
    event = order(dora, maya, 1)
    closed = did(dora, maya, 0, activity=activity, closed_by=event)
    credit(dora)
    made = Credit.objects.get()
    assert (made.action, made.touched_at) == (closed, begun.at)


def test_never_to_what_came_after_it(dora: Distributor, maya: Customer) -> None:
    order(dora, maya, 3)
    did(dora, maya, 2)
    assert credit(dora) == []


@pytest.mark.parametrize(("days", "counts"), [(14, True), (15, False)])
def test_within_fourteen_days_of_her_calendar(dora: Distributor, maya: Customer, days: int, counts: bool) -> None:
    did(dora, maya, days)
    assert bool(credit_of_an_order(dora, maya)) is counts


def credit_of_an_order(who: Distributor, customer: Customer) -> list[int]:
    order(who, customer, 0, time=NOW)
    return credit(who)


@pytest.mark.parametrize(("days", "counts"), [(3, True), (4, False)])
def test_the_activity_says_how_long(dora: Distributor, maya: Customer, days: int, counts: bool) -> None:
    did(dora, maya, days, activity=f.activity(credit_days=3))
    assert bool(credit_of_an_order(dora, maya)) is counts


def test_the_message_says_how_long(dora: Distributor, maya: Customer) -> None:
    sent(dora, maya, 5, waits_until=f.TODAY - timedelta(days=1))
    assert credit_of_an_order(dora, maya) == []


def test_a_card_of_a_line_takes_orders_that_hold_it(dora: Distributor, maya: Customer) -> None:
    any_line = did(dora, maya, 5)
    eye = did(dora, maya, 2, activity=f.activity(line=f.product_line("eye")))
    lips, eyes = order(dora, maya, 0, sku="LIP-1"), order(dora, maya, 0, sku="EYE-1")
    reply = replied(dora, maya)
    credit(dora)
    assert {pk: action for pk, (_kind, action, _outreach) in told().items()} == {
        lips.pk: any_line.pk, eyes.pk: eye.pk, reply.pk: eye.pk,
    }  # fmt: skip


def test_undo_gives_the_credit_to_the_touch_before(dora: Distributor, maya: Customer) -> None:
    first = did(dora, maya, 5)
    second = did(dora, maya, 2)
    event = order(dora, maya, 0)
    credit(dora)
    assert told()[event.pk][1] == second.pk
    actions.undo(distributor=dora, action_id=second.pk, as_of=NOW, by=None)
    assert told()[event.pk][1] == first.pk
    actions.undo(distributor=dora, action_id=first.pk, as_of=NOW, by=None)
    assert told() == {}


def test_undo_of_what_is_long_ago_takes_its_credit_away(dora: Distributor, maya: Customer) -> None:
    old = did(dora, maya, 200)
    order(dora, maya, 195)
    crediting.credit([dora.pk], as_of=NOW - timedelta(days=190))
    assert Credit.objects.count() == 1
    actions.undo(distributor=dora, action_id=old.pk, as_of=NOW, by=None)
    assert Credit.objects.count() == 0


def test_what_is_older_than_three_months_stays_credited(dora: Distributor, maya: Customer) -> None:
    did(dora, maya, 200)
    order(dora, maya, 195)
    crediting.credit([dora.pk], as_of=NOW - timedelta(days=190))
    assert credit(dora) == [] and Credit.objects.count() == 1


STEPS = ("first", "second", "order", "reply", "undo")


def test_any_order_of_arrival_comes_to_the_same(dora: Distributor) -> None:
    """Two touches, an order, a reply and an undo, in every order, settled after each step."""
    found = {settled_after(dora, steps) for steps in permutations(STEPS) if steps.index("second") < steps.index("undo")}
    assert len(found) == 1
    assert found == {(("order", "first"), ("reply", "first"))}


def settled_after(dora: Distributor, steps: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    someone, names, second = f.customer(dora), {}, None
    for step in steps:
        if step == "first":
            names[did(dora, someone, 8, activity=Activity.objects.get_or_create(key="one")[0]).pk] = step
        elif step == "second":
            second = did(dora, someone, 4, activity=Activity.objects.get_or_create(key="two")[0])
            names[second.pk] = step
        elif step == "order":
            order(dora, someone, 0)
        elif step == "reply":
            replied(dora, someone, 1)
        else:
            Action.objects.filter(pk=second.pk).update(undone_at=NOW)
        credit(dora)
    mine = Credit.objects.filter(event__customer=someone).order_by("kind").values_list("kind", "action_id")
    return tuple((kind, names[pk]) for kind, pk in mine)


def test_an_enrolment_goes_to_the_prospect_of_that_name(dora: Distributor) -> None:
    ana = f.customer(dora, name="Ana Vidal", kind="prospect")
    f.customer(dora, name="Another One", kind="prospect")
    nurtured = did(dora, ana, 3)
    arrive("distributor.enrolled", "ana-1", {"name": "ana vidal", "sponsor": "dora"}, time=at(1), received_at=NOW)
    credit(dora)
    assert [(one.kind, one.action) for one in Credit.objects.all()] == [("enrolment", nurtured)]


def test_an_enrolment_that_names_the_contact_needs_no_name(dora: Distributor) -> None:
    ana = f.customer(dora, name="Anita", kind="prospect", external_id="p7")
    other = f.customer(dora, name="Ana Vidal", kind="prospect")
    nurtured = did(dora, ana, 3)
    did(dora, other, 2)
    data = {"name": "Ana Vidal", "sponsor": "dora", "contact": "p7"}
    arrive("distributor.enrolled", "ana-1", data, time=at(1), received_at=NOW)
    credit(dora)
    assert [one.action for one in Credit.objects.all()] == [nurtured]


def test_a_recruits_first_order_follows_the_to_do_about_her(dora: Distributor) -> None:
    rosa = f.distributor(name="Rosa Blum", sponsor=dora)
    checked = did(dora, rosa, 3)
    first, _second = order(rosa, f.customer(rosa), 1), order(rosa, f.customer(rosa), 0)
    assert credit(dora) == [first.pk]
    assert Credit.objects.get().action == checked


def test_the_newer_of_the_recruits_touch_and_her_sponsors_whoever_is_settled(dora: Distributor) -> None:
    rosa = f.distributor(name="Rosa Blum", sponsor=dora)
    gwen = f.customer(rosa)
    checked, wrote = did(dora, rosa, 3), did(rosa, gwen, 2)
    order(rosa, gwen, 0)
    for one in (dora, rosa, dora):
        credit(one)
        assert Credit.objects.get().action == wrote
    actions.undo(distributor=rosa, action_id=wrote.pk, as_of=NOW, by=None)
    assert Credit.objects.get().action == checked
    actions.undo(distributor=dora, action_id=checked.pk, as_of=NOW, by=None)
    assert not Credit.objects.exists()


def test_when_the_sponsor_takes_hers_back_it_goes_to_the_recruit(dora: Distributor) -> None:
    rosa = f.distributor(name="Rosa Blum", sponsor=dora)
    gwen = f.customer(rosa)
    wrote, checked = did(rosa, gwen, 5), did(dora, rosa, 3)
    order(rosa, gwen, 0)
    credit(dora, rosa)
    assert Credit.objects.get().action == checked
    actions.undo(distributor=dora, action_id=checked.pk, as_of=NOW, by=None)
    assert Credit.objects.get().action == wrote


def test_nobody_elses(dora: Distributor, maya: Customer) -> None:
    other = f.distributor()
    did(other, f.customer(other, name="Maya Ortiz"), 2)
    order(dora, maya, 0)
    assert credit(dora, other) == []


def test_settling_credits(dora: Distributor, maya: Customer) -> None:
    did(dora, maya, 2)
    order(dora, maya, 0)
    actions.sweep(as_of=NOW)
    assert Credit.objects.count() == 1


def test_few_queries(dora: Distributor, maya: Customer, django_assert_num_queries: Any) -> None:
    for n in range(5):
        did(dora, maya, n + 1)
        order(dora, maya, n)
    with django_assert_num_queries(5):  # what differs · savepoint · turns · what is written · savepoint
        assert len(credit(dora)) == 5
    with django_assert_num_queries(1):
        assert credit(dora) == []
    with django_assert_num_queries(0):
        assert crediting.credit([], as_of=NOW) == []


@pytest.mark.django_db(transaction=True)
def test_two_at_once_make_one() -> None:
    f.product("EYE-1", line=f.product_line("eye"))
    dora = f.distributor(external_id="dora")
    maya = f.customer(dora)
    did(dora, maya, 2)
    order(dora, maya, 0)

    def settle(_n: int) -> int:
        try:
            return len(credit(dora))
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(settle, range(12))) == 1
    assert Credit.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_later_of_two_knows_what_the_other_saw() -> None:
    """A touch that is stored while somebody credits is never overwritten by who read before it."""
    f.product("EYE-1", line=f.product_line("eye"))
    dora = f.distributor(external_id="dora")
    maya = f.customer(dora)
    did(dora, maya, 5)
    order(dora, maya, 0)
    last: datetime | None = None

    def touch_and_settle(n: int) -> None:
        try:
            did(dora, maya, 4 - n / 10)
            credit(dora)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(touch_and_settle, range(18)))
    last = max(Action.objects.values_list("at", flat=True))
    assert Credit.objects.get().touched_at == last
