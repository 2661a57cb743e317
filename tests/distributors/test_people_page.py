from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from distributors.models import Customer, Distributor, Event, Note
from tests import factories as make
from tests.distributors.orders import order
from tests.pages import HTMX, now, signed_in, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now


@pytest.fixture
def dora() -> Distributor:
    dora = make.distributor()
    maya = make.customer(dora, name="Maya Ortiz", phone="+1 (555) 0100")
    liner = make.product("EYE-1", name="Lumen Liner", lasts_days=56)
    order(maya, make.TODAY - timedelta(days=54), liner)
    make.customer(dora, name="Tess Marsh", kind="prospect", hotness="hot", added_at=make.NOW - timedelta(days=8))
    return dora


def maya() -> Customer:
    return Customer.objects.get(name="Maya Ortiz")


def test_it_works(dora: Distributor) -> None:
    text = words(signed_in(dora).get(reverse("people")))
    assert "Maya Ortiz" in text and "Lumen Liner, day 54 of 56" in text and "Tess Marsh" in text
    assert "2 of 2 are worth a message now." in text


def test_tabs_and_search(dora: Distributor) -> None:
    client = signed_in(dora)
    assert "Maya" not in words(client.get(reverse("people"), {"show": "prospects"}))
    assert "Maya" in words(client.get(reverse("people"), {"show": "all"}))
    found = words(client.get(reverse("people"), {"q": "ORT"}, headers=HTMX))
    assert "Maya" in found and "Tess" not in found and "<html" not in found


@pytest.mark.parametrize(
    "query", [{"q": "\x00"}, {"q": "%"}, {"show": "x"}, {"page": "-1"}, {"page": "9999999999"}, {"page": "a"}]
)
def test_nonsense_is_survived(dora: Distributor, query: dict[str, str]) -> None:
    assert signed_in(dora).get(reverse("people"), query).status_code == 200


def test_queries_do_not_grow_with_people(dora: Distributor) -> None:
    client = signed_in(dora)
    client.get(reverse("people"))
    with CaptureQueriesContext(connection) as before:
        client.get(reverse("people"))
    for n in range(60):
        make.customer(dora, name=f"P {n}", kind="prospect", added_at=make.NOW - timedelta(days=90))
    client.get(reverse("people"))  # makes her row again
    with CaptureQueriesContext(connection) as after:
        page = client.get(reverse("people"))
    assert len(after) == len(before) <= 12, len(before)
    assert len(page.context["people"]) == 50 and "page=2" in words(page)


def test_add_by_name_only_is_an_event(dora: Distributor) -> None:
    form = {"name": "Ada Kern", "kind": "prospect", "token": str(uuid.uuid4())}
    client = signed_in(dora)
    for _twice in range(2):
        assert client.post(reverse("people"), form).status_code == 303
    assert Customer.objects.of(dora.pk).filter(name="Ada Kern", kind="prospect").count() == 1
    assert Event.objects.filter(type="contact.added", distributor=dora).count() == 1


def test_a_person_without_a_name_is_refused(dora: Distributor) -> None:
    response = signed_in(dora).post(reverse("people"), {"name": " ", "kind": "prospect", "token": str(uuid.uuid4())})
    assert response.status_code == 422 and "data-summary" in words(response)


def test_one_person(dora: Distributor) -> None:
    text = words(signed_in(dora).get(reverse("person", args=[maya().pk])))
    assert "Order rhythm" in text and "Lumen Liner" in text and "$34" in text
    assert 'href="tel:+15550100"' in text and 'href="https://wa.me/15550100"' in text
    assert f'hx-get="{reverse("next_step", args=[maya().pk])}"' in text


def test_notes(dora: Distributor) -> None:
    client, url = signed_in(dora), reverse("note_add", args=[maya().pk])
    assert client.post(url, {"text": "Likes <b>brown</b>"}).status_code == 303
    fragment = words(client.post(url, {"text": "Call on Friday"}, headers=HTMX))
    assert "Call on Friday" in fragment and "Likes &lt;b&gt;brown" in fragment and "<html" not in fragment
    assert client.post(url, {"text": " "}, headers=HTMX).status_code == 422
    assert client.post(url, {"text": ""}).status_code == 422
    assert Note.objects.count() == 2


def test_do_not_contact_and_back(dora: Distributor) -> None:
    client, url = signed_in(dora), reverse("person_contact", args=[maya().pk])
    for _twice in range(2):
        client.post(url, {"do_not_contact": "1"})
    assert maya().do_not_contact and Note.objects.count() == 1
    text = words(client.get(reverse("person", args=[maya().pk])))
    assert "tel:" not in text and 'hx-get="/people/' not in text
    assert "Maya" not in words(client.get(reverse("people")))
    client.post(url, {"do_not_contact": "0"})
    assert not maya().do_not_contact


@pytest.mark.parametrize("name", ["person", "note_add", "person_contact"])
def test_somebody_elses_is_not_there(dora: Distributor, name: str) -> None:
    client, url = signed_in(make.distributor()), reverse(name, args=[maya().pk])
    assert client.get(url).status_code in {404, 405}
    assert client.post(url, {"text": "x", "do_not_contact": "1"}).status_code in {404, 405}
    assert not maya().do_not_contact and not Note.objects.exists()


def test_the_list_shows_nobody_elses(dora: Distributor) -> None:
    stranger = signed_in(make.distributor())
    for query in ({}, {"show": "all"}, {"q": "a"}):
        assert "Maya" not in words(stranger.get(reverse("people"), query))
