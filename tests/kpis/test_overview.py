"""The overview: what is live where, and a line for each cause that needs a decision, which goes when it is settled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import translation
from pytest_django import DjangoAssertNumQueries

from distributors.models import Event, Market, Role, User
from kpis import adoption, arrivals, campaigns, drafts, rule_drafts, trends
from kpis.models import KPI, Campaign, KPIWeek, PriorityDraft
from kpis.overview import whole
from kpis.overview.ahead import Change
from kpis.overview.decisions import Decision, Kind
from kpis.overview.whole import Overview
from tests import factories as make
from tests.pages import now  # noqa: F401

pytestmark = pytest.mark.django_db

NOW = make.NOW
#: The first day of the last whole week before Thursday 27 August 2026.
LAST_WEEK = date(2026, 8, 17)


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    cache.delete(adoption.key())
    yield
    cache.delete(adoption.key())


@pytest.fixture
def repeat() -> KPI:
    """A field of one person with a live campaign, fed and computed today: nothing needs a decision."""
    kpi = make.kpi(name="Repeat", metric="repeat_orders", focus="repeat orders of the eye line")
    campaign = make.campaign(name="Quarter three")
    make.priority_version(campaign, {kpi: 100}, published_at=NOW - timedelta(days=40))
    fed(make.distributor().market)
    weeks(kpi, [5, 6, 7, 8, 9])
    return kpi


def fed(market: Market, at: datetime = NOW, **fields: Any) -> Event:
    who = market.distributors.first() or make.distributor(market=market)
    return make.event(who, **{"source": "shop", "type": "order.placed", "received_at": at, "time": at} | fields)


def weeks(kpi: KPI, values: list[float | None], market: Market | None = None, computed_at: datetime = NOW) -> None:
    """The last whole weeks, oldest first; of a rate in per cent."""
    kpi.weeks.all().delete()
    rate = trends.figures.figure_of(kpi).is_rate
    for back, value in enumerate(reversed(values)):
        KPIWeek.objects.create(
            kpi=kpi, market=market or make.market(), first=LAST_WEEK - timedelta(weeks=back), computed_at=computed_at,
            numerator=value or 0, denominator=(0 if value is None else 100) if rate else None,
        )  # fmt: skip


def seen(user: User | None = None, as_of: datetime = NOW) -> Overview:
    return whole.of(user or User(role=Role.HQ_EDITOR, pk=0), as_of)


def decided(user: User | None = None, as_of: datetime = NOW) -> list[Kind]:
    return [one.kind for one in seen(user, as_of).decisions]


def the(kind: Kind, user: User | None = None, as_of: datetime = NOW) -> Decision:
    [found] = [one for one in seen(user, as_of).decisions if one.kind == kind]
    return found


def test_it_works(repeat: KPI) -> None:
    found = seen()
    assert found.decisions == []
    [live] = found.live
    assert (str(live.plan.campaign), live.version.number, live.focus) == (
        "Quarter three", 1, "repeat orders of the eye line",
    )  # fmt: skip
    assert (live.whom_said, live.since_said) == ("Everybody, 1 person", "Version 1 since 18 July")
    assert live.until_said == "to 30 September, 34 days left"
    assert found.next is not None
    assert found.next.said == "30 September: Quarter three ends in all markets."
    [row] = found.rows
    assert (row.kpi, row.weight, row.trends[0].said) == (repeat, 100, "5 to 9 in 5 weeks")


# Live


def test_a_market_without_a_campaign_is_named(repeat: KPI) -> None:
    mexico = make.market("mx", name="Mexico")
    fed(mexico)
    assert seen().without == []
    Campaign.objects.get().markets.add(make.market())
    found = seen()
    assert (found.without_said, found.live[0].markets_said) == ("Mexico", "US")
    assert found.next is not None
    assert found.next.said == "30 September: Quarter three ends in US."


def test_a_market_without_people_is_nobodys_gap(repeat: KPI) -> None:
    make.market("mx", name="Mexico")
    Campaign.objects.get().markets.add(make.market())
    assert (seen().without, decided()) == ([], [])


def test_markets_that_differ_have_a_line_each(repeat: KPI) -> None:
    mexico = make.market("mx", name="Mexico")
    fed(mexico)
    own = make.campaign(name="Mexico first", starts_on=date(2026, 8, 1))
    own.markets.add(mexico)
    make.priority_version(own, {make.kpi(focus="sales", metric="sales"): 100}, published_at=NOW - timedelta(days=1))
    said = [(str(one.plan.campaign), one.markets_said, one.focus) for one in seen().live]
    assert said == [("Quarter three", "US", "repeat orders of the eye line"), ("Mexico first", "Mexico", "sales")]


def test_whom_it_reaches_when_a_segment_is_asked_first(repeat: KPI) -> None:
    make.distributor(joined_on=make.TODAY)
    newcomers = make.segment(name="Newcomers", days_to=30)
    pilot = make.campaign(name="Pilot", segment=newcomers)
    make.priority_version(pilot, {repeat: 100})
    assert [one.whom_said for one in seen().live] == ["Newcomers, 1 person", "Everybody else, 1 person"]


def test_kpis_of_what_reaches_most_people_come_first(repeat: KPI) -> None:
    for n in range(3):
        make.distributor(external_id=f"more{n}")
    few, spare = make.kpi(name="A few"), make.kpi(name="A spare one")
    pilot = make.campaign(segment=make.segment(days_to=30))
    make.priority_version(pilot, {few: 70, repeat: 30})
    make.distributor(joined_on=make.TODAY)
    assert [(row.kpi, row.weight) for row in seen().rows] == [(repeat, 100), (few, 70), (spare, 0)]


def test_the_focus_is_in_the_readers_language(repeat: KPI) -> None:
    KPI.objects.update(focus_by_language={"de": "Folgebestellungen"})
    with translation.override("de"):
        assert seen().live[0].focus == "Folgebestellungen"


def test_the_next_change_is_the_one_that_comes_first(repeat: KPI) -> None:
    campaign = Campaign.objects.get()
    make.priority_version(campaign, {repeat: 100}, starts_on=date(2026, 8, 31), starts_time=time(9))
    after = make.campaign(name="Quarter four", status="scheduled", starts_on="2026-10-01", ends_on="2026-12-31")
    make.priority_version(after, {repeat: 100})
    assert seen().next == Change(
        datetime(2026, 8, 31, 13, tzinfo=UTC),
        "31 August, 09:00: version 2 of Quarter three takes over in all markets.",
    )
    later = seen(as_of=datetime(2026, 9, 1, tzinfo=UTC)).next
    assert later is not None
    assert later.said == "1 October: Quarter four begins in all markets."  # not: Quarter three ends


def test_midnight_is_one_change_in_all_markets(repeat: KPI) -> None:
    """It comes earlier in Berlin than in New York."""
    fed(make.market("de", name="Germany", time_zone="Europe/Berlin"))
    found = seen().next
    assert found is not None
    assert (found.said, found.at) == (
        "30 September: Quarter three ends in all markets.", datetime(2026, 9, 30, 22, tzinfo=UTC),
    )  # fmt: skip


# Decisions


def test_a_draft_in_review_waits_for_another_approver(repeat: KPI) -> None:
    campaign, cole, renata = (
        Campaign.objects.get(),
        make.user(Role.HQ_APPROVER),
        make.user(Role.HQ_EDITOR, name="Renata"),
    )
    draft = PriorityDraft.objects.create(
        campaign=campaign, state="in_review", reason="Why", by=renata, saved_at=NOW - timedelta(hours=2)
    )
    found = the(Kind.WAITS_FOR_YOU, cole)
    assert found.said == "The draft of Quarter three waits for you. Renata asked for approval."
    assert (found.url, found.since_said(make.TODAY)) == (reverse("review", args=[campaign.pk]), "27 August, 13:00 UTC")
    assert decided(renata) == [Kind.WAITS]
    PriorityDraft.objects.update(by=cole)
    assert decided(cole) == [Kind.WAITS]
    draft.delete()
    assert decided(cole) == []


def test_a_draft_that_was_sent_back(repeat: KPI) -> None:
    campaign, renata = Campaign.objects.get(), make.user(Role.HQ_EDITOR)
    PriorityDraft.objects.create(campaign=campaign, state="in_review", reason="Why", by=renata, saved_at=NOW)
    drafts.send_back(
        campaign=campaign,
        seen=drafts.seen(campaign),
        note="Too much at once",
        by=make.user(Role.HQ_APPROVER),
        as_of=NOW,
    )
    found = the(Kind.SENT_BACK, renata)
    assert found.said == "The draft of Quarter three was sent back: “Too much at once”"
    assert found.url == reverse("console", args=[campaign.pk])
    PriorityDraft.objects.update(note="")  # saved again
    assert decided(renata) == []


def test_a_rule_in_review_or_sent_back_is_a_line(repeat: KPI) -> None:
    cole, renata = make.user(Role.HQ_APPROVER), make.user(Role.HQ_EDITOR, name="Renata")
    then = [{"effect": "boost", "target": {"kind": "reach_out"}, "by": 0.05}]
    said = {"if": {"fact": "team_size", "is": "at_least", "value": 3}, "then": then}
    rule = rule_drafts.make(name="Teams first", definition=said, by=renata, as_of=NOW, reason="Why")
    assert decided(cole) == []
    rule_drafts.ask(rule=rule, seen=rule_drafts.seen(rule), by=renata, as_of=NOW - timedelta(hours=2))
    found = the(Kind.WAITS_FOR_YOU, cole)
    assert found.said == "The rule “Teams first” waits for you. Renata asked for approval."
    assert (found.url, found.since) == (reverse("rule_review", args=[rule.pk]), NOW - timedelta(hours=2))
    assert the(Kind.WAITS, renata).said == "The rule “Teams first” waits for an approver. Renata asked."
    rule_drafts.send_back(rule=rule, seen=rule_drafts.seen(rule), note="Too many", by=cole, as_of=NOW)
    found = the(Kind.SENT_BACK, renata)
    assert found.said == "The rule “Teams first” was sent back: “Too many”"
    assert found.url == reverse("rule_edit", args=[rule.pk])


def test_an_end_with_nothing_after_it(repeat: KPI) -> None:
    assert decided(as_of=datetime(2026, 9, 16, tzinfo=UTC) - timedelta(hours=1)) == [
        Kind.NO_DATA,
        Kind.UNFED,
        Kind.OLD_FIGURES,
    ]
    Campaign.objects.update(ends_on=date(2026, 9, 9))
    found = the(Kind.NO_SUCCESSOR)
    assert found.said == "Quarter three ends on 9 September in US, and nothing follows."
    assert (found.url, found.since_said(make.TODAY)) == (reverse("campaigns"), "27 August, 04:00 UTC")
    after = make.campaign(starts_on="2026-09-10", ends_on="2026-12-31", status="scheduled")
    assert Kind.NO_SUCCESSOR in decided()  # nobody has approved weights for it
    make.priority_version(after, {repeat: 100})
    assert decided() == []


def test_a_segment_is_no_successor_for_everybody(repeat: KPI) -> None:
    Campaign.objects.update(ends_on=date(2026, 9, 9))
    pilot = make.campaign(segment=make.segment(days_to=30))
    make.priority_version(pilot, {repeat: 100})
    assert decided() == [Kind.NO_SUCCESSOR]


def test_two_campaigns_for_the_same_people(repeat: KPI) -> None:
    other = make.campaign(name="Later one", starts_on=date(2026, 8, 10), ends_on=date(2026, 8, 28))
    make.priority_version(other, {repeat: 100})
    found = the(Kind.OVERLAP)
    assert found.said == (
        "Later one and Quarter three run at the same time in US for the same people. Later one counts."
    )
    assert found.since == date(2026, 8, 10)
    assert Kind.OVERLAP not in decided(as_of=NOW + timedelta(days=2))  # over
    other.markets.add(make.market())  # narrower, so that it was meant
    assert decided() == []


def test_an_ended_campaign_overlaps_nothing(repeat: KPI) -> None:
    other = make.campaign(starts_on=date(2026, 8, 10))
    make.priority_version(other, {repeat: 100})
    assert decided() == [Kind.OVERLAP]
    campaigns.end(other, by=None, as_of=NOW)
    assert decided() == []


@pytest.mark.parametrize(
    ("values", "since"),
    [
        ([31, 29, 28, 27, 26], date(2026, 7, 27)),
        ([29, 29, 28, 27, 26], date(2026, 7, 20)),
        ([20, 31, 29, 28, 27], None),  # three weeks
        ([20, 20, 20, 20, 30], None),  # the target is reached
        ([20, 20, 20, None, 20], None),  # a week without anybody to count
    ],
)
def test_a_kpi_off_target_for_four_weeks(repeat: KPI, values: list[float | None], since: date | None) -> None:
    rate = make.kpi(name="Repeat rate", metric="repeat_rate", target=Decimal(30))
    weeks(rate, values)
    found = [one for one in seen().decisions if one.kind == Kind.OFF_TARGET]
    assert [one.since for one in found] == ([since] if since else [])
    if since:
        n = 4 if since == date(2026, 7, 27) else 5
        assert found[0].said == f"Repeat rate is off target for {n} weeks: 26%, target 30%."
        assert found[0].url == reverse("kpi_page", args=[rate.pk])


def test_a_kpi_that_should_fall_is_off_target_above_it(repeat: KPI) -> None:
    KPI.objects.filter(pk=repeat.pk).update(direction=-1, target=4)
    assert decided() == [Kind.OFF_TARGET]
    KPI.objects.filter(pk=repeat.pk).update(target=9)
    assert decided() == []


@pytest.mark.parametrize(
    ("values", "falls"),
    [
        ([83, 85, 83, 71, 71], True),
        ([83, 85, 83, 71, 75], False),  # it is on its way back
        ([78, 81, 81, 81, 71], False),  # by less than a tenth
        ([99, 95, 90, 88, 82], False),  # on target still
        ([83, 83, 83, 71], False),  # too short to say
        ([90, 79, 79, 79, 70], False),  # off target for weeks, which is said already
    ],
)
def test_a_sharp_fall_below_the_target(repeat: KPI, values: list[float | None], falls: bool) -> None:
    first = make.kpi(name="First order", metric="first_orders", target=Decimal(80))
    weeks(first, values)
    found = [one for one in seen().decisions if one.kind == Kind.FELL_SHARPLY]
    assert bool(found) == falls
    if falls:
        assert found[0].said == "First order fell from 83% to 71% in four weeks; the target is 80%."
        assert (found[0].url, found[0].since) == (reverse("kpi_page", args=[first.pk]), LAST_WEEK)


def test_a_kpi_that_should_fall_rises_sharply(repeat: KPI) -> None:
    KPI.objects.filter(pk=repeat.pk).update(direction=-1, target=10)
    weeks(repeat, [9, 9, 9, 9, 12])
    assert the(Kind.FELL_SHARPLY).said == "Repeat rose from 9 to 12 in four weeks; the target is 10."


@pytest.mark.parametrize(
    ("values", "falls"),
    [
        ([60, 61, 60, 62, 55], True),
        ([60, 61, 60, 62, 59], False),  # by less than two points
        ([60, 50, 60, 62, 55], False),  # it was lower lately
        ([61, 60, 62, 55], False),  # too short to say
    ],
)
def test_adoption_falls(repeat: KPI, values: list[float | None], falls: bool) -> None:
    reached = make.kpi(name="Adoption", metric="adoption")
    weeks(reached, values)
    assert decided() == ([Kind.ADOPTION_FALLS] if falls else [])
    if falls:
        found = the(Kind.ADOPTION_FALLS)
        assert (found.said, found.since) == ("Adoption fell to 55%; it was 60% in the four weeks before.", LAST_WEEK)
        KPI.objects.filter(pk=reached.pk).update(target=90)
        assert decided() == [Kind.OFF_TARGET]  # one line a KPI


def test_a_live_kpi_that_nothing_feeds(repeat: KPI) -> None:
    later = NOW + timedelta(days=8)
    weeks(repeat, [5, 6, 7, 8, 9], computed_at=later)
    fed(make.market(), later, type="contact.added")
    found = the(Kind.UNFED, as_of=later)
    assert found.said == "Nothing feeds Repeat: the last of its events came on 27 August."
    assert (found.url, found.since) == (reverse("kpi_page", args=[repeat.pk]), NOW)
    fed(make.market(), later)
    assert decided(as_of=later) == []


def test_a_kpi_that_counts_nowhere_may_be_without_food(repeat: KPI) -> None:
    weeks(make.kpi(metric="lessons_done"), [0, 0])
    assert decided() == []


def test_a_kpi_whose_events_are_no_longer_among_the_newest(repeat: KPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then its own figure of the last week tells whether that is long ago."""
    monkeypatch.setattr(arrivals, "NEWEST_EVENTS", 3)
    for _n in range(3):
        fed(make.market(), type="contact.added")
    assert decided() == []
    weeks(repeat, [5, 6, 7, 8, 0])
    assert decided() == [Kind.UNFED]


