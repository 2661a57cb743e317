from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from activities.models import Action
from distributors.models import Distributor, Measure
from notifications import inbox
from notifications.models import Notice
from tests import factories as make
from tests.pages import now, signed_in, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now


@pytest.fixture
def dora() -> Distributor:
    """A weekly goal that is reached, and a to-do that closed itself because Maria ordered."""
    dora = make.distributor()
    make.goal(dora, target=Decimal(100))
    Measure.objects.create(distributor=dora, metric="sales", day=make.TODAY, value=120)
    maria = make.customer(dora, name="Maria Ruiz")
    order = make.event(dora, type="order.placed", customer=maria, data={"amount": "34.00", "currency": "USD"})
    activity = make.activity("refill", "Send {name} the refill video", about="one_time")
    Action.objects.create(
        distributor=dora, activity=activity, customer=maria, about_key=f"c{maria.pk}", kind="done",
        day=make.TODAY, at=make.NOW, closed_by=order,
    )  # fmt: skip
    return dora


def test_it_works(dora: Distributor) -> None:
    client = signed_in(dora)
    assert "Notices, 2 new" in words(client.get(reverse("notices_bell")))
    text = words(client.get(reverse("notices")))
    assert "Send Maria the refill video" in text and "Maria ordered $34 at 11:00. This closed itself." in text
    assert "Your goal is reached: $100" in text and "Sales, 24 August to 30 August." in text


def test_looking_again_makes_no_second_notice(dora: Distributor) -> None:
    for _again in range(3):
        inbox.pull(dora, as_of=make.NOW)
    assert Notice.objects.count() == 2


def test_the_next_week_is_news_again(dora: Distributor) -> None:
    inbox.pull(dora, as_of=make.NOW)
    Measure.objects.create(distributor=dora, metric="sales", day=make.TODAY + timedelta(days=7), value=150)
    inbox.pull(dora, as_of=make.NOW + timedelta(days=7))
    assert Notice.objects.filter(kind=Notice.Kind.GOAL).count() == 2


def test_mark_all_read(dora: Distributor) -> None:
    client = signed_in(dora)
    client.get(reverse("notices"))
    assert client.post(reverse("notices_read")).status_code == 303
    assert not Notice.objects.unread().exists()
    assert "new" not in words(client.get(reverse("notices_bell")))


def test_nobody_elses(dora: Distributor) -> None:
    inbox.pull(dora, as_of=make.NOW)
    stranger = signed_in(make.distributor())
    assert "Nothing new" in words(stranger.get(reverse("notices")))
    stranger.post(reverse("notices_read"))
    assert Notice.objects.unread().count() == 2


def test_a_notice_outlives_its_action(dora: Distributor) -> None:
    inbox.pull(dora, as_of=make.NOW)
    Action.objects.all().delete()
    assert signed_in(dora).get(reverse("notices")).status_code == 200
