from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from distributors.due_lines import after_order
from distributors.models import Customer, Distributor, Event
from tests import factories as make
from tests.distributors.orders import order
from tests.pages import HTMX, now, signed_in, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now


@pytest.fixture
def dora() -> Distributor:
    dora = make.distributor()
    maya = make.customer(dora, name="Maya Ortiz", phone="+1 (555) 0100", email="maya@home.example")
    liner = make.product("EYE-1", name="Lumen Liner", lasts_days=56)
    order(maya, make.TODAY - timedelta(days=54), liner)
    make.customer(dora, name="Tess Marsh", kind="prospect", hotness="hot", added_at=make.NOW - timedelta(days=8))
    return dora


def maya() -> Customer:
    return Customer.objects.get(name="Maya Ortiz")


def shown(dora: Distributor, **query: str) -> str:
    return words(signed_in(dora).get(reverse("people"), query))


def names(dora: Distributor, **query: str) -> list[str]:
    rows = signed_in(dora).get(reverse("people"), query).context["rows"]
    return [row.person.customer.name for row in rows]


def row_of(text: str, name: str) -> str:
    return next(part for part in text.split("<li ") if f">{name}<" in part)


def test_it_works(dora: Distributor) -> None:
    text = shown(dora)
    assert "Maya Ortiz" in text and "Lumen Liner, day 54 of 56" in text and "Tess Marsh" in text
    assert "2 of 2 are worth a message now." in text


def test_tabs(dora: Distributor) -> None:
    assert names(dora, show="prospects") == ["Tess Marsh"]
    assert names(dora, show="all") == ["Maya Ortiz", "Tess Marsh"]


def test_who_is_due_says_why_on_every_tab(dora: Distributor) -> None:
    row = row_of(shown(dora, show="all"), "Maya Ortiz")
    assert "Lumen Liner, day 54 of 56" in row and 'class="cycle"' in row


def test_everybody_is_there_once_with_the_best_reason(dora: Distributor) -> None:
    Customer.objects.filter(pk=maya().pk).update(birthday=make.TODAY + timedelta(days=3))
    assert names(dora).count("Maya Ortiz") == 1
    assert "Lumen Liner, day 54 of 56" in row_of(shown(dora), "Maya Ortiz")


@pytest.mark.parametrize("q", ["ORT", "5550100", "(555) 01", "+1 555", "maya@home", "brown"])
def test_search_finds_name_phone_email_and_note(dora: Distributor, q: str) -> None:
    make.note(maya(), text="Likes brown more than black.")
    fragment = words(signed_in(dora).get(reverse("people"), {"q": q}, headers=HTMX))
    assert "Maya" in fragment and "Tess" not in fragment and "<html" not in fragment
    assert ("Note: Likes brown" in fragment) == (q == "brown")


def test_search_is_paged(dora: Distributor) -> None:
    for n in range(60):
        make.customer(dora, name=f"Number {n:02}")
    assert len(names(dora, q="number")) == 50 and "page=2" in shown(dora, q="number")
    assert names(dora, q="number", page="2") == [f"Number {n}" for n in range(50, 60)]


def test_prospects_by_interest(dora: Distributor) -> None:
    make.customer(dora, name="Ute Kalt", kind="prospect", hotness="cold")
    assert names(dora, show="prospects", interest="cold") == ["Ute Kalt"]
    assert names(dora, show="prospects", interest="x") == ["Tess Marsh", "Ute Kalt"]
    assert "interest=hot" in shown(dora, show="prospects")


def test_names_are_sorted_as_in_a_phone_book(dora: Distributor) -> None:
    for name in ("bea", "Ada", "Zoe"):
        make.customer(dora, name=name)
    assert names(dora, show="all") == ["Ada", "bea", "Maya Ortiz", "Tess Marsh", "Zoe"]


def test_who_is_due_by_name(dora: Distributor) -> None:
    make.customer(dora, name="Ada", kind="prospect", hotness="cold", added_at=make.NOW - timedelta(days=90))
    assert names(dora)[-1] == "Ada"
    assert names(dora, sort="name") == ["Ada", "Maya Ortiz", "Tess Marsh"]


