"""The session ended while she was writing: the sign-in leads back to the page that she wrote on."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from tests import factories as make

pytestmark = pytest.mark.django_db

HERE = "http://testserver"


def next_of(response: HttpResponse) -> str:
    there = urlsplit(response.headers.get("HX-Redirect") or response["Location"])
    assert there.path == reverse("account_login")
    return parse_qs(there.query)["next"][0]


@pytest.fixture
def note() -> str:
    return reverse("note_add", args=[make.customer(make.distributor()).pk])


def test_it_works(note: str) -> None:
    page = f"{HERE}/people/938/?tab=notes"
    plain = Client().post(note, {"text": "Called"}, headers={"Referer": page})
    htmx = Client().post(
        note, {"text": "Called"}, headers={"HX-Request": "true", "HX-Current-URL": page, "Referer": HERE}
    )
    assert (plain.status_code, htmx.status_code) == (302, 204)
    assert next_of(plain) == next_of(htmx) == "/people/938/?tab=notes"


def test_a_part_of_a_page_leads_to_the_page() -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": f"{HERE}/people/"}
    assert next_of(Client().get(reverse("next_step", args=[1]), headers=headers)) == "/people/"


def test_a_page_leads_to_itself() -> None:
    assert next_of(Client().get("/people/?q=maya", headers={"Referer": f"{HERE}/goals/"})) == "/people/?q=maya"


@pytest.mark.parametrize(
    "page", ["https://elsewhere.example/people/", "javascript:alert(1)", "//elsewhere.example/", ""]
)
def test_another_site_is_nowhere_to_go_back_to(note: str, page: str) -> None:
    for headers in ({"Referer": page}, {"HX-Request": "true", "HX-Current-URL": page}):
        assert next_of(Client().post(note, headers=headers)) == note
