"""One distributor never sees another's customer: by no URL, search, export or count, whoever she is and whatever she sends.

Two distributors; B is sponsored by A. B's customer sings her canary in every column and beside it: name, phone, e-mail, birthday,
note, external id, consent, message, link, import, order, twin. Whatever anybody else reads must be silent, and what is B's looks
to A exactly like what never was.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from activities import actions, crediting
from activities.models import Asset, AssetText, Credit, Outreach, ShareLink
from distributors import ingest
from distributors.models import ApiKey, ContactImport, Customer, Event, NotTheSame, Role
from notifications import inbox

from . import factories as make
from .test_access import PAGES, body, nobodys, theirs
from .test_canary import crawl, stripped
from .walk import MISSING, Person, person, routes

pytestmark = pytest.mark.django_db

CANARY, OWN = "Quetzalcoatlus", "Nightingale"
#: What of the canary is written without its letters.
PHONE, BORN = "+4915550199", date(1931, 7, 19)
SUNG = re.compile(rf"{CANARY}|15550199|1931", re.IGNORECASE)


@dataclass
class Two:
    a: Person
    b: Person
    link: ShareLink
    brought: ContactImport
    twin: Customer


@pytest.fixture
def two(settings: Any) -> Two:
    """A leads and B sells below her; each has everything that a page could show."""
    settings.ACCOUNT_RATE_LIMITS = settings.MFA_RATE_LIMITS = False
    make.product("EYE-1", line=make.product_line("eye"))
    activity = make.activity("call-her", "Call {name}", about="check_in", form="message", closes_on="order.placed")
    a = person(activity, role=Role.LEADER, canary=OWN)
    b = person(activity, canary=CANARY, sponsor=a.distributor)
    item = library_item()
    for one in (a, b):
        lived(one)
    Customer.objects.filter(pk=b.customer.pk).update(phone=PHONE, birthday=BORN)
    twin = make.customer(b.distributor, name=f"{CANARY} Twin", phone=PHONE, kind="prospect")
    link = ShareLink.objects.create(
        distributor=b.distributor,
        customer=b.customer,
        asset=item,
        language="en",
        token="t" * 22,
        made_at=timezone.now(),
    )
    Outreach.objects.filter(pk=b.message.pk).update(link=link, subject=f"For {CANARY}")
    brought = ContactImport.objects.create(
        distributor=b.distributor, file_name=f"{CANARY}.csv", at=timezone.now(), rows=[row_of_a_file()]
    )
    return Two(a, b, link, brought, twin)


def library_item() -> Asset:
    item = Asset.objects.create(key="lash-care", kind="article", status="published")
    AssetText.objects.create(asset=item, language="en", title="Lash care", body="Every evening.")
    return item


def row_of_a_file() -> dict[str, Any]:
    names = ("name", "phone", "email", "birthday", "kind", "hotness", "language", "note", "problem")
    return dict[str, Any](dict.fromkeys(names, "")) | {"row": 1, "name": f"{CANARY} Filed", "known": None}


def lived(one: Person) -> None:
    """Orders, a consent, an answer, a message that was sent, a credit and a notice of it."""
    now, name = timezone.now(), CANARY if CANARY in one.customer.name else OWN
    say = {"distributor": one.distributor, "customer": one.customer}
    lines = [{"sku": "EYE-1", "quantity": 1, "amount": "40"}]
    order = {"currency": "USD", "amount": "40", "lines": lines}
    for kind, days, data in (
        ("order.placed", 6, order), ("order.placed", 1, order),
        ("consent.changed", 8, {"channel": "all", "state": "given", "origin": f"as {name} said"}),
        ("contact.made", 5, {"channel": "text"}), ("contact.replied", 4, {"tone": "interested"}),
    ):  # fmt: skip
        ingest.record(
            type=kind,
            time=now - timedelta(days=days),
            external_id=f"{kind}-{one.distributor.pk}-{days}",
            data=data,
            **say,
        )
    sent = now - timedelta(days=5)
    make.outreach(
        one.customer, text=f"Dear {name}", subject=name, state="sent", opened_at=sent, sent_at=sent,
        waits_until=(sent + timedelta(days=14)).date(),
    )  # fmt: skip
    actions.settle([one.distributor.pk], as_of=now)
    assert Credit.objects.filter(distributor=one.distributor).exists()
    inbox.pull(one.distributor, as_of=now)


def signed(one: Person) -> Client:
    client = Client()
    client.force_login(one.user)
    return client


def starts_of(one: Person) -> list[str]:
    """Every page without a parameter, hers with one, and searches for B's customer by all that is known of her."""
    plain = [route.path() for route in routes() if route.declared and not route.parameters]
    named = ("person", "person_edit", "message_person", "person_outreach", "next_step", "person_export", "person_erase")
    hers = [reverse(name, args=[one.customer.pk]) for name in named]
    asked = [CANARY, CANARY.lower(), f"{CANARY.lower()}@example.com", PHONE, PHONE[1:], "1931", "ext-" + CANARY]
    searches = [f"{path}?q={q.replace('+', '%2B')}" for path in ("/people/", "/search/", "/library/") for q in asked]
    tabs = [f"/people/?show={show}" for show in ("due", "customers", "prospects", "stopped", "all")]
    return ["/", *plain, *hers, *tabs, *searches]


