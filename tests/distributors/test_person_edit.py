from __future__ import annotations

from datetime import date

import pytest
from django.urls import reverse

from distributors.models import Customer, Distributor, Event
from tests import factories as make
from tests.pages import now, signed_in, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now

FORM = {
    "name": "Maya Ortiz", "phone": "+1 555 0100", "email": "", "birthday": "", "kind": "customer", "hotness": "",
    "language": "",
}  # fmt: skip


@pytest.fixture
def maya() -> Customer:
    return make.customer(make.distributor(), name="Maya Ortiz", phone="+1 555 0100")


def url(maya: Customer) -> str:
    return reverse("person_edit", args=[maya.pk])


def events(dora: Distributor) -> int:
    return Event.objects.filter(type="contact.added", distributor=dora).count()


def test_it_works(maya: Customer) -> None:
    client = signed_in(maya.distributor)
    assert 'value="Maya Ortiz"' in words(client.get(url(maya)))
    sent = {
        "name": "Maya O. Ortiz", "phone": "+1 555 0199", "email": "maya@example.com", "birthday": "1990-05-12",
        "kind": "prospect", "hotness": "warm", "language": "es",
    }  # fmt: skip
    response = client.post(url(maya), sent)
    assert response.status_code == 303 and response["Location"] == reverse("person", args=[maya.pk])
    maya.refresh_from_db()
    assert (maya.name, maya.phone, maya.email) == ("Maya O. Ortiz", "+1 555 0199", "maya@example.com")
    assert (maya.birthday, maya.kind, maya.hotness, maya.language) == (date(1990, 5, 12), "prospect", "warm", "es")
    assert events(maya.distributor) == 1


def test_a_field_can_be_emptied(maya: Customer) -> None:
    signed_in(maya.distributor).post(url(maya), FORM | {"phone": ""})
    maya.refresh_from_db()
    assert maya.phone == "" and maya.name == "Maya Ortiz"


def test_nothing_changed_is_no_event(maya: Customer) -> None:
    assert signed_in(maya.distributor).post(url(maya), FORM).status_code == 303
    assert events(maya.distributor) == 0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "Enter a name."),
        ({"phone": "none"}, "Enter a phone number in digits"),
        ({"phone": "123"}, "Enter a phone number in digits"),
        ({"email": "maya"}, "Enter an e-mail address"),
        ({"birthday": "12 May"}, "Enter a day, such as"),
        ({"birthday": "2031-01-01"}, "between 1900 and today"),
        ({"birthday": "1803-01-01"}, "between 1900 and today"),
        ({"kind": "friend"}, "data-summary"),
        ({"language": "xx"}, "data-summary"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(maya: Customer, wrong: dict[str, str], said: str) -> None:
    response = signed_in(maya.distributor).post(url(maya), FORM | {"hotness": "cool", "phone": "+1 555 7777"} | wrong)
    text = words(response)
    assert response.status_code == 422 and "data-summary" in text and said in text
    assert '<option value="cool" selected>' in text and f'value="{wrong.get("phone", "+1 555 7777")}"' in text
    maya.refresh_from_db()
    assert maya.phone == "+1 555 0100" and events(maya.distributor) == 0


def test_who_ordered_is_a_customer_whatever_the_form_says(maya: Customer) -> None:
    Customer.objects.filter(pk=maya.pk).update(orders=1)
    client = signed_in(maya.distributor)
    assert 'name="kind"' not in words(client.get(url(maya)))
    client.post(url(maya), FORM | {"kind": "prospect", "email": "m@example.com"})
    maya.refresh_from_db()
    assert (maya.kind, maya.email) == ("customer", "m@example.com")


def test_a_language_from_elsewhere_stays(maya: Customer) -> None:
    Customer.objects.filter(pk=maya.pk).update(language="pt-BR")
    assert '<option value="pt-BR" selected>' in words(signed_in(maya.distributor).get(url(maya)))


def test_interest_is_asked_of_a_prospect_only(maya: Customer) -> None:
    client = signed_in(maya.distributor)
    assert 'name="hotness"' in words(client.get(url(maya)))
    Customer.objects.filter(pk=maya.pk).update(orders=1)
    text = words(client.get(url(maya)))
    assert 'name="hotness"' not in text and "Messages to Maya are in this language where we have one." in text
