from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from distributors.models import Role, User
from kpis import drafts, priorities
from kpis.models import KPI, Campaign, KPIWeek, PriorityDraft, Withdrawal
from kpis.proposals import Proposal
from tests import factories as make
from tests.pages import now, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now


@pytest.fixture
def repeat() -> KPI:
    return make.kpi(name="Repeat", metric="repeat_orders")


@pytest.fixture
def enrolments() -> KPI:
    return make.kpi(name="Enrolments", metric="enrolments", target=9)


@pytest.fixture
def size() -> KPI:
    """Not weighed so far."""
    return make.kpi(name="Order size", metric="order_size")


@pytest.fixture
def campaign(repeat: KPI, enrolments: KPI, size: KPI) -> Campaign:
    """Live since 1 July with 60 : 40."""
    make.market("us")
    found = make.campaign(name="Repeat orders first")
    renata = make.user(Role.HQ_EDITOR, name="Renata Moss")
    version(found, {repeat: 60, enrolments: 40}, by=renata, published_at=at(2026, 6, 20))
    return found


def version(of: Campaign, weights: dict[KPI, int], **fields: Any) -> Any:
    return make.priority_version(of, weights, **fields)


def at(*day: int) -> datetime:
    return datetime(*day, 12, tzinfo=make.NOW.tzinfo)  # type: ignore[misc]


def client_of(role: Role = Role.HQ_EDITOR, **fields: Any) -> Client:
    client = Client()
    client.force_login(make.user(role, **fields))
    return client


def look(client: Client, campaign: Campaign) -> str:
    response = client.get(reverse("console", args=[campaign.pk]))
    assert response.status_code == 200
    return words(response)


def typed(page: str) -> dict[str, str]:
    """What the fields of the form hold, by name."""
    fields = re.findall(r"<input[^>]*>", page.partition('id="console"')[2].partition("</form>")[0])
    named = [(name[1], value[1]) for one in fields
             if (name := re.search(r' name="([^"]+)"', one)) and (value := re.search(r' value="([^"]*)"', one))
             and not (name[1] == "locked" and " disabled" in one)]  # fmt: skip
    return dict(named)


def save(client: Client, campaign: Campaign, page: str, after: str = "", **changed: Any) -> HttpResponse:
    """Press the button on a page that was loaded before, with other numbers in it."""
    url = reverse("draft_save", args=[campaign.pk]) + after
    return client.post(url, typed(page) | changed)  # type: ignore[return-value]


def row(page: str, kpi: KPI) -> str:
    return next(one for one in page.split('<div class="kpi"')[1:] if f'name="w{kpi.pk}"' in one)


# What it shows


def test_it_works(campaign: Campaign, repeat: KPI, enrolments: KPI, size: KPI) -> None:
    page = look(client_of(), campaign)
    assert typed(page) == {
        "revision": "0", "version": "1", f"w{repeat.pk}": "60", f"w{enrolments.pk}": "40", f"w{size.pk}": "0", "share": "60",
    }  # fmt: skip
    assert "Live v1 since 1 July" in page and "Draft v" not in page
    assert '<b id="total">100</b>' in page and "live v1" in page
    assert 'class="was" x="60%"' in row(page, repeat)
    assert "1 July to 30 September" in page and "Everybody, all markets" in page
    assert f'hx-get="{reverse("preview", args=[campaign.pk])}"' in page
    assert f'hx-get="{reverse("estimate", args=[campaign.pk])}"' in page
    assert " style=" not in page.partition('<main class="hq">')[2]


def test_a_row_says_where_the_kpi_stands(campaign: Campaign, enrolments: KPI) -> None:
    market = make.market("us")
    KPIWeek.objects.create(kpi=enrolments, market=market, first=date(2026, 8, 17), numerator=7, computed_at=make.NOW)
    assert re.search(r"Enrolments <b>7</b>, target 9", row(look(client_of(), campaign), enrolments))


