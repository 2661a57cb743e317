"""Which campaign runs when and for whom, which counts where two meet; dates and audience change in the admin, weights do not."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.urls import reverse

from distributors.models import Role
from kpis import campaigns, drafts, history, priorities, timeline
from kpis.models import KPI, Campaign, Policy
from kpis.proposals import Proposal

from .. import factories as make
from .hq import Desk, draft, today

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("today")]

__all__ = ["today"]

NOT_HQ = [Role.TRAINER, Role.INTEGRATOR, Role.OPERATOR, Role.LEADER]


@pytest.fixture
def repeat() -> KPI:
    return make.kpi(name="Repeat")


@pytest.fixture
def campaign(repeat: KPI) -> Campaign:
    """Live for everybody: two people in the US, one in Germany."""
    us, de = make.market(), make.market("de", time_zone="Europe/Berlin", currency="EUR")
    make.distributor(market=us, joined_on=date(2026, 8, 20))
    make.distributor(market=us)
    make.distributor(market=de)
    campaign = make.campaign(name="Q3")
    make.priority_version(campaign, {repeat: 100})
    return campaign


@pytest.fixture
def pilot(campaign: Campaign, repeat: KPI) -> Campaign:
    """For newcomers, from September on."""
    pilot = make.campaign(
        name="Pilot", segment=make.segment(name="Newcomers", days_to=30), starts_on=date(2026, 9, 1),
        status=Campaign.Status.SCHEDULED,
    )  # fmt: skip
    make.priority_version(pilot, {repeat: 100})
    return pilot


@pytest.fixture
def editor() -> Desk:
    return Desk(name="Edith")


def lines(response: Any) -> dict[str, Any]:
    return {line.campaign.name: line for line in response.context["timeline"].lines}


def test_it_works(campaign: Campaign, pilot: Campaign, editor: Desk, repeat: KPI) -> None:
    idea = make.campaign(
        name="Idea", status=Campaign.Status.DRAFT, starts_on=date(2026, 10, 1), ends_on=date(2026, 12, 31)
    )
    draft(idea, editor.user, {repeat: 50})
    make.campaign(name="Old", status=Campaign.Status.ENDED, starts_on=date(2025, 1, 1), ends_on=date(2025, 3, 31))
    page = editor.get("campaigns")
    found = lines(page)
    assert list(found) == ["Q3", "Pilot", "Idea"], "what is live first, what is long over not at all"
    assert [line.status for line in found.values()] == ["live", "scheduled", "draft"]
    assert [line.reached for line in found.values()] == [3, 1, 3]
    assert (found["Q3"].in_force.number, found["Idea"].in_force) == (1, None)
    # April to December: 275 days. Q3 is 92 of them, from the 91st on.
    assert (found["Q3"].bar.x, found["Q3"].bar.width) == ("33.09%", "33.45%")
    assert page.context["timeline"].today == "53.82%"
    for said in ("Newcomers", "1 July to 30 September", "New campaign", "When several campaigns run"):
        assert said in page.text


@pytest.mark.parametrize("role", [Role.HQ_VIEWER, *NOT_HQ])
def test_who_may_look_and_who_may_not(role: Role, campaign: Campaign) -> None:
    other = Desk(role)
    page = other.get("campaigns")
    assert page.status_code == (200 if role == Role.HQ_VIEWER else 404)
    if role == Role.HQ_VIEWER:
        assert reverse("campaign_end", args=[campaign.pk]) not in page.text
        assert reverse("admin:kpis_campaign_add") not in page.text
    assert other.get("campaign_end", campaign.pk).status_code == 404
    assert other.post("campaign_end", campaign).status_code == 404
    campaign.refresh_from_db()
    assert campaign.status == "live"


def test_the_window_moves(campaign: Campaign, editor: Desk) -> None:
    first = editor.get("campaigns").context["timeline"].window
    assert (first.first, first.after) == (date(2026, 4, 1), date(2027, 1, 1))
    assert first.quarters == ["Q2 2026", "Q3 2026", "Q4 2026"]
    earlier = editor.get("campaigns", quarter=first.earlier.isoformat()).context["timeline"]
    later = editor.get("campaigns", quarter=first.later.isoformat()).context["timeline"]
    assert (earlier.window.first, later.window.first) == (date(2026, 1, 1), date(2026, 7, 1))
    far = editor.get("campaigns", quarter="2027-05-05").context["timeline"]
    assert [line.bar for line in far.lines] == [None], "it is live, so that it is listed without a bar"
    assert far.today is None
    for nonsense in ("x", "0001-01-01", "9999-12-31"):
        assert editor.get("campaigns", quarter=nonsense).context["timeline"].window == first


# Where two meet


def test_one_that_is_not_approved_would_count(campaign: Campaign, pilot: Campaign, editor: Desk) -> None:
    Campaign.objects.filter(pk=pilot.pk).update(status="draft")
    assert [one.said for one in lines(editor.get("campaigns"))["Pilot"].meets] == [
        "Meets Q3 in US, DE and would count first."
    ]


def test_where_two_meet_it_says_which_counts(campaign: Campaign, pilot: Campaign, editor: Desk) -> None:
    found = lines(editor.get("campaigns"))
    assert [one.said for one in found["Q3"].meets] == ["Meets Pilot in US, DE, which counts first there for Newcomers."]
    assert [one.said for one in found["Pilot"].meets] == ["Meets Q3 in US, DE and counts first."]
    assert [piece.x for piece in found["Q3"].gives_way] == ["55.64%"]
    assert found["Pilot"].gives_way == []
    now = editor.get("campaigns").context["timeline"].now
    assert [(len(one.markets), one.said) for one in now] == [(2, ["Q3, v1, for everybody"])]
    with time_machine.travel(datetime(2026, 9, 1, 5, tzinfo=UTC), tick=False):
        now = editor.get("campaigns").context["timeline"].now
    assert [one.said for one in now] == [["Pilot, v1, for Newcomers", "Q3, v1, for everybody else"]]


def test_one_that_runs_for_nobody_is_said(campaign: Campaign, repeat: KPI, editor: Desk) -> None:
    here = make.campaign(name="US only")
    here.markets.add(make.market())
    make.priority_version(here, {repeat: 100})
    first, second = editor.get("campaigns").context["timeline"].now
    assert [str(market) for market in first.markets] == ["US"]
    assert (first.said, [str(one) for one, _ in first.waiting]) == (["US only, v1, for everybody"], ["Q3"])
    assert second.said == ["Q3, v1, for everybody"]
    assert "Q3, v1, runs and counts for nobody there" in editor.get("campaigns").text


def test_what_it_says_is_what_counts(campaign: Campaign, pilot: Campaign) -> None:
    """The table and the engine read the same board."""
    there = datetime(2026, 9, 2, tzinfo=UTC)
    newcomers = frozenset({pilot.segment_id})
    assert priorities.for_market(make.market(), there, segments=newcomers).campaign == pilot
    assert priorities.for_market(make.market(), there).campaign == campaign


def test_without_a_campaign_it_says_so(editor: Desk) -> None:
    make.market()
    page = editor.get("campaigns")
    assert "There is no campaign in these quarters" in page.text
    assert "No campaign: each list follows its owner" in page.text


def test_its_queries_do_not_grow(
    campaign: Campaign, pilot: Campaign, editor: Desk, repeat: KPI, django_assert_num_queries: Any
) -> None:
    for _ in range(2):
        with django_assert_num_queries(QUERIES):
            editor.get("campaigns")
        make.priority_version(make.campaign(), {repeat: 100})
        make.market(f"m{make.number()}")


QUERIES = 10


# Ending one


def test_it_is_ended_at_once(campaign: Campaign, pilot: Campaign, editor: Desk) -> None:
    page = editor.get("campaign_end", campaign.pk)
    assert "It reaches 3 people" in page.text
    assert "No campaign: each list follows its owner" in page.text
    assert Campaign.objects.get(pk=campaign.pk).status == "live", "looking ends nothing"
    response = editor.post("campaign_end", campaign)
    assert (response.status_code, response["Location"]) == (303, reverse("campaigns"))
    assert priorities.for_market(make.market(), make.NOW).campaign is None
    line = lines(editor.get("campaigns"))["Q3"]
    assert (line.status, line.may_end) == ("ended", False)
    assert editor.get("campaign_end", campaign.pk).status_code == 404
    assert editor.post("campaign_end", campaign).status_code == 404


def test_one_that_has_not_begun_is_called_off(pilot: Campaign, editor: Desk) -> None:
    assert ">Call off</a>" in editor.get("campaigns").text
    page = editor.get("campaign_end", pilot.pk)
    assert "Call off Pilot?" in page.text and "It has not begun anywhere" in page.text
    editor.post("campaign_end", pilot)
    assert "Pilot is called off." in editor.get("campaigns").text


def test_a_page_of_hq_has_one_heading(campaign: Campaign, editor: Desk) -> None:
    assert editor.get("campaigns").text.count("<h1") == 1
    assert editor.client.get(reverse("admin:kpis_kpi_changelist")).text.count("<h1") == 1


def test_its_bar_stops_on_the_day_it_was_ended(campaign: Campaign, editor: Desk) -> None:
    """The audit's clock is the database's, so that this test lives today."""
    now = time_machine.escape_hatch.datetime.datetime.now(tz=UTC)
    first, last = now.date() - timedelta(days=3), now.date() + timedelta(days=30)
    Campaign.objects.filter(pk=campaign.pk).update(starts_on=first, ends_on=last)
    with time_machine.travel(now, tick=False):
        desk = Desk()
        desk.post("campaign_end", campaign)
        line = lines(desk.get("campaigns"))["Q3"]
        versions = desk.get("versions", campaign.pk).context["rows"]
    assert line.days == timeline.days_said(first, now.date() + timedelta(days=1), now.date())
    assert versions[0].when.split(" to ")[1].startswith(history.day_said(now.date(), now.date()))


def test_an_end_is_on_record(campaign: Campaign, editor: Desk) -> None:
    from django.apps import apps

    editor.post("campaign_end", campaign)
    recorded = apps.get_model("kpis.CampaignChange").objects.latest("pgh_id")
    assert (recorded.status, recorded.pgh_context["user"]) == ("ended", editor.user.pk)


# Dates and audience, in the admin


def form(campaign: Campaign, **changed: object) -> dict[str, object]:
    return {
        "name": campaign.name, "starts_on": campaign.starts_on, "starts_time": campaign.starts_time,
        "ends_on": campaign.ends_on, "ends_time": campaign.ends_time or "", "segment": campaign.segment_id or "",
        "markets": [one.pk for one in campaign.markets.all()], **changed,
    }  # fmt: skip


def save(desk: Desk, campaign: Campaign, **changed: object) -> Any:
    path = reverse("admin:kpis_campaign_change", args=[campaign.pk])
    response = desk.client.post(path, form(campaign, **changed))
    campaign.refresh_from_db()
    return response


def errors(response: Any) -> str:
    return str(response.context["adminform"].form.errors)


def test_a_new_campaign_is_a_draft_and_leads_to_its_weights(editor: Desk) -> None:
    make.market()
    sent = {
        "name": "Spring", "status": "live", "starts_on": "2026-10-01", "starts_time": "09:00", "ends_on": "2026-12-31",
    }  # fmt: skip
    response = editor.client.post(reverse("admin:kpis_campaign_add"), sent)
    campaign = Campaign.objects.get()
    assert response["Location"] == reverse("console", args=[campaign.pk])
    assert (campaign.status, campaign.starts_time, campaign.ends_time) == ("draft", time(9), None)


def test_an_end_may_move_and_a_live_start_may_not(campaign: Campaign, editor: Desk) -> None:
    response = save(editor, campaign, ends_on="2026-10-31", starts_on="2026-01-01", status="draft")
    assert (response.status_code, response["Location"]) == (302, reverse("campaigns"))
    assert (campaign.ends_on, campaign.starts_on, campaign.status) == (date(2026, 10, 31), date(2026, 7, 1), "live")
    assert campaign.versions.count() == 1


def test_the_start_of_one_ahead_may_move(pilot: Campaign, editor: Desk) -> None:
    assert save(editor, pilot, starts_on="2026-09-07", starts_time="08:30").status_code == 302
    assert (pilot.starts_on, pilot.starts_time, pilot.status) == (date(2026, 9, 7), time(8, 30), "scheduled")


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"ends_on": "2026-08-26"}, "That end has passed in US"),
        ({"ends_on": "2026-08-27", "ends_time": "15:00"}, "That end has passed in DE"),
        ({"ends_on": "2026-06-30"}, "It ends before it starts"),
    ],
)
def test_an_end_in_the_past_is_refused(
    changed: dict[str, object], sentence: str, campaign: Campaign, editor: Desk
) -> None:
    response = save(editor, campaign, **changed)
    assert (response.status_code, sentence in errors(response)) == (200, True)
    assert errors(response).count("<li>") == 2, "one field, one sentence"
    assert campaign.ends_on == date(2026, 9, 30)


def test_an_ended_one_stays_as_it_is(campaign: Campaign, editor: Desk) -> None:
    campaigns.end(campaign, by=editor.user, as_of=make.NOW)
    assert save(editor, campaign, ends_on="2026-10-31").status_code == 404
    assert editor.client.get(reverse("admin:kpis_campaign_change", args=[campaign.pk])).status_code == 200


@pytest.mark.parametrize("role", [Role.HQ_VIEWER, *NOT_HQ])
def test_others_change_nothing(role: Role, campaign: Campaign) -> None:
    assert save(Desk(role), campaign, name="Mine").status_code == 404
    assert campaign.name == "Q3"


@pytest.mark.parametrize(
    "changed",
    [{"segment": ""}, {"markets": "de"}, {"starts_on": "2026-08-01"}, {"ends_on": "2027-09-30"}],
    ids=["wider", "other people", "sooner", "longer"],
)
def test_whom_and_when_take_the_second_person_too(pilot: Campaign, editor: Desk, changed: dict[str, Any]) -> None:
    Policy.objects.create(approval_above=2)
    make.distributor(joined_on=make.TODAY)
    make.distributor(joined_on=make.TODAY)
    make.distributor(joined_on=make.TODAY)
    if "markets" in changed:
        changed = {"markets": [make.market("de").pk]}
    assert "Above 2 a second person, an approver, changes" in errors(save(editor, pilot, **changed))
    assert save(editor, pilot, name="Another name").status_code == 302
    assert save(Desk(Role.HQ_APPROVER), pilot, **changed).status_code == 302


def test_what_reaches_few_is_changed_by_an_editor(pilot: Campaign, editor: Desk) -> None:
    Policy.objects.create(approval_above=900)
    assert save(editor, pilot, segment="").status_code == 302


def test_who_grows_into_a_segment_counts_from_the_beginning(pilot: Campaign, editor: Desk) -> None:
    """Or it would be published while nobody has been there for a month, and reach everybody later."""
    Policy.objects.create(approval_above=2)
    for _n in range(3):
        make.distributor(joined_on=make.TODAY)
    later = make.segment(name="A month on", days_from=30)
    assert "It reaches" in errors(save(editor, pilot, segment=later.pk))


def test_what_somebody_is_asked_to_approve_is_asked_again_when_it_is_for_others(
    repeat: KPI, editor: Desk, campaign: Campaign
) -> None:
    ahead = make.campaign(name="Ahead", status=Campaign.Status.DRAFT, starts_on=date(2026, 9, 1))
    proposal = Proposal(ahead, {repeat.pk: 100}, Decimal("0.60"))
    drafts.save(
        proposal=proposal, locked=[], reason="", starts=None, seen=drafts.seen(ahead), by=editor.user, as_of=make.NOW
    )
    asked = drafts.ask(
        campaign=ahead, seen=drafts.seen(ahead), reason="New", starts=None, by=editor.user, as_of=make.NOW
    )
    save(editor, ahead, name="Renamed")
    assert drafts.of(ahead).state == "in_review"
    ahead.refresh_from_db()
    save(editor, ahead, ends_on="2027-01-31")
    draft = drafts.of(ahead)
    assert (draft.state, draft.revision) == ("draft", asked.revision + 1)
    ahead.refresh_from_db()
    assert ahead.status == Campaign.Status.DRAFT


@pytest.mark.parametrize("changed", [{"starts_on": "0001-01-01"}, {"ends_on": "9999-12-31"}])
def test_days_that_no_clock_shows_are_refused(pilot: Campaign, editor: Desk, changed: dict[str, str]) -> None:
    """One would stop every page of its markets."""
    assert "Choose days from 2000 to 2199." in errors(save(editor, pilot, **changed))


def test_of_two_editors_of_a_campaign_the_second_is_told(pilot: Campaign, editor: Desk) -> None:
    path = reverse("admin:kpis_campaign_change", args=[pilot.pk])
    seen = re.search(r'name="seen" value="(\w+)"', editor.client.get(path).text).group(1)
    save(Desk(Role.HQ_APPROVER), pilot, ends_on="2026-12-24")
    response = save(editor, pilot, name="Mine", seen=seen)
    assert "changed this after you opened it" in errors(response)
    pilot.refresh_from_db()
    assert (pilot.name, pilot.ends_on) == ("Pilot", date(2026, 12, 24))
    again = re.search(r'name="seen" value="(\w+)"', response.text).group(1)
    assert again != seen
    assert save(editor, pilot, name="Mine", seen=again).status_code == 302


def test_who_wrote_the_version_does_not_widen_it_herself(campaign: Campaign, repeat: KPI) -> None:
    Policy.objects.create(approval_above=2)
    ada = Desk(Role.HQ_APPROVER)
    campaign.markets.add(make.market())
    make.priority_version(campaign, {repeat: 100}, by=ada.user)
    assert "second person" in errors(save(ada, campaign, markets=[]))
    assert save(Desk(Role.HQ_APPROVER), campaign, markets=[]).status_code == 302


def test_one_segment_too_many_is_refused(pilot: Campaign, campaign: Campaign, editor: Desk, repeat: KPI) -> None:
    for _ in range(5):
        other = make.campaign(segment=make.segment())
        make.priority_version(other, {repeat: 100})
    response = save(editor, campaign, segment=make.segment().pk)
    assert "may name 6 segments at a time" in errors(response)


# The rules of publishing


def test_an_approver_sets_the_limit(editor: Desk) -> None:
    ada, person = Desk(Role.HQ_APPROVER), make.distributor()
    path = reverse("admin:kpis_policy_change", args=[1])
    page = ada.client.get(reverse("admin:kpis_policy_changelist"))
    assert (page.status_code, 'value="1000"' in page.text, Policy.objects.count()) == (200, True, 0)
    assert ada.client.post(path, {"approval_above": "250", "samples": [person.pk]}).status_code == 302
    policy = Policy.objects.get()
    assert (policy.approval_above, list(policy.samples.all())) == (250, [person])
    assert ada.client.post(path, {"approval_above": "300"}).status_code == 302
    assert Policy.objects.get().approval_above == 300
    # The menu leads to the list's address: its form posts there, and is saved as well.
    assert ada.client.post(reverse("admin:kpis_policy_changelist"), {"approval_above": "310"}).status_code == 302
    assert Policy.objects.get().approval_above == 310
    editor.client.post(reverse("admin:kpis_policy_changelist"), {"approval_above": "1"})
    Policy.objects.update(approval_above=300)
    assert "300" in editor.client.get(path).text


@pytest.mark.parametrize("role", [Role.HQ_EDITOR, Role.HQ_VIEWER, *NOT_HQ])
def test_nobody_else_does(role: Role) -> None:
    desk = Desk(role)
    path = reverse("admin:kpis_policy_change", args=[1])
    assert desk.client.post(path, {"approval_above": "0"}).status_code == 404
    reads = role in {Role.HQ_EDITOR, Role.HQ_VIEWER}
    assert desk.client.get(path).status_code == (200 if reads else 404)
    assert not Policy.objects.exists()


def test_there_is_one_row_and_it_stays() -> None:
    ada = Desk(Role.HQ_APPROVER)
    Policy.objects.create()
    assert ada.client.post(reverse("admin:kpis_policy_delete", args=[1]), {"post": "yes"}).status_code == 404
    assert ada.client.get(reverse("admin:kpis_policy_add")).status_code == 404
    assert ada.client.get(reverse("admin:kpis_policy_change", args=[2])).status_code == 302
    assert Policy.objects.count() == 1
