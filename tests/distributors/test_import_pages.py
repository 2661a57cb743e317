"""She chooses a file, sees what is in it, and adds the people."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distributors.models import ContactImport, Customer, Distributor, Event
from tests import factories as make
from tests.distributors.brought import GOOGLE, IPHONE, OUTLOOK
from tests.pages import now, signed_in, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now


@pytest.fixture
def dora() -> Distributor:
    return make.distributor()


@pytest.fixture
def client(dora: Distributor) -> Client:
    return signed_in(dora)


def send(client: Client, content: bytes | str, name: str = "contacts.csv") -> HttpResponse:
    content = content.encode() if isinstance(content, str) else content
    return client.post(reverse("people_import"), {"file": SimpleUploadedFile(name, content)})


def sent(client: Client, content: bytes | str) -> str:
    """The address of the preview."""
    response = send(client, content)
    assert response.status_code == 303, words(response)
    return response["Location"]


def add(client: Client, url: str, **form: Any) -> HttpResponse:
    return client.post(url, {"kind": "prospect", "known": "skip"} | form)


@pytest.mark.parametrize(("file", "people"), [(GOOGLE, 2), (OUTLOOK, 2), (IPHONE, 2)])
def test_it_works(client: Client, dora: Distributor, file: str, people: int) -> None:
    url = sent(client, file)
    page = words(client.get(url))
    assert f"Add {people} people" in page and "nothing is saved yet" in page
    assert not Customer.objects.exists() and not Event.objects.filter(type="contact.added").exists()
    response = add(client, url)
    assert response.status_code == 303 and response["Location"] == reverse("people") + "?show=all"
    assert f"{people} people are on your list." in words(client.get(response["Location"]))
    assert Customer.objects.of(dora.pk).count() == people


def test_a_double_tap_adds_nobody_twice(client: Client) -> None:
    url = sent(client, "Name,Kind\nMaya,customer")
    for _tap in range(3):
        assert add(client, url).status_code == 303
    assert Customer.objects.count() == 1 and client.get(url).status_code == 303
    assert ContactImport.objects.get().rows == []


def test_the_preview_tells_new_known_and_problems(client: Client, dora: Distributor) -> None:
    make.customer(dora, name="Maya Ortiz", phone="+1 555 0100")
    file = "Name,Phone,Birthday,Street\nTess Marsh,,3.4.10,Elm\nM. Ortiz,15550100,,\n,555,,\n"
    page = words(client.get(sent(client, file)))
    assert "Add 1 person" in page and "1 new person" in page
    assert "You have Maya Ortiz with this number." in page
    assert "There is no name." in page and "Row 4" in page
    assert "Added without a detail" in page and "is left out" in page and "Not brought: Street" in page


def test_a_birthday_that_could_be_two_is_read_by_the_market_and_said(client: Client) -> None:
    page = words(client.get(sent(client, "Name,Birthday\nMaya,03/04/1985")))
    order = {"March": "4 March", "April": "3 April"}["April" if "April" in page else "March"]
    assert f"A birthday such as 03/04 is read as your market writes it (here {order}); check it in the list." in page
    assert f"born {order} 1985" in page
    assert "such as 03/04" not in words(client.get(sent(client, "Name,Birthday\nTess,1985-04-03\nElin,23.4.1985")))


def test_what_the_file_has_twice_stands_apart_and_the_button_below_all(client: Client, dora: Distributor) -> None:
    make.customer(dora, name="Nora Hall")
    page = words(client.get(sent(client, "Name,Birthday\nMaya,\nmaya,\nNora Hall,\nTess,31.31.31\n,x\n")))
    places = [
        page.index(said) for said in
        ("2 new people", "Twice in the file", "You have them already", "These cannot be added", "Added without a detail",
         "Add 2 people")
    ]  # fmt: skip
    assert places == sorted(places) and "The same name as row 2 of the file." in page
    for n, word in ((2, "new"), (1, "known"), (1, "twice in the file"), (1, "cannot be added"), (1, "loses a detail")):
        assert f"<b>{n}</b> {word}" in page


def test_who_stands_twice_only_can_still_be_filled_in(client: Client) -> None:
    url = sent(client, "Name,Phone\nMaya,\nMaya,555 0100")
    assert words(client.get(url)).count('name="known"') == 2
    add(client, url, known="fill")
    assert Customer.objects.get().phone == "555 0100"


def test_every_new_person_can_be_looked_through(client: Client) -> None:
    page = words(client.get(sent(client, "Name\n" + "".join(f"Person {n}\n" for n in range(14)))))
    assert "Show 4 more" in page and "Person 13" in page


def test_a_note_that_looks_like_a_formula_is_a_text(client: Client) -> None:
    note = '=HYPERLINK("https://x.example")'
    url = sent(client, "Name;Note\nMaya;'" + note + "\nTess;" + note.replace('"', "'"))
    assert "left out" not in words(client.get(url)) and "detail" not in words(client.get(url))
    add(client, url)
    assert Customer.objects.get(name="Tess").notes.get().text == note.replace('"', "'")


def test_only_what_there_is_to_decide_is_asked(client: Client) -> None:
    page = words(client.get(sent(client, "Name,Kind\nMaya,customer")))
    assert 'name="kind"' not in page and 'name="known"' not in page and 'name="agreed"' in page
    page = words(client.get(sent(client, "Name\n,\n" + "M" * 130)))
    assert 'name="agreed"' not in page and "Nobody new" in page and "Add nobody" in page


def test_customers_when_she_says_so(client: Client) -> None:
    add(client, sent(client, "Name,Kind\nMaya,\nTess,prospect"), kind="customer")
    assert dict(Customer.objects.values_list("name", "kind")) == {"Maya": "customer", "Tess": "prospect"}


def test_known_ones_filled_in_or_somebody_else(client: Client, dora: Distributor) -> None:
    maya = make.customer(dora, name="Maya Ortiz")
    file = "Name,Phone\nMaya Ortiz,555 0100"
    response = add(client, sent(client, file), known="fill")
    maya.refresh_from_db()
    assert maya.phone == "555 0100" and "1 was filled in." in words(client.get(response["Location"]))
    response = add(client, sent(client, file))
    assert "Nobody was added: you have them all." in words(client.get(response["Location"]))
    add(client, sent(client, file), others=["2", "x", "99999999999", "٣"])
    assert Customer.objects.filter(name="Maya Ortiz").count() == 2


def test_consent_with_channel_and_origin(client: Client) -> None:
    url = sent(client, "Name\nMaya")
    add(client, url, agreed="on", channels=["text", "email"], origin="  Order\tform ")
    assert Customer.objects.get().allowed == 10
    events = Event.objects.filter(type="consent.changed")
    assert {event.data["origin"] for event in events} == {"Order form"}


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"agreed": "on", "origin": "Fair"}, "Choose at least one way."),
        ({"agreed": "on", "channels": ["text"]}, "Say how you know."), ({"agreed": "on", "channels": ["text"], "origin": " "}, "Say how you know."),
        ({"channels": ["text"]}, "Tick this if they agreed"), ({"origin": "Fair"}, "Tick this if they agreed"),
        ({"agreed": "on", "channels": ["fax"], "origin": "Fair"}, "not one of the available choices"),
        ({"kind": "friend"}, "not one of the available choices"),
    ],
)  # fmt: skip
def test_half_a_statement_adds_nobody(client: Client, form: dict[str, Any], said: str) -> None:
    response = add(client, sent(client, "Name\nMaya"), **form)
    assert response.status_code == 422 and said in words(response) and "data-summary" in words(response)
    assert not Customer.objects.exists()


def test_a_market_that_asks_for_consent_says_so(client: Client, dora: Distributor) -> None:
    said = "In your market nobody comes up for a message without consent on record."
    assert said not in words(client.get(sent(client, "Name\nMaya")))
    type(dora.market).objects.update(consent_required=True)
    assert said in words(client.get(sent(client, "Name\nMaya")))


def test_add_nobody_forgets_the_file(client: Client) -> None:
    url = sent(client, "Name\nMaya")
    assert client.post(url, {"discard": "1"}).status_code == 303
    assert not ContactImport.objects.exists() and not Customer.objects.exists() and client.get(url).status_code == 404


def test_what_became_known_since_the_preview_is_not_doubled(client: Client, dora: Distributor) -> None:
    url = sent(client, "Name\nMaya")
    make.customer(dora, name="Maya")
    add(client, url)
    assert Customer.objects.count() == 1


def test_another_ones_import_is_not_there(client: Client) -> None:
    url = sent(client, "Name\nMaya Secret")
    other = signed_in(make.distributor())
    for response in (other.get(url), add(other, url), other.post(url, {"discard": "1"})):
        assert response.status_code == 404 and "Secret" not in words(response)
    assert ContactImport.objects.count() == 1 and not Customer.objects.exists()


@pytest.mark.parametrize(
    ("file", "said"),
    [(b"", "The file is empty."), (b"PK\x03\x04" + b"0" * 99, "workbook or an archive"), (b"a" * 5_000_001, "larger than 5 MB"),
     (b"\x00\x01\xf0" * 99, "not a list of contacts"), ("Phone\n555", "No column is called Name")],
)  # fmt: skip
def test_a_file_that_is_none(client: Client, file: bytes | str, said: str) -> None:
    response = send(client, file)
    assert response.status_code == 422 and said in words(response) and not ContactImport.objects.exists()


def test_no_file_at_all(client: Client) -> None:
    assert "Choose a file." in words(client.post(reverse("people_import")))
    assert "Choose a file." in words(client.post(reverse("people_import"), {"file": "text"}))


@pytest.mark.parametrize("language", ["en", "de", "es"])
def test_the_example_can_be_brought_back(dora: Distributor, client: Client, language: str) -> None:
    dora.language = language
    dora.save()
    example = client.get(reverse("people_import") + "?example")
    assert example["Content-Type"].startswith("text/csv") and "attachment" in example["Content-Disposition"]
    add(client, sent(client, example.content))
    assert Customer.objects.count() == 2


def test_names_are_text_in_the_page(client: Client) -> None:
    page = words(client.get(sent(client, "Name,Note\n<b>Maya</b>,<script>x</script>\n<i>,<i>")))
    assert "<b>Maya" not in page and "<script>x" not in page and "&lt;b&gt;Maya" in page


def test_queries_do_not_grow_with_rows(client: Client) -> None:
    client.get(reverse("people"))
    with CaptureQueriesContext(connection) as few:
        client.get(sent(client, "Name\nMaya"))
    with CaptureQueriesContext(connection) as many:
        client.get(sent(client, "Name\n" + "\n".join(f"P{n}" for n in range(500))))
    assert len(many) == len(few) <= 26, len(few)


ANY = st.one_of(
    st.binary(max_size=300),
    st.binary(max_size=200).map(lambda rest: b"Name,Phone\n" + rest),
    st.binary(max_size=200).map(lambda rest: b"BEGIN:VCARD\nFN:Maya\n" + rest + b"\nEND:VCARD"),
    st.text(max_size=200).map(lambda text: f"Name;Birthday;Consent;Consent origin\n{text}".encode("utf-16", "surrogatepass")),
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=ANY, name=st.text(max_size=200))
def test_any_bytes_give_a_page(client: Client, content: bytes, name: str) -> None:
    file = SimpleUploadedFile("x", content)
    file._name = name or "x"
    response = client.post(reverse("people_import"), {"file": file})
    assert response.status_code in {303, 422}
    if response.status_code == 303:
        assert client.get(response["Location"]).status_code == 200
        assert add(client, response["Location"], known="fill").status_code == 303


def test_the_consent_group_is_headed(dora: Distributor, client: Client) -> None:
    """What may be left open is the consent, and not who they are."""
    page = client.get(sent(client, "Name\nAda Kern\n")).content.decode()
    group = page.split('<fieldset class="set-in">')[1]
    assert group.startswith("<legend>Consent</legend>") and "Leave this open" in group
