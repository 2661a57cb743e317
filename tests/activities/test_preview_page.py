"""The preview as HQ sees it: the panel of the console, and pages of their own that work without a script."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import translation

from activities import recommend
from activities.models import Activity, ActivityText
from activities.preview import lists, sampling, trial
from activities.ranking.person import rank
from distributors.models import Distributor, Look, Market, Role, Segment
from kpis import drafts
from kpis.models import KPI, Campaign, Policy
from tests import factories as f
from tests.activities.preview_field import company, turned, weights_of
from tests.pages import HTMX, now

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now


@pytest.fixture
def campaign() -> Campaign:
    return company()


@pytest.fixture
def hq() -> Client:
    client = Client()
    client.force_login(f.user(Role.HQ_VIEWER))
    return client


def words(response: HttpResponse) -> str:
    """What is read on the page itself, without the menu."""
    main = response.content.decode().partition('<div class="hq">')[2] or response.content.decode()
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())


def path(campaign: Campaign, query: str = "", name: str = "preview") -> str:
    return f"{reverse(name, args=[campaign.pk])}?{query}"


def panel(hq: Client, campaign: Campaign, query: str = "", **headers: str) -> HttpResponse:
    return hq.get(path(campaign, query), headers=HTMX | headers)


def test_it_works(hq: Client, campaign: Campaign) -> None:
    proposal = turned(campaign)
    response = panel(hq, campaign, proposal.query)
    said = words(response)
    figures = trial.of(proposal, f.NOW).figures
    for sentence in (
        "What the field would see", "Now, live v1", "With this draft, v2", "Computed over all 40 people.",
        f"See a new first activity {figures.first.people} {100 * figures.first.people // 40}%",
        f"Median list changes {figures.median} of 5", f"Customers waiting (caps) {figures.held.customers}", "Activities that rise and fall most",
    ):  # fmt: skip
        assert sentence in said, sentence
    assert response.content.decode().count("<option") == 12
    assert "<html" not in response.content.decode()


def test_the_page_by_itself_holds_the_same(hq: Client, campaign: Campaign) -> None:
    query = turned(campaign).query
    whole = hq.get(path(campaign, query))
    assert words(panel(hq, campaign, query)) in words(whole)
    assert "<html" in whole.content.decode()


def test_every_line_is_that_of_her_list(hq: Client, campaign: Campaign) -> None:
    proposal = turned(campaign)
    response = panel(hq, campaign, proposal.query)
    told = response.context["told"]
    for lines, board in ((told.before, None), (told.after, proposal.board())):
        ranking = rank(told.person, as_of=f.NOW, board=board)
        keys = [ranking.activity(one.index).key for one in recommend.slate(ranking)]
        titles = [re.sub(r"Do (\d+) .*", r"\1", line.title) for line in lines]
        assert [f"a{int(n):02}" for n in titles] == keys
        assert [line.place for line in lines] == list(range(1, len(lines) + 1))


def test_moves_are_told_in_words_and_drawn_beside(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a card was, and what leaves, come to the same in both lists and in the drawing."""
    monkeypatch.setattr(lists, "title", lambda ranking, index, _candidate: ranking.keys[index])
    given = trial.change(turned(campaign), f.NOW)
    seen = set()
    for person in Distributor.objects.with_market():
        told = lists.told(person, given)
        was = {line.title: line.place for line in told.before}
        for line in told.after:
            up = was[line.title] - line.place if line.title in was else None
            word = "new" if up is None else f"up {up}" if up > 0 else f"down {-up}" if up else ""
            assert (line.move, line.rises) == (word, up is None or up > 0)
            seen.add(word.split(" ")[0])
        will = {line.title for line in told.after}
        assert all(line.leaves == (line.title not in will) for line in told.before)
        assert len(told.slopes) == sum(not line.leaves for line in told.before)
        assert len(told.dots) == sum(line.move == "new" for line in told.after)
        assert told.height == 26 + 52 * max(len(told.before), len(told.after))
    assert seen == {"", "new", "up", "down"}


