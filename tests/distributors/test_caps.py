"""How often a customer may hear from her distributor, as her market has it: days between contacts, and contacts in 28 days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from activities import recommend
from activities.models import Activity
from distributors import features, reorder
from distributors.models import Customer, Market
from distributors.reorder import free_from
from tests import factories as make
from tests.activities.stage import stage
from tests.distributors.dues import due
from tests.distributors.test_timing import UNFITTED, Person, names
from tests.factories import NOW, TODAY

TWICE = UNFITTED._replace(most=np.array([2]))


def on(*ago: int) -> list[date]:
    return [TODAY - timedelta(days=days) for days in ago]


def hello(contacts: list[date], **fields: object) -> Person:
    """Whom it is time to congratulate."""
    at = datetime.combine(contacts[0], NOW.time(), UTC) if contacts else None
    return Person(birthday=TODAY, contacts=contacts, contacted_at=at, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("contacts", "may"),
    [
        ([], True), (on(6), True), (on(6, 27), False), (on(6, 28), True), (on(6, 20, 21), False), (on(4), False), (on(5), True),
    ],
)  # fmt: skip
def test_it_works(contacts: list[date], may: bool) -> None:
    """Five days between two, and two in 28 days."""
    assert names([hello(contacts)], buying=TWICE) == (["birthday"] if may else [])


@pytest.mark.parametrize("most", [1, 2, 3, 4])
def test_each_number_of_contacts_counts_its_own(most: int) -> None:
    caps = UNFITTED._replace(most=np.array([most]))
    full = [6 + nth for nth in range(most)]
    assert names([hello(on(*full))], buying=caps) == []
    assert names([hello(on(*full[:-1]))], buying=caps) == ["birthday"]


def test_an_open_basket_need_not_wait_but_counts() -> None:
    basket = NOW - timedelta(hours=1)
    assert names([hello(on(1), basket_at=basket)], buying=TWICE) == ["open_basket"]
    assert names([hello(on(1, 9), basket_at=basket)], buying=TWICE) == []


def test_no_days_between_contacts_is_no_cap() -> None:
    caps = UNFITTED._replace(quiet=np.array([0]))
    assert names([hello(on(0))], buying=caps) == ["birthday"]


def test_caps_are_those_of_her_market() -> None:
    two = UNFITTED._replace(quiet=np.array([5, 30]), most=np.array([4, 1]))
    assert names([hello(on(6))], buying=two) == ["birthday"]
    other = two._replace(quiet=two.quiet[1:], most=two.most[1:])
    assert names([hello(on(6))], buying=other) == []


# In the database


def customer(heard: list[int], **market: object) -> tuple[Customer, Market]:
    """Somebody with a birthday, contacted so many days ago, the newest first."""
    where = make.market("de", time_zone="Europe/Berlin", **market)
    recent = [NOW - timedelta(days=days) for days in heard]
    last = recent[0] if recent else None
    one = make.customer(
        make.distributor(market=where), birthday=TODAY.replace(year=1990), last_contact_at=last, recent_contacts=recent
    )
    return one, where


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("heard", "free"),
    [
        ([], None), ([5], None), ([4], 1), ([0], 5), ([9, 10, 11, 12], 16), ([1, 10, 11, 12], 16), ([1, 26, 27, 27], 4),
        ([9, 10, 11, 28], None), ([9, 10, 11, 27], 1),
    ],
)  # fmt: skip
def test_when_she_may_hear_again_is_when_she_comes_up_again(heard: list[int], free: int | None) -> None:
    one, market = customer(heard)
    expected = None if free is None else TODAY + timedelta(days=free)
    assert free_from(one, market, TODAY) == expected
    for days in range(22):
        at = NOW + timedelta(days=days)
        one.birthday = market.local_day(at).replace(year=1990)
        one.save()
        found = [told for told in due(one.distributor, as_of=at) if told.reason == "birthday"]
        assert bool(found) == (expected is None or market.local_day(at) >= expected), days


@pytest.mark.django_db
def test_a_market_that_changes_its_caps_is_followed_at_once() -> None:
    one, market = customer([6])
    assert [told.reason for told in due(one.distributor, as_of=NOW)] == ["birthday"]
    market.quiet_days = 10
    market.save()
    one.distributor.market.refresh_from_db()
    assert due(one.distributor, as_of=NOW) == []
    assert free_from(one, market, TODAY) == TODAY + timedelta(days=4)


@pytest.mark.django_db
def test_a_customer_is_listed_once_with_her_best_reason() -> None:
    jenna = stage()
    maria = Customer.objects.get(name="Maria Ruiz")
    maria.birthday = TODAY.replace(year=1990)
    maria.save()
    assert len({one.code for one in reorder.reasons(jenna, as_of=NOW) if one.person == maria.pk}) > 1
    listed = [told.customer.pk for told in due(jenna, as_of=NOW)]
    assert len(listed) == len(set(listed)) and maria.pk in listed


@pytest.mark.django_db
def test_a_slate_has_at_most_one_card_about_her() -> None:
    jenna = stage()
    for n in range(6):
        make.activity(f"again-{n}", "Write {name}", about=Activity.About.ONE_TIME, impacts={"sales": 20 + n})
    cards = recommend.feed(jenna, as_of=NOW).cards
    about = [card.key.partition(".c")[2] for card in cards if ".c" in card.key]
    assert about and len(about) == len(set(about))


@pytest.mark.django_db
def test_the_row_has_the_days_of_the_newest_four_contacts() -> None:
    one, market = customer([1, 8, 9])
    record = features.of([one.distributor_id])[one.distributor_id].customers[0]
    days = [(TODAY - timedelta(days=ago) - date(2000, 1, 1)).days for ago in (1, 8, 9)]
    assert [int(record[f"contact_{nth}"]) for nth in (1, 2, 3)] == days
    assert market.local_day(NOW) == TODAY
