"""Every version with who, when, from, to and why; any two side by side; back to one in one step."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.urls import reverse
from django.utils import translation

from distributors.models import Role
from kpis import campaigns, drafts, priorities
from kpis.drafts import Seen
from kpis.models import KPI, Campaign, PriorityVersion

from .. import factories as make
from .hq import Desk, draft, today, weights

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("today")]

__all__ = ["today"]


@pytest.fixture
def repeat() -> KPI:
    return make.kpi(name="Repeat")


@pytest.fixture
def size() -> KPI:
    return make.kpi(name="Order size", metric="order_size")


def july(day: int) -> datetime:
    return datetime(2026, 7, day, 12, tzinfo=UTC)


@pytest.fixture
def campaign(repeat: KPI, size: KPI) -> Campaign:
    """v1 from the campaign's first day, v2 since 20 July, v3 from Monday on."""
    make.market()
    campaign = make.campaign(name="Q3")
    kim, ada = make.user(Role.HQ_EDITOR, name="Kim"), make.user(Role.HQ_APPROVER, name="Ada")
    make.priority_version(
        campaign, {repeat: 100}, reason="Quarter plan", by=kim, published_at=datetime(2026, 6, 20, tzinfo=UTC)
    )
    make.priority_version(
        campaign, {repeat: 70, size: 30}, reason="Baskets shrink", by=kim, approved_by=ada,
        published_at=july(20), own_goal_share=Decimal("0.65"),
    )  # fmt: skip
    make.priority_version(
        campaign, {repeat: 50, size: 50}, reason="More of it", by=ada, published_at=july(25),
        starts_on=date(2026, 8, 31), starts_time=time(9),
    )  # fmt: skip
    return campaign


@pytest.fixture
def editor() -> Desk:
    return Desk(name="Edith")


def rows(response: Any) -> dict[int, Any]:
    return {row.entry.version.number: row for row in response.context["rows"]}


def newest(campaign: Campaign) -> PriorityVersion:
    return campaign.versions.order_by("-number")[0]


def test_it_works(campaign: Campaign, editor: Desk) -> None:
    page = editor.get("versions", campaign.pk)
    found = rows(page)
    assert list(found) == [3, 2, 1]
    assert found[1].entry.changes == ["Repeat 100"]
    assert found[2].entry.changes == ["Repeat 100 to 70", "Order size new at 30", "Own goals 60% to 65%"]
    assert found[3].entry.changes == ["Order size 30 to 50", "Repeat 70 to 50", "Own goals 65% to 60%"]
    assert [found[n].chip for n in (1, 2, 3)] == ["Past", "Live", "Scheduled"]
    assert found[1].when == "1 July to 20 July, 12:00 UTC"
    assert found[2].when == "live since 20 July, 12:00 UTC"
    assert found[3].when == "takes over 31 August, 09:00"
    assert found[2].who == "Kim, approved by Ada"
    for said in ("Quarter plan", "Baskets shrink", "More of it"):
        assert said in page.text


def test_a_change_is_told_from_what_it_took_over(campaign: Campaign, editor: Desk, repeat: KPI) -> None:
    """The scheduled third had not counted when the fourth replaced the second."""
    make.priority_version(campaign, {repeat: 100}, reason="Once more")
    found = rows(editor.get("versions", campaign.pk))
    assert found[4].entry.changes == ["Repeat 70 to 100", "Order size 30 to 0", "Own goals 65% to 60%"]
    assert found[3].entry.changes == ["Order size new at 50", "Repeat 100 to 50"]
    editor.post("version_withdraw", campaign, 3)
    assert rows(editor.get("versions", campaign.pk))[3].entry.changes == ["Order size new at 50", "Repeat 100 to 50"]


