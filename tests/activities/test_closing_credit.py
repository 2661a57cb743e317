"""Closing says why and what it followed; a reply closes what waits for one; what closed counts as done for what is learned."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse

from activities import actions, recommend
from activities.evidence import effects
from activities.models import Action, Activity, Credit, Slate
from activities.settled import settled
from distributors.models import Customer, Distributor
from tests import factories as f
from tests.activities.stage import order, stage
from tests.activities.test_crediting import replied, sent
from tests.pages import now, signed_in, words

pytestmark = pytest.mark.django_db
assert now

LATER = f.NOW + timedelta(minutes=30)


def shown() -> tuple[Distributor, Customer]:
    """Jenna has seen her feed, Maria's card in it."""
    jenna = stage()
    recommend.feed(jenna, as_of=f.NOW, noise=False)
    return jenna, jenna.customers.get(name="Maria Ruiz")


def test_it_works() -> None:
    """She began two days ago; the order closes it and is told with what it followed."""
    jenna, maria = shown()
    actions.start(distributor=jenna, card_key=f"eye-refill-video.c{maria.pk}", as_of=f.NOW - timedelta(days=2), by=None)
    order(jenna, maria, 0, "34.00", time=f.NOW + timedelta(minutes=10))
    (done,) = recommend.feed(jenna, as_of=LATER).done
    assert done.closed_by == "Maria ordered $34 at 11:10, 2 days after your message. This closed itself."
    assert Credit.objects.get().action == done.action
    assert settled(done.action, jenna, []).sentence == done.closed_by


def test_what_was_only_shown_credits_nobody_and_says_what_happened() -> None:
    jenna, maria = shown()
    order(jenna, maria, 0, "34.00", time=f.NOW + timedelta(minutes=10))
    (done,) = recommend.feed(jenna, as_of=LATER).done
    assert done.closed_by == "Maria ordered $34 at 11:10. This closed itself."
    assert not Credit.objects.exists()


def test_what_she_did_today_says_what_came_of_it() -> None:
    jenna, maria = shown()
    actions.complete(distributor=jenna, card_key=f"eye-refill-video.c{maria.pk}", as_of=f.NOW, by=None)
    order(jenna, maria, 0, "34.00", time=f.NOW + timedelta(minutes=10))
    (done,) = recommend.feed(jenna, as_of=LATER).done
    assert done.closed_by == "Maria ordered $34 at 11:10, the same day as your message."
    assert settled(done.action, jenna, []).sentence.endswith(
        "Maria ordered $34 at 11:10, the same day as your message."
    )


def test_a_reader_who_is_not_she_sees_initials() -> None:
    jenna, maria = shown()
    sent(jenna, maria, 2)
    order(jenna, maria, 0, "34.00", time=f.NOW + timedelta(minutes=10))
    recommend.feed(jenna, as_of=LATER)
    (done,) = recommend.feed(jenna, as_of=LATER, log=False, veiled=True).done
    assert "Maria" not in done.title + done.closed_by and "2 days after your message" in done.closed_by


def test_a_reply_closes_what_waits_for_a_reply() -> None:
    jenna, maria = shown()
    Activity.objects.filter(key="eye-refill-video").update(closes_on="contact.replied")
    replied(jenna, maria, -0.01)
    (done,) = recommend.feed(jenna, as_of=LATER).done
    assert done.closed_by == "Maria replied at 11:14. This closed itself."


def test_a_reply_leaves_what_waits_for_an_order() -> None:
    jenna, maria = shown()
    replied(jenna, maria, -0.01)
    assert actions.settle([jenna.pk], as_of=LATER) == []
    order(jenna, maria, 0, time=f.NOW + timedelta(minutes=20))
    assert len(actions.settle([jenna.pk], as_of=LATER)) == 1


def test_somebody_elses_reply_closes_nothing() -> None:
    jenna, _maria = shown()
    Activity.objects.filter(key="eye-refill-video").update(closes_on="contact.replied")
    replied(jenna, jenna.customers.get(name="Tom Hale"), -0.01)
    assert actions.settle([jenna.pk], as_of=LATER) == []


def test_an_enrolment_that_names_the_contact_closes_her_card() -> None:
    from tests.activities.stage import arrive

    jenna, _maria = shown()
    ana = jenna.customers.get(name="Ana Vidal")
    data = {"name": "Ana Maria Vidal-Ruiz", "sponsor": "jenna", "contact": ana.external_id}
    arrive("distributor.enrolled", "ana", data, time=f.NOW + timedelta(minutes=10), received_at=LATER)
    (action,) = actions.settle([jenna.pk], as_of=LATER)
    assert action.customer == ana


