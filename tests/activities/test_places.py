"""Why the list is as it is: what is said of her share and of each place is true of the list that is shown."""

from __future__ import annotations

from decimal import Decimal
from html import unescape

import pytest
from django.urls import reverse

from activities import places, recommend
from activities.cards import Feed
from activities.ranking.drawing import Slot
from distributors.models import Distributor
from kpis.models import Campaign
from tests import factories as f
from tests.activities.stage import stage
from tests.pages import now, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now


@pytest.fixture
def jenna() -> Distributor:
    return stage()


def feed_of(jenna: Distributor) -> Feed:
    return recommend.feed(jenna, as_of=f.NOW, log=False)


def test_it_works(jenna: Distributor) -> None:
    feed = feed_of(jenna)
    found = places.listed(feed)
    slots = [card.slot for card in feed.cards]
    own, company = slots.count(Slot.OWN), slots.count(Slot.COMPANY)
    assert found.places == f"Places in this list: {own} for your goals, {company} for YouSystem’s focus, 1 to learn."
    assert found.points.startswith(
        "A card can get up to 60 points from your goals and up to 40 from YouSystem’s focus."
    )
    page = unescape(signed_in(jenna).get(reverse("why_list")).text)
    assert found.places in page and found.points in page
    for row in found.rows:
        assert row.place in page and row.points in page and row.standing in page


def test_her_points_are_those_of_the_formula(jenna: Distributor) -> None:
    Distributor.objects.filter(pk=jenna.pk).update(own_goal_share=Decimal("0.85"))
    feed = feed_of(Distributor.objects.with_market().get(pk=jenna.pk))
    assert "up to 85 points from your goals and up to 15 from" in places.listed(feed).points
    assert all(0 <= card.terms.own <= 0.85 and card.terms.company <= 0.15 for card in feed.cards)


def test_each_place_is_counted_as_it_was_drawn() -> None:
    named = {places.place_name(slot, 0) for slot in Slot}
    assert len(named) == len(Slot), "no two kinds of place are told alike"


def test_a_place_for_her_goals_that_is_mostly_the_companys_says_so() -> None:
    assert places.place_name(Slot.OWN, 49) == "For your goals"
    assert places.place_name(Slot.OWN, 50) == "For your goals and YouSystem’s focus"


def test_numbers_are_places_among_what_is_shown(jenna: Distributor) -> None:
    feed = feed_of(jenna)
    by_points = sorted(feed.cards, key=lambda card: -card.terms.score)
    without = sorted(feed.cards, key=lambda card: card.terms.company - card.terms.score)
    for row in places.listed(feed).rows:
        n, other = by_points.index(row.card) + 1, without.index(row.card) + 1
        if n == other:
            assert row.standing == f"By points number {n} of these 5, with or without YouSystem’s focus."
        else:
            assert (
                row.standing
                == f"By points number {n} of these 5; without YouSystem’s focus it would be number {other}."
            )


def test_a_card_says_its_place_on_todays_list(jenna: Distributor) -> None:
    client, feed = signed_in(jenna), feed_of(jenna)
    for n, row in enumerate(places.listed(feed).rows, start=1):
        page = unescape(client.get(reverse("activity", args=[row.card.key])).text)
        assert f"Number {n} of 5. {row.place}. {row.standing}" in page
        assert f"number {row.card.rank} for you" not in page


def test_a_card_that_is_not_on_the_list_has_no_place(jenna: Distributor) -> None:
    listed = {card.key for card in feed_of(jenna).cards}
    tom = jenna.customers.get(name="Tom Hale")
    key = f"win-back.c{tom.pk}"
    assert key not in listed
    assert "On today’s list" not in unescape(signed_in(jenna).get(reverse("activity", args=[key])).text)


def test_without_a_campaign_nothing_is_said_of_it(jenna: Distributor) -> None:
    Campaign.objects.update(status=Campaign.Status.ENDED)
    found = places.listed(feed_of(jenna))
    assert found.points == "" and all(row.standing == "" for row in found.rows)
    client = signed_in(jenna)
    for card in client.get("/").context["feed"].cards:
        assert "YouSystem’s focus" not in unescape(client.get(reverse("activity", args=[card.key])).text)


def test_what_moves_none_of_her_goals_is_told_so(jenna: Distributor) -> None:
    feed = feed_of(jenna)
    rosa = next(card for card in feed.cards if card.terms.own <= 0 < card.terms.company)
    (company,) = (reason for reason in rosa.reasons if reason.source == "company")
    assert "It moves none of your goals; 100% of its points come from this focus." in company.sentence
