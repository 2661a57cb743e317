"""What a message is held back for, how long it is as a text, and which ways are open."""

from __future__ import annotations

import pytest
from django.urls import reverse

from activities.messages import checking
from activities.models import BlockedPhrase
from distributors.models import Customer, Distributor
from tests import factories as make
from tests.pages import HTMX, now, signed_in, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now


@pytest.fixture
def maya() -> Customer:
    return make.customer(make.distributor(), name="Maya Okafor", phone="+1 555 0100", email="maya@example.com")


def check(customer: Customer, text: str = "Hi Maya & all", subject: str = "") -> checking.Checked:
    market = customer.distributor.market
    return checking.checked(customer=customer, market=market, text=text, subject=subject)


def channels(customer: Customer, **given) -> list[str]:
    return [way.channel for way in check(customer, **given).ways]


def test_it_works(maya: Customer) -> None:
    ways = {way.channel: way.url for way in check(maya, subject="A question").ways}
    assert list(ways) == ["share", "text", "whatsapp", "email", "copy"]
    assert ways["text"] == "sms:+15550100?&body=Hi%20Maya%20%26%20all"
    assert ways["whatsapp"] == "https://wa.me/15550100?text=Hi%20Maya%20%26%20all"
    assert ways["email"] == "mailto:maya@example.com?subject=A%20question&body=Hi%20Maya%20%26%20all"


def test_a_claim_is_marked_told_and_holds_every_way_back(maya: Customer) -> None:
    BlockedPhrase.objects.create(phrase="cures acne", kind="health", instead="helps skin look clear")
    found = check(maya, "I swear it Cures acne, always.")
    assert found.ways == [] and found.problem == ""
    assert [(part.text, part.mark) for part in found.parts] == [
        ("I swear it ", False), ("Cures acne", True), (", always.", False),
    ]  # fmt: skip
    assert [(c.text, c.kind, c.instead) for c in found.claims] == [
        ("Cures acne", "Health claim", "helps skin look clear")
    ]
    assert check(maya, "Fine.", subject="It cures acne").ways == []


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        ({"refused": 2}, ["share", "whatsapp", "email", "copy"]),
        ({"refused": 2 + 4}, ["share", "email", "copy"]),
        ({"phone": "", "email": ""}, ["share", "copy"]),
        ({"phone": "555 0100"}, ["share", "text", "email", "copy"]),
        ({"refused": 2 + 4 + 8}, []),
        ({"do_not_contact": True, "refused": 15}, []),
    ],
)
def test_only_ways_that_are_open_to_her(maya: Customer, fields: dict[str, object], left: list[str]) -> None:
    Customer.objects.filter(pk=maya.pk).update(**fields)
    maya.refresh_from_db()
    assert channels(maya) == left
    assert bool(check(maya).problem) == (left == [])


def test_where_consent_is_required_it_has_to_be_on_record() -> None:
    market = make.market("de", currency="EUR", language="de", consent_required=True)
    maya = make.customer(make.distributor(market=market), name="Maya", phone="+49 151 1", email="m@example.com")
    assert channels(maya) == [] and "no consent on record" in check(maya).problem
    maya.allowed = 8
    assert channels(maya) == ["share", "email", "copy"]
    assert check(maya).consent == "You may write to Maya by e-mail."


@pytest.mark.parametrize(
    ("text", "n"),
    [("x" * 160, 1), ("x" * 161, 2), ("x" * 306, 2), ("x" * 307, 3), ("ž" * 70, 1), ("ž" * 71, 2), ("€" * 80, 1), ("€" * 81, 2),
     ("🙂" * 35, 1), ("🙂" * 36, 2)],
)  # fmt: skip
def test_how_many_text_messages_it_takes(text: str, n: int) -> None:
    assert checking.text_messages(text) == n


def test_the_length_is_told_only_where_a_text_can_be_sent(maya: Customer) -> None:
    assert check(maya, "x" * 400).length.startswith("As a text this is 3 messages long.")
    maya.phone = ""
    assert check(maya, "x" * 400).length == ""


def asked(dora: Distributor, **data) -> tuple[int, str]:
    response = signed_in(dora).post(reverse("message_check"), data, headers=HTMX)
    return response.status_code, words(response)


def test_the_page_asks_while_she_types(maya: Customer) -> None:
    BlockedPhrase.objects.create(phrase="earn * a week", kind="income", instead="")
    BlockedPhrase.objects.create(phrase="guaranteed income", kind="income", instead="what you like about it")
    status, text = asked(maya.distributor, customer=maya.pk, language="en", text="It is a <b>Guaranteed income</b>.")
    assert status == 200 and "<mark>Guaranteed income</mark>" in text and "&lt;b&gt;" in text
    assert (
        "what you like about it" in text and "Instead" not in text and "data-way=" not in text and "<html" not in text
    )
    status, text = asked(maya.distributor, customer=maya.pk, language="en", text="Just hello")
    assert "sms:+15550100?&amp;body=Just%20hello" in text and "<mark>" not in text


def test_somebody_elses_customer_is_not_there(maya: Customer) -> None:
    other = make.distributor()
    assert asked(other, customer=maya.pk, text="Hi")[0] == 404
    assert asked(other, card=f"x.c{maya.pk}", text="Hi")[0] == 404
    assert asked(other, text="Hi")[0] == asked(other, customer="x", text="Hi")[0] == 422


def test_it_is_quick(maya: Customer, django_assert_max_num_queries) -> None:
    client = signed_in(maya.distributor)
    client.post(reverse("message_check"), {"customer": maya.pk, "text": "Hi", "language": "en"})
    with django_assert_max_num_queries(6):
        client.post(reverse("message_check"), {"customer": maya.pk, "text": "Hi there", "language": "en"})


def test_another_language_chosen_is_no_way_round_a_claim(maya: Customer) -> None:
    make.blocked_phrase("heilt akne", language="de")
    found = check(maya, "Diese Creme heilt Akne", subject="Heilt Akne")
    assert found.ways == [] and [claim.text for claim in found.claims] == ["Heilt Akne", "heilt Akne"]
    for language in ("en", "es", "xx", ""):
        status, text = asked(maya.distributor, customer=maya.pk, language=language, text="Sie heilt Akne")
        assert status == 200 and "<mark>heilt Akne</mark>" in text and "data-way=" not in text
        opened = {"customer": maya.pk, "language": language, "text": "Sie heilt Akne", "channel": "text"}
        assert signed_in(maya.distributor).post(reverse("message_opened"), opened).status_code == 422
