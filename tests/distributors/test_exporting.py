"""All that is kept of a person, and a distributor's contacts as a table."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from distributors import exporting, ingest, merging, outreach
from distributors.models import Customer, Distributor
from tests import factories as make

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
    return list(csv.DictReader(io.StringIO(exporting.people_csv(of))))


def test_contacts_as_a_table(dora: Distributor) -> None:
    maya = make.customer(
        dora, name="Maya, the first", phone="555 0100", birthday=date(1990, 2, 3), last_order_on=make.TODAY
    )
    make.customer(dora, name="Ada", do_not_contact=True)
    make.customer(make.distributor(), name="Somebody else's")
    outreach.set_consent(customer=maya, channel="text", state="given", origin="", as_of=make.NOW, by=None)
    outreach.set_consent(customer=maya, channel="email", state="withdrawn", origin="", as_of=make.NOW, by=None)
    ada, her = rows(dora)
    assert (ada["name"], ada["do_not_contact"], ada["call_consent"]) == ("Ada", "yes", "withdrawn")
    assert (her["name"], her["phone"], her["birthday"]) == ("Maya, the first", "555 0100", "1990-02-03")
    assert (her["text_consent"], her["email_consent"], her["call_consent"]) == ("given", "withdrawn", "")
    assert (her["last_order"], her["added"], her["last_contact"]) == ("2026-08-27", "2026-08-27", "")


@pytest.mark.parametrize("evil", ["=1+1", "+1-555", "-2", "@x", "\tx", "\rx"])
def test_no_cell_is_a_formula(dora: Distributor, evil: str) -> None:
    make.customer(dora, name=f"{evil}", phone=evil)
    [row] = rows(dora)
    assert row["name"] == row["phone"] == f"'{evil}"


def test_one_query_for_any_number(dora: Distributor) -> None:
    for _n in range(9):
        make.customer(dora)
    dora.local_day(make.NOW)
    with CaptureQueriesContext(connection) as queries:
        assert len(rows(dora)) == 9
    assert len(queries) == 1


@pytest.mark.parametrize(
    ("evil", "text"),
    [("Ana;=1+1", "Ana;'=1+1"), ("Ana; =1+1", "Ana;' =1+1"), ("Ana\t@x", "Ana\t'@x"), ("Ana\n-2", "Ana\n'-2"),
     ("＝1+1", "'＝1+1"), ("Ana;＋1", "Ana;'＋1"), (" =1+1", "' =1+1"), (";=1", ";'=1"), ("Ana-Lena; Ortiz", "Ana-Lena; Ortiz")],
)  # fmt: skip
def test_nor_where_another_program_would_begin_one(dora: Distributor, evil: str, text: str) -> None:
    make.customer(dora, name=evil)
    assert rows(dora)[0]["name"] == text


def test_every_cell_is_quoted(dora: Distributor) -> None:
    make.customer(dora, name="Ana")
    for line in exporting.people_csv(dora).splitlines():
        assert line.startswith('"') and line.endswith('"') and line.count('","') == len(exporting.COLUMNS) - 1
