"""The page of segments: who belongs today, what they are used by, and that a used one stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from distributors.models import Role, Segment
from kpis.models import Rule, RuleDraft
from tests import factories as make
from tests.pages import now  # noqa: F401

pytestmark = pytest.mark.django_db

LIST = "admin:distributors_segment_changelist"


@pytest.fixture
def hq() -> Client:
    client = Client()
    client.force_login(make.user(Role.HQ_EDITOR))
    return client


def cells(client: Client) -> dict[str, tuple[int, str]]:
    """People today and what it is used by, of each segment of the list."""
    rows = client.get(reverse(LIST)).context["cl"].result_list
    return {row.name: (row.counted, ", ".join(row.named)) for row in rows}


def test_it_works(now: None, hq: Client) -> None:  # noqa: F811
    hq.post(
        reverse("admin:distributors_segment_add"), {"name": "Newcomers", "days_from": "", "days_to": "90", "team": ""}
    )
    segment = Segment.objects.get()
    assert (segment.days_from, segment.days_to, segment.team) == (None, 90, "")
    upline = make.distributor()
    make.distributor(joined_on=make.TODAY - timedelta(days=90), sponsor=upline)
    make.distributor(joined_on=make.TODAY - timedelta(days=91))
    make.distributor(joined_on=make.TODAY, left_on=make.TODAY)
    make.segment(name="Leaders", team="leads")
    assert cells(hq) == {"Newcomers": (1, ""), "Leaders": (1, "")}
    assert "90 days ago or less" in hq.get(reverse(LIST)).text


def test_days_are_the_markets_own(now: None, hq: Client) -> None:  # noqa: F811
    """It is Friday in Auckland already."""
    make.segment(name="Today", days_to=0)
    make.distributor(market=make.market("nz", time_zone="Pacific/Auckland"), joined_on=make.TODAY)
    make.distributor(joined_on=make.TODAY)
    assert cells(hq)["Today"][0] == 1


def test_a_segment_that_is_used_stays(hq: Client) -> None:
    segment = make.segment(name="Newcomers")
    campaign, kpi = make.campaign(name="Pilot", segment=segment), make.kpi(name="First orders", segment=segment)
    assert cells(hq) == {"Newcomers": (0, "Pilot, First orders")}
    path = reverse("admin:distributors_segment_delete", args=[segment.pk])
    for response in (hq.get(path, follow=True), hq.post(path, {"post": "yes"}, follow=True)):
        assert "Newcomers stays, because it is used by Pilot, First orders." in response.text
    campaign.delete()
    kpi.delete()
    hq.post(path, {"post": "yes"})
    assert not Segment.objects.exists()


def test_whom_a_used_segment_is_for_stays_as_it_is(hq: Client) -> None:
    """Or an approved campaign would reach other people than those it was approved for."""
    segment = make.segment(name="Newcomers", days_to=30)
    path = reverse("admin:distributors_segment_change", args=[segment.pk])
    sent = {"name": "New people", "days_from": "", "days_to": "3000", "team": ""}
    campaign = make.campaign(name="Pilot", segment=segment)
    assert "Used by Pilot, so whom it is for stays as it is." in hq.get(path).text
    hq.post(path, sent)
    segment.refresh_from_db()
    assert (segment.name, segment.days_to) == ("New people", 30)
    campaign.delete()
    hq.post(path, sent)
    segment.refresh_from_db()
    assert segment.days_to == 3000


def test_a_segment_that_a_rule_names_stays_as_it_is(hq: Client) -> None:
    """By its newest version or its open draft, complete or not; in a condition or as what it adds people to."""
    segment, other = make.segment(name="Newcomers", days_to=30), make.segment(name="Fell", by_rules=True)
    asks = {"fact": "in_segment", "of": {"segment": segment.pk}, "is": "yes"}
    joins = {"effect": "segment", "segment": other.pk}
    said = {"if": {"all": [{"none": [asks]}]}, "then": [joins]}
    rule = make.rule(said, name="Sales fell")
    make.rule(said, name="Over", state="ended")
    draft = Rule.objects.create(name="On its way", state="draft", created_at=make.NOW)
    RuleDraft.objects.create(rule=draft, definition={"if": {"any": [asks, {}]}}, revision=1, saved_at=make.NOW)
    assert cells(hq) == {"Newcomers": (0, "Sales fell, On its way"), "Fell": (0, "Sales fell")}

    path = reverse("admin:distributors_segment_change", args=[segment.pk])
    sent = {"name": "Newcomers", "days_from": "", "days_to": "3000", "team": ""}
    assert "Used by Sales fell, On its way, so whom it is for stays as it is." in hq.get(path).text
    hq.post(path, sent)
    segment.refresh_from_db()
    assert segment.days_to == 30
    removal = reverse("admin:distributors_segment_delete", args=[other.pk])
    for response in (hq.get(removal, follow=True), hq.post(removal, {"post": "yes"}, follow=True)):
        assert "Fell stays, because it is used by Sales fell." in response.text

    make.rule_version(rule)  # which names neither
    draft.delete()
    assert cells(hq) == {"Newcomers": (0, ""), "Fell": (0, "")}
    hq.post(path, sent)
    hq.post(removal, {"post": "yes"})
    segment.refresh_from_db()
    assert (segment.days_to, list(Segment.objects.all())) == (3000, [segment])


def test_days_that_are_no_span_are_refused(hq: Client) -> None:
    sent = {"name": "Odd", "days_from": "90", "days_to": "30", "team": ""}
    assert hq.post(reverse("admin:distributors_segment_add"), sent).status_code == 200
    assert not Segment.objects.exists()


def test_a_viewer_only_looks() -> None:
    segment = make.segment()
    client = Client()
    client.force_login(make.user(Role.HQ_VIEWER))
    assert client.get(reverse(LIST)).status_code == 200
    for page in ("change", "delete"):
        path = reverse(f"admin:distributors_segment_{page}", args=[segment.pk])
        assert client.post(path, {"post": "yes", "name": "Mine"}).status_code == 404
    assert Segment.objects.get().name == segment.name


def test_its_queries_do_not_grow(hq: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    def row() -> None:
        make.campaign(segment=make.segment())

    row()
    hq.get(reverse(LIST))
    with django_assert_num_queries(QUERIES):
        hq.get(reverse(LIST))
    for _n in range(3):
        row()
    with django_assert_num_queries(QUERIES):
        hq.get(reverse(LIST))


#: Session and reader, two counts of the list and its rows, markets and people, campaigns and KPIs, rules' versions and drafts.
QUERIES = 11