def test_what_comes_after_it_was_withdrawn_does_not_change_what_it_was(
    campaign: Campaign, editor: Desk, repeat: KPI
) -> None:
    was = rows(editor.get("versions", campaign.pk))[3].entry.changes
    assert was == ["Order size 30 to 50", "Repeat 70 to 50", "Own goals 65% to 60%"]
    editor.post("version_withdraw", campaign, 3)
    with time_machine.travel(make.NOW + timedelta(hours=1), tick=False):
        editor.post("version_restore", campaign, 1, reason="It sold more")
        make.priority_version(
            campaign, {repeat: 100}, published_at=make.NOW + timedelta(hours=1),
            starts_on=date(2026, 8, 30), starts_time=time(9),
        )  # fmt: skip
        found = rows(editor.get("versions", campaign.pk))
    assert found[3].entry.changes == was
    assert found[4].entry.changes == ["Repeat 70 to 100", "Order size 30 to 0", "Own goals 65% to 60%"]


def test_two_that_were_withdrawn_keep_what_they_were(campaign: Campaign, editor: Desk, repeat: KPI) -> None:
    make.priority_version(campaign, {repeat: 100}, starts_on=date(2026, 9, 7), starts_time=time(9))
    was = rows(editor.get("versions", campaign.pk))[4].entry.changes
    assert was == ["Repeat 50 to 100", "Order size 50 to 0"]
    editor.post("version_withdraw", campaign, 4)
    with time_machine.travel(make.NOW + timedelta(hours=1), tick=False):
        editor.post("version_withdraw", campaign, 3)
        assert rows(editor.get("versions", campaign.pk))[4].entry.changes == was


@pytest.mark.parametrize("role", [Role.HQ_VIEWER, Role.TRAINER, Role.INTEGRATOR, Role.OPERATOR, Role.LEADER])
def test_who_may_look_and_who_may_not(role: Role, campaign: Campaign) -> None:
    other = Desk(role)
    for name in ("versions", "compare"):
        page = other.get(name, campaign.pk, a=1, b=2)
        assert page.status_code == (200 if role == Role.HQ_VIEWER else 404)
        if role == Role.HQ_VIEWER:
            assert 'method="post"' not in page.text.split('class="hq"')[1]
    assert other.post("version_restore", campaign, 1, reason="It sold more").status_code == 404
    assert other.post("version_withdraw", campaign, 3).status_code == 404
    assert campaign.versions.count() == 3


def test_the_audit_is_linked_for_who_may_open_it(campaign: Campaign, editor: Desk) -> None:
    audit = reverse("admin:pghistory_middlewareevents_changelist")
    own = 'class="hq"'
    assert audit in Desk(Role.HQ_APPROVER).get("versions", campaign.pk).text.split(own)[1]
    assert audit not in editor.get("versions", campaign.pk).text.split(own)[1]


def test_a_draft_is_the_first_line(campaign: Campaign, editor: Desk, repeat: KPI) -> None:
    draft(campaign, editor.user, {repeat: 90})
    page = editor.get("versions", campaign.pk)
    assert page.context["draft_changes"].startswith("Order size 30 to 0")
    assert reverse("review", args=[campaign.pk]) in page.text


# Back to one


def test_one_step_brings_back_exactly_what_it_was(campaign: Campaign, editor: Desk) -> None:
    response = editor.post("version_restore", campaign, 1, reason="It sold more")
    assert (response.status_code, response["Location"]) == (303, reverse("propagation", args=[campaign.pk]))
    back = newest(campaign)
    old = campaign.versions.get(number=1)
    assert (back.number, back.restores, back.by) == (4, old, editor.user)
    assert (weights(back), back.own_goal_share) == (weights(old), old.own_goal_share)
    assert priorities.for_market(make.market(), make.NOW).weights == {"repeat_orders": 1.0}
    found = rows(editor.get("versions", campaign.pk))
    assert found[4].notes == ["Brings back v1"]
    with translation.override("de"):
        assert back.why == "Zurück zu Version 1. It sold more", "where to in the reader's language, whoever went back"
    assert found[2].when.endswith("to 27 August, 15:00 UTC")


