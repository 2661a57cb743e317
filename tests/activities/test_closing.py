"""A to-do whose result arrives closes itself, once, and says so (F6)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from activities import actions, recommend
from activities.models import Action, Activity, Slate, Sweep
from distributors.models import Customer, Distributor, Measure
from tests import factories as f
from tests.activities.stage import arrive, order, stage

pytestmark = pytest.mark.django_db

LATER = f.NOW + timedelta(minutes=30)


def shown() -> tuple[Distributor, Customer]:
    """Jenna has seen her feed, Maria's card in it."""
    jenna = stage()
    recommend.feed(jenna, as_of=f.NOW, noise=False)
    return jenna, jenna.customers.get(name="Maria Ruiz")


def test_it_works() -> None:
    jenna, maria = shown()
    event = order(jenna, maria, 0, "34.00", time=f.NOW + timedelta(minutes=10))
    feed = recommend.feed(jenna, as_of=LATER)
    action = Action.objects.get()
    assert (action.kind, action.customer, action.closed_by) == ("done", maria, event)
    (done,) = feed.done
    assert done.closed_by == "Maria ordered $34 at 11:10. This closed itself."
    assert done.title == "Send Maria the Eye line refill video"
    assert "eye-refill-video" not in {card.candidate.activity.key for card in feed.cards}
    assert action.event.data["closed_by"] == {"source": event.source, "id": event.external_id}


def test_it_happens_once() -> None:
    jenna, maria = shown()
    order(jenna, maria, 0, time=f.NOW + timedelta(minutes=10))
    for _ in range(3):
        actions.settle([jenna.pk], as_of=LATER)
    assert Action.objects.count() == 1
    assert Measure.objects.get(metric="activities_done").value == 1


def test_taking_it_back_stands() -> None:
    jenna, maria = shown()
    order(jenna, maria, 0, time=f.NOW + timedelta(minutes=10))
    (action,) = actions.settle([jenna.pk], as_of=LATER)
    actions.undo(distributor=jenna, action_id=action.pk, as_of=LATER, by=None)
    assert actions.settle([jenna.pk], as_of=LATER) == []


def test_an_order_of_the_same_day_that_arrives_late_closes_too() -> None:
    jenna, maria = shown()
    order(jenna, maria, 0, time=f.NOW - timedelta(hours=2))
    assert actions.settle([jenna.pk], as_of=LATER) == []  # received before she was shown the card
    lines = [{"sku": "EYE-1", "quantity": 1, "amount": "34.00"}]
    data = {"customer": maria.external_id, "currency": "USD", "amount": "34.00", "lines": lines}
    arrive("order.placed", "jenna", data, time=f.NOW - timedelta(hours=1), received_at=LATER)
    assert len(actions.settle([jenna.pk], as_of=LATER)) == 1


def test_somebody_elses_order_closes_nothing() -> None:
    jenna, _maria = shown()
    order(jenna, jenna.customers.get(name="Tom Hale"), 0, time=f.NOW + timedelta(minutes=10), sku="EYE-1")
    closed = actions.settle([jenna.pk], as_of=LATER)
    assert [action.activity.key for action in closed if action.activity.key == "eye-refill-video"] == []


def test_another_line_closes_nothing_of_the_eye_line() -> None:
    jenna, maria = shown()
    order(jenna, maria, 0, time=f.NOW + timedelta(minutes=10), sku="LIP-1")
    assert actions.settle([jenna.pk], as_of=LATER) == []


def test_a_card_she_never_saw_does_not_close() -> None:
    jenna = stage()
    order(jenna, jenna.customers.get(name="Maria Ruiz"), 0, time=f.NOW)
    assert actions.settle([jenna.pk], as_of=LATER) == []


def test_a_card_she_did_or_dismissed_does_not_close() -> None:
    jenna, maria = shown()
    li = jenna.customers.get(name="Li Wei")
    actions.complete(
        distributor=jenna, card_key=f"eye-refill-video.c{maria.pk}", as_of=f.NOW + timedelta(minutes=1), by=None
    )
    actions.dismiss(
        distributor=jenna,
        card_key=f"basket-add-on.c{li.pk}",
        as_of=f.NOW + timedelta(minutes=1),
        by=None,
        reason="not_now",
    )
    order(jenna, maria, 0, time=f.NOW + timedelta(minutes=10))
    order(jenna, li, 0, time=f.NOW + timedelta(minutes=10))
    assert actions.settle([jenna.pk], as_of=LATER) == []


