"""Her library: what is there, whom it fits today, her links, and what came of them."""

from __future__ import annotations

import io
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from PIL import Image
from pytest_django import DjangoAssertNumQueries

from activities.library import reading, sharing
from activities.models import Asset, Credit, LinkDay, Outreach, ShareLink
from distributors import ingest
from distributors.models import Customer, Distributor
from tests import factories as make
from tests.activities import library_stage as stage
from tests.pages import HTMX, now, signed_in, words  # noqa: F401  (a fixture)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]


@pytest.fixture
def jenna() -> Distributor:
    return make.distributor(name="Jenna Rivera")


@pytest.fixture
def client(jenna: Distributor) -> Client:
    return signed_in(jenna)


def bought(customer: Customer, line: str, days_ago: int) -> None:
    """An order of one product of that line, which lasts 56 days."""
    sku = f"{line.upper()}-1"
    make.product(sku, line=make.product_line(line), lasts_days=56)
    ingest.record(
        type="order.placed", distributor=customer.distributor, customer=customer, external_id=f"order-{make.number()}",
        time=make.NOW - timedelta(days=days_ago),
        data={"currency": "USD", "amount": "40", "lines": [{"sku": sku, "quantity": 1, "amount": "40"}]},
    )  # fmt: skip


def sent(link: ShareLink, days_ago: int = 1, **fields: Any) -> Outreach:
    at = make.NOW - timedelta(days=days_ago)
    assert link.customer is not None
    return Outreach.objects.create(
        **{
            "distributor": link.distributor, "customer": link.customer, "link": link, "channel": "text", "language": "en",
            "text": "Hi", "state": "sent", "opened_at": at, "sent_at": at, "waits_until": at.date() + timedelta(days=14),
        } | fields
    )  # fmt: skip


def test_it_works(client: Client, jenna: Distributor) -> None:
    maya = make.customer(jenna, name="Maya Ortiz")
    bought(maya, "eye", 54)
    make.asset("eye-steps", "A steady line", line=make.product_line("eye"))
    text = words(client.get("/library/"))
    assert "A steady line" in text
    assert "For Maya" in text
    item = words(client.get("/library/eye-steps/"))
    assert "<em>middle</em>" in item and "Three small moves." in item
    assert f"/people/{maya.pk}/message/?asset=eye-steps" in item


def test_only_what_may_be_shown_today_in_a_language_she_reads(client: Client) -> None:
    make.asset("draft", status="draft")
    make.asset("retired", status="retired")
    make.asset("ended", expires_on=date(2026, 8, 26))
    make.asset("last-day", expires_on=date(2026, 8, 27))
    spanish = Asset.objects.create(key="spanish", kind="article", status="published")
    stage.text(spanish, "es", title="Solo español")
    text = words(client.get("/library/"))
    assert [key for key in ("draft", "retired", "ended", "last-day", "spanish") if f"/library/{key}/" in text] == [
        "last-day"
    ]
    statuses = {
        key: client.get(f"/library/{key}/").status_code for key in ("draft", "retired", "ended", "spanish", "none")
    }
    assert set(statuses.values()) == {404}
    assert client.post("/library/retired/share/").status_code == 404


@pytest.mark.parametrize(
    ("last", "said"),
    [(date(2026, 8, 27), "until 27 August"), (date(2026, 10, 20), "until 20 October"), (date(2027, 8, 1), "")],
)
def test_its_end_is_told_when_it_is_near(client: Client, last: date, said: str) -> None:
    make.asset("a", expires_on=last)
    text = words(client.get("/library/"))
    assert said in text if said else "until" not in text


def test_by_line_kind_and_words(client: Client) -> None:
    make.asset("one", "A steady line", line=make.product_line("eye"))
    make.asset("two", "Lip tint, three ways", line=make.product_line("lip"))
    make.asset("three", "Shades", kind="link", line=make.product_line("lip"))

    def found(query: str) -> list[str]:
        text = words(client.get(f"/library/?{query}"))
        return [key for key in ("one", "two", "three") if f"/library/{key}/" in text]

    assert found("line=lip") == ["two", "three"]
    assert found("line=lip&kind=article") == ["two"]
    assert found("q=TINT") == ["two"]
    assert found("q=lip shades") == ["three"]  # in the line's name and in the title
    assert found("q=nothing") == []
    assert "Nothing found" in words(client.get("/library/?q=nothing"))


def test_typing_swaps_the_list_alone(client: Client) -> None:
    make.asset("one", "A steady line")
    text = words(client.get("/library/?q=steady", headers=HTMX))
    assert text.strip().startswith('<div id="items">') and "A steady line" in text and "<html" not in text


def test_an_item_fits_those_whose_reason_is_about_its_line(jenna: Distributor) -> None:
    for name, line in (("Maya", "eye"), ("Elin", "eye"), ("Rosa", "eye"), ("Tess", "lip")):
        bought(make.customer(jenna, name=f"{name} X"), line, 54)
    refused = make.customer(jenna, name="Nora X", do_not_contact=True)
    bought(refused, "lip", 54)
    for key, line in (("eyes", "eye"), ("lips", "lip"), ("skin", "skin")):
        make.asset(key, line=make.product_line(line))
    make.asset("for-all")
    fits = reading.for_today(jenna, reading.items("en", make.TODAY), make.NOW)
    assert [(fit.item.asset.key, fit.people) for fit in fits] == [("eyes", 3), ("lips", 1)]
    assert fits[0].sentence.endswith("and 1 more") and fits[1].sentence == "For Tess"