def test_customers_have_initials_only(hq: Client, campaign: Campaign) -> None:
    """Recruits keep their names: HQ knows them."""
    leader = f.distributor(name="Lea Leads")
    f.distributor(name="Rosa Recruit", sponsor=leader, joined_on=f.TODAY - timedelta(days=10))
    f.customer(leader, name="Secreta Oculta", orders=3, spent=90, last_order_on=f.TODAY - timedelta(days=150))
    Activity.objects.exclude(about__in=["lapsed", "new_recruit"]).update(status="retired")
    Policy.objects.create().samples.add(leader)
    html = panel(hq, campaign, turned(campaign).query).content.decode()
    assert "with S.\u00a0O." in html and "with Rosa" in html
    query = turned(campaign).query
    html += "".join(
        panel(hq, campaign, f"{query}&person={pk}").content.decode()
        for pk in trial.of(turned(campaign), f.NOW).crowd.examples
    )
    assert "Secreta" not in html and "Oculta" not in html


def test_in_the_readers_language(hq: Client, campaign: Campaign) -> None:
    """Titles as HQ reads them, whatever the person of the field speaks; what is not written in it in hers."""
    mexican = Distributor.objects.filter(market__code="mx", language="")[0]
    given = trial.change(turned(campaign), f.NOW)
    assert all(line.title.startswith("Do ") for line in lists.told(mexican, given).after)
    with translation.override("de"):
        assert all(" de " in line.title for line in lists.told(mexican, given).after)
    ActivityText.objects.filter(language="en").delete()
    given = trial.change(turned(campaign), f.NOW)
    assert all(" es " in line.title for line in lists.told(mexican, given).after)


def test_what_a_card_is_for(campaign: Campaign) -> None:
    """The KPI by the name that its slider has; what no KPI speaks for is to learn or for her own goals."""
    person = Distributor.objects.with_market()[0]
    told = lists.told(person, trial.change(turned(campaign, order_size=100), f.NOW))
    sides = {line.tag for line in told.after}
    assert "Order size" in sides
    assert sides <= {"Order size", "Own goal", "To learn", ""}
    assert {line.tag for line in told.before} & {"Repeat orders", "Enrolments", "Retained recruits"}


def test_the_person_in_a_line(campaign: Campaign) -> None:
    person = f.distributor(market=f.market("us"))
    f.distributor(sponsor=person)
    f.distributor(sponsor=person, left_on=f.TODAY)
    f.goal(person, target=Decimal(300))
    for days in (150, 200):
        f.customer(person, orders=2, spent=80, last_order_on=f.TODAY - timedelta(days=days))
    told = lists.told(person, trial.change(turned(campaign), f.NOW))
    assert told.about == "Sales this week 0%. 2 customers due, 1 recruit."
    alone = lists.told(f.distributor(), trial.change(turned(campaign), f.NOW))
    assert alone.about == "No goal. 0 customers due, 0 recruits."


def test_where_another_campaign_counts_for_her(campaign: Campaign) -> None:
    local = f.campaign(name="Mexico spring")
    local.markets.add(Market.objects.get(code="mx"))
    f.priority_version(local, {KPI.objects.get(metric="order_size"): 100})
    mexican = Distributor.objects.filter(market__code="mx").with_market()[0]
    told = lists.told(mexican, trial.change(turned(campaign), f.NOW))
    assert (told.now, told.note) == ("Now, Mexico spring v1", "For her Mexico spring counts, not this one.")
    assert [line.title for line in told.before] == [line.title for line in told.after]
    Campaign.objects.filter(pk=local.pk).update(status="draft")
    Campaign.objects.filter(pk=campaign.pk).update(status="draft")
    told = lists.told(mexican, trial.change(turned(local, enrolments=100), f.NOW))
    assert (told.now, told.then, told.note) == ("Now, without priorities", "With this draft, v2", "")


