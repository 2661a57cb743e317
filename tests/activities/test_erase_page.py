from __future__ import annotations

import json

import pytest
from django.urls import reverse

from distributors.models import Customer, Distributor, Note
from tests import factories as make
from tests.pages import now, signed_in, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now


@pytest.fixture
def dora() -> Distributor:
    dora = make.distributor()
    make.note(make.customer(dora, name="Maya Ortiz", phone="+1 555 0100"), text="Likes brown")
    return dora


def maya() -> Customer:
    return Customer.objects.get(name="Maya Ortiz")


def test_it_works(dora: Distributor) -> None:
    client, pk = signed_in(dora), maya().pk
    url = reverse("person_erase", args=[pk])
    text = words(client.get(url))
    assert "What goes" in text and "What stays" in text and f'action="{url}"' in text
    assert maya().erased_at is None
    response = client.post(url)
    assert response.status_code == 303 and response["Location"] == reverse("people")
    gone = Customer.objects.get(pk=pk)
    assert (gone.name, gone.phone, gone.erased_at) == ("", "", make.NOW) and not Note.objects.exists()
    assert client.get(reverse("person", args=[pk])).status_code == 404 and client.post(url).status_code == 404
    assert "Maya Ortiz" not in words(client.get(reverse("people"), {"show": "all", "q": "maya"})).replace(
        "Maya Ortiz is erased.", ""
    )


def test_all_that_is_kept_is_a_file(dora: Distributor) -> None:
    response = signed_in(dora).get(reverse("person_export", args=[maya().pk]))
    assert response["Content-Type"] == "application/json" and "attachment" in response["Content-Disposition"]
    kept = words(response)
    assert json.loads(kept) and "Maya Ortiz" in kept and "+1 555 0100" in kept and "Likes brown" in kept


def test_anothers_is_not_there(dora: Distributor) -> None:
    stranger = signed_in(make.distributor())
    for name in ("person_erase", "person_export"):
        assert stranger.get(reverse(name, args=[maya().pk])).status_code == 404
        assert stranger.post(reverse(name, args=[maya().pk])).status_code in {404, 405}
    assert maya().erased_at is None


def test_the_page_says_what_keeps_her_forgotten(dora: Distributor) -> None:
    page = words(signed_in(dora).get(reverse("person_erase", args=[maya().pk])))
    assert "the next message of a shop does not bring this person back" in page