def test_those_whom_an_item_fits_stand_first(client: Client, jenna: Distributor) -> None:
    for name, line in (("Maya", "eye"), ("Tess", "lip"), ("Elin", "eye")):
        bought(make.customer(jenna, name=f"{name} X"), line, 54)
    make.asset("eyes", line=make.product_line("eye"))
    make.asset("skin", line=make.product_line("skin"))
    page = words(client.get("/library/eyes/"))
    places = [page.index(said) for said in ("Share with somebody due today", "Maya X", "Others due today", "Tess X")]
    assert places == sorted(places) and page.index("Elin X") < page.index("Others due today")
    page = words(client.get("/library/skin/"))
    assert "Tess X" in page and "Others due today" not in page


def test_a_picture_is_shown_small(client: Client, settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    stage.item("chart", "image", words={"data": stage.picture(size=(600, 400))})
    make.asset("article")
    page = words(client.get("/library/"))
    assert page.count("<img") == 1 and 'src="/library/chart/en/file/?small"' in page
    response = client.get("/library/chart/en/file/?small")
    picture = Image.open(io.BytesIO(response.content))
    assert (response["Content-Type"], picture.size) == ("image/webp", (112, 112))
    stage.item("price-list", "document", words={"data": stage.PDF})
    assert client.get("/library/price-list/en/file/?small").status_code == 404


def test_a_link_for_anybody_is_shown_to_be_copied(client: Client, jenna: Distributor) -> None:
    make.asset("a")
    response = client.post("/library/a/share/", {"language": "en"}, follow=True)
    link = ShareLink.objects.get()
    assert (link.distributor, link.customer, link.language) == (jenna, None, "en")
    assert f"http://testserver/s/{link.token}/" in words(response)
    client.post("/library/a/share/", {"language": "en"})
    assert ShareLink.objects.count() == 1


def test_a_link_for_one_of_her_people_and_for_nobody_else_s(client: Client, jenna: Distributor) -> None:
    make.asset("a")
    mine, theirs = make.customer(jenna), make.customer(make.distributor())
    client.post("/library/a/share/", {"customer": mine.pk})
    link = ShareLink.objects.get()
    assert link.customer == mine
    said = f"You see how often {mine.given_name}’s link is opened, and nothing else."
    assert said in words(client.get(f"/library/a/?link={link.pk}"))
    for wrong in (theirs.pk, 999_999_999, "x", "-1", "9" * 40):
        assert client.post("/library/a/share/", {"customer": wrong}).status_code == 404
    assert ShareLink.objects.count() == 1


def test_another_s_link_is_not_shown(client: Client) -> None:
    asset = make.asset("a")
    link = stage.link(make.distributor(), asset)
    for asked in (link.pk, "x", "9" * 40):
        response = client.get(f"/library/a/?link={asked}")
        assert response.status_code == 200
        assert link.token not in words(response)


def test_the_item_is_read_and_shared_in_the_language_she_chooses(client: Client, jenna: Distributor) -> None:
    asset = make.asset("a", "Three steps")
    stage.text(asset, "de", title="Drei Schritte")
    assert "Drei Schritte" in words(client.get("/library/a/?language=de"))
    client.post("/library/a/share/", {"language": "de"})
    assert ShareLink.objects.get().language == "de"
    make.customer(jenna, name="Jürgen Weiß", language="de")
    assert "asset=a&amp;language=de" in words(client.get("/library/a/?q=jürgen"))


def test_her_search_finds_people_who_may_be_contacted(client: Client, jenna: Distributor) -> None:
    make.asset("a")
    make.customer(jenna, name="Maya Ortiz")
    make.customer(jenna, name="Maya Refused", do_not_contact=True)
    make.customer(make.distributor(), name="Maya Elsewhere")
    text = words(client.get("/library/a/?q=maya"))
    assert "Maya Ortiz" in text
    assert "Maya Refused" not in text and "Maya Elsewhere" not in text


def test_what_came_of_it(client: Client, jenna: Distributor) -> None:
    maya = make.customer(jenna, name="Maya Ortiz")
    link = stage.link(jenna, make.asset("a", "Three steps"), maya)
    message = sent(link, days_ago=3)
    sharing.counted(link, make.NOW - timedelta(days=2))
    sharing.counted(link, make.NOW - timedelta(days=1))
    event = make.event(jenna, customer=maya, type="order.placed")
    Credit.objects.create(
        distributor=jenna, event=event, kind="order", outreach=message, touched_at=message.sent_at, at=make.NOW
    )
    for path in ("/library/", "/library/a/"):
        text = words(client.get(path))
        assert "Maya Ortiz" in text and "Opened 2 times" in text and "Order on 27 August" in text


def test_what_came_of_the_card_it_was_sent_from(jenna: Distributor) -> None:
    from activities.models import Action

    maya, activity = make.customer(jenna), make.activity()
    action = Action.objects.create(
        distributor=jenna, activity=activity, customer=maya, about_key=f"c{maya.pk}", kind=Action.Kind.DONE,
        day=make.TODAY, at=make.NOW,
    )  # fmt: skip
    link = stage.link(jenna, make.asset("a"), maya)
    sent(link, action=action)
    Credit.objects.create(
        distributor=jenna, event=make.event(jenna), kind="reply", action=action, touched_at=make.NOW, at=make.NOW
    )
    assert [one.results for one in reading.shares(jenna)] == [["Reply on 27 August"]]


def test_a_link_of_a_sheet_that_was_closed_again_is_not_shared(jenna: Distributor) -> None:
    asset = make.asset("a")
    closed, opened, anybody = make.customer(jenna), make.customer(jenna, name="Opened"), None
    sent(stage.link(jenna, asset, closed), state="dropped")
    LinkDay.objects.create(link=stage.link(jenna, asset, opened), day=make.TODAY, opens=1, last_at=make.NOW)
    stage.link(jenna, asset, anybody)
    stage.link(make.distributor(), asset)
    assert sorted((one.who, one.opened) for one in reading.shares(jenna)) == [
        ("Anybody", "Not opened yet"), ("Opened", "Opened once"),
    ]  # fmt: skip


def test_who_was_erased_is_somebody(jenna: Distributor) -> None:
    gone = make.customer(jenna)
    sent(stage.link(jenna, make.asset("a"), gone))
    Customer.objects.filter(pk=gone.pk).update(name="", do_not_contact=True, erased_at=make.NOW)
    assert [one.who for one in reading.shares(jenna)] == ["Somebody"]


def test_it_is_one_click_from_learn_and_found_by_search(client: Client) -> None:
    make.asset("a", "A steady line")
    assert 'href="/library/"' in words(client.get("/learn/"))
    assert "/library/a/" in words(client.get("/search/?q=steady"))


def test_queries_do_not_grow(
    client: Client, jenna: Distributor, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    def grow() -> None:
        for n in range(4):
            asset = make.asset(f"item-{make.number()}", line=make.product_line(f"line{n}"))
            customer = make.customer(jenna)
            bought(customer, f"line{n}", 54)
            link = stage.link(jenna, asset, customer)
            sent(link)
            sharing.counted(link, make.NOW)

    grow()
    make.asset("a")
    client.get("/library/")  # her day's first page writes more
    for path in ("/library/", "/library/a/", "/library/a/?q=c"):
        counted = queries(client, path)
        grow()
        client.get(path)
        assert queries(client, path) <= counted, path
        with django_assert_max_num_queries(18):
            client.get(path)


def queries(client: Client, path: str) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(
        connection,
    ) as captured:
        client.get(path)
    return len(captured)


@pytest.mark.parametrize("odd", ["x%00y", "%00", "%F0%9F%8E%81", "a" * 10_000, "x%0Ay", "'--"])
def test_an_address_that_nobody_wrote_is_not_there(odd: str) -> None:
    client = signed_in(make.distributor())
    gets = [f"/library/{odd}/", f"/library/{odd}/en/file/", f"/library/x/{odd}/file/", f"/activity/{odd}/",
            f"/activity/{odd}/message/", f"/s/{odd}/", f"/s/{odd}/file/"]  # fmt: skip
    posts = [f"/library/{odd}/share/", f"/activity/{odd}/complete/", f"/activity/x/{odd}/", f"/activity/{odd}/message/",
             f"/s/{odd}/seen/", f"/s/{odd}/open/"]  # fmt: skip
    answers = {url: client.get(url).status_code for url in gets} | {url: client.post(url).status_code for url in posts}
    assert set(answers.values()) == {400 if "%00" in odd else 404}


@pytest.mark.parametrize("odd", ["x\x00y", "🎁", "a" * 10_000])
def test_what_a_form_says_that_nobody_wrote_is_no_fault(odd: str) -> None:
    her = make.distributor()
    maya, item = make.customer(her, name="Maya", phone="+1 555 0100"), stage.article("look")
    client, sheet = signed_in(her), f"/people/{maya.pk}/message/"
    read = 400 if "\0" in odd else 200
    fields = ("template", "asset", "language", "text", "subject", "channel", "address", "kept", "was", "do", "card", "customer")  # fmt: skip
    for name in fields:
        said = {"customer": maya.pk, "text": "Hi", "language": "en", "channel": "text", name: odd}
        for url in (sheet, "/message/check/", "/message/opened/"):
            assert client.post(url, said).status_code < 500, (url, name)
        assert client.get(sheet, {name: odd}).status_code == read
    for name in ("q", "language", "link", "line", "kind"):
        assert client.get(f"/library/{item.key}/", {name: odd}).status_code == read
        assert client.get("/library/", {name: odd}).status_code == read
    for name in ("customer", "language"):
        assert client.post(f"/library/{item.key}/share/", {name: odd}).status_code in (303, 404)