@pytest.mark.usefixtures("now")
def test_today_tells_it() -> None:
    jenna, maria = shown()
    sent(jenna, maria, 2)
    order(jenna, maria, 0, "34.00", time=f.NOW)
    assert "Maria ordered $34 at 11:00, 2 days after your message." in words(signed_in(jenna).get(reverse("today")))


# A reply, logged by her


@pytest.mark.usefixtures("now")
def test_a_reply_is_logged_once_however_often_she_taps() -> None:
    jenna = stage()
    maria = jenna.customers.get(name="Maria Ruiz")
    client, url = signed_in(jenna), reverse("person_replied", args=[maria.pk])
    for _tap in range(2):
        response = client.post(url, {"tone": "interested"})
        assert (response.status_code, response["Location"]) == (303, reverse("person", args=[maria.pk]))
    (event,) = maria.events.filter(type="contact.replied")
    assert event.data["tone"] == "interested"
    assert "Noted" in words(client.get(reverse("person", args=[maria.pk])))


@pytest.mark.usefixtures("now")
@pytest.mark.parametrize("tone", ["", "furious"])
def test_a_reply_needs_one_of_the_answers(tone: str) -> None:
    jenna = stage()
    maria = jenna.customers.get(name="Maria Ruiz")
    assert signed_in(jenna).post(reverse("person_replied", args=[maria.pk]), {"tone": tone}).status_code == 422
    assert not maria.events.filter(type="contact.replied").exists()


@pytest.mark.usefixtures("now")
def test_a_reply_of_somebody_elses_customer_is_not_there() -> None:
    stage()
    maria = Customer.objects.get(name="Maria Ruiz")
    other = signed_in(f.distributor())
    assert other.post(reverse("person_replied", args=[maria.pk]), {"tone": "later"}).status_code == 404


# What is learned (ranking.md 7: whoever completes against whoever does not is never lift)


def test_a_to_do_that_an_order_closed_is_done_for_what_is_learned() -> None:
    """Slates are logged, orders close the card: p rises, and the order's day is in the horizon of the showing."""
    people = shown_to(40)
    assert learned_p(people, orders=False) < learned_p(people, orders=True)


def test_the_order_of_the_horizon_is_what_showing_it_moved() -> None:
    people = shown_to(3)
    for who in people:
        order(who, who.customers.get(), 0, "50.00", time=f.NOW - timedelta(days=11))
    found = effects.book()
    rows = [row for who in people for row in effects.rows_of([who.pk], DAY - timedelta(days=1), DAY, found)]
    sales = effects.moved(rows, found)[found.keys.index("sales")]
    assert sales.tolist() == [50.0] * 3


def test_credit_is_not_the_effect() -> None:
    people = shown_to(40)
    learned_p(people, orders=True)
    before = effects.measured(UNTIL)
    assert Credit.objects.count() == 0  # nobody did anything: the cards were only shown
    Action.objects.filter(closed_by__isnull=False).update(closed_by=None)
    for who in people:
        sent(who, who.customers.get(), 12)
    actions.settle([one.pk for one in people], as_of=f.NOW)
    assert Credit.objects.count() == 40
    assert effects.measured(UNTIL) == before


#: Twelve days ago: the horizon has ended.
DAY = f.TODAY - timedelta(days=12)
UNTIL = effects.last_day(f.NOW)


def shown_to(many: int) -> list[Distributor]:
    f.product("EYE-1", line=f.product_line("eye"))
    activity = f.activity("refill", p_done=0.3, about="one_time", closes_on="order.placed")
    people = []
    for _ in range(many):
        who = f.distributor()
        customer = f.customer(who)
        card: dict[str, Any] = {
            "key": f"refill.c{customer.pk}", "activity": activity.pk, "customer": customer.pk, "recruit": None,
            "slot": "own", "propensity": 0.5,
        }  # fmt: skip
        at = datetime(DAY.year, DAY.month, DAY.day, 15, tzinfo=f.NOW.tzinfo)
        Slate.objects.create(
            distributor=who, day=DAY, shown_at=at, seed=1, versions={}, cards=[card], eligible=[], digest=b""
        )
        people.append(who)
    return people


def learned_p(people: list[Distributor], *, orders: bool) -> float:
    if orders:
        for who in people:
            order(who, who.customers.get(), 0, time=f.NOW - timedelta(days=11))
    # Settled when it happened: the day of the completion is that of the sweep.
    actions.settle([one.pk for one in people], as_of=f.NOW - timedelta(days=11) + timedelta(minutes=1))
    version = effects.learn(f.NOW)
    assert version is not None
    return float(version.values["refill"]["p"][0])
