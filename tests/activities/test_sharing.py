"""Personal links: the same one when asked again, opens counted once in ten minutes, and nothing of who opened it."""

from __future__ import annotations

import re
import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test import RequestFactory
from pytest_django import DjangoAssertNumQueries

from activities.library import sharing
from activities.models import LinkDay, ShareLink
from tests import factories as make
from tests.activities import library_stage as stage

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def test_it_works(rf: RequestFactory) -> None:
    link = stage.link()
    assert sharing.address(link, rf.get("/")) == f"http://testserver/s/{link.token}/"
    assert sharing.counted(link, make.NOW)
    assert sharing.opens([link]) == {link.pk: 1}


def test_she_gets_the_same_link_when_she_asks_again() -> None:
    her, asset = make.distributor(), stage.article()
    customer, other = make.customer(her), make.customer(her)
    made = [stage.link(her, asset, one) for one in (customer, None, other, customer, None)]
    assert [link.pk for link in made] == [made[0].pk, made[1].pk, made[2].pk, made[0].pk, made[1].pk]
    assert len({link.token for link in made}) == 3
    assert stage.link(her, asset, customer, language="de").pk != made[0].pk
    assert stage.link(make.distributor(), asset).pk != made[1].pk


def test_a_token_is_128_random_bits_that_an_address_can_hold() -> None:
    tokens = {stage.link(make.distributor()).token for _n in range(20)}
    assert len(tokens) == 20
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22}", token) for token in tokens)


def test_one_open_in_ten_minutes() -> None:
    link = stage.link()
    counted = [sharing.counted(link, make.NOW + n * MINUTE) for n in (0, 1, 9.99, 10, 12, 20.5)]
    assert counted == [True, False, False, True, False, True]
    assert sharing.opens([link]) == {link.pk: 3}


def test_a_day_is_one_of_her_market() -> None:
    her = make.distributor(market=make.market("us"))  # New York
    link = stage.link(her)
    before, after = datetime(2026, 8, 28, 3, 50, tzinfo=UTC), datetime(2026, 8, 28, 4, 5, tzinfo=UTC)
    assert sharing.counted(link, before) and sharing.counted(link, after)
    assert dict(LinkDay.objects.values_list("day", "opens")) == {date(2026, 8, 27): 1, date(2026, 8, 28): 1}


def test_ten_minutes_reach_over_midnight() -> None:
    link = stage.link(make.distributor(market=make.market("us")))
    assert sharing.counted(link, datetime(2026, 8, 28, 3, 57, tzinfo=UTC))
    assert not sharing.counted(link, datetime(2026, 8, 28, 4, 2, tzinfo=UTC))


def test_opens_of_many_links_are_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    links = [stage.link(make.distributor()) for _n in range(5)]
    for n in range(3):
        sharing.counted(links[0], make.NOW + n * timedelta(days=1))
    with django_assert_num_queries(1):
        assert sharing.opens(links) == {links[0].pk: 3} | {link.pk: 0 for link in links[1:]}


def test_nothing_of_the_opener_has_a_place() -> None:
    assert {field.name for field in LinkDay._meta.get_fields()} == {"id", "link", "day", "opens", "last_at"}


@pytest.mark.django_db(transaction=True)
def test_two_who_open_it_at_once_are_one_open() -> None:
    link = stage.link()
    ready, results = threading.Barrier(4), list[bool]()

    def opened() -> None:
        try:
            ready.wait()
            results.append(sharing.counted(ShareLink.objects.get(pk=link.pk), make.NOW))
        finally:
            connection.close()

    threads = [threading.Thread(target=opened) for _n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False, False, False, True]
    assert sharing.opens([link]) == {link.pk: 1}