def test_figures_that_nobody_computed(repeat: KPI) -> None:
    weeks(repeat, [5, 6], computed_at=NOW - timedelta(hours=37))
    found = the(Kind.OLD_FIGURES)
    assert found.said == "Repeat has not been computed for more than 36 hours."
    assert (found.url, found.since) == (reverse("kpi_list"), NOW - timedelta(hours=37))
    weeks(make.kpi(), [5, 6], computed_at=NOW - timedelta(hours=40))
    assert the(Kind.OLD_FIGURES).said == "2 KPIs have not been computed for more than 36 hours."
    KPIWeek.objects.update(computed_at=NOW)
    assert decided() == []


def test_a_live_kpi_without_a_figure(repeat: KPI) -> None:
    repeat.weeks.all().delete()
    assert the(Kind.OLD_FIGURES).said == "Repeat has no figure yet."


def test_a_kpi_that_was_just_made_is_not_old(repeat: KPI) -> None:
    make.kpi()
    assert decided() == []


def test_a_market_without_data(repeat: KPI) -> None:
    mexico = make.market("mx", name="Mexico")
    who = make.distributor(market=mexico)
    assert the(Kind.NO_DATA).said == "No data has ever come from Mexico."
    make.event(who, source="pep")  # she was here: that is no data
    assert decided() == [Kind.NO_DATA]
    fed(mexico, NOW - timedelta(hours=37))
    found = the(Kind.NO_DATA)
    assert found.said == "No data has come from Mexico for more than 36 hours."
    assert (found.url, found.since) == (reverse("overview") + "#data", NOW - timedelta(hours=37))
    fed(mexico, NOW - timedelta(hours=35))
    assert decided() == []


