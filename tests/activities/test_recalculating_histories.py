"""Who changed, recalculated alone, comes to what everybody recalculated from the facts comes to, whatever happened.

PEP_SEEDS sets how many histories are tried, 25 at a time beside each other (reliability.md asks for 1,000).
"""

from __future__ import annotations

import os
import random
from datetime import timedelta
from decimal import Decimal

import pytest

from activities import actions, recommend
from activities.models import Action, DaySlate, Memory
from activities.ranking import dayslates
from distributors.models import Customer, Distributor, Feature, FeatureMark, Goal, Market
from distributors.records import SLATE_CARD, unpacked
from tests import factories as make

from . import stage
from .test_recalculating import ALL, CHANGED, run, slates, totals

pytestmark = pytest.mark.django_db

TOGETHER = 25
HISTORIES = int(os.environ.get("PEP_SEEDS", "40")) * TOGETHER // 10
LESSON, CARD = "reorder-talk", "eye-refill-video.c{}"


@pytest.fixture
def field():
    """Twenty-five sellers in two markets beside Jenna's, with customers and goals."""
    stage.stage()
    make.market("de", language="de", currency="EUR", time_zone="Europe/Berlin", week_start=6)
    rng = random.Random(0)
    for _ in range(TOGETHER):
        market = rng.choice(list(Market.objects.all()))
        seller = make.distributor(market=market, language=rng.choice(["", "es"]))
        for _customer in range(3):
            make.customer(seller, added_at=stage.at(rng.randint(1, 90)))
        make.goal(seller, target=Decimal(rng.randint(50, 400)))
    return list(Distributor.objects.exclude(external_id="jenna").filter(sponsor=None).with_market().order_by("pk"))


def customers(seller):
    return list(Customer.objects.filter(distributor=seller).order_by("pk"))


def order(rng, seller, at):
    customer = rng.choice(customers(seller))
    days = rng.choice([0, 0, 1, 9, 44, 70])
    stage.order(seller, customer, days, f"{rng.randint(100, 9000) / 100:.2f}", sku=rng.choice(["EYE-1", "LIP-1"]))


def basket(rng, seller, at):
    stage.arrive("basket.opened", seller.external_id, {"customer": f"new{rng.randint(1, 3)}"}, time=at, received_at=at)


def enrolment(rng, seller, at):
    stage.arrive("distributor.enrolled", f"n{make.number()}", {"name": "New One", "sponsor": seller.external_id},
                 time=at, received_at=at)  # fmt: skip


def contact(rng, seller, at):
    Customer.objects.filter(distributor=seller).update(last_contact_at=at)


def quiet(rng, seller, at):
    chosen = rng.choice(customers(seller))
    chosen.do_not_contact = not chosen.do_not_contact
    chosen.save()


def new_goal(rng, seller, at):
    metric, period = rng.choice([("orders", "week"), ("enrolments", "month"), ("active_customers", "month")])
    Goal.objects.running().filter(distributor=seller, metric=metric, period=period).update(ended_at=at)
    make.goal(seller, metric=metric, period=period, target=Decimal(rng.randint(1, 9)), weight=rng.randint(1, 5))


def ended_goal(rng, seller, at):
    Goal.objects.filter(distributor=seller).update(ended_at=at)


def done(rng, seller, at):
    actions.complete(distributor=seller, card_key=LESSON, as_of=at, by=None, score=rng.choice([None, 0.4, 1.0]))


def waved_off(rng, seller, at):
    card = CARD.format(rng.choice(customers(seller)).pk)
    reason = rng.choice(Action.Reason.values)
    actions.dismiss(distributor=seller, card_key=card, as_of=at, by=None, reason=reason)


def put_off(rng, seller, at):
    until = seller.local_day(at) + timedelta(days=rng.randint(1, 9))
    actions.snooze(distributor=seller, card_key=LESSON, as_of=at, by=None, until=until)


def looked(rng, seller, at):
    recommend.feed(seller, as_of=at)


def settings(rng, seller, at):
    seller.language = rng.choice(["", "de", "es"])
    seller.own_goal_share = rng.choice([None, Decimal("0.8"), Decimal(1)])
    seller.market = rng.choice(list(Market.objects.all()))
    seller.save()


def left(rng, seller, at):
    seller.left_on = None if seller.left_on else seller.local_day(at)
    seller.save()


STEPS = [
    order, order, order, basket, enrolment, contact, quiet, new_goal, ended_goal, done, waved_off, put_off, looked, looked,
    settings, left,
]  # fmt: skip


def from_nothing(as_of):
    """The slates of everybody when nothing was ever kept."""
    for model in (DaySlate, Feature, Memory):
        model.objects.all().delete()
    run(ALL, as_of, by=dayslates.rank)
    return slates()


def test_it_comes_to_the_same(field):
    for group in range(max(1, HISTORIES // TOGETHER)):
        rng = random.Random(group)
        # Every other day: a slate is of the instant of its day at which it was made, and what runs out later that day
        # (a basket, five days of quiet) is no reason to make it again.
        at = make.NOW + timedelta(days=2 * group, minutes=rng.randint(0, 600))
        run(rng.choice([ALL, CHANGED]), at, by=dayslates.rank)
        for seller in field:
            for step in rng.choices(STEPS, k=rng.randint(0, 4)):
                step(rng, seller, at)
        run(CHANGED, at, by=dayslates.rank)
        # Who left is not recalculated: her mark waits for a read.
        marked = FeatureMark.objects.values("distributor_id")
        assert not Distributor.objects.active().filter(pk__in=marked).exists()
        found = slates()
        expected = from_nothing(at)
        # Who moved to a market where it is still yesterday keeps the slate of the later day until that has come.
        ahead = {pk for pk in found.keys() & expected.keys() if found[pk][0] > expected[pk][0]}
        assert len(ahead) <= 2
        differ = {pk for pk in expected.keys() | found.keys() if expected.get(pk) != found.get(pk)}
        assert differ - ahead == set(), group
        assert totals(run(CHANGED, at, by=dayslates.rank)) == (0, 0)


def test_a_slate_written_ahead_is_what_the_page_shows(field):
    jenna = Distributor.objects.with_market().get(external_id="jenna")
    run(ALL, make.NOW, by=dayslates.rank)
    ahead = unpacked(DaySlate.objects.get(pk=jenna.pk).cards, SLATE_CARD)
    feed = recommend.feed(jenna, as_of=make.NOW, log=False)
    assert len(ahead) == 5
    assert [card.candidate.activity.pk for card in feed.cards] == ahead["activity"].tolist()
    assert [card.propensity for card in feed.cards] == ahead["propensity"].tolist()
    assert [card.terms.score for card in feed.cards] == ahead["score"].tolist()