def test_one_order_closes_one_card_the_started_one_first() -> None:
    jenna, maria = shown()
    f.activity("eye-call", "Call {name}", about="one_time", closes_on="order.placed")
    actions.start(distributor=jenna, card_key=f"eye-call.c{maria.pk}", as_of=f.NOW, by=None)
    order(jenna, maria, 0, time=f.NOW + timedelta(minutes=10))
    assert [action.activity.key for action in actions.settle([jenna.pk], as_of=LATER)] == ["eye-call"]


def test_an_enrolment_closes_the_prospects_card() -> None:
    jenna, _maria = shown()
    for name in ("Somebody Else", "Ana Vidal"):
        assert actions.settle([jenna.pk], as_of=LATER) == []
        data = {"name": name, "sponsor": "jenna"}
        arrive("distributor.enrolled", name.split()[0], data, time=f.NOW + timedelta(minutes=10), received_at=LATER)
    (action,) = actions.settle([jenna.pk], as_of=LATER)
    assert action.activity.key == "nurture"
    (done,) = recommend.feed(jenna, as_of=LATER, log=False).done
    assert done.closed_by == "Ana enrolled at 11:10. This closed itself."


def test_a_recruits_order_closes_her_sponsors_card() -> None:
    jenna = stage()
    Activity.objects.filter(key="check-recruit").update(closes_on="order.placed")
    recommend.feed(jenna, as_of=f.NOW, noise=False)
    rosa = Distributor.objects.get(name="Rosa Blum")
    order(rosa, f.customer(rosa), 0, time=f.NOW + timedelta(minutes=10))
    (action,) = actions.settle([jenna.pk], as_of=LATER)
    assert action.recruit == rosa


def test_a_card_shown_again_after_it_was_done_waits_again() -> None:
    """At once, not only when the first showing is two weeks old: as time goes by nothing begins to wait."""
    jenna, maria = shown()
    actions.complete(distributor=jenna, card_key=f"eye-refill-video.c{maria.pk}", as_of=f.NOW, by=None)
    again, video = f.NOW + timedelta(days=4), Activity.objects.get(key="eye-refill-video").pk
    cards = [{"activity": video, "customer": maria.pk, "recruit": None}]
    day = jenna.local_day(again)
    Slate.objects.create(distributor=jenna, day=day, shown_at=again, seed=0, cards=cards, digest=b"")
    order(jenna, maria, 0, time=again + timedelta(minutes=10))
    closed = actions.settle([jenna.pk], as_of=again + timedelta(hours=1))
    assert [action.activity.key for action in closed] == ["eye-refill-video"]
    for days in (5, 14, 16, 30):
        assert actions.settle([jenna.pk], as_of=f.NOW + timedelta(days=days)) == []


def test_what_it_costs_does_not_grow_with_her_history(django_assert_num_queries) -> None:
    jenna, maria = shown()
    for n in range(20):
        order(jenna, maria, 0, time=f.NOW + timedelta(minutes=n), sku="LIP-1")
    actions.settle([jenna.pk], as_of=LATER)
    # Reports · cards that wait · their activities · enrolments, events and lines · spent · credits.
    with django_assert_num_queries(8):
        assert actions.settle([jenna.pk], as_of=LATER) == []
    new = [f.distributor().pk for _ in range(3)]
    with django_assert_num_queries(3):
        assert actions.settle(new, as_of=LATER) == []


@pytest.mark.django_db(transaction=True)
def test_an_event_closes_one_card_whoever_settles_at_the_same_time() -> None:
    jenna, maria = shown()
    order(jenna, maria, 0, time=f.NOW + timedelta(minutes=10))

    def settle(_n: int) -> int:
        try:
            return len(actions.settle([jenna.pk], as_of=LATER))
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(settle, range(12))) == 1
    assert Action.objects.count() == 1


def test_the_sweep_settles_people_who_stay_away_and_does_nothing_twice() -> None:
    jenna, maria = shown()
    order(jenna, maria, 0, time=f.NOW + timedelta(minutes=10))
    assert actions.sweep(as_of=LATER) == 1
    assert actions.sweep(as_of=LATER) == 0
    mark = Sweep.objects.get().event_id
    assert actions.sweep(as_of=LATER + timedelta(hours=1)) == 0
    assert Sweep.objects.get().event_id >= mark


def test_a_missed_sweep_is_made_up_for() -> None:
    jenna, maria = shown()
    actions.sweep(as_of=f.NOW)
    order(jenna, maria, 0, time=f.NOW + timedelta(minutes=10))
    assert actions.sweep(as_of=f.NOW + timedelta(days=3)) == 1


def test_the_schedule_takes_the_clock_itself() -> None:
    assert actions.settle_recent() is None