def test_a_market_that_is_not_among_the_newest_events_is_asked_by_its_people(
    repeat: KPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    mexico = make.market("mx", name="Mexico")
    fed(mexico, NOW - timedelta(hours=35))
    fed(mexico, source="pep")
    monkeypatch.setattr(arrivals, "NEWEST_EVENTS", 2)
    for _n in range(2):
        fed(make.market())
    assert decided() == []
    later = NOW + timedelta(hours=2)
    assert the(Kind.NO_DATA, as_of=later).since == NOW - timedelta(hours=35)


def test_the_most_urgent_comes_first(repeat: KPI) -> None:
    cole = make.user(Role.HQ_APPROVER)
    Campaign.objects.update(ends_on=date(2026, 9, 5))
    make.distributor(market=make.market("mx", name="Mexico"))
    weeks(make.kpi(metric="repeat_rate", target=Decimal(30)), [20, 20, 20, 20])
    PriorityDraft.objects.create(campaign=Campaign.objects.get(), state="in_review", reason="Why", saved_at=NOW)
    assert decided(cole) == [
        Kind.WAITS_FOR_YOU, Kind.NO_DATA, Kind.NO_SUCCESSOR, Kind.OFF_TARGET,
    ]  # fmt: skip


# Data


def test_each_source_says_when_it_was_heard_of(repeat: KPI, monkeypatch: pytest.MonkeyPatch) -> None:
    fed(make.market(), NOW - timedelta(days=3), source="till")
    fed(make.market(), NOW - timedelta(hours=1))
    found = arrivals.lately(NOW)
    assert [(one.name, one.last, one.in_a_day) for one in found.sources] == [
        ("shop", NOW, 2), ("till", NOW - timedelta(days=3), 0),
    ]  # fmt: skip
    assert [one.silent(NOW) for one in found.sources] == [False, True]
    assert [one.said(NOW) for one in found.sources] == ["just now", "3 days ago"]
    monkeypatch.setattr(arrivals, "NEWEST_EVENTS", 1)
    found = arrivals.lately(NOW)
    assert [(one.name, one.last, one.not_since) for one in found.sources] == [
        ("shop", NOW - timedelta(hours=1), NOW - timedelta(hours=1)), ("till", None, NOW - timedelta(hours=1)),
    ]  # fmt: skip
    assert found.sources[1].said(NOW) == "more than 1 hour ago"


def test_an_empty_log() -> None:
    found = arrivals.lately(NOW)
    assert (found.sources, found.whole) == ((), True)


# The page


def hq(role: Role = Role.HQ_EDITOR) -> Client:
    client = Client()
    client.force_login(make.user(role))
    return client


def test_the_page(now: None, repeat: KPI) -> None:  # noqa: F811
    for role in (Role.HQ_VIEWER, Role.HQ_EDITOR, Role.HQ_APPROVER):
        text = hq(role).get(reverse("overview")).text
        assert "Quarter three" in text
        assert "Nothing waits for you." in text
        assert "No campaign is live in" not in text
        assert 'points="' in text


def test_the_page_names_what_to_decide(now: None, repeat: KPI) -> None:  # noqa: F811
    make.distributor(market=make.market("mx", name="Mexico <b>"))
    Campaign.objects.get().markets.add(make.market())
    text = hq().get(reverse("overview")).text
    assert "No campaign is live in Mexico &lt;b&gt;" in text
    assert "No data has ever come from Mexico &lt;b&gt;." in text


def test_an_empty_company_has_a_page_too(now: None) -> None:  # noqa: F811
    text = hq().get(reverse("overview")).text
    assert "Nobody is in the field yet." in text
    assert "There is no KPI yet." in text
    assert "No event has arrived yet." in text


def test_its_queries_do_not_grow(
    now: None,  # noqa: F811
    repeat: KPI,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    client = hq()
    url = reverse("overview")
    client.get(url)
    with django_assert_num_queries(QUERIES):
        client.get(url)
    for n in range(4):
        market = make.market(f"m{n}")
        fed(market)
        kpi = make.kpi()
        weeks(kpi, [1, 2, 3], market)
        campaign = make.campaign()
        campaign.markets.add(market)
        make.priority_version(campaign, {kpi: 60, repeat: 40})
    with django_assert_num_queries(QUERIES):
        client.get(url)


#: Session and reader (2), markets (2), people, the board (4), the log (2), drafts (2), KPIs and their weeks.
QUERIES = 15