def test_a_reading_is_of_the_markets_of_the_campaign(repeat: KPI, enrolments: KPI) -> None:
    german = make.campaign(name="Germany first")
    german.markets.add(make.market("de", currency="EUR"))
    sales = make.kpi(name="Sales", metric="sales")
    for code, many in (("us", 7), ("de", 2)):
        for kpi in (enrolments, sales):
            KPIWeek.objects.create(
                kpi=kpi, market=make.market(code), first=date(2026, 8, 17), numerator=many, computed_at=make.NOW
            )
    page = look(client_of(), german)
    assert "<b>2</b>, target 9" in row(page, enrolments)
    assert ">€2<" in row(page, sales)
    everywhere = look(client_of(), make.campaign(name="Everywhere"))
    assert ">9</b>" in row(everywhere, enrolments) and " · " in row(everywhere, sales)


def test_what_is_not_saved_is_marked_by_the_script_only(campaign: Campaign) -> None:
    assert '<span class="chip chip-w off" id="unsaved">Not saved</span>' in look(client_of(), campaign)
    assert 'id="unsaved"' not in look(client_of(Role.HQ_VIEWER), campaign)


def test_kpis_without_points_are_behind_more(campaign: Campaign, size: KPI) -> None:
    assert f'name="w{size.pk}"' in look(client_of(), campaign).partition('id="more"')[2]


def test_a_new_campaign_offers_every_kpi(repeat: KPI) -> None:
    page = look(client_of(), make.campaign(status=Campaign.Status.DRAFT))
    assert f'name="w{repeat.pk}"' in page and 'id="more"' not in page and "No version yet" in page


def test_campaigns_at_the_same_time_are_named_with_the_rule(campaign: Campaign, repeat: KPI) -> None:
    other = make.campaign(name="August push", starts_on=date(2026, 8, 1))
    version(other, {repeat: 100})
    page = look(client_of(), campaign)
    assert "1 other campaign at the same time" in page and "August push</a>. It counts before this one in US." in page
    assert "the narrower audience wins" in page


def test_whoever_only_reads_sees_it_all_and_changes_nothing(campaign: Campaign, repeat: KPI) -> None:
    page = look(client_of(Role.HQ_VIEWER), campaign)
    form = page.partition('id="console"')[2].partition("</form>")[0]
    shown = [one for one in re.findall(r"<input[^>]*>|<button[^>]*>", form) if "hidden" not in one]
    assert shown and all(" disabled" in one for one in shown)
    assert "You see what HQ works on." in page
    assert "Save draft" not in page and "Roll back" not in page
    assert f'hx-get="{reverse("preview", args=[campaign.pk])}?w{repeat.pk}=60' in page


def test_an_ended_campaign_is_only_read(campaign: Campaign) -> None:
    Campaign.objects.update(status=Campaign.Status.ENDED)
    page = look(client_of(), campaign)
    assert "This campaign has ended" in page and "Save draft" not in page
    response = save(client_of(), campaign, page, w1="100")
    assert response.status_code == 422 and not PriorityDraft.objects.exists()


def test_queries_do_not_grow_with_what_is_shown(campaign: Campaign, django_assert_num_queries: Any) -> None:
    for n in range(6):
        version(
            campaign, {make.kpi(): 50, make.kpi(): 50}, by=make.user(Role.HQ_EDITOR), published_at=at(2026, 7, 2 + n)
        )
        make.market(f"m{n}")
    client = client_of()
    look(client, campaign)
    with django_assert_num_queries(19):
        look(client, campaign)


# The versions beside it


