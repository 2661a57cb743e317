from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from distributors.models import Customer, Distributor, NotTheSame
from tests import factories as make
from tests.pages import now, signed_in, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now


@pytest.fixture
def dora() -> Distributor:
    dora = make.distributor()
    make.customer(dora, name="Maya Ortiz", phone="+1 555 0100", email="maya@example.com")
    make.customer(dora, name="Maya O.", phone="+1 (555) 0100", birthday=make.TODAY.replace(year=1990))
    make.customer(dora, name="Tess Marsh", phone="+1 555 0222")
    return dora


def pair() -> tuple[Customer, Customer]:
    return Customer.objects.get(name="Maya Ortiz"), Customer.objects.get(name="Maya O.")


def sent(keep: Customer | None = None) -> dict[str, int]:
    one, other = pair()
    return {"one": one.pk, "other": other.pk} | ({"keep": keep.pk} if keep else {})


def test_it_works(dora: Distributor) -> None:
    text = words(signed_in(dora).get(reverse("people_twins")))
    assert "The same phone number" in text and "Maya Ortiz" in text and "Maya O." in text and "Tess" not in text
    assert "maya@example.com" in text and "27 August 1990" in text
    assert '<button type="submit" class="btn btn-p" form=' in text  # works without script


def test_of_a_household_not_the_same_comes_first(dora: Distributor) -> None:
    Customer.objects.filter(name="Maya O.").update(name="Jan Ortiz", email="jan@example.com")
    text = words(signed_in(dora).get(reverse("people_twins")))
    assert "One number, two names: perhaps a household" in text and "The same phone number" not in text
    assert text.index(">Not the same<") < text.index(">Merge<")


def test_merge_keeps_the_chosen_name(dora: Distributor) -> None:
    one, other = pair()
    response = signed_in(dora).post(reverse("people_merge"), sent(keep=other))
    assert response.status_code == 303 and response["Location"] == reverse("person", args=[other.pk])
    one.refresh_from_db()
    other.refresh_from_db()
    assert one.merged_into == other and other.name == "Maya O." and other.email == "maya@example.com"
    assert signed_in(dora).get(reverse("person", args=[one.pk])).status_code == 404


def test_not_the_same_is_not_asked_again(dora: Distributor) -> None:
    client = signed_in(dora)
    for _twice in range(2):
        assert client.post(reverse("people_not_same"), sent()).status_code == 303
    assert NotTheSame.objects.count() == 1
    assert "Maya" not in words(client.get(reverse("people_twins")))


@pytest.mark.parametrize("name", ["people_merge", "people_not_same"])
def test_what_is_not_two_people_of_hers_is_not_there(dora: Distributor, name: str) -> None:
    one, other = pair()
    theirs = make.customer(make.distributor(), name="Theirs", phone="+1 555 0100")
    client = signed_in(dora)
    for wrong in ({"one": one.pk, "other": theirs.pk}, {"one": theirs.pk, "other": other.pk}):
        assert client.post(reverse(name), wrong).status_code == 404, wrong
    for nobody in ({}, {"one": one.pk}, {"one": one.pk, "other": one.pk}, {"one": "x", "other": "9" * 30}):
        assert client.post(reverse(name), nobody)["Location"] == reverse("people_twins"), nobody
    assert signed_in(theirs.distributor).post(reverse(name), sent()).status_code == 404
    assert not NotTheSame.objects.exists() and not Customer.objects.exclude(merged_into=None).exists()


def test_an_offered_name_that_is_neither_keeps_the_first(dora: Distributor) -> None:
    one, _other = pair()
    signed_in(dora).post(reverse("people_merge"), sent() | {"keep": 999_999_999})
    assert Customer.objects.of(dora.pk).filter(pk=one.pk).exists()


def test_anothers_pairs_are_not_shown(dora: Distributor) -> None:
    text = words(signed_in(make.distributor()).get(reverse("people_twins")))
    assert "Maya" not in text and "Everybody is on your list once." in text


def test_queries_do_not_grow(dora: Distributor) -> None:
    client = signed_in(dora)
    client.get(reverse("people_twins"))
    with CaptureQueriesContext(connection) as before:
        client.get(reverse("people_twins"))
    for n in range(8):
        make.customer(dora, name=f"Twin {n}", phone=f"+1 555 9{n}00")
        make.customer(dora, name=f"Double {n}", phone=f"+1 (555) 9{n}00")
    with CaptureQueriesContext(connection) as after:
        client.get(reverse("people_twins"))
    assert len(after) == len(before) <= 8, len(before)
