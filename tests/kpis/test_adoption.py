"""Adoption on a made field: who opens it, who finishes something, and who was never here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from distributors.models import Distributor, Market, Measure, Role
from kpis import adoption
from kpis.adoption import Counts
from tests import factories as make
from tests.pages import HTMX, now  # noqa: F401

pytestmark = pytest.mark.django_db

NOW, TODAY = make.NOW, make.TODAY


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    cache.delete(adoption.key())
    yield
    cache.delete(adoption.key())


def did(who: Distributor, metric: str, days_ago: int, today: date = TODAY) -> None:
    Measure.objects.create(distributor=who, metric=metric, day=today - timedelta(days=days_ago), value=1)


def somebody(market: Market | None = None, **days_ago: int) -> Distributor:
    """Who did each thing so many days ago: active_days, activities_done, lessons_done."""
    who = make.distributor(**{"market": market} if market else {})
    for metric, ago in days_ago.items():
        did(who, metric, ago)
    return who


def test_it_works() -> None:
    somebody(active_days=0, activities_done=0, lessons_done=3)
    somebody(active_days=6, activities_done=27)
    somebody(active_days=7, activities_done=28)
    somebody(active_days=27)
    somebody(active_days=28, lessons_done=28)
    somebody()
    found = adoption.count(NOW)
    assert found.all == Counts(people=6, week=2, month=4, activity=2, lesson=1, never=1)
    assert found.markets == [(make.market(), found.all)]


def test_the_newest_day_decides() -> None:
    who = somebody(active_days=300)
    did(who, "active_days", 2)
    assert adoption.count(NOW).all == Counts(people=1, week=1, month=1)


def test_who_left_is_not_counted() -> None:
    gone = somebody(active_days=0)
    gone.left_on = TODAY
    gone.save()
    assert adoption.count(NOW).all == Counts()
    assert adoption.count(NOW).markets == []


def test_a_product_lines_measures_are_something_else() -> None:
    who = somebody()
    Measure.objects.create(distributor=who, metric="active_days", scope="eye", day=TODAY, value=1)
    assert adoption.count(NOW).all == Counts(people=1, never=1)


def test_days_are_the_markets_own() -> None:
    """At three in the afternoon of Thursday in New York it is Friday in Auckland."""
    auckland = make.market("nz", time_zone="Pacific/Auckland")
    somebody(active_days=6)
    somebody(auckland, active_days=6)
    found = dict(adoption.count(NOW).markets)
    assert (found[make.market()].week, found[auckland].week) == (1, 0)


def test_markets_add_up() -> None:
    for code in ("us", "mx", "de"):
        somebody(make.market(code), active_days=1)
    somebody(make.market("mx"))
    found = adoption.count(NOW)
    assert [(market.code, counts.people, counts.never) for market, counts in found.markets] == [
        ("de", 1, 0), ("mx", 2, 1), ("us", 1, 0),
    ]  # fmt: skip
    assert found.all == Counts(people=4, week=3, month=3, never=1)


def test_shares_are_rounded_down() -> None:
    assert Counts(people=3, week=2).share(2) == "66%"
    assert Counts(people=1000, week=999).share(999) == "99%"
    assert Counts().share(0) == "–"


def test_it_is_counted_once_an_hour(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    somebody()
    assert adoption.kept(NOW) is None
    first = adoption.counted(NOW)
    somebody()
    with django_assert_num_queries(1):  # the markets' names
        assert adoption.counted(NOW + timedelta(minutes=59)) == first
    assert adoption.counted(NOW + adoption.KEPT).all.people == 2
    assert adoption.kept(NOW) is None  # not what was counted later


def test_counting_is_two_queries(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for n in range(3):
        somebody(make.market(f"m{n}"), active_days=n)
    with django_assert_num_queries(2):
        adoption.count(NOW)


def test_who_was_never_here() -> None:
    somebody(active_days=200)
    old, new = make.distributor(name="Old"), make.distributor(name="New", joined_on=TODAY, market=make.market("mx"))
    make.distributor(left_on=TODAY)
    assert list(adoption.never_signed_in()) == [new, old]
    assert list(adoption.never_signed_in(make.market("mx"))) == [new]
    did(new, "active_days", 0)
    assert list(adoption.never_signed_in()) == [old]


# The pages


def hq(role: Role = Role.HQ_VIEWER) -> Client:
    client = Client()
    client.force_login(make.user(role))
    return client


def test_the_overview_asks_for_the_count_by_itself(now: None) -> None:  # noqa: F811
    somebody()
    client, url = hq(), reverse("overview")
    text = client.get(url).text
    assert f'hx-get="{url}?adoption=1"' in text
    assert "Finished an activity" not in text
    part = client.get(f"{url}?adoption=1", headers=HTMX).text
    assert part.startswith("<section")
    assert "Finished an activity" in part
    assert "Finished an activity" in client.get(url).text  # and is kept


def test_without_script_a_link_counts(now: None) -> None:  # noqa: F811
    somebody()
    text = hq().get(reverse("overview") + "?adoption=1").text
    assert "Live now" in text
    assert "Finished an activity" in text


def test_each_market_has_its_own_line_when_there_are_several(now: None) -> None:  # noqa: F811
    somebody(make.market("us"))
    url = reverse("overview") + "?adoption=1"
    assert hq().get(url, headers=HTMX).text.count('<th scope="row">') == 1
    cache.delete(adoption.key())
    somebody(make.market("mx"))
    text = hq().get(url, headers=HTMX).text
    assert text.count('<th scope="row">') == 3
    assert f"{reverse('never_signed_in')}?market=mx" in text


def test_the_list_says_who_has_no_sign_in_at_all(now: None) -> None:  # noqa: F811
    sponsor = make.distributor(name="Sponsor Sue", user=make.user())
    make.distributor(name="Nora None", sponsor=sponsor, joined_on=datetime(2026, 8, 1, tzinfo=UTC).date())
    text = hq().get(reverse("never_signed_in")).text
    assert text.index("Nora None") < text.index("has none yet") < text.index("has one")
    assert "Sponsor Sue" in text


def test_it_has_pages_of_fifty(now: None, django_assert_num_queries: DjangoAssertNumQueries) -> None:  # noqa: F811
    for n in range(51):
        make.distributor(name=f"Person {n:03}", joined_on=TODAY - timedelta(days=n))
    client, url = hq(), reverse("never_signed_in")
    client.get(url)
    with django_assert_num_queries(4):  # session, reader, people, markets
        first = client.get(url).text
    assert ("Person 049" in first, "Person 050" in first, "page=2" in first) == (True, False, True)
    second = client.get(f"{url}?page=2").text
    assert ("Person 049" in second, "Person 050" in second, "page=3" in second) == (False, True, False)
    assert client.get(f"{url}?page=nonsense").status_code == 200
    assert client.get(f"{url}?page=99").status_code == 200


def test_one_market_of_it(now: None) -> None:  # noqa: F811
    make.distributor(name="Una", market=make.market("us"))
    make.distributor(name="Maria", market=make.market("mx"))
    text = hq().get(reverse("never_signed_in") + "?market=mx").text
    assert ("Maria" in text, "Una" in text) == (True, False)
    assert hq().get(reverse("never_signed_in") + "?market=nowhere").status_code == 404
