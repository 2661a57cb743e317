"""The contacts of a phone become people; a broken card is one problem, the others stand."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distributors.contact_import.files import FileError
from distributors.models import Customer, Distributor, Event, Note
from tests import factories as make
from tests.distributors.brought import IPHONE, add, lines_of, only

pytestmark = pytest.mark.django_db


@pytest.fixture
def dora() -> Distributor:
    return make.distributor()


def card(*lines: str, version: str = "3.0") -> str:
    return "\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""])


def test_it_works(dora: Distributor) -> None:
    assert add(dora, IPHONE).new == 2
    maya, tess = Customer.objects.order_by("name")
    assert (maya.name, maya.phone, maya.email) == ("Maya Ortiz", "+1 (555) 555-0199", "maya@example.com")
    assert maya.birthday is None and maya.kind == "prospect"
    assert tess.birthday == date(1985, 12, 31)
    note = Note.objects.get(customer=maya).text
    assert "Likes evenings, not mornings.\nSister of Ana." in note and "Birthday: 3 April" in note
    assert "(555) 555-0100, +1 555 555 0122" in note
    assert not Event.objects.filter(type="consent.changed").exists()


@pytest.mark.parametrize(
    ("lines", "version", "name"),
    [
        (["N:Ortiz;Maya;;;"], "2.1", "Maya Ortiz"), (["FN:Maya Ortiz"], "4.0", "Maya Ortiz"),
        (["N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=C3=BCrgen;;;"], "2.1", "Jürgen Müller"),
        (["N;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:M=FCller;J=FCrgen;;;"], "2.1", "Jürgen Müller"),
        (["N;encoding=quoted-printable;charset=utf-8:M=C3=BCller;J=C3=", "=BCrgen;;;"], "2.1", "Jürgen Müller"),
        (["N;ENCODING=QUOTED-PRINTABLE:M=FCller;J=FCrgen;;;"], "2.1", "Jürgen Müller"),
        (["FN;CHARSET=NONSENSE;ENCODING=QUOTED-PRINTABLE:Maya"], "2.1", "Maya"),
        (["N:Ortiz;Maya", " na;;;"], "3.0", "Mayana Ortiz"), (["N:López;Ana,María;de la;Dr.;"], "3.0", "Ana María de la López"),
        (["FN:", "N:;;;;", "NICKNAME:May"], "3.0", "May"), (["N:;;;;", "ORG:Kiosk\\, Inc;Sales"], "3.0", "Kiosk, Inc"),
        (["item1.FN:Maya"], "3.0", "Maya"), (["fn:Maya"], "3.0", "Maya"), (["FN;X=\"a:b\":Maya"], "4.0", "Maya"),
    ],
)  # fmt: skip
def test_names(dora: Distributor, lines: list[str], version: str, name: str) -> None:
    row = only(dora, card(*lines, version=version))
    assert (row["name"], row["problem"]) == (name, "")


@pytest.mark.parametrize(
    ("text", "day", "left_out"),
    [
        ("BDAY:1990-04-03", "1990-04-03", False), ("BDAY:19900403", "1990-04-03", False),
        ("BDAY;VALUE=date:1990-04-03", "1990-04-03", False), ("BDAY:1990-04-03T00:00:00Z", "1990-04-03", False),
        ("BDAY:--0403", "", True), ("BDAY:--04-03", "", True), ("BDAY:--0229", "", True),
        ("BDAY;X-APPLE-OMIT-YEAR=1604:1604-04-03", "", True),
        ("BDAY:1990", "", True), ("BDAY:1990-04", "", True), ("BDAY;VALUE=text:circa 1800", "", True), ("BDAY:", "", False),
        ("BDAY:1604-99-99", "", True),
    ],
)  # fmt: skip
def test_birthdays(dora: Distributor, text: str, day: str, left_out: bool) -> None:
    row = only(dora, card("FN:Maya", text))
    assert (row["birthday"], bool(row["left_out"])) == (day, left_out)


def test_several_numbers_and_addresses(dora: Distributor) -> None:
    row = only(dora, card(
        "FN:Maya", "TEL;HOME;VOICE:030 100", "TEL;TYPE=work,fax:030 101", "TEL;VALUE=uri;TYPE=\"voice,cell\":tel:+1-555-0199",
        "TEL;VALUE=uri:tel:+1-555-0100;ext=7", "EMAIL:a@b.example", "EMAIL;PREF=1:c@d.example", "EMAIL:A@B.example", version="4.0",
    ))  # fmt: skip
    assert (row["phone"], row["email"]) == ("+1-555-0199", "a@b.example")
    assert row["note"] == "More numbers: 030 100, +1-555-0100 ext 7\nMore addresses: c@d.example"


def test_a_broken_card_leaves_the_others(dora: Distributor) -> None:
    file = (
        card("FN:Maya") + "BEGIN:VCARD\r\nFN:Half\r\n" + card("TEL:1234567") + card("FN:Tess") + "BEGIN:VCARD\r\nFN:End"
    )
    lines = lines_of(dora, file)
    assert [(line.number, line.row["name"], bool(line.problem)) for line in lines] == [
        (1, "Maya", False), (2, "", True), (3, "", True), (4, "Tess", False), (5, "", True),
    ]  # fmt: skip
    assert "no end" in lines[1].problem and "no name" in lines[2].problem
    assert add(dora, file).new == 2


def test_a_group_is_no_person(dora: Distributor) -> None:
    assert "a group" in only(dora, card("FN:Friends", "X-ADDRESSBOOKSERVER-KIND:group"))["problem"]
    assert only(dora, card("FN:Kiosk", "KIND:org", version="4.0"))["problem"] == ""


def test_the_card_of_an_agent_is_not_another_person(dora: Distributor) -> None:
    file = card("FN:Maya", "AGENT:", "BEGIN:VCARD", "FN:Her agent", "END:VCARD", "TEL:1234567", version="2.1")
    row = only(dora, file)
    assert (row["name"], row["phone"]) == ("Maya", "1234567")


def test_more_cards_than_the_limit(dora: Distributor) -> None:
    with pytest.raises(FileError, match="more than 5,000"):
        lines_of(dora, card("FN:Maya") * 5001)


@pytest.mark.parametrize(
    "line", ["N" + ";a=b" * 5000 + "x", "N;" + '"' * 9000, "FN:" + "a" * 300_000, "FN:" + "\\" * 9000, "N:" + ";" * 19_000,
             "NOTE;ENCODING=QUOTED-PRINTABLE:" + "=" * 15_000]
)  # fmt: skip
def test_hostile_lines_take_no_time(dora: Distributor, line: str) -> None:
    """vobject's own line pattern needs exponential time for the first of these."""
    assert len(lines_of(dora, card(line) + card("FN:Maya"))) == 2


def test_a_picture_of_megabytes_takes_no_time(dora: Distributor) -> None:
    photo = "PHOTO;ENCODING=b:" + "\r\n ".join(["A" * 74] * 60_000)
    assert only(dora, card(photo, "FN:Maya"))["name"] == "Maya"


LINES = st.lists(
    st.one_of(
        st.sampled_from(["BEGIN:VCARD", "END:VCARD", "FN:Maya", "N:;;;;", "TEL:", "AGENT:", "BDAY:--", "VERSION:2.1", " ", "="]),
        st.text(alphabet="NFTELBDAYO;:=\"\\,.QUOTED-PRINTABLE \t0019CHARSET\u00e9", max_size=40),
    ),
    max_size=12,
)  # fmt: skip


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LINES)
def test_whatever_the_cards_hold_what_is_new_can_be_added(dora: Distributor, lines: list[str]) -> None:
    file = "BEGIN:VCARD\n" + "\n".join(lines)
    new = sum(line.is_new for line in lines_of(dora, file))
    assert add(dora, file).new == new