def lines(campaign: Campaign) -> list[str]:
    page = look(client_of(), campaign).partition('<ol class="vers">')[2].partition("</ol>")[0]
    return [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", one)).strip() for one in page.split("<li>")[1:]]


def test_versions_say_what_changed_when_and_by_whom(
    campaign: Campaign, repeat: KPI, size: KPI, enrolments: KPI
) -> None:
    cole, renata = make.user(Role.HQ_APPROVER, name="Cole Adams"), make.user(Role.HQ_EDITOR, name="Renata Moss")
    version(campaign, {repeat: 20, enrolments: 80}, by=renata, approved_by=cole, published_at=at(2026, 7, 6))
    assert lines(campaign) == [
        "v2 Enrolments 40 to 80, Repeat 60 to 20 Live since 6 July, approved by Cole Adams Live",
        "v1 Repeat 60, Enrolments 40 1 July to 6 July, Renata Moss Roll back to v1 Go back to v1? Its weights count at once "
        "as v3, for 0 people. Why Roll back to v1",
    ]


def test_a_version_that_was_taken_back_says_so(campaign: Campaign, repeat: KPI, enrolments: KPI) -> None:
    first = campaign.versions.get()
    version(campaign, {repeat: 100}, published_at=at(2026, 7, 6))
    version(campaign, {repeat: 60, enrolments: 40}, published_at=at(2026, 7, 8), restores=first)
    found = lines(campaign)
    assert found[0].startswith("v3 Back to v1: Repeat 100 to 60, Enrolments new at 40 Live since 8 July")
    assert "6 July to 8 July, rolled back" in found[1]


def test_one_that_waits_and_one_that_was_called_off(campaign: Campaign, repeat: KPI) -> None:
    renata = make.user(Role.HQ_EDITOR, name="Renata Moss")
    later = {"starts_on": date(2026, 9, 7), "starts_time": time(9), "by": renata}
    withdrawn = version(campaign, {repeat: 100}, **later)
    Withdrawal.objects.create(version=withdrawn, by=renata, at=make.NOW)
    version(campaign, {repeat: 100}, **later)
    found = lines(campaign)
    assert found[0].startswith("v3 Repeat 60 to 100, Enrolments 40 to 0 Counts from 7 September, 09:00, Renata Moss")
    assert "Withdraw v3" in found[0] and "Withdrawn, Renata Moss" in found[1]
    assert "v3 scheduled for 7 September, 09:00" in look(client_of(), campaign)


# Saving


def test_saving_keeps_a_draft_and_changes_nothing_in_the_field(
    campaign: Campaign, repeat: KPI, size: KPI, enrolments: KPI
) -> None:
    client = client_of()
    before = priorities.for_market(make.market("us"), make.NOW)
    numbers = {
        f"w{repeat.pk}": "35",
        f"w{enrolments.pk}": "45",
        f"w{size.pk}": "20",
        "share": "55",
        "locked": [size.pk],
    }
    response = save(client, campaign, look(client, campaign), **numbers)
    assert response.status_code == 303 and response["Location"] == reverse("console", args=[campaign.pk])
    draft = PriorityDraft.objects.get()
    assert draft.weights == {str(repeat.pk): 35, str(enrolments.pk): 45, str(size.pk): 20}
    assert (draft.own_goal_share, draft.locked) == (Decimal("0.55"), [size.pk])
    assert priorities.for_market(make.market("us"), make.NOW) == before
    page = look(client, campaign)
    assert "Draft v2" in page and "The draft is saved." in page and 'class="was" x="60%"' in row(page, repeat)
    assert typed(page)[f"w{repeat.pk}"] == "35" and 'aria-pressed="true"' in row(page, size)
    assert 'id="more"' not in page
    assert lines(campaign)[0].startswith("v2 Repeat 60 to 35, Order size new at 20, two more Draft, ")


def test_a_draft_need_not_add_up_yet(campaign: Campaign, repeat: KPI) -> None:
    client = client_of()
    assert save(client, campaign, look(client, campaign), **{f"w{repeat.pk}": ""}).status_code == 303
    page = look(client, campaign)
    assert "Its weights add up to 40 so far" in page and '<b id="total" class="off">40</b>' in page


def test_reason_and_start_of_the_review_stay(campaign: Campaign, repeat: KPI) -> None:
    client, starts = client_of(), (date(2026, 9, 7), time(9))
    begin(campaign, {repeat.pk: 100}, reason="The eye line sells once", starts=starts)
    save(client, campaign, look(client, campaign), share="70")
    draft = PriorityDraft.objects.get()
    assert (draft.reason, drafts.starts_of(draft), draft.own_goal_share) == (
        "The eye line sells once",
        starts,
        Decimal("0.70"),
    )


def begin(campaign: Campaign, weights: dict[int, int], by: User | None = None, **fields: Any) -> PriorityDraft:
    return drafts.save(
        proposal=Proposal(campaign, weights, Decimal("0.60")),
        locked=[],
        **{"reason": "", "starts": None} | fields,
        seen=drafts.seen(campaign),
        by=by or make.user(Role.HQ_EDITOR, name="Cole Adams"),
        as_of=make.NOW,
    )


def test_on_to_the_review(campaign: Campaign, repeat: KPI, enrolments: KPI) -> None:
    client = client_of()
    page = look(client, campaign)
    response = save(client, campaign, page, "?next=review", **{f"w{repeat.pk}": "50", f"w{enrolments.pk}": "50"})
    assert response.status_code == 303 and response["Location"] == reverse("review", args=[campaign.pk])
    assert PriorityDraft.objects.get().weights == {str(repeat.pk): 50, str(enrolments.pk): 50}


def test_on_to_the_review_of_somebody_elses_draft_leaves_it_hers(campaign: Campaign, repeat: KPI) -> None:
    cole = make.user(Role.HQ_EDITOR, name="Cole Adams")
    begin(campaign, {repeat.pk: 100}, by=cole)
    drafts.ask(campaign=campaign, seen=drafts.seen(campaign), reason="Why", starts=None, by=cole, as_of=make.NOW)
    client = client_of(Role.HQ_APPROVER)
    page = look(client, campaign)
    assert "In review, v2" in page and "Cole Adams asked for approval." in page
    assert save(client, campaign, page, "?next=review").status_code == 303
    draft = PriorityDraft.objects.get()
    assert (draft.state, draft.by, draft.reason) == ("in_review", cole, "Why")


# Somebody else was faster


def test_the_second_of_two_editors_is_told_and_loses_nothing(campaign: Campaign, repeat: KPI, enrolments: KPI) -> None:
    renata = client_of(name="Renata Moss")
    page = look(renata, campaign)
    begin(campaign, {repeat.pk: 40, enrolments.pk: 60})
    numbers = {f"w{repeat.pk}": "35", f"w{enrolments.pk}": "65", "share": "55"}
    response = save(renata, campaign, page, **numbers)
    again = words(response)
    assert response.status_code == 409 and "Cole Adams saved the draft" in again
    assert typed(again).items() >= numbers.items()
    assert "Cole Adams has 40" in row(again, repeat) and "Cole Adams has 60" in row(again, enrolments)
    assert "Cole Adams has 60" in again.partition('class="own"')[2]
    assert PriorityDraft.objects.get().weights == {str(repeat.pk): 40, str(enrolments.pk): 60}
    assert "data-unsaved" in again

    assert save(renata, campaign, again).status_code == 303
    assert PriorityDraft.objects.get().weights == {str(repeat.pk): 35, str(enrolments.pk): 65}


def test_a_version_that_was_published_meanwhile_is_told_too(campaign: Campaign, repeat: KPI, enrolments: KPI) -> None:
    client = client_of()
    page = look(client, campaign)
    cole = make.user(Role.HQ_APPROVER, name="Cole Adams")
    version(campaign, {repeat: 90, enrolments: 10}, by=cole)
    response = save(client, campaign, page, **{f"w{repeat.pk}": "35"})
    assert response.status_code == 409 and "Cole Adams published version 2" in words(response)
    assert "Cole Adams has 90" in row(words(response), repeat) and typed(words(response))["version"] == "2"


def test_a_draft_that_was_begun_before_the_newest_version_says_so(campaign: Campaign, repeat: KPI) -> None:
    begin(campaign, {repeat.pk: 100})
    version(campaign, {repeat: 100}, by=make.user(Role.HQ_APPROVER, name="Arun Prakash"))
    page = look(client_of(), campaign)
    assert "Arun Prakash published v2 after this draft was begun." in page and "Draft v3" in page


# Bad input


@pytest.mark.parametrize("said", ["101", "-1", "7.5", "many", "٣", "1e2"])
def test_what_is_no_weight_is_said_at_the_top_and_at_the_field(
    campaign: Campaign, repeat: KPI, enrolments: KPI, said: str
) -> None:
    client = client_of()
    response = save(client, campaign, look(client, campaign), **{f"w{repeat.pk}": said, f"w{enrolments.pk}": "12"})
    page = words(response)
    assert response.status_code == 422 and not PriorityDraft.objects.exists()
    assert "Each weight is a whole number from 0 to 100." in page.partition("data-summary")[2].partition("</div>")[0]
    assert "A whole number from 0 to 100." in row(page, repeat) and 'aria-invalid="true"' in row(page, repeat)
    assert "aria-invalid" not in row(page, enrolments)
    assert typed(page).items() >= {f"w{repeat.pk}": said, f"w{enrolments.pk}": "12", "version": "1"}.items()


@pytest.mark.parametrize("said", ["49", "101", "", "half"])
def test_own_goals_keep_half(campaign: Campaign, said: str) -> None:
    client = client_of()
    response = save(client, campaign, look(client, campaign), share=said)
    assert response.status_code == 422 and not PriorityDraft.objects.exists()
    assert "Their own goals keep a whole number from 50 to 100." in words(response)
    assert typed(words(response))["share"] == said


def test_a_form_without_what_it_was_made_from_is_a_conflict(campaign: Campaign) -> None:
    response = client_of().post(reverse("draft_save", args=[campaign.pk]), {"share": "60"})
    assert response.status_code == 409


# Discarding


def test_discard(campaign: Campaign, repeat: KPI) -> None:
    begin(campaign, {repeat.pk: 100})
    client = client_of()
    response = client.post(reverse("draft_discard", args=[campaign.pk]), typed(look(client, campaign)))
    assert response.status_code == 303 and not PriorityDraft.objects.exists()
    page = look(client, campaign)
    assert "The draft is gone." in page and "Discard draft" not in page and typed(page)[f"w{repeat.pk}"] == "60"


def test_discard_refuses_what_it_has_not_seen(campaign: Campaign, repeat: KPI) -> None:
    begin(campaign, {repeat.pk: 100})
    client = client_of()
    seen = typed(look(client, campaign))
    begin(campaign, {repeat.pk: 90})
    client.post(reverse("draft_discard", args=[campaign.pk]), seen)
    assert PriorityDraft.objects.exists() and "Cole Adams saved the draft" in look(client, campaign)


# Which campaign matters


def leads_to(client: Client) -> str:
    return client.get(reverse("priorities")).headers.get("Location", "")


def console(campaign: Campaign) -> str:
    return reverse("console", args=[campaign.pk])


def test_an_open_draft_comes_first_the_last_saved_one(campaign: Campaign, repeat: KPI) -> None:
    other, third = make.campaign(), make.campaign()
    begin(other, {repeat.pk: 100})
    begin(third, {repeat.pk: 100})
    PriorityDraft.objects.filter(campaign=third).update(saved_at=make.NOW - timedelta(hours=1))
    assert leads_to(client_of(Role.HQ_VIEWER)) == console(other)


def test_then_the_one_that_counts_in_most_markets(campaign: Campaign, repeat: KPI) -> None:
    make.market("mx")
    german = make.campaign(starts_on=date(2026, 8, 1))
    german.markets.add(make.market("de"))
    version(german, {repeat: 100})
    make.campaign(status=Campaign.Status.DRAFT)
    assert leads_to(client_of()) == console(campaign)
    german.markets.add(make.market("us"))
    assert leads_to(client_of()) == console(german)


def test_then_the_newest(repeat: KPI) -> None:
    make.market("us")
    make.campaign(status=Campaign.Status.DRAFT)
    newest = make.campaign(status=Campaign.Status.DRAFT)
    assert leads_to(client_of()) == console(newest)


def test_without_a_campaign_the_page_says_what_to_do() -> None:
    add = reverse("admin:kpis_campaign_add")
    page = words(client_of().get(reverse("priorities")))
    assert "There is no campaign yet." in page and add in page
    assert add not in words(client_of(Role.HQ_VIEWER).get(reverse("priorities"))).partition('<main class="hq">')[2]