def test_a_roll_back_says_why(campaign: Campaign, editor: Desk) -> None:
    response = editor.post("version_restore", campaign, 1, reason=" ")
    assert response.status_code == 422
    assert newest(campaign).number == 3
    assert editor.post("version_restore", campaign, 1, reason="x" * 301).status_code == 422
    kept = editor.post("version_restore", campaign, 1, reason="It sold more", seen=Seen(0, 0))
    assert kept.status_code == 409 and ">It sold more</textarea>" in kept.text


def test_what_counts_already_is_not_offered(campaign: Campaign, editor: Desk) -> None:
    def offered() -> list[int]:
        return [n for n, row in rows(editor.get("versions", campaign.pk)).items() if row.entry.restorable]

    assert offered() == [1]
    editor.post("version_restore", campaign, 1, reason="It sold more")
    assert offered() == [2], "the first says what the fourth says"
    assert editor.post("version_restore", campaign, 4, reason="It sold more").status_code == 422
    assert editor.post("version_restore", campaign, 3, reason="It sold more").status_code == 422, "it has not begun"
    assert editor.post("version_restore", campaign, 77, reason="It sold more").status_code == 422
    assert campaign.versions.count() == 4


def test_who_has_not_seen_the_newest_is_told(campaign: Campaign, editor: Desk) -> None:
    seen = drafts.seen(campaign)
    Desk(name="Otto").post("version_restore", campaign, 1, reason="It sold more")
    response = editor.post("version_restore", campaign, 2, reason="It sold more", seen=seen)
    assert response.status_code == 409
    assert "Otto published version 4" in response.text
    assert campaign.versions.count() == 4


def test_an_open_draft_does_not_stand_in_the_way(campaign: Campaign, editor: Desk, repeat: KPI) -> None:
    draft(campaign, editor.user, {repeat: 100})
    assert editor.post("version_restore", campaign, 1, reason="It sold more").status_code == 303
    assert drafts.of(campaign) is not None
    assert "Version 4 was published after this draft was begun" in editor.get("review", campaign.pk).text


# Called off


def test_a_scheduled_one_is_withdrawn(campaign: Campaign, editor: Desk) -> None:
    assert editor.post("version_withdraw", campaign, 3).status_code == 303
    found = rows(editor.get("versions", campaign.pk))
    assert found[3].chip == "Withdrawn"
    assert found[3].when == "withdrawn 27 August, 15:00 UTC by Edith"
    assert not found[3].entry.withdrawable
    with time_machine.travel(datetime(2026, 9, 1, tzinfo=UTC), tick=False):
        page = editor.get("versions", campaign.pk)
    assert page.context["past"].in_force.number == 2
    again = editor.post("version_withdraw", campaign, 3)
    assert again.status_code == 422
    assert "Version 3 was withdrawn" in again.text


def test_one_that_counts_is_not_withdrawn(campaign: Campaign, editor: Desk) -> None:
    assert editor.post("version_withdraw", campaign, 2).status_code == 422
    with time_machine.travel(datetime(2026, 9, 1, tzinfo=UTC), tick=False):
        found = rows(editor.get("versions", campaign.pk))
        assert (found[3].chip, found[3].entry.withdrawable, found[2].chip) == ("Live", False, "Past")
        assert editor.post("version_withdraw", campaign, 3).status_code == 422
    assert rows(editor.get("versions", campaign.pk))[2].chip == "Live"


# Where and until when


def test_between_two_clocks_it_says_where_it_counts(campaign: Campaign, editor: Desk) -> None:
    make.market("de", time_zone="Europe/Berlin", currency="EUR")
    with time_machine.travel(datetime(2026, 8, 31, 8, tzinfo=UTC), tick=False):
        found = rows(editor.get("versions", campaign.pk))
    assert (found[2].notes, found[3].notes) == (["So far in US"], ["So far in DE"])