def test_who_asked_for_no_contact_has_no_action(dora: Distributor) -> None:
    Customer.objects.filter(pk=maya().pk).update(do_not_contact=True, refused=15)
    row = row_of(shown(dora, show="all"), "Maya Ortiz")
    assert "Asked not to be contacted" in row and 'class="icb"' not in row
    assert "Maya" not in shown(dora)


def test_who_heard_from_her_lately_waits(dora: Distributor) -> None:
    """The market leaves five days between contacts: Wednesday and five days is Monday."""
    at = make.NOW - timedelta(days=1)
    Customer.objects.filter(pk=maya().pk).update(last_contact_at=at, recent_contacts=[at])
    row = row_of(shown(dora, show="all"), "Maya Ortiz")
    assert "Next message from Monday" in row and 'class="icb"' not in row


def test_who_heard_from_her_often_waits_longer(dora: Distributor) -> None:
    often = [make.NOW - timedelta(days=n) for n in (8, 14, 20, 26)]
    Customer.objects.filter(pk=maya().pk).update(last_contact_at=often[0], recent_contacts=often)
    assert "Next message from Saturday" in row_of(shown(dora, show="all"), "Maya Ortiz")


def test_where_consent_is_required_who_has_not_given_it_says_so() -> None:
    careful = make.distributor(market=make.market("de", consent_required=True, currency="EUR"))
    make.customer(careful, name="Anna Blum")
    make.customer(careful, name="Bea Kraus", allowed=8)
    text = shown(careful, show="all")
    assert "No consent on record" in row_of(text, "Anna Blum") and 'class="icb"' not in row_of(text, "Anna Blum")
    assert "No consent" not in row_of(text, "Bea Kraus")


@pytest.mark.parametrize(
    "query", [{"q": "%"}, {"q": "+++"}, {"show": "x"}, {"page": "-1"}, {"page": "9999999999"},
              {"page": "a"}, {"interest": "%27"}, {"sort": "x"}]
)  # fmt: skip
def test_nonsense_is_survived(dora: Distributor, query: dict[str, str]) -> None:
    assert signed_in(dora).get(reverse("people"), query).status_code == 200


@pytest.mark.parametrize("query", [{}, {"show": "all"}, {"q": "p"}, {"sort": "name"}])
def test_queries_do_not_grow_with_people(dora: Distributor, query: dict[str, str]) -> None:
    make.customer(dora, name="P first", kind="prospect", hotness="cold", added_at=make.NOW - timedelta(days=90))
    client = signed_in(dora)
    client.get(reverse("people"), query)
    with CaptureQueriesContext(connection) as before:
        client.get(reverse("people"), query)
    for n in range(60):
        make.customer(dora, name=f"P {n}", kind="prospect", hotness="cold", added_at=make.NOW - timedelta(days=90))
    client.get(reverse("people"), query)  # makes her row again
    with CaptureQueriesContext(connection) as after:
        page = client.get(reverse("people"), query)
    assert len(after) == len(before) <= 12, len(before)
    assert len(page.context["rows"]) == 50 and "page=2" in words(page)


def test_add_by_name_only_is_an_event(dora: Distributor) -> None:
    form = {"name": "Ada Kern", "kind": "prospect", "token": str(uuid.uuid4())}
    client = signed_in(dora)
    for _twice in range(2):
        response = client.post(reverse("people"), form)
        ada = Customer.objects.of(dora.pk).get(name="Ada Kern", kind="prospect")
        assert response.status_code == 303 and response["Location"] == reverse("person", args=[ada.pk])
    assert Event.objects.filter(type="contact.added", distributor=dora).count() == 1