def sang(read: dict[str, str]) -> list[str]:
    """Paths that told; a search repeats the reader's own words in its field."""
    return [path for path, text in read.items() if SUNG.search(text) and "q=" not in path]


# Reading


def test_it_works(two: Two) -> None:
    """B's own crawl hears all of it: the others' silence is no deafness."""
    read = crawl(signed(two.b), starts_of(two.b))
    for path in (
        f"/people/{two.b.customer.pk}/", "/people/?show=all", "/people/twins/", f"/people/{two.b.customer.pk}/messages/",
        "/notices/",
    ):  # fmt: skip
        assert CANARY in read[path], path
    for name in ("person_export", "people_export"):
        assert CANARY in text_of(
            signed(two.b).get(reverse(name, args=[two.b.customer.pk] if name[:6] == "person" else []))
        )


def test_her_leader_hears_nothing_on_any_page(two: Two) -> None:
    read = crawl(signed(two.a), starts_of(two.a))
    assert len(read) > 40
    assert sang(read) == []
    ids = [two.b.customer.pk, two.twin.pk]
    assert [path for path, text in read.items() if any(f"/people/{pk}/" in text for pk in ids)] == []


def test_a_stranger_hears_nothing_on_any_page(two: Two) -> None:
    stranger = person(two.a.activity, canary="Woodpecker")
    assert sang(crawl(signed(stranger), starts_of(stranger))) == []


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.DISTRIBUTOR, Role.LEADER}))
def test_hq_trainer_integrator_and_operator_hear_nothing_but_events(role: Role, two: Two) -> None:
    client = Client()
    client.force_login(make.user(role))
    read = crawl(client, ["/admin/", *starts_of(two.b)])
    assert len(read) > 5
    # An event is what the other system sent, word for word, to those who handle events.
    allowed = r"^/admin/distributors/event/" if role in {Role.INTEGRATOR, Role.OPERATOR} else r"^$"
    assert [path for path in sang(read) if not re.match(allowed, path)] == []


def test_nobody_hears_it_signed_out(two: Two) -> None:
    read = crawl(Client(), [*starts_of(two.b), reverse("shared", args=[two.link.token])])
    assert sang(read) == []
    assert "Lash care" in read[reverse("shared", args=[two.link.token])]


def test_exports_hold_her_own_alone(two: Two) -> None:
    client = signed(two.a)
    everybody = client.get(reverse("people_export"))
    assert OWN in text_of(everybody) and not SUNG.search(text_of(everybody))
    mine = client.get(reverse("person_export", args=[two.a.customer.pk]))
    assert json.loads(text_of(mine)) and OWN in text_of(mine) and not SUNG.search(text_of(mine))


def text_of(response: Any) -> str:
    assert response.status_code == 200
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return str(content.decode())