def test_before_it_begins_a_version_waits_for_its_campaign(repeat: KPI, editor: Desk) -> None:
    make.market()
    ahead = make.campaign(
        status=Campaign.Status.SCHEDULED, starts_on=date(2026, 10, 1), ends_on=date(2027, 1, 31), starts_time=time(8)
    )
    make.priority_version(ahead, {repeat: 100})
    make.priority_version(ahead, {repeat: 100}, reason="Once more")
    found = rows(editor.get("versions", ahead.pk))
    assert found[2].when == "begins with the campaign, 1 October, 08:00"
    assert (found[1].chip, found[1].when) == ("Never counted", "replaced before it counted")


def test_an_ended_campaign_offers_nothing_and_says_when_it_ended(campaign: Campaign, editor: Desk) -> None:
    campaigns.end(campaign, by=editor.user, as_of=make.NOW)
    with time_machine.travel(datetime(2026, 11, 1, tzinfo=UTC), tick=False):
        found = rows(Desk().get("versions", campaign.pk))
    assert [row.entry.standing.value for row in found.values()][1:] == ["past", "past"]
    assert not any(row.entry.restorable or row.entry.withdrawable for row in found.values())
    assert editor.post("version_restore", campaign, 1, reason="It sold more").status_code == 422


# Side by side


def test_any_two_are_compared(campaign: Campaign, editor: Desk) -> None:
    page = editor.get("compare", campaign.pk, a=1, b=3)
    assert [(row.name, row.old, row.new, row.said) for row in page.context["rows"]] == [
        ("Order size", 0, 50, "+50"), ("Repeat", 100, 50, "−50"),
    ]  # fmt: skip
    assert (page.context["share"].old, page.context["share"].new) == (60, 60)
    assert "Quarter plan" in page.text
    assert "More of it" in page.text
    turned = editor.get("compare", campaign.pk, a=3, b=1)
    assert [row.said for row in turned.context["rows"]] == ["+50", "−50"]


def test_a_draft_is_compared_too(campaign: Campaign, editor: Desk, repeat: KPI) -> None:
    assert editor.get("compare", campaign.pk, a=2, b="draft").status_code == 302
    draft(campaign, editor.user, {repeat: 90})
    page = editor.get("compare", campaign.pk, a=2, b="draft")
    assert {row.name: (row.old, row.new) for row in page.context["rows"]} == {"Repeat": (70, 90), "Order size": (30, 0)}


@pytest.mark.parametrize("asked", [{}, {"a": 1}, {"a": 1, "b": 99}, {"a": "x", "b": 2}, {"a": "²", "b": 2}])
def test_what_is_not_there_is_not_compared(asked: dict[str, Any], campaign: Campaign, editor: Desk) -> None:
    response = editor.get("compare", campaign.pk, **asked)
    assert (response.status_code, response["Location"]) == (302, reverse("versions", args=[campaign.pk]))


def test_the_same_twice_differs_in_nothing(campaign: Campaign, editor: Desk) -> None:
    page = editor.get("compare", campaign.pk, a=2, b="02").text
    assert "The same version twice: nothing differs." in page
    assert "moves" not in page.split('class="hq"')[1]


@pytest.mark.parametrize(("name", "queries"), [("versions", 10), ("compare", 10)])
def test_its_queries_do_not_grow_with_the_versions(
    name: str, queries: int, campaign: Campaign, editor: Desk, repeat: KPI, django_assert_num_queries: Any
) -> None:
    for _ in range(2):
        with django_assert_num_queries(queries):
            editor.get(name, campaign.pk, a=1, b=2)
        make.priority_version(campaign, {repeat: 100})


def test_a_form_that_has_seen_nothing_brings_nothing_back(campaign: Campaign, editor: Desk) -> None:
    assert editor.post("version_restore", campaign, 1, reason="It sold more", seen=Seen(0, 0)).status_code == 409
