from __future__ import annotations

import pytest
from django.urls import reverse

from distributors.models import Distributor
from tests import factories as make
from tests.activities.stage import stage
from tests.pages import now, signed_in, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now


@pytest.fixture
def dora() -> Distributor:
    return stage()


def test_it_works(dora: Distributor) -> None:
    client = signed_in(dora)
    assert "The re-order talk" in words(client.get(reverse("learn")))
    client.post(reverse("activity_action", args=["reorder-talk", "complete"]))
    page = client.get(reverse("learn"))
    assert page.context["lessons"] == [] and [one.key for one in page.context["finished"]] == ["reorder-talk"]


def test_search_finds_people_and_activities(dora: Distributor) -> None:
    make.customer(dora, name="Zora Talk")
    text = words(signed_in(dora).get(reverse("search"), {"q": "TALK"}))
    assert "Zora Talk" in text and "The re-order talk" in text


@pytest.mark.parametrize("q", ["", "   ", "%", "'; drop table", "x" * 500])
def test_search_survives_anything(dora: Distributor, q: str) -> None:
    assert signed_in(dora).get(reverse("search"), {"q": q}).status_code == 200


def test_search_does_not_find_anybody_elses(dora: Distributor) -> None:
    make.customer(make.distributor(), name="Hidden Canary")
    page = signed_in(dora).get(reverse("search"), {"q": "Canary"})
    assert page.context["people"] == [] and "Hidden" not in words(page)
