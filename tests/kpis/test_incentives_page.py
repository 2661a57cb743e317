from __future__ import annotations

from datetime import date

import pytest
from django.urls import reverse

from distributors.models import Measure
from tests import factories as make
from tests.pages import now, signed_in, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now


def test_it_works() -> None:
    dora = make.distributor()
    make.incentive({3000: "the watch"}, name="Q3 Challenge", terms="Refunds are taken off.")
    Measure.objects.create(distributor=dora, metric="sales", day=date(2026, 8, 1), value=2800)
    text = words(signed_in(dora).get(reverse("incentives")))
    assert "$200 to the watch" in text and "$2,800 of $3,000 · Q3 Challenge" in text
    assert "Closes 30 September, about $40 a week" in text and "Refunds are taken off." in text


def test_reached_tiers_are_marked_and_far_ones_say_how_far() -> None:
    dora = make.distributor()
    make.incentive({1500: "the bag", 3000: "the watch", 9000: "the weekend"}, name="Q3 Challenge")
    Measure.objects.create(distributor=dora, metric="sales", day=date(2026, 8, 1), value=1500)
    page = signed_in(dora).get(reverse("incentives"))
    [line] = page.context["lines"]
    assert [tier.reached for tier in line.tiers] == [True, False, False] and not line.is_near
    text = words(page)
    assert text.count("Reached") == 1 and "$1,500 to the watch" in text
    assert "at most 25% more than your usual week or 90% of it is made" in text
    Measure.objects.update(value=9000)
    page = signed_in(dora).get(reverse("incentives"))
    assert words(page).count("Reached") == 3 and page.context["lines"][0].reach is None
    assert "usual week" not in words(page)


def test_a_contest_without_places_says_when_there_are_some() -> None:
    dora, *_others = [make.distributor() for _ in range(6)]
    make.incentive(name="Relay", form="contest", metric="orders", starts_on=date(2026, 8, 1), ends_on=date(2026, 8, 30))
    text = words(signed_in(dora).get(reverse("incentives")))
    assert 'class="rank' not in text and "Places show once five people of your group have begun." in text
    assert 'class="rank' not in words(signed_in(dora).get(reverse("today")))


def test_a_contest_shows_neighbours_only() -> None:
    dora = make.distributor(name="Dora Winter")
    others = [make.distributor(name=f"Other Person{n}") for n in range(6)]
    for n, person in enumerate([dora, *others]):
        Measure.objects.create(distributor=person, metric="orders", day=make.TODAY, value=10 - n)
    make.incentive(name="Relay", form="contest", metric="orders", starts_on=date(2026, 8, 1), ends_on=date(2026, 8, 30))
    text = words(signed_in(others[2]).get(reverse("incentives")))
    assert "Other Person1" in text and "Other Person3" in text and "You" in text and "Dora Winter" not in text


def test_another_markets_is_not_shown() -> None:
    make.incentive(name="Elsewhere", market=make.market("de", currency="EUR"))
    text = words(signed_in(make.distributor()).get(reverse("incentives")))
    assert "Elsewhere" not in text and "Nothing running" in text
