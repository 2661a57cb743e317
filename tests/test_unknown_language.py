"""A language that the product does not have, wherever it came from, is English: no page goes down with it."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from distributors import ingest
from distributors.models import Customer, Role
from distributors.models.market import installed
from tests import factories as make
from tests.pages import signed_in

pytestmark = pytest.mark.django_db

PAGES = [
    "today",
    "why_list",
    "learn",
    "search",
    "library",
    "goals",
    "goal_add",
    "people",
    "team",
    "you",
    "incentives",
    "notices",
]


@pytest.mark.parametrize("of_the_market", ["xx", "", "fr", "DE-zz", "not a code"])
def test_it_works(of_the_market: str) -> None:
    her = make.distributor(market=make.market("zz", language=of_the_market))
    client = signed_in(her, Role.LEADER)
    language = "de-zz" if of_the_market == "DE-zz" else "en"
    paths = [*map(reverse, PAGES), reverse("person", args=[make.customer(her, language="xx").pk]), "/nowhere/"]
    for path in paths:
        response = client.get(path)
        assert response.status_code == (404 if path == "/nowhere/" else 200), path
        assert f'lang="{language if path != "/nowhere/" else "en"}"' in response.content.decode(), path


def test_hers_too() -> None:
    her = make.distributor(language="xx", market=make.market("de", language="de"))
    assert her.speaks == "en"
    assert 'lang="en"' in signed_in(her).get(reverse("today")).content.decode()


@pytest.mark.parametrize(
    ("said", "spoken"),
    [
        ("de", "de"),
        ("de-AT", "de-AT"),
        ("DE-AT", "de-AT"),
        ("den", "en"),
        ("", "en"),
        ("xx", "en"),
        ("es-419", "es-419"),
    ],
)
def test_a_region_of_a_language_is_that_language(said: str, spoken: str) -> None:
    assert installed(said) == spoken


def test_the_api_takes_any_language_code() -> None:
    """It is what the shop says of her, kept as said; she reads English until the product has it."""
    her = make.distributor(market=make.market("us"))
    ingest.record(
        type="contact.added", distributor=her, customer=None, time=timezone.now(), external_id="e1",
        data={"customer": "c1", "name": "Maya", "language": "fr"},
    )  # fmt: skip
    maya = Customer.objects.get(external_id="c1")
    assert maya.language == "fr"
    client = signed_in(her)
    for path in (reverse("person", args=[maya.pk]), reverse("message_person", args=[maya.pk])):
        assert client.get(path).status_code == 200
