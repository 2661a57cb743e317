"""A spreadsheet becomes people: nothing is guessed, nobody is doubled, and no consent is invented."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distributors import outreach
from distributors.contact_import import importing, values
from distributors.contact_import.files import FileError, text_of
from distributors.contact_import.importing import Wish
from distributors.contact_import.tables import EXAMPLES, example, read_table
from distributors.models import ContactImport, Customer, Distributor, Event, Measure, Note
from tests import factories as make
from tests.distributors.brought import GOOGLE, OUTLOOK, add, brought, lines_of, only

pytestmark = pytest.mark.django_db


@pytest.fixture
def dora() -> Distributor:
    return make.distributor()


def market(code: str, language: str) -> Distributor:
    return make.distributor(market=make.market(code, language=language))


def test_it_works(dora: Distributor) -> None:
    done = add(dora, "Name,Phone,E-mail,Birthday\nMaya Ortiz,+1 555 0100,maya@example.com,1990-04-03\nTess Marsh,,,\n")
    assert (done.new, done.filled) == (2, 0)
    maya = Customer.objects.of(dora.pk).get(name="Maya Ortiz")
    assert (maya.phone, maya.email, maya.birthday) == ("+1 555 0100", "maya@example.com", date(1990, 4, 3))
    assert (maya.kind, maya.allowed, maya.refused) == ("prospect", 0, 0)
    assert Event.objects.filter(type="contact.added", distributor=dora).count() == 2
    assert not Event.objects.filter(type="consent.changed").exists()
    assert Measure.objects.get(distributor=dora, metric="contacts_added").value == 2


@pytest.mark.parametrize("heading", ["Type", "Typ", "Status", "Estado"])
def test_a_type_or_status_says_customer_or_prospect(dora: Distributor, heading: str) -> None:
    add(dora, f"Name,{heading}\nMaya,customer\n")
    assert Customer.objects.get().kind == "customer"


def test_a_status_beside_a_kind_is_not_brought(dora: Distributor) -> None:
    file = brought(dora, "Name,Status,Kind\nMaya,customer,prospect\n")
    assert file.rows[1]["kind"] == "prospect" and file.rows[0]["unread"] == ["Status"]


def test_reading_writes_nobody(dora: Distributor) -> None:
    brought(dora, "Name\nMaya")
    assert not Customer.objects.exists() and not Event.objects.exists()


def test_added_twice_is_added_once_and_the_rows_are_gone(dora: Distributor) -> None:
    file = brought(dora, "Name\nMaya")
    wish = {"distributor": dora, "pk": file.pk, "wish": Wish(), "by": None, "as_of": make.NOW}
    assert importing.add(**wish).new == 1
    assert importing.add(**wish | {"as_of": make.NOW + timedelta(minutes=1)}) is None
    file.refresh_from_db()
    assert (file.state, file.rows) == ("added", []) and Customer.objects.count() == 1


def test_a_failure_in_between_leaves_nothing_and_she_can_press_again(dora: Distributor, monkeypatch) -> None:
    file = brought(dora, "Name,Note\nMaya,Hello")
    wish = {"distributor": dora, "pk": file.pk, "wish": Wish(), "by": None, "as_of": make.NOW}
    with monkeypatch.context() as broken, pytest.raises(RuntimeError):
        broken.setattr(importing, "write_notes", lambda *_args: (_ for _ in ()).throw(RuntimeError))
        importing.add(**wish)
    assert not Customer.objects.exists()
    assert importing.add(**wish).new == 1 and Note.objects.get().text == "Hello"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "windows-1252", "latin-1"]
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_separators(dora: Distributor, separator: str, encoding: str, end: str) -> None:
    text = end.join(separator.join(cells) for cells in (["Name", "Telefon"], ["Jürgen Müller", "0171 5550100"], [""]))
    row = only(dora, text.encode(encoding))
    assert (row["name"], row["phone"], row["problem"]) == ("Jürgen Müller", "0171 5550100", "")


def test_google(dora: Distributor) -> None:
    maya, tess = (line.row for line in lines_of(dora, GOOGLE))
    assert (maya["row"], maya["name"], maya["phone"]) == (2, "Maya Ortiz", "+1 555-0199")
    assert maya["email"] == "maya@example.com" and maya["birthday"] == "1990-04-03"
    assert "Sister of Ana,\nlikes evenings" in maya["note"]
    assert "More numbers: +1 555-0198, +1 555-0100" in maya["note"] and "maya@work.example" in maya["note"]
    assert (tess["row"], tess["phone"], tess["birthday"]) == (3, "", "")
    assert tess["note"] == "Birthday: 14 July" and "has no year" in tess["left_out"][0]


def test_outlook(dora: Distributor) -> None:
    juergen, ana = (line.row for line in lines_of(dora, OUTLOOK))
    assert (juergen["name"], juergen["phone"]) == ("Jürgen Müller", "0171 5550100")
    assert juergen["birthday"] == "1980-12-25" and juergen["left_out"] == []
    assert (ana["name"], ana["email"], ana["birthday"]) == ("Ana María López", "ana@example.com", "")
    assert ana["language"] == "es" and ana["note"] == "More addresses: ana2@example.com"


@pytest.mark.parametrize(
    "file",
    [
        "Vorname;Name;Mobil\nMaya;Ortiz;1234567", "Nachname;Vorname;Handy\nOrtiz;Maya;1234567",
        "Nombre;Apellidos;Teléfono móvil\nMaya;Ortiz;1234567", "Nombre;Teléfono\nMaya Ortiz;1234567",
        "sep=;\nName;Phone\nMaya Ortiz;1234567", '"Full name"\t"Cell"\n"Maya Ortiz"\t"1234567"',
        "\n\nName,Phone,\nMaya Ortiz,1234567,,,\n\n",
    ],
)  # fmt: skip
def test_headings(dora: Distributor, file: str) -> None:
    row = only(dora, file)
    assert (row["name"], row["phone"], row["problem"]) == ("Maya Ortiz", "1234567", "")


@pytest.mark.parametrize("language", EXAMPLES)
def test_the_example_reads_back_in_its_language(language: str) -> None:
    her = market(f"x{language}", language)
    maya, ana = lines_of(her, example(language))
    assert not (maya.problem or ana.problem or maya.row["left_out"] or ana.row["left_out"]), (maya, ana)
    assert (maya.row["birthday"], maya.row["kind"]) == ("1990-04-03", "customer")
    assert (ana.row["kind"], ana.row["hotness"], ana.row["language"]) == ("prospect", "warm", "es")
    assert [(c["channel"], c["state"]) for c in maya.row["consents"]] == [("text", "given"), ("email", "given")]


def test_one_column_keeps_its_commas(dora: Distributor) -> None:
    assert only(dora, "Name\nOrtiz, Maya")["name"] == "Ortiz, Maya"


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("", "empty"), (" \r\n\n", "empty"), ("\ufeff", "empty"), ("Name,Phone\n", "nobody below"),
        ("Maya Ortiz,555 0100", "names no column"), ("Phone,E-mail\n555 0100,a@b.example", "called Name"),
        ("Name,Phone;E-mail\nMaya,1;2", "separated in two ways"),
        (b"PK\x03\x04" + b"\x00" * 40, "workbook"), (b"\xd0\xcf\x11\xe0" + b"\x00" * 40, "workbook"),
        (b"%PDF-1.7 ...", "not a list"), (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "not a list"),
        (b"\x00\x01\x02" * 50, "not a list"), (b"Name\n\x00Maya", "not a list"), (b"\x1f\x8b\x08" + b"a" * 50, "not a list"),
    ],
)  # fmt: skip
def test_a_file_that_is_none_gets_one_sentence(dora: Distributor, file: str | bytes, said: str) -> None:
    with pytest.raises(FileError, match=said):
        lines_of(dora, file)
    assert not ContactImport.objects.exists()


def test_limits(dora: Distributor) -> None:
    with pytest.raises(FileError, match="larger than 5 MB"):
        text_of(b"Name\n" + b"a" * 5_000_000)
    assert len(lines_of(dora, "Name\n" + "\n".join(f"P{n}" for n in range(5000)))) == 5000
    with pytest.raises(FileError, match="more than 5,000"):
        lines_of(dora, "Name\n" + "\n".join(f"P{n}" for n in range(5001)))


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (",555 0100", "no name"), ("M" * 121 + ",", "longer than 120"), ("Maya", "has 1 cells"),
        ("Maya,1,2", "has 3 cells"), ('"Maya" Ortiz,1', "quotation mark"), ('"Maya,1', "quotation mark"),
    ],
)  # fmt: skip
def test_a_row_with_a_problem_leaves_the_others(dora: Distributor, row: str, said: str) -> None:
    good, bad = lines_of(dora, f"Name,Phone\nTess,555 0199\n{row}")
    assert good.is_new and said in bad.problem and (good.number, bad.number) == (2, 3)
    assert add(dora, f"Name,Phone\nTess,555 0199\n{row}").new == 1


def test_rows_are_numbered_as_the_spreadsheet_does(dora: Distributor) -> None:
    lines = lines_of(dora, 'Name,Note\n\nMaya,"one\ntwo"\n,\nTess,\n')
    assert [(line.number, line.row["name"]) for line in lines] == [(3, "Maya"), (5, "Tess")]


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("+4.91711E+11", "not a phone"), ("4.91711E+11", "shortened"), ("4,91711e+11", "shortened"),
        ("call after 5", "not a phone"), ("1" * 40, "not a phone"), ("12", "not a phone"),
    ],
)  # fmt: skip
def test_a_number_that_is_none_is_left_out(dora: Distributor, cell: str, said: str) -> None:
    row = only(dora, f'Name,Phone\nMaya,"{cell}"')
    assert row["phone"] == "" and said in row["left_out"][0] and not row["problem"]


@pytest.mark.parametrize("cell", ["maya", "maya@", "a b@c.example", "@x.example", "x@" + "a" * 300 + ".example"])
def test_an_address_that_is_none_is_left_out(dora: Distributor, cell: str) -> None:
    row = only(dora, f"Name,E-mail\nMaya,{cell}")
    assert row["email"] == "" and "not an e-mail" in row["left_out"][0]


@pytest.mark.parametrize(
    ("where", "text", "day"),
    [
        (("us", "en"), "04/03/1990", "1990-04-03"), (("gb", "en"), "04/03/1990", "1990-03-04"),
        (("de", "de"), "04/03/1990", "1990-03-04"), (("zz", "es"), "04/03/1990", "1990-03-04"),
        (("zz", "en"), "04/03/1990", ""), (("zz", "en-US"), "04/03/1990", "1990-04-03"),
        (("zz", "en"), "04/04/1990", "1990-04-04"), (("us", "en"), "25/12/1990", "1990-12-25"),
        (("us", "en"), "04.03.1990", "1990-03-04"), (("us", "en"), "3.4.90", "1990-04-03"),
        (("us", "en"), "3.4.10", ""), (("us", "en"), "19900403", "1990-04-03"), (("us", "en"), "1990/04/03", "1990-04-03"),
        (("us", "en"), "1990-04-03T00:00:00Z", "1990-04-03"), (("us", "en"), "31.02.1990", ""), (("us", "en"), "2030-01-01", ""),
        (("us", "en"), "1899-01-01", ""), (("us", "en"), "32966", ""), (("us", "en"), "April", ""), (("us", "en"), "0/0/00", ""),
    ],
)  # fmt: skip
def test_birthdays(where: tuple[str, str], text: str, day: str) -> None:
    row = only(market(*where), f"Name;Birthday\nMaya;{text}")
    assert row["birthday"] == day
    assert bool(row["left_out"]) == (not day and text != "0/0/00")


def test_an_ambiguous_birthday_says_which_two_days_it_can_be() -> None:
    (said,) = only(market("zz", "en"), "Name;Birthday\nMaya;04/03/1990")["left_out"]
    assert "4 March 1990 or 3 April 1990" in said


def test_the_days_of_the_file_decide_only_where_they_agree_with_the_market() -> None:
    file = "Name;Birthday\nMaya;04/03/1990\nTess;25/12/1990"
    assert lines_of(market("zz", "en"), file)[0].row["birthday"] == "1990-03-04"
    assert lines_of(market("us", "en"), file)[0].row["birthday"] == ""
    assert lines_of(market("us", "en"), file)[1].row["birthday"] == "1990-12-25"
    assert lines_of(market("zz", "en"), file + "\nAna;12/25/1991")[0].row["birthday"] == ""


# --- Whom she has already ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("M. Ortiz,555-555-0100,", "phone"), ("M. Ortiz,001 (555) 555 0100,", "phone"),
        ("M. Ortiz,,MAYA@example.com", "email"), ("maya  ÓRTIZ,,", "name"), ("Maya Ortiz,999 999 9999,", "name"),
    ],
)  # fmt: skip
def test_known_ones_are_skipped(dora: Distributor, row: str, why: str) -> None:
    maya = make.customer(dora, name="Maya Ortiz", phone="+1 555 555 0100", email="maya@example.com")
    (line,) = lines_of(dora, f"Name,Phone,E-mail\n{row}")
    assert (line.known, line.why) == (maya, why)
    assert add(dora, f"Name,Phone,E-mail\n{row}").new == 0
    assert Customer.objects.count() == 1 and not Event.objects.exists()


def test_another_ones_customer_is_not_known(dora: Distributor) -> None:
    make.customer(make.distributor(), name="Maya Ortiz", phone="+1 555 555 0100")
    assert lines_of(dora, "Name,Phone\nMaya Ortiz,+1 555 555 0100")[0].is_new


def test_merged_and_erased_ones_are_not_known(dora: Distributor) -> None:
    other = make.customer(dora, name="Somebody")
    make.customer(dora, name="Maya Ortiz", merged_into=other, do_not_contact=True)
    assert lines_of(dora, "Name\nMaya Ortiz")[0].is_new


def test_what_is_missing_is_filled_in_and_nothing_else(dora: Distributor) -> None:
    maya = make.customer(dora, name="Maya Ortiz", phone="+1 555 555 0100", kind="customer")
    file = "Name,Phone,E-mail,Birthday,Interest,Kind,Note\nMaya Ortiz,+1 999,maya@example.com,1990-04-03,hot,prospect,Hello"
    done = add(dora, file, fill=True)
    assert (done.new, done.filled) == (0, 1)
    maya.refresh_from_db()
    assert (maya.phone, maya.email, maya.birthday) == ("+1 555 555 0100", "maya@example.com", date(1990, 4, 3))
    assert (maya.kind, maya.hotness) == ("customer", "") and Note.objects.get(customer=maya).text == "Hello"
    assert add(dora, file, fill=True).new == 0 and Note.objects.count() == 1


def test_twins_in_the_file(dora: Distributor) -> None:
    file = "Name,Phone,E-mail\nMaya Ortiz,555 555 0100,\nMaya Ortiz,,maya@example.com\nAna,5555550100,"
    first, second, third = lines_of(dora, file)
    assert first.is_new and (second.twin, second.why) == (first.row, "name")
    assert (third.twin, third.why) == (first.row, "phone")
    assert (add(dora, file).new, Customer.objects.count()) == (1, 1)


def test_twins_complete_each_other(dora: Distributor) -> None:
    done = add(dora, "Name,Phone,E-mail\nMaya,555 555 0100,\nMaya,,maya@example.com", fill=True)
    assert (done.new, done.filled) == (1, 0)
    maya = Customer.objects.get()
    assert (maya.phone, maya.email) == ("555 555 0100", "maya@example.com")


def test_somebody_else_after_all(dora: Distributor) -> None:
    make.customer(dora, name="Maya Ortiz")
    assert add(dora, "Name\nMaya Ortiz\nTess\nTess", others=frozenset({2, 4})).new == 3
    assert Customer.objects.filter(name="Maya Ortiz").count() == Customer.objects.filter(name="Tess").count() == 2


def test_a_placeholder_number_makes_nobody_the_same(dora: Distributor) -> None:
    file = "Name,Phone\n" + "\n".join(f"Person {chr(65 + n)},000000" for n in range(12))
    assert all(line.is_new for line in lines_of(dora, file))


def test_queries_do_not_grow_with_rows(dora: Distributor, django_assert_num_queries) -> None:
    rows = brought(dora, "Name\n" + "\n".join(f"P{n}" for n in range(300))).rows
    with django_assert_num_queries(1):
        importing.compare(dora, rows)


# --- Consent ----------------------------------------------------------------------------------------------------------


def test_consent_with_its_origin_is_recorded(dora: Distributor) -> None:
    add(dora, 'Name,Consent,Consent channels,Consent origin,Consent date\nMaya,yes,"sms, E-Mail",Order form,2026-05-02')
    events = Event.objects.filter(type="consent.changed").order_by("external_id")
    assert [event.data["channel"] for event in events] == ["email", "text"]
    assert events[0].data["origin"] == "Order form" and events[0].day == date(2026, 5, 2)
    assert Customer.objects.get().allowed == 10


def test_consent_without_an_origin_is_not(dora: Distributor) -> None:
    row = only(dora, "Name,Consent\nMaya,yes")
    assert row["consents"] == [] and "does not say how" in row["left_out"][0]
    add(dora, "Name,Consent\nMaya,yes")
    assert not Event.objects.filter(type="consent.changed").exists()


def test_a_refusal_needs_no_origin_and_beats_what_she_states(dora: Distributor) -> None:
    file = "Name,Do not contact,Consent email\nMaya,yes,\nTess,,no\nAna,,"
    add(dora, file, agreed=("email", "text"), origin="Fair in May")
    maya, tess, ana = (Customer.objects.get(name=name) for name in ("Maya", "Tess", "Ana"))
    assert maya.do_not_contact and maya.refused == 15 and maya.allowed == 0
    assert (tess.refused, tess.allowed) == (8, 2) and (ana.refused, ana.allowed) == (0, 10)
    assert (
        Event.objects.get(type="consent.changed", customer=ana, data__channel="email").data["origin"] == "Fair in May"
    )


def test_what_she_states_counts_for_the_new_ones_only(dora: Distributor) -> None:
    make.customer(dora, name="Maya")
    add(dora, "Name\nMaya\nTess", agreed=("email",), origin="Fair", fill=True)
    assert Customer.objects.get(name="Maya").allowed == 0 and Customer.objects.get(name="Tess").allowed == 8


@pytest.mark.parametrize("cell", ["perhaps", "2", "✓"])
def test_what_is_no_yes_is_no_consent(dora: Distributor, cell: str) -> None:
    row = only(dora, f"Name,Consent,Consent origin\nMaya,{cell},Form")
    assert row["consents"] == [] and "write yes or no" in row["left_out"][0]


# --- Text that means harm ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cell", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "<script>alert(1)</script>", "{{ x }}", "%s %(n)s"]
)
def test_formulas_are_text_like_any_other(dora: Distributor, cell: str) -> None:
    add(dora, f'Name,Note\n"{cell}","{cell}"')
    assert Customer.objects.get().name == cell and Note.objects.get().text == cell


def test_invisible_letters_go(dora: Distributor) -> None:
    row = only(dora, "Name,Phone\nMa\u200bya\u00a0 Ortiz\x01,\u202a+1 555 0100\u202c")
    assert (row["name"], row["phone"]) == ("Maya Ortiz", "+1 555 0100")


def test_old_files_are_forgotten(dora: Distributor, monkeypatch) -> None:
    brought(dora, "Name\nMaya")
    monkeypatch.setattr(importing.timezone, "now", lambda: make.NOW + timedelta(hours=23))
    importing.forget_old()
    assert ContactImport.objects.count() == 1
    monkeypatch.setattr(importing.timezone, "now", lambda: make.NOW + timedelta(hours=25))
    importing.forget_old()
    assert not ContactImport.objects.exists()


def test_only_the_newest_files_wait(dora: Distributor) -> None:
    files = [brought(dora, f"Name\nP{n}").pk for n in range(5)]
    assert sorted(ContactImport.objects.values_list("pk", flat=True)) == files[-3:]


CELLS = st.text(alphabet=st.sampled_from('Maya,;\t"\n\r=+@0159 -./:éß\u202e'), max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), min_size=1, max_size=5))
def test_whatever_the_cells_hold_what_is_new_can_be_added(dora: Distributor, rows: list[tuple[str, ...]]) -> None:
    quoted = ["|".join('"' + cell.replace('"', '""') + '"' for cell in row).replace("|", ",") for row in rows]
    file = "Name,Phone,E-mail,Birthday\r\n" + "\r\n".join(quoted)
    try:
        new = sum(line.is_new for line in lines_of(dora, file))
    except FileError:
        return
    assert add(dora, file).new == new


def test_a_long_file_of_separators_is_read_in_no_time() -> None:
    with pytest.raises(FileError):
        read_table("," * 1_000_000)


FILLED = "Name,Phone,Consent,Consent origin\nMaya,+1 555 0100,yes,Old list"


@pytest.mark.parametrize(
    ("refused", "allowed_then"), [("all", 0), ("email", 7), ("call", 14)]
)  # fmt: skip
def test_the_yes_of_a_file_does_not_beat_her_own_no(dora: Distributor, refused: str, allowed_then: int) -> None:
    maya = make.customer(dora, name="Maya", phone="+1 555 0100")
    before = make.NOW - timedelta(days=1)
    outreach.set_consent(customer=maya, channel=refused, state="withdrawn", origin="", as_of=before, by=None)
    was = maya.refused
    [line] = lines_of(dora, FILLED)
    assert line.row["left_out"] == ["Maya refused this before: the yes of the file does not count."]
    add(dora, FILLED, fill=True)
    maya.refresh_from_db()
    assert (maya.refused, maya.allowed) == (was, allowed_then)


def test_the_yes_of_a_file_counts_where_nothing_was_refused(dora: Distributor) -> None:
    maya = make.customer(dora, name="Maya", phone="+1 555 0100")
    assert lines_of(dora, FILLED)[0].row["left_out"] == []
    add(dora, FILLED, fill=True)
    maya.refresh_from_db()
    assert (maya.allowed, maya.refused) == (15, 0)


@pytest.mark.parametrize("before", [0, 7])
def test_a_no_in_another_row_of_the_file_stands(dora: Distributor, before: int) -> None:
    """Whichever of the two rows comes first, and whatever their numbers are."""
    others = "".join(f"Person {chr(65 + n)},,,\n" for n in range(before))
    no, yes = "Maya,+1 555 0100,no,\n", "Maya,+1 555 0100,yes,Old list\n"
    for n, rows in enumerate((no + yes, yes + no)):
        add(
            dora,
            "Name,Phone,Consent,Consent origin\n"
            + others
            + rows.replace("Maya", f"Maya {n}").replace("0100", f"010{n}"),
            fill=True,
        )
    assert all(maya.do_not_contact for maya in Customer.objects.filter(name__startswith="Maya"))


def test_the_name_of_the_file_goes_with_its_rows(dora: Distributor) -> None:
    file = importing.read(distributor=dora, content=b"Name\nMaya", file_name="Maya Ortiz.csv", as_of=make.NOW)
    importing.add(distributor=dora, pk=file.pk, wish=Wish(), by=None, as_of=make.NOW)
    file.refresh_from_db()
    assert (file.state, file.file_name) == ("added", "")


def test_a_long_cell_is_not_kept_in_memory() -> None:
    before = values.folded_short.cache_info().misses
    assert values.folded("Ä" * 300) == "a" * 300
    assert values.folded_short.cache_info().misses == before
    assert values.folded("yes" + " " * 300 + "not") == "yes not"
