"""Why this list: HQ finds a person, one of her lists, and every number of it; nobody's customers are named."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from activities import recommend
from activities.evidence import replay
from activities.evidence.slate_table import table_of
from activities.models import Slate
from distributors.models import Customer, Distributor, Role
from tests import factories as f
from tests.activities.stage import stage
from tests.pages import now

pytestmark = pytest.mark.django_db
assert now

READERS = [Role.HQ_VIEWER, Role.HQ_EDITOR, Role.HQ_APPROVER, Role.TRAINER, Role.OPERATOR]
FIND = "/admin/activities/slate/"


@pytest.fixture
def jenna() -> Distributor:
    return stage()


@pytest.fixture
def slate(jenna: Distributor) -> Slate:
    recommend.feed(jenna, as_of=f.NOW)
    return Slate.objects.get()


def reader(role: Role = Role.HQ_VIEWER) -> Client:
    client = Client()
    client.force_login(f.user(role))
    return client


def words(response: Any) -> str:
    """What is read on the page itself, without the menu."""
    main = response.text.partition('<div class="why">')[2]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())


def page_of(slate: Slate) -> str:
    return reverse("admin:activities_slate_change", args=[slate.pk])


def now_of(distributor: Distributor) -> str:
    return reverse("admin:activities_slate_now", args=[distributor.pk])


def test_it_works(slate: Slate) -> None:
    response = reader().get(page_of(slate))
    text = words(response)
    assert "Jenna Reyes · 27 August 2026, 11:00" in text
    assert "Drawn again from the log: the same list." in text
    table = response.context["table"]
    assert [line.place for line in table.shown] == [1, 2, 3, 4, 5]
    assert len(table.lines) == len(slate.eligible)
    assert str(slate.seed) in text
    assert "Repeat orders, Eye line" in text and "Average order" in text


@pytest.mark.parametrize("role", READERS)
def test_who_steers_or_writes_may_read(role: Role, slate: Slate) -> None:
    client = reader(role)
    for path in (FIND, page_of(slate), now_of(slate.distributor)):
        assert client.get(path).status_code == 200, path
        assert client.post(path).status_code in {302, 404}, path


@pytest.mark.parametrize("role", sorted(set(Role) - set(READERS)))
def test_for_nobody_else_it_is_there(role: Role, slate: Slate) -> None:
    client = reader(role)
    for path in (FIND, page_of(slate), now_of(slate.distributor)):
        assert client.get(path).status_code == 404, path


def test_anonymous_sign_in_first(slate: Slate) -> None:
    for path in (FIND, page_of(slate), now_of(slate.distributor)):
        response = Client().get(path)
        assert response.status_code == 302 and response["Location"].startswith(reverse("account_login"))


def test_nobodys_customers_are_named(jenna: Distributor, slate: Slate) -> None:
    client = reader(Role.HQ_APPROVER)
    texts = [client.get(path).text for path in (FIND, f"{FIND}?q=jenna", page_of(slate), now_of(jenna))]
    for customer in Customer.objects.all():
        for text in texts:
            assert customer.name not in text
            assert not re.search(rf"\b{customer.name.split()[0]}\b", text)
    assert "customer " in words(client.get(page_of(slate)))


def test_terms_add_up_to_the_score_that_is_shown(slate: Slate) -> None:
    table = table_of(slate)
    for line in table.lines:
        assert abs(sum(float(said) for _name, said in line.terms) - float(line.score)) < 0.0003
        company = dict(line.terms)["company"]
        assert abs(sum(map(float, line.kpis)) - float(company)) < 0.0003
    scores = [float(line.score) for line in table.lines]
    assert scores == sorted(scores, reverse=True)
    assert [line.rank for line in table.lines][0] == 1
    for line, card in zip(table.shown, slate.cards, strict=True):
        assert abs(float(line.score) - card["score"]) < 0.0001
        assert line.chance == f"{100 * card['propensity']:.1f}%"


def test_bars_hold_what_speaks_for_a_card(slate: Slate) -> None:
    lines = table_of(slate).lines
    ends = [float(line.bar[-1].x) + float(line.bar[-1].width) for line in lines if line.bar]
    assert max(ends) == pytest.approx(100, abs=0.02)


def test_places_with_and_without_the_company(jenna: Distributor) -> None:
    feed = recommend.feed(jenna, as_of=f.NOW)
    table = table_of(Slate.objects.get())
    for line, card in zip(table.shown, feed.cards, strict=True):
        assert (line.rank, line.rank_without_company) == (card.rank, card.rank_without_company)
        assert line.company_share == card.company_share
    assert any(line.moved for line in table.lines)


def test_a_person_has_one_place_by_score(jenna: Distributor) -> None:
    """Of her other cards none is said, unless it was shown."""
    for key in ("one-more", "yet-one-more"):
        f.activity(key, about="one_time", impacts={"sales": 1})
    recommend.feed(jenna, as_of=f.NOW)
    table = table_of(Slate.objects.get())
    told = [line for line in table.lines if line.rank_said]
    assert len([line for line in told if line.is_best]) == table.people < len(table.lines)
    assert all(line.is_best or line.place for line in told)
    assert [line.rank for line in told if line.is_best] == sorted(line.rank for line in told if line.is_best)


def test_what_differs_is_said(slate: Slate) -> None:
    slate.cards.reverse()
    slate.save()
    text = words(reader().get(page_of(slate)))
    assert "Drawn again from the log: Place 1 showed" in text and "the same list" not in text


def test_an_old_log_is_shown_as_far_as_it_goes(slate: Slate) -> None:
    """Six columns, and what is not in it is not said."""
    slate.eligible = [row[:6] for row in slate.eligible]
    slate.versions = {"columns": slate.versions["columns"][:6], "kpi": "", "rules": 0}
    slate.save()
    response = reader().get(page_of(slate))
    assert "older than what drawing it again needs" in words(response)
    assert [line.title for line in response.context["table"].shown]


def test_a_bare_log_is_shown(slate: Slate) -> None:
    Slate.objects.update(eligible=[], versions={}, cards=[])
    text = words(reader().get(page_of(slate)))
    assert "The log of this list is empty." in text
    assert "does not say what else could have been shown" in text


def test_a_card_that_the_log_misses_is_named(slate: Slate) -> None:
    key = slate.cards[0]["key"]
    Slate.objects.update(eligible=[row for row in slate.eligible if row[0] != key])
    assert "was shown, but is not among what could be." in words(reader().get(page_of(slate)))


def test_versions_lead_to_desks_that_the_reader_has(slate: Slate) -> None:
    campaign = reverse("admin:kpis_campaign_change", args=[slate.versions["kpi"].split(".")[0]])
    assert campaign in reader().get(page_of(slate)).text
    assert campaign not in reader(Role.TRAINER).get(page_of(slate)).text
    assert "/admin/activities/activity/" not in reader(Role.OPERATOR).get(page_of(slate)).text.partition("why")[2]


def test_a_missing_list_leads_back() -> None:
    assert reader().get(f"{FIND}999999999/change/").status_code == 302
    assert reader().get(f"{FIND}999999999/now/").status_code == 302
    assert reader().get(FIND, {"of": "999999999"}).status_code == 404
    assert reader().get(FIND, {"of": "x", "before": "y"}).status_code == 404


# Now


def test_now_shows_what_her_page_would_and_logs_nothing(jenna: Distributor) -> None:
    response = reader().get(now_of(jenna))
    assert not Slate.objects.exists()
    assert "nothing is logged" in words(response) and "Drawn again" not in words(response)
    feed = recommend.feed(jenna, as_of=timezone.now(), log=False)
    keys = [card["key"] for card in response.context["slate"].cards]
    assert keys == [card.key for card in feed.cards]
    assert replay.replayed(response.context["slate"]).same


def test_another_time_of_today(jenna: Distributor) -> None:
    at = reader().get(now_of(jenna), {"at": "23:45"}).context["at"]
    assert (at.strftime("%H:%M"), str(at.tzinfo)) == ("23:45", "America/New_York")
    assert at.date() == jenna.local_day(timezone.now())


@pytest.mark.parametrize("at", ["25:00", "now", "1430x", "٣:٠٠"])
def test_a_time_that_is_none_is_said(jenna: Distributor, at: str) -> None:
    assert "Write a time such as 14:30." in words(reader().get(now_of(jenna), {"at": at}))


def test_nobody_has_anything_to_be_shown() -> None:
    text = words(reader().get(now_of(f.distributor())))
    assert "There is nothing she could be shown." in text and "Every activity is done" in text


# Finding


def test_search_by_name_or_id(jenna: Distributor, slate: Slate) -> None:
    for q in ("reyes", "JENNA", " jenna "):
        response = reader().get(FIND, {"q": q})
        assert f"?of={jenna.pk}" in response.text and now_of(jenna) in response.text
        assert "27 August 2026" in words(response)
    assert "none yet" in words(reader().get(FIND, {"q": "Rosa"}))


def test_a_search_that_finds_nobody_says_so() -> None:
    assert "No distributor has “<b>zz” in her name" in words(reader().get(FIND, {"q": "<b>zz"})).replace("& lt;", "<")


def test_more_than_a_page_of_people_is_said() -> None:
    for n in range(21):
        f.distributor(name=f"Same {n}")
    assert "There are more than these." in words(reader().get(FIND, {"q": "same"}))


def test_her_lists_by_day_and_time(jenna: Distributor, slate: Slate) -> None:
    recommend.feed(jenna, as_of=f.NOW + timedelta(days=1))
    other = f.distributor()
    Slate.objects.create(distributor=other, day=f.TODAY, shown_at=f.NOW, seed=1, digest=b"1" * 32)
    text = words(reader().get(FIND, {"of": jenna.pk}))
    assert text.index("28 August 2026, 11:00") < text.index("27 August 2026, 11:00")
    assert other.name not in text
    assert other.name in words(reader().get(FIND))


def test_who_has_no_list_yet() -> None:
    one = f.distributor()
    assert f"{one.name} has not opened a list yet." in words(reader().get(FIND, {"of": one.pk}))
    assert "Nobody has opened a list yet." in words(reader().get(FIND))


def test_older_lists_are_a_page_away() -> None:
    one = f.distributor()
    Slate.objects.bulk_create(
        Slate(distributor=one, day=f.TODAY, shown_at=f.NOW, seed=n, digest=n.to_bytes(32)) for n in range(55)
    )
    first = reader().get(FIND, {"of": one.pk})
    older = first.context["lists"]["older"]
    assert len(first.context["lists"]["rows"]) == 50
    second = reader().get(FIND, {"of": one.pk, "before": older})
    assert len(second.context["lists"]["rows"]) == 5 and second.context["lists"]["older"] is None


def test_a_long_list_is_folded(slate: Slate) -> None:
    row = slate.eligible[0]
    Slate.objects.update(eligible=[*slate.eligible, *([f"more-{n}", *row[1:]] for n in range(60))])
    response = reader().get(page_of(slate))
    assert [group["folded"] for group in response.context["groups"]] == [False, True]
    assert f"{len(slate.eligible) + 20} more cards" in words(response)


def test_a_fixed_number_of_queries(slate: Slate, django_assert_max_num_queries: Any) -> None:
    client = reader()
    client.get(page_of(slate))
    with django_assert_max_num_queries(14):
        client.get(page_of(slate))
