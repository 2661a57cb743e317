"""A campaign's starts, ends and scheduled versions come on the minute of each market's own clock, once, with or without the
schedule; the schedule notes each of them once, however often and late it runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from threading import Thread
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction

from distributors import segments, versions
from distributors.models import Market, Role
from kpis import board, campaigns, priorities
from kpis.models import KPI, Campaign, PriorityVersion, Turn, Withdrawal
from tests import factories as make

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def at(day: str, hour: int = 0, minute: int = 0) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(hour, minute), UTC)


@pytest.fixture
def berlin() -> Market:
    return make.market("de", currency="EUR", time_zone="Europe/Berlin")


@pytest.fixture
def chicago() -> Market:
    return make.market("us", time_zone="America/Chicago")


@pytest.fixture
def old() -> KPI:
    return make.kpi(name="Old", metric="sales")


@pytest.fixture
def new() -> KPI:
    return make.kpi(name="New", metric="orders")


def put(campaign: Campaign, kpi: KPI, as_of: datetime, **fields: Any) -> PriorityVersion:
    return priorities.publish(
        campaign=campaign, weights={kpi.pk: 100}, own_goal_share=Decimal("0.60"), reason="Season", by=None, as_of=as_of,
        **fields,
    )  # fmt: skip


def minutes(first: datetime, last: datetime) -> Iterator[datetime]:
    while first <= last:
        yield first
        first += MINUTE


def flips(market: Market, first: datetime, last: datetime, turning: bool = False) -> list[tuple[datetime, str]]:
    """What counts at `first`, and each minute at which something else does: by name, empty for nothing.

    Each minute is asked of a board read anew, as by somebody who opens her page then.
    """
    found: list[tuple[datetime, str]] = []
    for as_of in minutes(first, last):
        if turning:
            campaigns.turn(as_of)
            campaigns.turn(as_of)
        counting = board.current().counting(market, as_of)
        name = counting[0].kpi.name if counting else ""
        if not found or found[-1][1] != name:
            found.append((as_of, name))
    return found


def turns() -> list[tuple[str, str, datetime]]:
    """(what, market's code, when due), as noted."""
    return list(Turn.objects.order_by("due_at", "market__code", "what").values_list("what", "market__code", "due_at"))


def status(campaign: Campaign) -> str:
    return Campaign.objects.get(pk=campaign.pk).status


def year_round() -> Campaign:
    return make.campaign(status=Campaign.Status.DRAFT, starts_on=date(2026, 1, 1), ends_on=date(2026, 12, 31))


# Across the change of the clocks


@pytest.mark.parametrize(
    ("night", "wall", "in_berlin", "in_chicago"),
    [
        # Berlin skips 02:30 of 29 March; Chicago has it at half past two in summer time.
        (date(2026, 3, 29), time(2, 30), at("2026-03-29", 1, 0), at("2026-03-29", 7, 30)),
        # Chicago skips 02:30 of 8 March; in Berlin it is winter.
        (date(2026, 3, 8), time(2, 30), at("2026-03-08", 1, 30), at("2026-03-08", 8, 0)),
        # Berlin has 02:30 of 25 October twice.
        (date(2026, 10, 25), time(2, 30), at("2026-10-25", 0, 30), at("2026-10-25", 7, 30)),
        # Chicago has 01:30 of 1 November twice.
        (date(2026, 11, 1), time(1, 30), at("2026-11-01", 0, 30), at("2026-11-01", 6, 30)),
        # Nine in the morning of the day itself is nine on each clock.
        (date(2026, 3, 29), time(9), at("2026-03-29", 7), at("2026-03-29", 14)),
        (date(2026, 10, 25), time(9), at("2026-10-25", 8), at("2026-10-25", 14)),
        (date(2026, 11, 1), time(9), at("2026-11-01", 8), at("2026-11-01", 15)),
    ],
)
@pytest.mark.parametrize("turning", [False, True])
def test_it_works(
    berlin: Market, chicago: Market, old: KPI, new: KPI, night: date, wall: time, in_berlin: datetime,
    in_chicago: datetime, turning: bool,
) -> None:  # fmt: skip
    """A scheduled change takes effect exactly once in each market, at the right minute, and does not flicker.

    Asked each minute until the repeated hour is over; the same without the schedule and with it.
    """
    campaign = year_round()
    put(campaign, old, at("2026-01-15"))
    put(campaign, new, at("2026-02-01"), starts=(night, wall))
    for market, begins in sorted([(berlin, in_berlin), (chicago, in_chicago)], key=lambda one: one[1]):
        first, last = begins - 15 * MINUTE, begins + 75 * MINUTE
        assert flips(market, first, last, turning) == [(first, "Old"), (begins, "New")]
    if turning:
        changes = [one for one in turns() if one[0] == "v2"]
        assert sorted(changes) == sorted([("v2", "de", in_berlin), ("v2", "us", in_chicago)])
        assert all(turn.at == turn.due_at for turn in Turn.objects.filter(what="v2"))


@pytest.mark.parametrize(
    ("zone", "day", "starts", "ends", "spans"),
    [
        # Both in the hour that Berlin repeats: half an hour of the first time round.
        ("Europe/Berlin", date(2026, 10, 25), time(2, 15), time(2, 45), (at("2026-10-25", 0, 15), at("2026-10-25", 0, 45))),
        # Until after the second time round: an hour more than the wall clock says.
        ("Europe/Berlin", date(2026, 10, 25), time(2, 15), time(3), (at("2026-10-25", 0, 15), at("2026-10-25", 2))),
        # From the skipped hour on: as soon as there is a clock that is past it.
        ("America/New_York", date(2026, 3, 8), time(2, 15), time(3, 30), (at("2026-03-08", 7), at("2026-03-08", 7, 30))),
        # Wholly inside the skipped hour: never.
        ("America/New_York", date(2026, 3, 8), time(2, 15), time(2, 45), None),
        # Half an hour on Lord Howe.
        ("Australia/Lord_Howe", date(2026, 4, 5), time(1, 45), time(2), (at("2026-04-04", 14, 45), at("2026-04-04", 15, 30))),
    ],
)  # fmt: skip
def test_a_campaign_that_starts_or_ends_while_the_clocks_change(
    old: KPI, zone: str, day: date, starts: time, ends: time, spans: tuple[datetime, datetime] | None
) -> None:
    market = make.market("xx", time_zone=zone)
    campaign = make.campaign(
        status=Campaign.Status.DRAFT, starts_on=day, starts_time=starts, ends_on=day, ends_time=ends
    )
    put(campaign, old, at("2026-01-15"))
    middle = spans[0] if spans else at("2026-03-08", 7)
    first, last = middle - 2 * HOUR, middle + 4 * HOUR
    expected = [(first, "")] if spans is None else [(first, ""), (spans[0], "Old"), (spans[1], "")]
    assert flips(market, first, last) == expected


def test_two_markets_take_turns_on_one_campaign_overlapping_another(
    berlin: Market, chicago: Market, old: KPI, new: KPI
) -> None:
    """A day's campaign on top of the year's, the night Berlin leaves summer time: each market has its own 25 hours, or 24."""
    put(year_round(), old, at("2026-01-15"))
    day = make.campaign(status=Campaign.Status.DRAFT, starts_on=date(2026, 10, 25), ends_on=date(2026, 10, 25))
    put(day, new, at("2026-02-01"))
    for market, begins, ends in (
        (berlin, at("2026-10-24", 22), at("2026-10-25", 23)),
        (chicago, at("2026-10-25", 5), at("2026-10-26", 5)),
    ):
        steps = [board.current().counting(market, one)[0].kpi for one in (begins - MINUTE, begins, ends - MINUTE, ends)]
        assert steps == [old, new, new, old]
    assert ends - begins == DAY


# The schedule's notes


def a_week(*markets: Market, **fields: Any) -> Campaign:
    """Monday nine to Friday six, 31 August to 4 September, not approved yet."""
    span = {
        "starts_on": date(2026, 8, 31), "starts_time": time(9), "ends_on": date(2026, 9, 4), "ends_time": time(18),
    }  # fmt: skip
    campaign = make.campaign(status=Campaign.Status.DRAFT, **span | fields)
    campaign.markets.set(markets)
    return campaign


BERLIN_STARTS, CHICAGO_STARTS = at("2026-08-31", 7), at("2026-08-31", 14)
BERLIN_ENDS, CHICAGO_ENDS = at("2026-09-04", 16), at("2026-09-04", 23)
ALL_NOTES = [
    ("start", "de", BERLIN_STARTS), ("start", "us", CHICAGO_STARTS), ("end", "de", BERLIN_ENDS), ("end", "us", CHICAGO_ENDS),
]  # fmt: skip


def test_each_start_and_end_is_noted_once_and_the_status_follows(berlin: Market, chicago: Market, old: KPI) -> None:
    campaign = a_week(berlin, chicago)
    assert status(campaign) == "draft"
    put(campaign, old, at("2026-08-27"))
    found = []
    for around in (BERLIN_STARTS, CHICAGO_STARTS, BERLIN_ENDS, CHICAGO_ENDS):
        for as_of in minutes(around - 2 * MINUTE, around + 2 * MINUTE):
            campaigns.turn(as_of)
            campaigns.turn(as_of)
            found.append((as_of, status(campaign), len(turns())))
    changes = [one for before, one in zip([None, *found], found, strict=False) if not before or before[1:] != one[1:]]
    assert changes == [
        (BERLIN_STARTS - 2 * MINUTE, "scheduled", 0),
        (BERLIN_STARTS, "live", 1),
        (CHICAGO_STARTS, "live", 2),
        (BERLIN_ENDS, "live", 3),
        (CHICAGO_ENDS, "ended", 4),
    ]
    assert turns() == ALL_NOTES
    assert all(turn.at == turn.due_at for turn in Turn.objects.all())


def test_after_an_outage_everything_is_noted_once_with_when_it_was_due(
    berlin: Market, chicago: Market, old: KPI
) -> None:
    campaign = a_week(berlin, chicago)
    put(campaign, old, at("2026-08-27"))
    campaigns.turn(BERLIN_STARTS - MINUTE)
    assert turns() == []
    campaigns.turn(BERLIN_STARTS + DAY)
    assert (turns(), status(campaign)) == (ALL_NOTES[:2], "live")
    campaigns.turn(CHICAGO_ENDS + 30 * DAY)
    campaigns.turn(CHICAGO_ENDS + 31 * DAY)
    assert (turns(), status(campaign)) == (ALL_NOTES, "ended")
    assert set(Turn.objects.values_list("at", flat=True)) == {BERLIN_STARTS + DAY, CHICAGO_ENDS + 30 * DAY}


def test_an_outage_of_the_whole_period(berlin: Market, chicago: Market, old: KPI) -> None:
    campaign = a_week(berlin, chicago)
    put(campaign, old, at("2026-08-27"))
    campaigns.turn(CHICAGO_ENDS)
    assert (turns(), status(campaign)) == (ALL_NOTES, "ended")


def test_the_read_does_not_wait_for_the_schedule(berlin: Market, chicago: Market, old: KPI) -> None:
    campaign = a_week(berlin, chicago)
    put(campaign, old, at("2026-08-27"))
    for market, begins, ends in (
        (berlin, BERLIN_STARTS, BERLIN_ENDS),
        (chicago, CHICAGO_STARTS, CHICAGO_ENDS),
    ):
        asked = (begins - MINUTE, begins, ends - MINUTE, ends)
        found = [bool(priorities.for_market(market, as_of).version) for as_of in asked]
        assert found == [False, True, True, False]
    assert (turns(), status(campaign)) == ([], "scheduled")


def test_ended_by_hand_it_is_over_at_once_and_nothing_more_is_noted(berlin: Market, chicago: Market, old: KPI) -> None:
    campaign = a_week(berlin, chicago)
    put(campaign, old, at("2026-08-27"))
    campaigns.turn(BERLIN_STARTS)
    campaigns.end(campaign, by=make.user(Role.HQ_EDITOR), as_of=BERLIN_STARTS + HOUR)
    assert board.current().counting(berlin, BERLIN_STARTS + HOUR) == []
    campaigns.turn(CHICAGO_ENDS)
    assert (turns(), status(campaign)) == (ALL_NOTES[:1], "ended")
    campaigns.end(campaign, by=None, as_of=CHICAGO_ENDS)
    draft = a_week()
    campaigns.end(draft, by=None, as_of=CHICAGO_ENDS)
    assert status(draft) == "draft"


def test_what_is_not_approved_has_no_turns(berlin: Market, old: KPI) -> None:
    make.priority_version(a_week(berlin), {old: 100})
    make.campaign(starts_on=date(2026, 8, 1))  # approved, no version
    campaigns.turn(CHICAGO_ENDS)
    assert turns() == []


def test_a_withdrawn_version_has_none(berlin: Market, old: KPI, new: KPI) -> None:
    campaign = a_week(berlin)
    put(campaign, old, at("2026-08-27"))
    off = put(campaign, new, at("2026-08-28"), starts=(date(2026, 9, 1), time(9)))
    put(campaign, new, at("2026-08-28"), starts=(date(2026, 9, 2), time(9)))
    Withdrawal.objects.create(version=off, at=at("2026-08-29"))
    campaigns.turn(at("2026-09-02", 7))
    assert [one for one in turns() if one[0] != "start"] == [("v3", "de", at("2026-09-02", 7))]


def test_a_note_makes_what_was_written_ahead_old(berlin: Market, old: KPI) -> None:
    put(a_week(berlin), old, at("2026-08-27"))

    def number(as_of: datetime) -> int:
        campaigns.turn(as_of)
        return versions.current()["kpis"]

    before = number(BERLIN_STARTS - MINUTE)
    assert number(BERLIN_STARTS - MINUTE) == before
    started = number(BERLIN_STARTS)
    assert started > before
    assert number(BERLIN_STARTS + MINUTE) == started


def test_an_end_that_was_moved_is_noted_again(berlin: Market, old: KPI) -> None:
    """Two ends of one campaign are two things that happened, each at its own time."""
    first = a_week(berlin)
    put(first, old, at("2026-08-27"))
    other = a_week(berlin, make.market("jp", currency="JPY", time_zone="Asia/Tokyo"), ends_on=date(2026, 9, 30))
    put(other, old, at("2026-08-27"))
    campaigns.turn(BERLIN_ENDS)
    Campaign.objects.filter(pk=other.pk).update(ends_on=date(2026, 9, 10))
    campaigns.turn(at("2026-09-10", 16))
    assert status(other) == "ended"
    assert [(one.campaign, one.market.code) for one in Turn.objects.filter(what="end").order_by("due_at")] == [
        (first, "de"), (other, "jp"), (other, "de"),
    ]  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_four_schedules_at_once_note_it_once() -> None:
    market = make.market("de", currency="EUR", time_zone="Europe/Berlin")
    campaign = a_week(market)
    put(campaign, make.kpi(), at("2026-08-27"))

    def run() -> None:
        campaigns.turn(BERLIN_ENDS)
        connection.close()

    threads = [Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (turns(), status(campaign)) == ([ALL_NOTES[0], ALL_NOTES[2]], "ended")


def test_a_note_stays_as_it_is(berlin: Market, old: KPI) -> None:
    put(a_week(berlin), old, at("2026-08-27"))
    campaigns.turn(BERLIN_STARTS)
    for change in (lambda: Turn.objects.update(at=BERLIN_ENDS), lambda: Turn.objects.all().delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


# Whom it is for, and what may be scheduled


def test_the_first_version_makes_it_scheduled_or_live(berlin: Market, chicago: Market, old: KPI) -> None:
    for as_of, expected in ((BERLIN_STARTS - MINUTE, "scheduled"), (BERLIN_STARTS, "live")):
        campaign = a_week(berlin, chicago)
        put(campaign, old, as_of)
        assert status(campaign) == expected


def test_a_start_has_to_be_ahead_in_every_market_and_before_the_end(berlin: Market, chicago: Market, old: KPI) -> None:
    campaign, as_of = a_week(berlin, chicago), at("2026-08-31", 7, 30)
    put(campaign, old, at("2026-08-27"))
    for starts, sentence in (
        ((date(2026, 8, 31), time(9, 30)), "That time has passed in DE already. Choose a later one."),
        ((date(2026, 9, 4), time(18)), "The campaign has ended by then in DE."),
    ):
        with pytest.raises(ValidationError) as refused:
            put(campaign, old, as_of, starts=starts)
        assert refused.value.messages == [sentence]
    assert put(campaign, old, as_of, starts=(date(2026, 8, 31), time(9, 31))).number == 2
    assert put(campaign, old, as_of, starts=(date(2026, 9, 4), time(17, 59))).number == 3


def test_whom_a_campaign_is_for(berlin: Market, chicago: Market) -> None:
    """Active people of its markets who are in the segment on their own local day."""
    now = at("2026-08-28", 2)  # the 28th in Berlin, still the 27th in Chicago
    new_here = make.segment(days_to=30)
    german = make.distributor(market=berlin, joined_on=date(2026, 7, 28))
    us = make.distributor(market=chicago, joined_on=date(2026, 7, 28))
    for market in (berlin, chicago):
        make.distributor(market=market, joined_on=date(2026, 7, 20))
        make.distributor(market=market, joined_on=date(2026, 8, 20), left_on=date(2026, 8, 21))
    assert campaigns.reach(make.campaign(), now) == 4
    assert campaigns.reach(make.campaign(segment=new_here), now) == 1
    make.segment(days_to=31)
    condition = campaigns.audience(make.campaign(segment=new_here), now)
    assert list(type(us).objects.filter(condition)) == [us]
    assert german not in type(us).objects.filter(condition)
    one = make.campaign(segment=new_here)
    one.markets.add(berlin)
    assert campaigns.reach(one, now) == 0
    assert campaigns.markets_of(one) == [berlin]
    assert segments.condition(None, now.date()) == type(condition)()