# Whose lists


def test_only_sample_people_can_be_looked_at(hq: Client, campaign: Campaign) -> None:
    """Anybody else's Today is seen where she can see that somebody looked."""
    examples = trial.of(turned(campaign), f.NOW).crowd.examples
    other = Distributor.objects.exclude(pk__in=examples)[0]
    query = turned(campaign).query
    assert panel(hq, campaign, f"{query}&person={examples[3]}").context["told"].person.pk == examples[3]
    for person in (other.pk, "x", "", 10**30):
        assert panel(hq, campaign, f"{query}&person={person}").context["told"].person.pk == examples[0]
    # And these can see it: once a day, however often a weight is moved.
    looks = Look.objects.values_list("distributor", "page")
    assert sorted(looks) == sorted((pk, "preview") for pk in (examples[0], examples[3]))


def test_hqs_own_sample_comes_first(hq: Client, campaign: Campaign) -> None:
    jenna = f.distributor(name="Jenna Reyes")
    Policy.objects.create().samples.add(jenna)
    response = panel(hq, campaign, turned(campaign).query)
    assert response.context["told"].person == jenna
    assert f'<option value="{jenna.pk}" selected>Jenna Reyes, US</option>' in response.content.decode()


# What is asked for


@pytest.mark.parametrize(
    "query", ["share=60&w1=x", "share=60&w1=101", "share=49&w1=9", "w1=5", "share=", "share=60&w1=-1"]
)
def test_a_wrong_number_is_a_sentence(hq: Client, campaign: Campaign, query: str) -> None:
    fragment, whole = panel(hq, campaign, query), hq.get(path(campaign, query))
    assert (fragment.status_code, whole.status_code) == (200, 422)
    for response in (fragment, whole):
        assert "whole number from" in words(response)
        assert "What the field would see" in words(response)
    for name in ("preview_few", "preview_everybody"):
        assert hq.get(path(campaign, query, name)).status_code == 422


def test_a_kpi_that_is_gone_counts_for_nothing(hq: Client, campaign: Campaign) -> None:
    query = turned(campaign).query
    assert words(panel(hq, campaign, f"{query}&w999999=20")) == words(panel(hq, campaign, query))


def test_without_a_query_the_draft_or_what_counts_now(hq: Client, campaign: Campaign) -> None:
    assert "See a new first activity 0 0%" in words(panel(hq, campaign))
    proposal = turned(campaign)
    drafts.save(
        proposal=proposal, locked=[], reason="", starts=None, seen=drafts.seen(campaign), by=f.user(Role.HQ_EDITOR),
        as_of=f.NOW,
    )  # fmt: skip
    assert words(panel(hq, campaign)) == words(panel(hq, campaign, proposal.query))


def test_what_is_asked_for_goes_with_every_link(hq: Client, campaign: Campaign) -> None:
    html = panel(hq, campaign, turned(campaign, share="0.75").query).content.decode()
    assert '<input type="hidden" name="share" value="75">' in html
    kpi = KPI.objects.get(metric="order_size")
    assert f'<input type="hidden" name="w{kpi.pk}" value="65">' in html


def test_nobody_to_show(hq: Client, campaign: Campaign) -> None:
    empty = f.campaign(segment=Segment.objects.create(name="Old", days_from=9000))
    assert "Nobody belongs to this audience today." in words(panel(hq, empty, turned(empty).query))
    assert "Nobody belongs to this audience today." in words(
        hq.get(path(empty, turned(empty).query, "preview_everybody"))
    )


def test_an_ended_campaign_can_still_be_looked_at(hq: Client, campaign: Campaign) -> None:
    Campaign.objects.update(status="ended")
    assert "Now, without priorities" in words(panel(hq, campaign, turned(campaign).query))


