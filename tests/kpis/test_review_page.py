"""The last look before the field follows: what changes, whom it reaches, why, when, and a second person above the limit."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from distributors.models import Role
from kpis import drafts, priorities
from kpis.drafts import Seen
from kpis.models import KPI, Campaign, Policy, PriorityDraft

from .. import factories as make
from .hq import LATER, NINE_ON_MONDAY, Desk, draft, today, weights

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("today")]

__all__ = ["today"]

NOT_HQ = [Role.TRAINER, Role.INTEGRATOR, Role.OPERATOR, Role.DISTRIBUTOR]


@pytest.fixture
def repeat() -> KPI:
    return make.kpi(name="Repeat")


@pytest.fixture
def size() -> KPI:
    return make.kpi(name="Order size", metric="order_size")


@pytest.fixture
def campaign(repeat: KPI, size: KPI) -> Campaign:
    """Live with v1 (70 and 30), for one market of three people."""
    campaign = make.campaign(name="Q3")
    campaign.markets.add(make.market())
    make.priority_version(campaign, {repeat: 70, size: 30})
    for _ in range(3):
        make.distributor()
    make.distributor(market=make.market("de", time_zone="Europe/Berlin", currency="EUR"))
    return campaign


@pytest.fixture
def editor() -> Desk:
    return Desk(name="Edith")


@pytest.fixture
def approver() -> Desk:
    return Desk(Role.HQ_APPROVER, name="Ada")


@pytest.fixture
def two_people() -> None:
    """Everything needs the approval of a second person."""
    Policy.objects.create(approval_above=0)


@pytest.fixture
def open_draft(campaign: Campaign, editor: Desk, repeat: KPI, size: KPI) -> PriorityDraft:
    return draft(campaign, editor.user, {repeat: 40, size: 60}, share=Decimal("0.65"))


def text(response: Any) -> str:
    """What is read, without markup."""
    import re

    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.text))


def test_it_works(campaign: Campaign, editor: Desk, open_draft: PriorityDraft) -> None:
    page = text(editor.get("review", campaign.pk))
    assert "Order size 30 to 60" in page
    assert "Repeat 70 to 40" in page
    assert "Own goals 60% to 65%" in page
    assert "3 of 4 people (75%)" in page
    response = editor.post("draft_publish", campaign, reason="Baskets shrink", when="now")
    assert (response.status_code, response["Location"]) == (303, reverse("propagation", args=[campaign.pk]))
    version = campaign.versions.get(number=2)
    assert (weights(version), version.own_goal_share) == ({"Repeat": 40, "Order size": 60}, Decimal("0.65"))
    assert (version.reason, version.by, version.approved_by) == ("Baskets shrink", editor.user, None)
    assert drafts.of(campaign) is None
    assert priorities.for_market(make.market(), make.NOW).weights["order_size"] == 0.6


@pytest.mark.parametrize("role", [Role.HQ_VIEWER, *NOT_HQ])
def test_who_may_look_and_who_may_not(role: Role, campaign: Campaign, open_draft: PriorityDraft) -> None:
    other = Desk(role)
    page = other.get("review", campaign.pk)
    assert page.status_code == (200 if role == Role.HQ_VIEWER else 404)
    if role == Role.HQ_VIEWER:
        assert 'method="post"' not in page.text.split('class="hq"')[1]
    for name in ("draft_ask", "draft_publish", "draft_send_back"):
        assert other.post(name, campaign, reason="x", when="now", note="x").status_code == 404
    assert campaign.versions.count() == 1


def test_without_a_draft_there_is_nothing_to_publish(campaign: Campaign, editor: Desk) -> None:
    page = editor.get("review", campaign.pk)
    assert (page.status_code, "There is no draft to publish" in page.text) == (200, True)
    response = editor.post("draft_publish", campaign, reason="x")
    assert (response.status_code, campaign.versions.count()) == (422, 1)


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"reason": ""}, "Say in a sentence why"),
        ({"reason": "   "}, "Say in a sentence why"),
        ({"reason": "x" * 301}, "within 300 characters"),
        ({"reason": "Baskets", "when": "later", "on": "2026-08-31", "at": ""}, "Choose a day and a time"),
        ({"reason": "Baskets", "when": "later", "on": "", "at": "09:00"}, "Choose a day and a time"),
        ({"reason": "Baskets", "when": "later", "on": "soon", "at": "nine"}, "Choose a day and a time"),
        ({"reason": "Baskets", "when": "later", "on": "2026-08-27", "at": "10:00"}, "has passed in US"),
        ({"reason": "Baskets", "when": "later", "on": "2026-10-01", "at": "09:00"}, "has ended by then in US"),
    ],
)
def test_bad_input_is_said_and_nothing_typed_is_lost(
    sent: dict[str, str], sentence: str, campaign: Campaign, editor: Desk, open_draft: PriorityDraft
) -> None:
    response = editor.post("draft_publish", campaign, **sent)
    assert response.status_code == 422
    assert sentence in response.text
    assert response.context["typed"].reason == sent["reason"]
    assert f">{sent['reason']}</textarea>" in response.text
    if "on" in sent:
        assert f'name="on" value="{sent["on"]}"' in response.text
        assert 'value="later" checked' in response.text
    assert campaign.versions.count() == 1


def test_a_letter_that_no_database_keeps_is_left_out(
    campaign: Campaign, editor: Desk, open_draft: PriorityDraft
) -> None:
    editor.post("draft_publish", campaign, reason="Bas\0kets", when="now")
    assert campaign.versions.get(number=2).reason == "Baskets"


def test_weights_that_do_not_add_up_are_not_offered(campaign: Campaign, editor: Desk, repeat: KPI) -> None:
    draft(campaign, editor.user, {repeat: 90})
    page = editor.get("review", campaign.pk)
    assert "The weights add up to 90" in page.text
    assert reverse("draft_publish", args=[campaign.pk]) not in page.text
    assert editor.post("draft_publish", campaign, reason="x", when="now").status_code == 422


# Two editors


def test_the_second_of_two_editors_is_told(
    campaign: Campaign, editor: Desk, open_draft: PriorityDraft, repeat: KPI, size: KPI
) -> None:
    seen = drafts.seen(campaign)
    other = Desk(name="Otto")
    draft(campaign, other.user, {repeat: 10, size: 90})
    response = editor.post("draft_publish", campaign, seen=seen, reason="Baskets shrink", when="now")
    assert response.status_code == 409
    assert "Otto saved the draft" in response.text
    assert ">Baskets shrink</textarea>" in response.text
    assert "Order size 30 to 90" in text(response), "the page shows what is there now"
    assert campaign.versions.count() == 1
    again = drafts.seen(campaign)
    assert (response.context["seen"], again) == (again, Seen(again.revision, 1))


def test_who_comes_after_a_publication_keeps_what_she_wrote(
    campaign: Campaign, editor: Desk, open_draft: PriorityDraft
) -> None:
    seen = drafts.seen(campaign)
    Desk(name="Otto").post("draft_publish", campaign, reason="First", when="now")
    response = editor.post("draft_publish", campaign, seen=seen, reason="Baskets shrink", when="now")
    assert response.status_code == 409
    assert "Otto published version 2" in response.text
    assert "Baskets shrink" in response.text
    assert campaign.versions.count() == 2


def test_a_form_that_has_seen_nothing_publishes_nothing(
    campaign: Campaign, editor: Desk, open_draft: PriorityDraft
) -> None:
    response = editor.client.post(reverse("draft_publish", args=[campaign.pk]), {"reason": "x", "when": "now"})
    assert (response.status_code, campaign.versions.count()) == (409, 1)


# A second person


@pytest.mark.usefixtures("two_people")
def test_above_the_limit_an_editor_asks_and_another_approves(
    campaign: Campaign, editor: Desk, approver: Desk, open_draft: PriorityDraft
) -> None:
    page = editor.get("review", campaign.pk)
    assert "Ask for approval" in page.text
    assert "a second person approves it" in page.text
    assert editor.post("draft_publish", campaign, reason="Baskets", when="now").status_code == 422
    assert editor.post("draft_ask", campaign, reason="Baskets", when="now").status_code == 303
    assert "Waiting for approval" in editor.get("review", campaign.pk).text
    assert campaign.versions.count() == 1

    page = approver.get("review", campaign.pk)
    assert "Edith asked on" in page.text
    assert "Approve and publish" in page.text
    assert approver.post("draft_publish", campaign, reason="Baskets").status_code == 303
    version = campaign.versions.get(number=2)
    assert (version.by, version.approved_by, version.reason) == (editor.user, approver.user, "Baskets")


@pytest.mark.usefixtures("two_people")
def test_nobody_approves_her_own(campaign: Campaign, approver: Desk, repeat: KPI, size: KPI) -> None:
    draft(campaign, approver.user, {repeat: 40, size: 60})
    approver.post("draft_ask", campaign, reason="Baskets", when="now")
    page = approver.get("review", campaign.pk)
    assert "somebody else than the one who wrote it" in page.text
    assert "Approve and publish" not in page.text
    response = approver.post("draft_publish", campaign, reason="Baskets", when="now")
    assert (response.status_code, campaign.versions.count()) == (422, 1)


@pytest.mark.usefixtures("two_people")
def test_nor_when_a_colleague_only_asks(
    campaign: Campaign, editor: Desk, approver: Desk, repeat: KPI, size: KPI
) -> None:
    draft(campaign, approver.user, {repeat: 40, size: 60})
    assert editor.post("draft_ask", campaign, reason="Baskets", when="now").status_code == 303
    page = approver.get("review", campaign.pk)
    assert f"{editor.user} asked on" in page.text and "Approve and publish" not in page.text
    response = approver.post("draft_publish", campaign, reason="Baskets", when="now")
    assert (response.status_code, campaign.versions.count()) == (422, 1)


@pytest.mark.usefixtures("two_people")
def test_a_draft_is_sent_back_with_a_note(
    campaign: Campaign, editor: Desk, approver: Desk, open_draft: PriorityDraft
) -> None:
    editor.post("draft_ask", campaign, reason="Baskets", when="now")
    response = approver.post("draft_send_back", campaign, note="  ")
    assert (response.status_code, "Say in a sentence what should change" in response.text) == (422, True)
    assert editor.post("draft_send_back", campaign, note="No").status_code == 422
    assert approver.post("draft_send_back", campaign, note="Start on Monday").status_code == 303
    found = drafts.of(campaign)
    assert found is not None
    assert (found.state, found.note) == ("draft", "Start on Monday")
    assert "Start on Monday" in editor.get("review", campaign.pk).text


@pytest.mark.usefixtures("two_people")
def test_asking_needs_what_publishing_needs(campaign: Campaign, editor: Desk, open_draft: PriorityDraft) -> None:
    assert editor.post("draft_ask", campaign, reason="", when="now").status_code == 422
    assert editor.post("draft_ask", campaign, reason="x", when="later").status_code == 422
    assert editor.post("draft_ask", campaign, reason="x", when="now", seen=Seen(9, 9)).status_code == 409


@pytest.mark.usefixtures("two_people")
def test_what_is_approved_keeps_the_time_that_was_asked_for(
    campaign: Campaign, editor: Desk, approver: Desk, open_draft: PriorityDraft
) -> None:
    editor.post("draft_ask", campaign, reason="Baskets", **LATER)
    page = approver.get("review", campaign.pk)
    hidden = {name: f'name="{name}" value="{value}"' for name, value in LATER.items()}
    assert all(said in page.text for said in hidden.values()), "the button sends what was asked for"
    assert approver.post("draft_publish", campaign, reason="Baskets", **LATER).status_code == 303
    version = campaign.versions.get(number=2)
    assert (version.starts_on, version.starts_time) == NINE_ON_MONDAY


# Now or later


def test_a_time_is_one_instant_in_each_market(campaign: Campaign, editor: Desk, open_draft: PriorityDraft) -> None:
    campaign.markets.add(make.market("de"))
    page = editor.post("draft_publish", campaign, reason="Baskets", look="1", **LATER)
    assert page.status_code == 200
    times = {one.market.code: f"{one.at:%d %H:%M}" for one in page.context["times"]}
    assert times == {"us": "31 13:00", "de": "31 07:00"}
    assert "US 31 August, 09:00 31 August, 13:00 UTC DE 31 August, 09:00 31 August, 07:00 UTC" in text(page)
    assert ">Baskets</textarea>" in page.text
    assert campaign.versions.count() == 1, "looking publishes nothing"
    piece = editor.client.post(
        reverse("draft_publish", args=[campaign.pk]), {"look": "1", **LATER}, headers={"HX-Request": "true"}
    )
    assert piece.text.startswith('<div id="times"')
    assert "07:00 UTC" in piece.text


def test_a_time_that_a_clock_skips_or_repeats_is_said(
    campaign: Campaign, editor: Desk, open_draft: PriorityDraft
) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(ends_on=date(2027, 9, 30))
    for day, at, note in [
        ("2027-03-14", "02:30", "The clock skips 02:30 that day. It counts from 03:00."),
        ("2026-11-01", "01:30", "The clock shows 01:30 twice that day. It counts from the first."),
        ("2026-11-02", "01:30", ""),
    ]:
        page = editor.post("draft_publish", campaign, look="1", when="later", on=day, at=at)
        assert [one.note for one in page.context["times"]] == [note]
        assert note in page.text


@pytest.mark.parametrize(
    ("on", "said"),
    [
        ("2026-08-03", "That time has passed in US already. Choose a later one."),
        ("2026-12-24", "The campaign has ended by then in US."),
        ("1999-12-24", "Choose days from 2000 to 2199."),
        ("", ""),
    ],
)
def test_a_time_that_is_refused_is_not_previewed_as_fine(
    on: str, said: str, campaign: Campaign, editor: Desk, open_draft: PriorityDraft
) -> None:
    url, sent = reverse("draft_publish", args=[campaign.pk]), {"look": "1", "when": "later", "on": on, "at": "09:00"}
    piece = editor.client.post(url, sent, headers={"HX-Request": "true"}).text
    assert (f'<p class="problem">{said}</p>' in piece) is bool(said)
    assert "<ul>" not in piece
    assert said in editor.post("draft_publish", campaign, **sent).text


def test_a_time_of_another_year_says_its_year(campaign: Campaign, editor: Desk, open_draft: PriorityDraft) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(ends_on=date(2027, 9, 30))
    page = text(editor.post("draft_publish", campaign, look="1", when="later", on="2027-01-01", at="09:00"))
    assert "US 1 January 2027, 09:00 1 January 2027, 14:00 UTC" in page
    PriorityDraft.objects.update(saved_at=datetime(2025, 12, 31, 9, tzinfo=UTC))
    assert "31 December 2025, 09:00 UTC" in text(editor.get("review", campaign.pk))
    assert "saved 31 December 2025, 09:00 UTC" in text(editor.get("versions", campaign.pk))


def test_it_is_scheduled(campaign: Campaign, editor: Desk, open_draft: PriorityDraft) -> None:
    assert editor.post("draft_publish", campaign, reason="Baskets", **LATER).status_code == 303
    version = campaign.versions.get(number=2)
    assert (version.starts_on, version.starts_time) == (date(2026, 8, 31), time(9))
    assert priorities.for_market(make.market(), make.NOW).weights["order_size"] == 0.3


def test_what_is_scheduled_already_is_said(
    campaign: Campaign, editor: Desk, open_draft: PriorityDraft, repeat: KPI, size: KPI
) -> None:
    editor.post("draft_publish", campaign, reason="Baskets", **LATER)
    draft(campaign, editor.user, {repeat: 50, size: 50})
    page = text(editor.get("review", campaign.pk))
    assert "Version 2 is scheduled for 31 August, 09:00 and will still take over then" in page


# Beside it


def test_other_campaigns_at_the_same_time_and_which_wins(
    campaign: Campaign, editor: Desk, open_draft: PriorityDraft, repeat: KPI
) -> None:
    newcomers = make.segment(name="Newcomers", days_to=30)
    narrow = make.campaign(name="Pilot", segment=newcomers)
    wide = make.campaign(name="Everywhere")
    over = make.campaign(name="Spring", starts_on=date(2026, 4, 1), ends_on=date(2026, 6, 30))
    make.campaign(name="Idea", status=Campaign.Status.DRAFT)
    for one in (narrow, wide, over):
        make.priority_version(one, {repeat: 100})
    found = editor.get("review", campaign.pk).context["review"].beside
    assert {one.campaign.name: one.said for one in found} == {
        "Pilot": "It counts before this one in US, for Newcomers.",
        "Everywhere": "This one counts before it in US.",
    }


def test_a_draft_that_changes_nothing_is_said(campaign: Campaign, editor: Desk, repeat: KPI, size: KPI) -> None:
    draft(campaign, editor.user, {repeat: 70, size: 30})
    assert "Nothing differs from what counts now" in editor.get("review", campaign.pk).text


def test_a_figure_of_another_market_moves_nothing(campaign: Campaign, editor: Desk, repeat: KPI) -> None:
    there = make.kpi(name="Sales there", metric="sales", market=make.market("de"))
    draft(campaign, editor.user, {repeat: 50, there: 50})
    assert "Sales there is a figure of DE" in editor.get("review", campaign.pk).text


def test_the_first_version_is_compared_with_nothing(editor: Desk, repeat: KPI) -> None:
    first = make.campaign(name="Spring", status=Campaign.Status.DRAFT)
    make.market()
    draft(first, editor.user, {repeat: 100})
    page = text(editor.get("review", first.pk))
    assert "Repeat 100" in page
    assert "Nobody belongs to this audience today" in page
    editor.post("draft_publish", first, reason="The first", when="now")
    first.refresh_from_db()
    assert (first.status, first.versions.count()) == ("live", 1)


def test_its_queries_do_not_grow(
    campaign: Campaign, editor: Desk, open_draft: PriorityDraft, repeat: KPI, django_assert_num_queries: Any
) -> None:
    def more() -> None:
        make.distributor()
        make.priority_version(make.campaign(), {repeat: 100})
        make.priority_version(campaign, {repeat: 100})

    more()
    for _ in range(2):
        with django_assert_num_queries(QUERIES):
            editor.get("review", campaign.pk)
        more()


QUERIES = 23
