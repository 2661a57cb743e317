"""What followed something she did is told once, from facts that name nobody."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from activities import actions
from activities.models import Action, Credit
from distributors.models import Customer, Distributor
from notifications import inbox
from notifications.models import Notice
from tests import factories as make
from tests.activities.stage import arrive, order
from tests.activities.test_crediting import did, replied, sent
from tests.pages import now, signed_in, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now


@pytest.fixture
def dora() -> Distributor:
    make.product("EYE-1", line=make.product_line("eye"))
    return make.distributor(external_id="dora", name="Dora Diaz")


@pytest.fixture
def maya(dora: Distributor) -> Customer:
    return make.customer(dora, name="Maya Ortiz")


def lines(who: Distributor) -> list[inbox.Line]:
    actions.settle([who.pk], as_of=make.NOW)
    inbox.pull(who, as_of=make.NOW)
    return inbox.lines(who, list(Notice.objects.of(who.pk)), as_of=make.NOW)


def test_it_works(dora: Distributor, maya: Customer) -> None:
    sent(dora, maya, 2)
    event = order(dora, maya, 0, time=make.NOW - timedelta(minutes=18))
    actions.settle([dora.pk], as_of=make.NOW)
    text = words(signed_in(dora).get(reverse("notices")))
    assert "An order from Maya" in text
    assert "Maya ordered $34 at 10:42, 2 days after your message." in text
    assert "Your message of 25 August was the last thing before it." in text
    assert "because" not in text.lower()
    notice = Notice.objects.get()
    assert (notice.kind, notice.facts) == ("result", {"event": event.pk})
    assert reverse("person", args=[maya.pk]) in signed_in(dora).get(reverse("notices")).content.decode()


def test_once_a_result(dora: Distributor, maya: Customer) -> None:
    first = did(dora, maya, 4)
    second = did(dora, maya, 2)
    order(dora, maya, 0)
    lines(dora)
    actions.undo(distributor=dora, action_id=second.pk, as_of=make.NOW, by=None)
    (line,) = lines(dora)
    assert Credit.objects.get().action == first
    assert "4 days after your message" in line.text


def test_nothing_left_of_what_was_taken_back(dora: Distributor, maya: Customer) -> None:
    action = did(dora, maya, 4)
    order(dora, maya, 0)
    assert len(lines(dora)) == 1
    actions.undo(distributor=dora, action_id=action.pk, as_of=make.NOW, by=None)
    assert lines(dora) == []


def test_a_result_is_told_once_whatever_to_do_it_closed(dora: Distributor, maya: Customer) -> None:
    sent(dora, maya, 2)
    event = order(dora, maya, 0, time=make.NOW)
    did(dora, maya, 0, closed_by=event, activity=make.activity(title="Offer {name} the brow gel", form="message"))
    (line,) = lines(dora)
    assert line.notice.kind == Notice.Kind.RESULT
    assert line.title == "An order from Maya"
    assert line.text == "Maya ordered $34 at 11:00, 2 days after your message."


def test_a_to_do_that_closed_with_nothing_before_it_is_told_by_its_title(dora: Distributor, maya: Customer) -> None:
    event = order(dora, maya, 0, time=make.NOW)
    did(dora, maya, 0, closed_by=event, activity=make.activity(title="Offer {name} the brow gel", form="message"))
    (line,) = lines(dora)
    assert line.notice.kind == Notice.Kind.CLOSED
    assert (line.title, line.text) == ("Offer Maya the brow gel", "Maya ordered $34 at 11:00. This closed itself.")


def test_a_reply_and_an_enrolment_are_results_too(dora: Distributor, maya: Customer) -> None:
    did(dora, maya, 1, activity=make.activity(form="call"))
    replied(dora, maya)
    ana = make.customer(dora, name="Ana Vidal", kind="prospect")
    did(dora, ana, 0, activity=make.activity(form="todo"))
    arrive("distributor.enrolled", "ana", {"name": "Ana Vidal", "sponsor": "dora"}, time=make.NOW, received_at=make.NOW)
    assert sorted((line.title, line.text) for line in lines(dora)) == [
        ("A reply from Maya", "Maya replied at 11:00, the day after your call."),
        ("Ana has enrolled", "Ana enrolled at 11:00, the same day as your to-do."),
    ]


def test_a_recruits_first_order_names_the_recruit(dora: Distributor) -> None:
    rosa = make.distributor(name="Rosa Blum", sponsor=dora)
    did(dora, rosa, 3)
    gwen = make.customer(rosa, name="Gwendolyn Secret")
    order(rosa, gwen, 0)
    (line,) = lines(dora)
    assert line.title == "An order from Rosa" and line.person is None
    assert "Gwen" not in line.title + line.text + line.why


def test_no_name_is_kept(dora: Distributor, maya: Customer) -> None:
    sent(dora, maya, 2)
    order(dora, maya, 0)
    lines(dora)
    assert "Maya" not in json.dumps(list(Notice.objects.values_list("facts", flat=True)))


def test_of_who_was_erased_nothing_is_told(dora: Distributor, maya: Customer) -> None:
    sent(dora, maya, 2)
    order(dora, maya, 0)
    assert len(lines(dora)) == 1
    Customer.objects.filter(pk=maya.pk).update(
        name="", phone="", email="", birthday=None, do_not_contact=True, erased_at=make.NOW
    )
    inbox.pull(dora, as_of=make.NOW)
    assert inbox.lines(dora, list(Notice.objects.all()), as_of=make.NOW) == []


def test_in_her_language(dora: Distributor, maya: Customer) -> None:
    Action.objects.all().delete()
    dora.language = "de"
    dora.save()
    sent(dora, maya, 2)
    order(dora, maya, 0)
    (line,) = lines(dora)
    assert "34" in line.text


def test_the_bell_costs_one_query_more(dora: Distributor, maya: Customer, django_assert_num_queries: Any) -> None:
    """Reports closed · results · goals' rows · known · rules; nothing grows with what she has."""
    for n in range(6):
        sent(dora, maya, n + 1, activity=make.activity())
        order(dora, maya, n)
    actions.settle([dora.pk], as_of=make.NOW)
    inbox.pull(dora, as_of=make.NOW)
    with django_assert_num_queries(5):
        inbox.pull(dora, as_of=make.NOW)
