"""All that is kept of a person, and a distributor's contacts as a table."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from distributors import exporting, ingest, merging, outreach
from distributors.contact_import import importing
from distributors.contact_import.importing import rows_of
from distributors.models import Customer, Distributor
from tests import factories as make

from .brought import add, brought

pytestmark = pytest.mark.django_db

#: Not about the person, or told in other words: whose she is ("held_by"), what she agreed to ("consents"), her merged rows
#: ("also_known_as"), the number of the row, and that she was erased, after which there is nothing to export.
TOLD_OTHERWISE = {"id", "distributor", "allowed", "refused", "merged_into", "erased_at"}


@pytest.fixture
def dora() -> Distributor:
    return make.distributor(name="Dora Hill")


def test_it_works(dora: Distributor) -> None:
    maya = make.customer(dora, name="Maya Ortiz", phone="+1 555 0100", birthday=date(1990, 2, 3), email="m@example.com")
    twin = make.customer(dora, name="M. Ortiz", phone="+1 555 0199")
    line = {"sku": "EYE-1", "quantity": 2, "amount": "62.50", "line": "eye", "name": "Lumen Liner"}
    ingest.record(
        type="order.placed", distributor=dora, customer=twin, time=make.NOW - timedelta(days=9), external_id="o1",
        data={"currency": "USD", "amount": "62.50", "lines": [line]},
    )  # fmt: skip
    merging.merge(survivor=maya, other=twin, as_of=make.NOW, by=None)
    make.note(maya, text="Has a cat")
    outreach.set_consent(customer=maya, channel="text", state="given", origin="order form", as_of=make.NOW, by=None)
    told = json.loads(json.dumps(exporting.person(maya, make.NOW)))
    assert told["held_by"] == "Dora Hill" and told["exported_at"] == "2026-08-27T15:00:00Z"
    assert told["person"]["name"] == "Maya Ortiz" and told["person"]["birthday"] == "1990-02-03"
    assert told["person"]["spent"] == "62.50" and told["person"]["orders"] == 1
    assert [row["phone"] for row in told["also_known_as"]] == ["+1 555 0199"]
    assert told["notes"] == [{"at": "2026-08-27T15:00:00Z", "text": "Has a cat"}]
    assert told["orders"] == [{
        "at": "2026-08-18T15:00:00Z", "amount": "62.50", "currency": "USD",
        "lines": [{"product": "Lumen Liner", "quantity": "2.00", "amount": "62.50"}],
    }]  # fmt: skip
    text = next(one for one in told["consents"] if one["channel"] == "text")
    assert text == {
        "channel": "text", "state": "given", "origin": "order form", "at": "2026-08-27T15:00:00Z", "source": "pep",
    }  # fmt: skip
    assert [event["type"] for event in told["events"]] == ["order.placed", "contact.merged", "consent.changed"]


def test_no_column_is_forgotten() -> None:
    columns = {field.name for field in Customer._meta.concrete_fields}
    assert set(exporting.PERSONAL) | TOLD_OTHERWISE == columns
    assert not set(exporting.PERSONAL) & TOLD_OTHERWISE


def test_every_column_is_told(dora: Distributor) -> None:
    maya = make.customer(dora, recent_contacts=[make.NOW], last_contact_at=make.NOW, first_order_on=make.TODAY)
    assert exporting.person(maya, make.NOW)["person"].keys() == set(exporting.PERSONAL)
    assert exporting.person(maya, make.NOW)["person"]["recent_contacts"] == ["2026-08-27T15:00:00Z"]


def rows(of: Distributor) -> list[dict[str, str]]:
    """The cells by column, whatever the headings are."""
    text = exporting.people_csv(of)
    assert text.startswith("\ufeff")
    _headings, *lines = csv.reader(io.StringIO(text[1:]))
    return [dict(zip(exporting.headings(), line, strict=True)) for line in lines]


def consent(customer: Customer, channel: str, state: str, origin: str = "", days: int = 0) -> None:
    at = make.NOW - timedelta(days=days)
    outreach.set_consent(customer=customer, channel=channel, state=state, origin=origin, as_of=at, by=None)


def test_contacts_as_a_table(dora: Distributor) -> None:
    maya = make.customer(
        dora,
        name="Maya, the first",
        phone="555 0100",
        birthday=date(1990, 2, 3),
        last_order_on=make.TODAY,
        spent="12.50",
    )
    make.customer(dora, name="Ada", do_not_contact=True)
    make.customer(make.distributor(), name="Somebody else's")
    consent(maya, "text", "given", "order form", days=3)
    consent(maya, "email", "withdrawn")
    make.note(maya, text="Has a cat", at=make.NOW - timedelta(days=40))
    make.note(maya, text="Likes\nbrown")
    ada, her = rows(dora)
    assert (ada["name"], ada["stop"], ada["consent_call"], ada["consent_origin_call"]) == (
        "Ada",
        "Yes",
        "Withdrawn",
        "",
    )
    assert (her["name"], her["phone"], her["birthday"]) == ("Maya, the first", "555 0100", "1990-02-03")
    assert (her["consent_text"], her["consent_email"], her["consent_call"]) == ("Given", "Withdrawn", "")
    assert (her["consent_origin_text"], her["consent_on_text"]) == ("order form", "2026-08-24T15:00:00Z")
    assert (her["consent_origin_email"], her["consent_origin_call"], her["consent_on_call"]) == ("pep", "", "")
    assert (her["last_order"], her["added"], her["last_contact"]) == ("2026-08-27", "2026-08-24", "")
    assert (her["spent"], her["currency"], her["kind"]) == ("12.50", "USD", "Customer")
    assert her["note"] == "[2026-07-18] Has a cat\n[2026-08-27] Likes\nbrown"


def test_in_her_language(dora: Distributor) -> None:
    make.customer(dora, name="Ada", kind="prospect", hotness="hot")
    with translation.override("de"):
        text = exporting.people_csv(dora)
        label = str(Customer.Kind.PROSPECT.label)
    headings, ada = csv.reader(io.StringIO(text[1:]), delimiter=";")
    assert headings[:3] == ["Name", "Telefon", "E-Mail"] and "Einwilligung: Anruf" in headings
    assert label != "Prospect" and label in ada and "Heiß" in ada


@pytest.mark.parametrize("evil", ["=1+1", "-2", "@x", "\tx", "\rx", "'=1", "+49;=1", "+A1"])
def test_no_cell_is_a_formula(dora: Distributor, evil: str) -> None:
    make.customer(dora, name=evil, phone=evil)
    [row] = rows(dora)
    assert row["name"] == row["phone"] == exporting.guarded(evil) and row["name"].startswith("'")


@pytest.mark.parametrize(
    ("number", "written"),
    [("+49 171 5550100", "+49 171 5550100"), ("+1-555-0100", "+1 555 0100"), ("+1 (555) 010.0", "+1 (555) 010 0"),
     ("+491715550100", "+49 1715550100"), ("+15550100", "+1 5550100"), ("+4366012345", "+43 66012345"),
     ("+352621123456", "+352 621123456"), ("0171/5550100", "0171/5550100"), ("+12", "'+12")],
)  # fmt: skip
def test_a_phone_number_is_one_in_a_spreadsheet(dora: Distributor, number: str, written: str) -> None:
    make.customer(dora, name="Ana", phone=number)
    assert rows(dora)[0]["phone"] == written


def test_queries_do_not_grow_with_people(dora: Distributor) -> None:
    for _n in range(9):
        one = make.customer(dora)
        make.note(one, text="Has a cat")
        consent(one, "text", "given")
    dora.local_day(make.NOW)
    with CaptureQueriesContext(connection) as queries:
        assert len(rows(dora)) == 9
    assert len(queries) == 3


@pytest.mark.parametrize(
    ("evil", "text"),
    [("Ana;=1+1", "Ana;'=1+1"), ("Ana; =1+1", "Ana;' =1+1"), ("Ana\t@x", "Ana\t'@x"), ("Ana\n-2", "Ana\n'-2"),
     ("＝1+1", "'＝1+1"), ("Ana;＋1", "Ana;'＋1"), (" =1+1", "' =1+1"), (";=1", ";'=1"), ("Ana-Lena; Ortiz", "Ana-Lena; Ortiz")],
)  # fmt: skip
def test_nor_where_another_program_would_begin_one(dora: Distributor, evil: str, text: str) -> None:
    make.customer(dora, name=evil)
    assert rows(dora)[0]["name"] == text


@given(st.text(st.sampled_from("'=+-@; \t\r\nax＝"), max_size=9))
def test_what_was_guarded_can_be_read_back(text: str) -> None:
    assert exporting.plain_cell(exporting.guarded(text)) == text


def test_every_cell_is_quoted(dora: Distributor) -> None:
    make.customer(dora, name="Ana")
    for line in exporting.people_csv(dora)[1:].splitlines():
        assert line.startswith('"') and line.endswith('"') and line.count('","') == len(exporting.headings()) - 1


# Brought back


def brought_back(dora: Distributor, language: str, **wish: Any) -> tuple[Distributor, list[str]]:
    """Somebody who begins with what Dora exported, and what the importer says of the file."""
    with translation.override(language):
        content = exporting.people_csv(dora).encode()
    ruth = make.distributor(market=dora.market)
    file = brought(ruth, content)
    assert importing.add(distributor=ruth, pk=file.pk, wish=importing.Wish(**wish), by=None, as_of=make.NOW)
    said = [sentence for row in rows_of(content, ruth, make.NOW)[1:] for sentence in row["left_out"]]
    return ruth, [*said, *(row["problem"] for row in rows_of(content, ruth, make.NOW)[1:] if row["problem"])]


KEPT = ("name", "email", "birthday", "language", "kind", "hotness", "do_not_contact", "allowed", "refused", "added_at")


def kept(of: Distributor) -> dict[str, tuple[object, ...]]:
    """Everything of each contact that can be brought."""
    return {
        one.name: (
            *(getattr(one, name) for name in KEPT[:-1]), one.added_at.date(), outreach.dialled(one.phone),
            [(c.channel, c.state, c.origin, c.at) for c in outreach.consents(one)],
            [(of.local_day(note.at), note.text) for note in one.notes.order_by("at", "pk")],
        )
        for one in Customer.objects.of(of.pk)
    }  # fmt: skip


@pytest.mark.parametrize("language", ["en", "de", "es"])
def test_its_own_table_comes_back_without_loss(dora: Distributor, language: str) -> None:
    long_ago = make.NOW - timedelta(days=400)
    maya = make.customer(
        dora, name="Maya Müßig", phone="+491715550100", email="maya@example.com", birthday=date(1990, 4, 3), kind="customer",
        language="de", added_at=long_ago,
    )  # fmt: skip
    tess = make.customer(
        dora, name="-Tess; =Marsh", phone="+1-555-0100", kind="prospect", hotness="warm", added_at=long_ago
    )
    stop = make.customer(dora, name="Uma", kind="prospect", hotness="hot", added_at=long_ago)
    for n, hot in enumerate(("cool", "cold")):
        make.customer(dora, name=f"Ana {n}", kind="prospect", hotness=hot, added_at=long_ago)
    consent(maya, "text", "given", "Bestellschein, Mai; rot", days=90)
    consent(maya, "email", "given", "=fair", days=30)
    consent(maya, "call", "withdrawn", "said so", days=20)
    consent(tess, "all", "given", "card", days=50)
    consent(stop, "all", "withdrawn", "asked", days=5)
    make.note(maya, text="- allergic to nuts\n+ likes brown; =1", at=make.NOW - timedelta(days=30))
    make.note(maya, text="Called", at=make.NOW - timedelta(days=9))
    ruth, said = brought_back(dora, language)
    assert said == []
    assert kept(ruth) == kept(dora)
    assert all(getattr(Customer.objects.of(ruth.pk).get(name="Uma"), name) for name in ("do_not_contact", "refused"))


@pytest.mark.parametrize("language", ["en", "de", "es"])
def test_only_what_is_counted_is_not_read(dora: Distributor, language: str) -> None:
    maya = make.customer(dora, phone="1234", spent=5, orders=1, last_order_on=make.TODAY, last_contact_at=make.NOW)
    consent(maya, "all", "given", "card")
    with translation.override(language):
        [about, _maya] = rows_of(exporting.people_csv(dora).encode(), dora, make.NOW)
        assert about["unread"] == [exporting.headings()[name] for name in exporting.COUNTED]


def test_brought_back_to_her_own_list_it_changes_nothing(dora: Distributor) -> None:
    maya = make.customer(dora, name="Maya", phone="+491715550100")
    consent(maya, "text", "given", "card", days=9)
    make.note(maya, text="Likes  brown")
    content = exporting.people_csv(dora).encode()
    consent(maya, "text", "withdrawn", "asked", days=2)
    before = kept(dora)
    add(dora, content, fill=True)
    maya.refresh_from_db()
    assert kept(dora) == before and maya.phone == "+491715550100" and maya.refused and not maya.allowed


def test_words_that_are_not_hers_are_still_asked_about(dora: Distributor) -> None:
    head = '"Name","Consent: Text","Consent: Text, How you know","Consent: Text, since","Added"\r\n'
    [row] = rows_of(f'{head}"Ana","perhaps","card","2026-99-99T00:00:00Z","soon"\r\n'.encode(), dora, make.NOW)[1:]
    assert "write yes or no" in row["left_out"][0] and row["consents"] == [] and row["added"] == ""
    [row] = rows_of(f'{head}"Ana","yes","card","2026-99-99T00:00:00Z","1999-05-05"\r\n'.encode(), dora, make.NOW)[1:]
    assert "day of consent" in row["left_out"][0] and row["consents"][0]["on"] == "" and row["added"] == ""
