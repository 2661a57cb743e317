"""View as field: her real Today, for HQ to look at and nothing else; and she can see that they looked."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from functools import partial
from html import unescape

import pytest
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from activities import recommend
from activities.models import Action, Slate
from activities.stilled import stilled
from distributors import ingest
from distributors.models import Customer, Distributor, Event, Look, Measure, Note, Role, Segment
from distributors.veils import veiled
from tests import factories as make
from tests.activities.stage import at, order, stage
from tests.pages import now, signed_in, words
from tests.walk import METHODS, MISSING

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now

CANARY = "Quetzalcoatlus"


@pytest.fixture
def jenna() -> Distributor:
    return stage()


@pytest.fixture
def hq() -> Client:
    return desk()


def desk(role: Role = Role.HQ_VIEWER, **fields: str) -> Client:
    client = Client()
    client.force_login(make.user(role, **fields))
    return client


def page_of(one: Distributor) -> str:
    return reverse("field_today", args=[one.pk])


def main_of(text: str) -> str:
    return text.partition("<main")[2].partition("</main>")[0]


def test_it_works(jenna: Distributor, hq: Client) -> None:
    response = hq.get(page_of(jenna))
    assert response.status_code == 200
    text = unescape(words(response))
    assert "You are looking at Jenna Reyes’s Today." in text
    assert "Nothing can be done here, and she can see that you looked." in text
    assert "US, 11:00 on her clock, in English." in text
    shown = recommend.feed(jenna, as_of=make.NOW, log=False, veiled=True)
    assert len(shown.cards) == 5
    for card in shown.cards:
        assert card.title in text and card.why in text
    assert "$62.50 to go this\u00a0week" in text and "Enrolments in August" in text
    assert "Worth a message" in text and "Then today" in text


def test_it_is_what_she_sees_but_for_her_customers_names(
    jenna: Distributor, hq: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without the lot a recruit is among the five, whatever ids they have.
    monkeypatch.setattr(recommend, "feed", partial(recommend.feed, noise=False))
    theirs, hers = unescape(main_of(words(hq.get(page_of(jenna))))), signed_in(jenna).get("/")
    cards = hers.context["feed"].cards
    named = [card.candidate.person for card in cards]
    assert any(isinstance(one, Customer) for one in named) and any(isinstance(one, Distributor) for one in named)
    for card, one in zip(cards, named, strict=True):
        for said in (card.title, card.why):
            if isinstance(one, Customer):
                said = said.replace(one.given_name, veiled(one).given_name)
            assert said in theirs
    assert hers.context["day_line"].headline in theirs


def test_her_language_and_her_markets_clock(hq: Client) -> None:
    mexico = make.market("mx", currency="MXN", time_zone="America/Mexico_City", language="es")
    one = make.distributor(name="Rosa Paz", market=mexico)
    make.goal(one, target=Decimal(250))
    text = unescape(words(hq.get(page_of(one), headers={"accept-language": "de"})))
    assert '<html lang="de"' in text and 'class="today still" tabindex="-1" lang="es"' in text
    assert "jueves 27 de agosto" in main_of(text).lower() and "09:00" in text.partition("<main")[0]


def test_customers_are_initials_and_recruits_are_named(jenna: Distributor, hq: Client) -> None:
    """Every customer of hers has the canary in every column and note; nothing of it is anywhere in the page."""
    sing(jenna)
    maria = Customer.objects.of(jenna.pk).get(name__startswith="M")
    ingest_result(jenna, maria)
    text = unescape(words(hq.get(page_of(jenna))))
    assert CANARY.lower() not in text.lower()
    assert "Sing for M.\u00a0Q." in text and "M.\u00a0Q. ordered $12 at 10:00. This closed itself." in text
    for initials in ("MQ", "TQ", "LQ", "AQ"):
        assert f'<span class="av" aria-hidden="true">{initials}</span>' in text
    hers = unescape(words(signed_in(jenna).get("/")))
    assert hers.count(CANARY) >= 8, "her own page can sing"
    recruits = [name for name in ("Elin", "Rosa", "Noor") if name in hers]
    assert recruits and all(name in text for name in recruits)


def sing(jenna: Distributor) -> None:
    for one in Customer.objects.of(jenna.pk):
        Customer.objects.filter(pk=one.pk).update(
            name=f"{one.given_name[0]}{CANARY.lower()} {CANARY}", external_id=f"{CANARY}-{one.pk}",
            phone=f"+1 {CANARY}"[:32], email=f"{CANARY}{one.pk}@example.com".lower(),
        )  # fmt: skip
        make.note(one, text=f"A note about {CANARY}")


def ingest_result(jenna: Distributor, customer: Customer) -> None:
    """She did something about this customer, and its result arrived: the line under "done today" names her too."""
    activity = make.activity("sing", "Sing for {name}", about="one_time")
    event = ingest.record(
        type="order.placed", distributor=jenna, customer=customer, time=make.NOW - timedelta(hours=1),
        external_id="song", data={"currency": "USD", "amount": "12", "lines": []},
    )  # fmt: skip
    Action.objects.create(
        distributor=jenna, activity=activity, customer=customer, about_key=f"c{customer.pk}", kind=Action.Kind.DONE,
        day=make.TODAY, at=make.NOW, closed_by=event,
    )  # fmt: skip


def test_nothing_leads_anywhere_and_nothing_can_be_sent(jenna: Distributor, hq: Client) -> None:
    main = main_of(words(hq.get(page_of(jenna))))
    assert "<form" not in main and "hidden" not in re.sub(r'aria-hidden="true"', "", main)
    assert not re.search(r"<a [^>]*href", main)
    assert not re.search(r"\b(hx-\w+|action|formaction|data-\w+)=", main)
    assert re.findall(r"<button[^>]*>", main) and all("disabled" in one for one in re.findall(r"<button[^>]*>", main))
    text = words(hq.get(page_of(jenna)))
    assert "csrfmiddlewaretoken" not in text and "<script" not in text


def test_nothing_is_written_but_the_look(jenna: Distributor, hq: Client) -> None:
    recommend.feed(jenna, as_of=make.NOW, log=False)  # her compact rows are made by whoever reads first
    tables: list[type[models.Model]] = [Event, Slate, Measure, Action, Note, Customer]
    before = [one._default_manager.count() for one in tables], everything()
    hq.get(page_of(jenna))
    after = [one._default_manager.count() for one in tables], everything()
    assert after[0] == before[0]
    assert {name for name, n in after[1].items() if n != before[1][name]} == {"distributors_look"}
    look = Look.objects.get()
    assert (look.distributor, look.page, look.at) == (jenna, Look.Page.TODAY, make.NOW)


def everything() -> dict[str, int]:
    """Rows of every table."""
    with connection.cursor() as cursor:
        counts = {}
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT count(*) FROM "{table}"')
            counts[table] = cursor.fetchone()[0]
        return counts


def test_the_look_is_written_before_anything_can_fail(
    jenna: Distributor, hq: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_options: object) -> None:
        raise RuntimeError("no list today")

    monkeypatch.setattr(recommend, "feed", broken)
    with pytest.raises(RuntimeError):
        hq.get(page_of(jenna))
    assert Look.objects.count() == 1


@pytest.mark.parametrize("method", sorted(set(METHODS) - {"GET", "HEAD"}))
def test_writes_are_refused(method: str, jenna: Distributor, hq: Client) -> None:
    for path in (page_of(jenna), reverse("field")):
        assert hq.generic(method, path).status_code == 405
    assert not Look.objects.exists()


def test_no_page_of_hers_opens_for_hq(jenna: Distributor) -> None:
    """Every link, form and htmx address of her own Today: nobody of HQ gets any of them, by any method."""
    text = words(signed_in(jenna).get("/"))
    named = set(re.findall(r"""(?:href|action|hx-get|hx-post)=["'](/[^"'#]*)["']""", text))
    paths = {path for path in map(unescape, named) if not path.startswith(("/static/", "/accounts/"))}
    assert any("/snooze/" in path for path in paths) and "/people/" in paths and len(paths) > 20
    for role in (Role.HQ_VIEWER, Role.HQ_EDITOR, Role.HQ_APPROVER):
        client = desk(role)
        for path in sorted(paths):
            for method in ("GET", "POST", "PUT", "DELETE"):
                assert client.generic(method, path).status_code == 404, (role, method, path)
    assert not Action.objects.exists()


@pytest.mark.parametrize("role", [*Role, None])
def test_hq_only(role: Role | None, jenna: Distributor) -> None:
    client = desk(role) if role else Client()
    expected = 302 if role is None else 200 if role in {Role.HQ_VIEWER, Role.HQ_EDITOR, Role.HQ_APPROVER} else 404
    assert client.get(page_of(jenna)).status_code == expected
    assert client.get(reverse("field")).status_code == expected
    assert Look.objects.exists() == (expected == 200)


def test_who_has_left_is_not_shown(jenna: Distributor, hq: Client) -> None:
    Distributor.objects.filter(pk=jenna.pk).update(left_on=make.TODAY)
    assert hq.get(page_of(jenna)).status_code == 404
    assert hq.get(reverse("field_today", args=[MISSING])).status_code == 404
    assert not Look.objects.exists()


def test_without_goals_or_activities(hq: Client) -> None:
    text = unescape(words(hq.get(page_of(make.distributor(name="Nina New")))))
    assert "Start with one number" in text and "<form" not in text


def test_queries_are_few_and_the_same_however_long_her_history(jenna: Distributor, hq: Client) -> None:
    hq.get(page_of(jenna))
    with CaptureQueriesContext(connection) as first:
        hq.get(page_of(jenna))
    for n in range(20):
        order(jenna, make.customer(jenna, name=f"More {n}"), 40)
        make.customer(jenna, kind="prospect", added_at=at(90))
    hq.get(page_of(jenna))
    with CaptureQueriesContext(connection) as second:
        hq.get(page_of(jenna))
    assert len(second) <= len(first) <= 36, len(first)


# Finding


def test_find_by_name_or_id(jenna: Distributor, hq: Client) -> None:
    make.distributor(name="Jenna Gone", left_on=make.TODAY)
    for q in ("jenna r", "JENNA"):
        text = words(hq.get(reverse("field"), {"q": q}))
        assert page_of(jenna) in text and "Jenna Gone" not in text
    assert "Nobody who is active has" in words(hq.get(reverse("field"), {"q": "<b>zzz"}))
    assert not Look.objects.exists(), "finding is not looking"


def test_a_sample_of_a_market_and_segment(hq: Client) -> None:
    mexico = make.market("mx", time_zone="America/Mexico_City")
    new = Segment.objects.create(name="New", days_to=60)
    people = [make.distributor(market=market) for market in [make.market(), mexico] for _ in range(15)]
    young = [make.distributor(market=mexico, joined_on=make.TODAY - timedelta(days=n)) for n in (1, 60, 61)]

    def shown(**asked: object) -> list[int]:
        return [one.pk for one in hq.get(reverse("field"), asked).context["people"]]

    assert sorted(shown(sample=1, market=mexico.pk, segment=new.pk)) == [one.pk for one in young[:2]]
    everybody = shown(sample=3)
    assert len(everybody) == 12 and everybody == shown(sample=3) != shown(sample=4)
    assert {one.pk for one in people} & set(everybody)
    text = words(hq.get(reverse("field"), {"sample": "1", "market": mexico.pk, "segment": new.pk}))
    assert f"?market={mexico.pk}&amp;segment={new.pk}&amp;sample=2" in text


@pytest.mark.parametrize(
    "asked", [{"sample": "0"}, {"sample": "²"}, {"sample": "9" * 30}, {"sample": "1", "market": "x", "segment": "-1"}]
)
def test_nonsense_is_everybody(asked: dict[str, str], jenna: Distributor, hq: Client) -> None:
    assert jenna in hq.get(reverse("field"), asked).context["people"]


def test_whom_one_looked_at_last(jenna: Distributor, hq: Client) -> None:
    assert "You have not looked at anybody" in words(hq.get(reverse("field")))
    other = make.distributor()
    for one in (jenna, other, jenna):
        Look.objects.create(
            distributor=one, viewer_id=hq.session["_auth_user_id"], page=Look.Page.TODAY,
            at=make.NOW + timedelta(minutes=Look.objects.count()),
        )  # fmt: skip
    assert hq.get(reverse("field")).context["recent"] == [jenna, other]
    assert desk().get(reverse("field")).context["recent"] == []
    Distributor.objects.filter(pk=other.pk).update(left_on=make.TODAY)
    assert hq.get(reverse("field")).context["recent"] == [jenna]


def test_finding_takes_few_queries(jenna: Distributor, hq: Client) -> None:
    hq.get(reverse("field"))
    for asked, most in (({"q": "e"}, 6), ({"sample": "1"}, 7), ({}, 7)):
        with CaptureQueriesContext(connection) as taken:
            hq.get(reverse("field"), asked)
        assert len(taken) <= most, (asked, len(taken))


# The look of "why this list", and stilled pages


@pytest.mark.parametrize("role", [Role.HQ_VIEWER, Role.TRAINER, Role.OPERATOR])
def test_why_this_list_is_a_look_too(role: Role, jenna: Distributor) -> None:
    recommend.feed(jenna, as_of=make.NOW)
    client, slate = desk(role), Slate.objects.get()
    client.get(reverse("admin:activities_slate_changelist"), {"of": jenna.pk})
    client.get(reverse("admin:activities_slate_now", args=[MISSING]))
    assert not Look.objects.exists(), "a page of many is no look at one"
    client.get(reverse("admin:activities_slate_now", args=[jenna.pk]))
    assert Look.objects.get().page == Look.Page.WHY
    client.get(reverse("admin:activities_slate_change", args=[slate.pk]))
    assert Look.objects.count() == 1, "within a minute it is the same look"


def test_a_list_that_was_shown_is_a_look_at_it(jenna: Distributor, hq: Client) -> None:
    recommend.feed(jenna, as_of=make.NOW)
    hq.get(reverse("admin:activities_slate_change", args=[Slate.objects.get().pk]))
    assert Look.objects.get().distributor == jenna


@pytest.mark.parametrize(
    ("made", "left"),
    [
        ('<a class="x" href="/y/" aria-label="Go">M &amp; K</a>', '<a class="x">M &amp; K</a>'),
        ('<form method="post" action="/x/"><input type="hidden" name="t" value="1"><button>Do</button></form>',
         '<button disabled type="button">Do</button>'),
        ('<button type="submit" hx-post="/x/" data-do="done" class="b">&#x27;</button>',
         '<button type="button" class="b" disabled>&#x27;</button>'),
        ('<svg viewBox="0 0 1 1"><use href="/static/s.svg#a"/><path d="M1 1"/></svg>',) * 2,
        ('<p title="a &quot;b&quot;" onclick="x()">1 &lt; 2</p>', '<p title="a &quot;b&quot;">1 &lt; 2</p>'),
        ('<input name="q"><li data-later="/x/">n</li>', '<input name="q" disabled><li>n</li>'),
    ],
)  # fmt: skip
def test_stilled(made: str, left: str) -> None:
    assert stilled(made) == left


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Maria Kahn", "M.\u00a0K."),
        ("Li", "L."),
        ("Anna Maria de Vries", "A.\u00a0V."),
        ("", "C."),
        ("Household 900", "H.\u00a09."),
    ],
)
def test_initials_for_a_name(name: str, said: str) -> None:
    one = veiled(Customer(name=name, external_id="crm-77", phone="+1 555", email="m@example.com"))
    assert (one.name, one.given_name, one.display_name) == (said, said, said)
    assert one.phone == one.email == one.external_id == ""