def test_add_with_ways_to_reach_her(dora: Distributor) -> None:
    form = {
        "name": "Ada Kern", "kind": "prospect", "token": str(uuid.uuid4()), "phone": "+43 660 123", "hotness": "warm",
        "email": "ada@example.com",
    }  # fmt: skip
    signed_in(dora).post(reverse("people"), form)
    ada = Customer.objects.get(name="Ada Kern")
    assert (ada.phone, ada.hotness, ada.email) == ("+43 660 123", "warm", "ada@example.com")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"name": " "}, "Enter a name."), ({"phone": "call me"}, "Enter a phone number in digits"),
     ({"email": "ada@"}, "Enter an e-mail address"), ({"hotness": "boiling"}, "data-summary")],
)  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(dora: Distributor, wrong: dict[str, str], said: str) -> None:
    form = {"name": "Ada Kern", "kind": "prospect", "token": str(uuid.uuid4()), "phone": "+43 660 123", **wrong}
    response = signed_in(dora).post(reverse("people"), form)
    text = words(response)
    assert response.status_code == 422 and "data-summary" in text and said in text
    assert f'value="{form["phone"]}"' in text and '<details class="fold" open>' in text
    assert not Event.objects.filter(type="contact.added", distributor=dora).exists()


def test_look_alikes_are_counted(dora: Distributor) -> None:
    assert "Look-alikes" not in shown(dora)
    make.customer(dora, name="Maya O.", phone="+1 555 0100")
    assert "Look-alikes (1)" in shown(dora) and reverse("people_twins") in shown(dora)


def test_download_all(dora: Distributor) -> None:
    make.customer(make.distributor(), name="Stranger")
    response = signed_in(dora).get(reverse("people_export"))
    assert response["Content-Type"].startswith("text/csv") and "attachment" in response["Content-Disposition"]
    assert "Maya Ortiz" in words(response) and "Stranger" not in words(response)


def test_the_list_shows_nobody_elses(dora: Distributor) -> None:
    make.note(maya(), text="brown")
    stranger = make.distributor()
    for query in ({}, {"show": "all"}, {"q": "a"}, {"q": "5550100"}, {"q": "home.example"}, {"q": "brown"}):
        assert "Maya" not in shown(stranger, **query)


def test_an_empty_list_says_how_to_begin() -> None:
    newcomer = make.distributor()
    assert "A name is enough." in shown(newcomer)
    assert "Nobody found" in shown(newcomer, q="x")


def test_an_icon_leads_to_the_sheet_or_calls() -> None:
    careful = make.distributor(market=make.market("de", consent_required=True, currency="EUR"))
    anna = make.customer(careful, name="Anna", allowed=1, phone="+49 151 234567")
    bea = make.customer(careful, name="Bea", allowed=8)
    make.customer(careful, name="Cara", allowed=1, phone="")
    text = shown(careful, show="all")
    assert 'href="tel:+49151234567"' in row_of(text, "Anna")
    assert reverse("message_person", args=[anna.pk]) not in text
    assert reverse("message_person", args=[bea.pk]) in row_of(text, "Bea")
    assert 'class="icb"' not in row_of(text, "Cara")


def test_who_is_due_for_a_check_in_has_no_bar(dora: Distributor) -> None:
    ada = make.customer(dora, name="Ada")
    order(ada, make.TODAY - timedelta(days=6), make.product("EYE-1"))
    row = row_of(shown(dora), "Ada")
    assert "Day 6 after the order: check-in" in row and 'class="cycle"' not in row


@pytest.mark.parametrize(
    ("days", "said"), [(20, "3 weeks since the order: a word"), (124, "No order for 18 weeks")]
)  # fmt: skip
def test_other_reasons_have_their_number(days: int, said: str) -> None:
    assert after_order("connect" if days < 100 else "lapsed", days) == said


def test_who_is_not_found_can_be_added(dora: Distributor) -> None:
    text = shown(dora, q="Zoë Kern")
    assert "worth a message now" not in text and 'href="/people/?name=Zo%C3%AB+Kern#add"' in text
    form = shown(dora, name="Zoë Kern")
    assert 'value="Zoë Kern"' in form and 'class="sec open" id="add"' in form
    assert "#add" not in words(signed_in(dora).get(reverse("people"), {"q": "+4366099"}, headers=HTMX))
