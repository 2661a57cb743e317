"""Contacts who look like one person: by number, address or name."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from distributors import duplicates, merging
from distributors.models import Customer, Distributor
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def dora() -> Distributor:
    return make.distributor()


def found(dora: Distributor, limit: int = 50) -> list[tuple[str, str, str]]:
    return [(pair.one.name, pair.other.name, pair.why) for pair in duplicates.pairs(dora, limit)]


def test_it_works(dora: Distributor) -> None:
    make.customer(dora, name="Maya Ortiz", phone="+1 (555) 010-0123")
    make.customer(dora, name="M. O.", phone="555 010 0123")
    make.customer(dora, name="Tess", email="Tess@example.com", last_order_on=make.TODAY)
    make.customer(dora, name="Tessa", email=" tess@example.com")
    make.customer(dora, name="José  Lima")
    make.customer(dora, name="jose lima")
    make.customer(dora, name="Ada", phone="12345", email="ada@example.com")
    make.customer(dora, name="Bea", phone="12345", email="bea@example.com")  # too short to be a number
    assert found(dora) == [
        ("Maya Ortiz", "M. O.", "phone"),
        ("Tess", "Tessa", "email"),
        ("José  Lima", "jose lima", "name"),
    ]
    assert len(found(dora, 2)) == 2


def test_the_strongest_reason_is_told_once(dora: Distributor) -> None:
    for _twice in range(2):
        make.customer(dora, name="Maya", phone="5550100", email="m@example.com")
    assert found(dora) == [("Maya", "Maya", "phone")]


def test_who_ordered_last_comes_first(dora: Distributor) -> None:
    for name, days in (("Old", 90), ("New", 3), ("Never", None)):
        for n in range(2):
            on = make.TODAY - timedelta(days=days) if days and n else None
            make.customer(dora, name=name, last_order_on=on)
    assert [one for one, _other, _why in found(dora)] == ["New", "Old", "Never"]


def test_one_number_of_two_people_is_a_household_and_comes_last(dora: Distributor) -> None:
    """Each with a given name and an address of their own. Where one is lacking, or the given name is one, it is one person."""
    for name, phone, email in (
        ("Lea Vogt", "5550100", "lea@example.com"), ("Jan Vogt", "555 0100", "jan@example.com"),
        ("Ana Vidal", "5550200", "ana@example.com"), ("Ana V.", "555 0200", ""),
        ("Zoë Kern", "5550300", "zoe@example.com"), ("Zoe K.", "555 0300", "z.k@example.com"),
        ("Mia", "", ""), ("mia", "", ""),
    ):  # fmt: skip
        make.customer(dora, name=name, phone=phone, email=email)
    assert found(dora) == [
        ("Ana Vidal", "Ana V.", "phone"),
        ("Zoë Kern", "Zoe K.", "phone"),
        ("Mia", "mia", "name"),
        ("Lea Vogt", "Jan Vogt", "household"),
    ]


def test_a_placeholder_is_no_hint(dora: Distributor) -> None:
    for n in range(duplicates.MOST_ALIKE + 1):
        make.customer(dora, name=f"P{n}", phone="000000000")
    assert found(dora) == []


def test_nothing_said_is_nothing_shared(dora: Distributor) -> None:
    for _twice in range(2):
        make.customer(dora, name="", phone="", email="")
    assert found(dora) == []


def test_two_people_do_not_come_up_again(dora: Distributor) -> None:
    one, other = make.customer(dora, name="Maya"), make.customer(dora, name="Maya")
    for _twice in range(2):
        duplicates.say_not_the_same(one=other, other=one)
    assert found(dora) == []
    with pytest.raises(ValueError, match="of one distributor"):
        duplicates.say_not_the_same(one=one, other=make.customer(make.distributor()))
    with pytest.raises(ValueError, match="of one distributor"):
        duplicates.say_not_the_same(one=one, other=one)


def test_only_hers_who_are_there(dora: Distributor) -> None:
    maya, twin = make.customer(dora, name="Maya"), make.customer(dora, name="Maya")
    make.customer(make.distributor(), name="Maya")
    assert len(found(dora)) == 1
    merging.merge(survivor=maya, other=twin, as_of=make.NOW, by=None)
    assert found(dora) == []


def test_two_queries_for_any_number(dora: Distributor) -> None:
    Customer.objects.bulk_create(
        Customer(distributor=dora, external_id=str(n), name=f"N {n // 2}", phone=f"555{n:07}", added_at=make.NOW)
        for n in range(5000)
    )
    with CaptureQueriesContext(connection) as queries:
        assert len(duplicates.pairs(dora, 50)) == 50
    assert len(queries) == 2