def test_somebody_without_anything_to_do(hq: Client) -> None:
    alone = f.distributor()
    campaign = f.campaign()
    f.priority_version(campaign, {f.kpi(metric="order_size"): 100})
    assert "Nothing can be suggested to her today." in words(panel(hq, campaign, weights_of(campaign).query))
    assert alone


# Samples of the audience


@pytest.fixture
def sampled(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> Campaign:
    monkeypatch.setattr(sampling, "SAMPLE", 15)
    return campaign


def test_a_sample_says_so(hq: Client, sampled: Campaign) -> None:
    query = turned(sampled).query
    response = panel(hq, sampled, query)
    error = trial.of(turned(sampled), f.NOW).figures.first.error
    tenths = -(-1000 * error // 1) / 10
    assert f"From 15 of 40 people drawn by lot, ± {tenths} points." in words(response)
    assert f'href="{path(sampled, query, "preview_everybody").replace("&", "&amp;")}"' in response.content.decode()


def test_everybody_counted(hq: Client, sampled: Campaign) -> None:
    query = turned(sampled).query
    for response in (
        hq.get(path(sampled, query, "preview_everybody")),
        hq.get(path(sampled, query, "preview_everybody"), headers=HTMX),
    ):
        said = words(response)
        assert "Computed over all 40 people. It took" in said
        assert "Count everybody" not in said
    sampling.KEPT.results.clear()


def test_too_many_are_not_counted_one_by_one(hq: Client, sampled: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    from activities.views import preview as views

    monkeypatch.setattr(views, "EVERYBODY", 39)
    query = turned(sampled).query
    said = words(hq.get(path(sampled, query, "preview_everybody")))
    assert "From 15 of 40 people" in said and "More than 39 people are not counted one by one." in said
    assert "Count everybody" not in words(panel(hq, sampled, query))


# Too little to do


def test_who_would_get_few(hq: Client, campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    from activities.views import preview as views

    Activity.objects.exclude(about__in=["lapsed", "prospect"]).update(status="retired")
    monkeypatch.setattr(views, "LISTED", 5)
    proposal = turned(campaign)
    found = trial.of(proposal, f.NOW)
    link = path(campaign, proposal.query, "preview_few")
    assert f'href="{link.replace("&", "&amp;")}">See them</a>' in panel(hq, campaign, proposal.query).content.decode()
    response = hq.get(link)
    said = words(response)
    assert f"{len(found.few)} people of 40 would get fewer than three activities. The first 5:" in said
    assert response.content.decode().count("<tr>") == 6
    for pk in found.few[:5]:
        assert reverse("field_today", args=[pk]) in response.content.decode()


def test_nobody_would_get_few(hq: Client, campaign: Campaign) -> None:
    said = words(hq.get(path(campaign, turned(campaign).query, "preview_few")))
    assert "All of the 40 people looked at would get three activities or more." in said


def test_few_of_a_sample_are_not_scaled(hq: Client, sampled: Campaign) -> None:
    Activity.objects.exclude(about__in=["lapsed", "prospect"]).update(status="retired")
    n = len(trial.of(turned(sampled), f.NOW).few)
    said = words(hq.get(path(sampled, turned(sampled).query, "preview_few")))
    assert f"Among 15 people drawn by lot from 40, {n} would get fewer than three activities." in said


# What it costs


def test_queries(hq: Client, campaign: Campaign, django_assert_num_queries: Any) -> None:
    """However many people: those of the field are read in one, and kept for the next move."""
    alone = f.distributor(name="Alone")  # whose cards are about nobody
    Policy.objects.create().samples.add(alone)
    query = turned(campaign).query
    panel(hq, campaign, query)
    with django_assert_num_queries(
        21
    ):  # two of the session, eight of the change, three of the look, eight of her two lists
        panel(hq, campaign, query)
    for _ in range(30):
        f.customer(f.distributor(), kind="prospect", hotness="hot", added_at=f.NOW)
    sampling.KEPT.results.clear()
    panel(hq, campaign, query)
    with django_assert_num_queries(21):
        panel(hq, campaign, query)