def test_the_feed_api_holds_her_own_alone(two: Two) -> None:
    _key, secret = ApiKey.issue(name="reader", scopes=["feed:read"])
    path = f"/api/v1/distributors/{two.a.distributor.external_id}/feed"
    answer = Client().get(path, headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 200 and not SUNG.search(answer.content.decode())


# Counting


COUNTED = (
    "/",
    "/people/",
    "/people/?show=all",
    "/people/?show=prospects",
    "/people/twins/",
    "/search/?q=person",
    "/team/",
    "/library/",
)


def test_no_number_of_hers_changes_by_anothers_customers(two: Two) -> None:
    client = signed(two.a)
    before = {path: silent(client, path) for path in COUNTED}
    for n in range(7):
        one = make.customer(
            two.b.distributor, name=f"{OWN} Person", phone=f"+1 {OWN}", email=f"{OWN}@example.com".lower()
        )
        make.note(one)
        make.outreach(one)
    assert {path: silent(client, path) for path in COUNTED} == before


def silent(client: Client, path: str) -> str:
    """The page without what is new in every answer."""
    return stripped(client.get(path).content.decode(), "\0")


@pytest.mark.parametrize("path", ["/people/", "/search/"])
@pytest.mark.parametrize("asked", [CANARY, f"{CANARY} Person", PHONE, f"{CANARY}@example.com"])
def test_what_is_anothers_is_found_like_what_is_nowhere(path: str, asked: str, two: Two) -> None:
    nowhere = "".join("x" if letter.isalpha() else "7" if letter.isdigit() else letter for letter in asked)
    answers = [
        stripped(signed(two.a).get(path, {"q": q}).content.decode(), q).replace(query(q), "") for q in (asked, nowhere)
    ]
    assert answers[0] == answers[1]


def query(q: str) -> str:
    from urllib.parse import urlencode

    return urlencode({"q": q})[2:]


def test_a_twin_of_anothers_customer_is_no_twin(two: Two) -> None:
    Customer.objects.filter(pk=two.a.customer.pk).update(phone=PHONE)
    text = signed(two.a).get(reverse("people_twins")).content.decode()
    assert not re.search(rf"{CANARY}|{two.b.customer.pk}/", text)


# Guessing: every URL of the resolver, with B's ids


def guesses(two: Two) -> Iterator[tuple[str, str, str]]:
    """(URL name, its path with B's id, its path with an id that never was)."""
    for route in routes():
        if not route.declared or not route.parameters or PAGES.get(route.name) is None:
            continue
        if route.name == "team_step":
            continue  # B herself is A's recruit: that page is A's to see, and the crawl reads it
        values = theirs(route, two.b)
        yield route.name, route.path(**values), route.path(**nobodys(route, values))


@pytest.mark.parametrize("method", ["get", "post"])
def test_what_is_anothers_looks_like_what_never_was(method: str, two: Two) -> None:
    client, tried, wrong = signed(two.a), 0, []
    for name, path, missing in guesses(two):
        for extra in ({}, {"HX-Request": "true"}):
            got, nothing = (getattr(client, method)(one, FORM, headers=extra) for one in (path, missing))
            tried += 1
            right = got.status_code in {404, 405} and got.status_code == nothing.status_code
            if not right or body(got) != body(nothing) or SUNG.search(got.content.decode()):
                wrong.append(f"{method} {name}: {got.status_code} {nothing.status_code}")
    assert tried > 60
    assert wrong == []


#: What any of the forms would take.
FORM = {
    "tone": "later",
    "text": "Hello",
    "channel": "text",
    "state": "given",
    "name": "Taken",
    "do": "sent",
    "confirm": "1",
}


def test_nothing_of_hers_was_changed_by_guessing(two: Two) -> None:
    kept = snapshot(two)
    client = signed(two.a)
    for _name, path, _missing in guesses(two):
        client.post(path, FORM)
    assert snapshot(two) == kept


def snapshot(two: Two) -> list[Any]:
    of_b = {"distributor": two.b.distributor}
    return [
        list(Customer.objects.filter(**of_b).order_by("pk").values()),
        list(Outreach.objects.filter(**of_b).order_by("pk").values()),
        Event.objects.filter(**of_b).count(), list(two.b.customer.notes.values()),
        ContactImport.objects.filter(**of_b).count(), ShareLink.objects.filter(**of_b).count(),
        list(Credit.objects.filter(**of_b).order_by("pk").values()),
    ]  # fmt: skip


# Naming B's things in forms that take an id of their own


def test_forms_that_name_a_person_take_her_own_alone(two: Two) -> None:
    client, a, b = signed(two.a), two.a.customer.pk, two.b.customer.pk
    for name, sent in (
        ("people_merge", {"one": a, "other": b, "keep": a}), ("people_merge", {"one": b, "other": two.twin.pk, "keep": b}),
        ("people_not_same", {"one": min(a, b), "other": max(a, b)}),
        ("message_check", {"customer": b, "text": "Hi"}), ("message_opened", {"customer": b, "text": "Hi", "channel": "text"}),
        ("message_check", {"card": f"call-her.c{b}", "text": "Hi"}),
        ("message_opened", {"card": f"call-her.c{b}", "text": "Hi", "channel": "text"}),
    ):  # fmt: skip
        never = {key: nobodys_id(value, b, two.twin.pk) for key, value in sent.items()}
        got, nothing = client.post(reverse(name), sent), client.post(reverse(name), never)
        assert (got.status_code, body(got)) == (nothing.status_code, body(nothing)), name
        assert got.status_code in {404, 422}, (name, got.status_code)
    assert not NotTheSame.objects.exists()
    assert not Customer.objects.exclude(merged_into=None).exists()


def nobodys_id(value: object, b: int, twin: int) -> object:
    """What names B's people, naming nobody instead; anything else as it is."""
    return {b: MISSING, twin: MISSING - 1, f"call-her.c{b}": f"call-her.c{MISSING}"}.get(value, value)  # type: ignore[call-overload]


def test_a_link_is_shared_with_her_own_people_alone(two: Two) -> None:
    client, path = signed(two.a), reverse("library_share", args=["lash-care"])
    for pk in (two.b.customer.pk, MISSING):
        assert client.post(path, {"customer": pk}).status_code == 404
    assert not ShareLink.objects.filter(distributor=two.a.distributor).exists()
    shown = client.get(f"{reverse('library_item', args=['lash-care'])}?link={two.link.pk}").content.decode()
    assert two.link.token not in shown


def test_an_import_of_hers_knows_her_own_people_alone(two: Two) -> None:
    """A file that names B's customer by number and address: for A they are new."""
    file = SimpleUploadedFile("p.csv", f"name,phone,email\nSomeone,{PHONE},{CANARY.lower()}@example.com\n".encode())
    client = signed(two.a)
    answer = client.post(reverse("people_import"), {"file": file}, follow=True)
    text = answer.content.decode()
    assert "Someone" in text and f"{CANARY} Person" not in text and f"/people/{two.b.customer.pk}/" not in text
    Customer.objects.filter(pk=two.a.customer.pk).update(phone=PHONE)
    assert f"{OWN} Person" in client.get(answer.request["PATH_INFO"]).content.decode()  # her own is known


def test_an_import_of_anothers_is_not_there(two: Two) -> None:
    client = signed(two.a)
    for pk in (two.brought.pk, MISSING):
        assert client.get(reverse("people_import_check", args=[pk])).status_code == 404
        assert client.post(reverse("people_import_check", args=[pk]), {"discard": "1"}).status_code == 404
    assert ContactImport.objects.filter(pk=two.brought.pk).exists()


def test_what_is_credited_stays_with_whose_customer_it_is(two: Two) -> None:
    crediting.credit([two.a.distributor.pk, two.b.distributor.pk], as_of=timezone.now())
    for credit in Credit.objects.select_related("event__customer", "outreach"):
        assert credit.event.customer is not None and credit.event.customer.distributor_id == credit.distributor_id
