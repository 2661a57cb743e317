"""Which campaign and version counts for whom at what instant: the stated rule, and each market's own clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from distributors.models import Market
from kpis import board
from kpis.board import Board, Plan, instant
from kpis.models import KPI, Campaign, Priority, PriorityVersion, Withdrawal
from tests import factories as make

NOW = datetime(2026, 8, 27, 15, 0, tzinfo=UTC)  # 11:00 in New York, 17:00 in Berlin
ZONES = [
    "Europe/Berlin", "America/New_York", "America/Chicago", "Australia/Lord_Howe", "America/Sao_Paulo",
    "Asia/Kathmandu", "Pacific/Apia", "Africa/Casablanca", "Europe/Dublin", "UTC",
]  # fmt: skip
db = pytest.mark.django_db


def clock(zone: str) -> Market:
    """Unsaved."""
    return Market(code="x", time_zone=zone)


def at(day: str, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(hour, minute), UTC)


@pytest.fixture
def us() -> Market:
    return make.market()


@pytest.fixture
def germany() -> Market:
    return make.market("de", currency="EUR", time_zone="Europe/Berlin")


@pytest.fixture
def repeat() -> KPI:
    return make.kpi(name="Repeat")


def running(repeat: KPI, *markets: Market, **fields: Any) -> Campaign:
    """A live campaign with one version."""
    made = make.campaign(**fields)
    made.markets.set(markets)
    make.priority_version(made, {repeat: 100})
    return made


def counts(market: Market, *segments: Any, as_of: datetime = NOW) -> Campaign | None:
    found = board.current().counting(market, as_of, frozenset(one.pk for one in segments))
    return found[0].version.campaign if found else None


def number(market: Market, as_of: datetime = NOW) -> int:
    """Of the version that counts; 0 for none."""
    found = board.current().counting(market, as_of)
    return found[0].version.number if found else 0


# The rule


@db
def test_it_works(us: Market, germany: Market, repeat: KPI) -> None:
    size = make.kpi(name="Size", metric="order_size")
    campaign = make.campaign()
    version = make.priority_version(campaign, {repeat: 30, size: 70})
    found = board.current().counting(us, NOW)
    assert [(one.kpi, one.weight, one.version) for one in found] == [(size, 70, version), (repeat, 30, version)]
    assert board.current().counting(germany, NOW) == found
    assert str(board.RULE).startswith("When several campaigns run, the narrower audience wins")


@db
def test_segment_then_market_then_start_then_made(us: Market, germany: Market, repeat: KPI) -> None:
    """Each beats all above it, and makes no difference to whom it is not for."""
    long = make.segment(days_from=365)
    older = running(repeat, starts_on=date(2026, 7, 1))
    assert counts(us) == older
    twin = running(repeat, starts_on=date(2026, 7, 1))
    assert counts(us) == twin
    later = running(repeat, starts_on=date(2026, 7, 1), starts_time=time(9))
    running(repeat, starts_on=date(2026, 7, 1), starts_time=time(8))
    assert counts(us) == later
    named = running(repeat, us, starts_on=date(2026, 6, 1))
    assert (counts(us), counts(germany)) == (named, later)
    narrow = running(repeat, starts_on=date(2026, 5, 1), segment=long)
    assert (counts(us), counts(us, long)) == (named, narrow)
    narrowest = running(repeat, us, starts_on=date(2026, 4, 1), segment=long)
    assert (counts(us, long), counts(germany, long)) == (narrowest, narrow)
    assert [plan.campaign for plan, _ in board.current().running(us, NOW)][:4] == [narrowest, narrow, named, later]


@db
def test_who_belongs_to_several_segments_gets_the_one_that_started_last(us: Market, repeat: KPI) -> None:
    one, other = make.segment(), make.segment()
    first = running(repeat, segment=one, starts_on=date(2026, 7, 2))
    second = running(repeat, segment=other, starts_on=date(2026, 7, 1))
    assert (counts(us, one, other), counts(us, one), counts(us, other)) == (first, first, second)
    assert counts(us) is None


@db
@pytest.mark.parametrize("status", ["draft", "in_review", "ended"])
def test_only_approved_ones_count(us: Market, repeat: KPI, status: str) -> None:
    running(repeat, status=status)
    assert counts(us) is None
    make.campaign()  # approved, but nothing published
    assert counts(us) is None
    ahead = running(repeat, status=Campaign.Status.SCHEDULED)  # its time has come, though no job has said so
    assert counts(us) == ahead


@db
def test_what_is_about_others_is_left_out_and_the_next_campaign_takes_over(
    us: Market, germany: Market, repeat: KPI
) -> None:
    team = make.segment(team="leads")
    german = make.kpi(name="German", metric="sales", market=germany)
    leading = make.kpi(name="Leading", metric="enrolments", segment=team)
    everywhere = running(repeat)
    scoped = make.campaign(starts_on=date(2026, 8, 1))
    make.priority_version(scoped, {german: 50, leading: 30, repeat: 20})

    def weighed(market: Market, *segments: Any) -> list[tuple[KPI, int]]:
        found = board.current().counting(market, NOW, frozenset(one.pk for one in segments))
        return [(one.kpi, one.weight) for one in found]

    assert weighed(germany, team) == [(german, 50), (leading, 30), (repeat, 20)]
    assert weighed(germany) == [(german, 50), (repeat, 20)]
    assert weighed(us, team) == [(leading, 30), (repeat, 20)]
    assert weighed(us) == [(repeat, 20)]
    make.priority_version(scoped, {german: 50, leading: 50})
    assert counts(us) == everywhere
    assert weighed(us, team) == [(leading, 50)]
    assert weighed(germany) == [(german, 50)]
    assert board.current().segments == (team,)


@db
def test_a_kpi_without_points_is_not_there(us: Market, repeat: KPI) -> None:
    make.priority_version(make.campaign(), {repeat: 100, make.kpi(segment=make.segment()): 0})
    assert [one.kpi for one in board.current().counting(us, NOW)] == [repeat]
    assert board.current().segments == ()


# Versions


@db
def test_a_scheduled_version_takes_over_at_its_local_minute(us: Market, germany: Market, repeat: KPI) -> None:
    campaign = running(repeat)
    make.priority_version(campaign, {repeat: 100}, starts_on=date(2026, 8, 31), starts_time=time(9))
    for market, begins in ((germany, at("2026-08-31", 7)), (us, at("2026-08-31", 13))):
        assert number(market, begins - timedelta(microseconds=1)) == 1
        assert number(market, begins) == 2
    assert board.current().moments(us) == [at("2026-07-01", 4), at("2026-08-31", 13), at("2026-10-01", 4)]


@db
def test_the_one_that_took_over_last_counts(us: Market, repeat: KPI) -> None:
    """Published on the 27th: 2 for the 31st, then 3 at once, then 4 for the 29th."""
    campaign = running(repeat)

    def scheduled(day: int, **fields: Any) -> PriorityVersion:
        return make.priority_version(
            campaign, {repeat: 100}, starts_on=date(2026, 8, day), starts_time=time(9), **fields
        )

    def then(day: int) -> int:
        return number(us, at(f"2026-08-{day}", 13))

    scheduled(31)
    make.priority_version(campaign, {repeat: 100}, published_at=NOW + timedelta(hours=1))
    scheduled(29, published_at=NOW + timedelta(hours=2))
    assert [then(day) for day in (28, 29, 30, 31)] == [3, 4, 4, 2]
    # Two of the same minute: the one published last.
    scheduled(31, published_at=NOW + timedelta(hours=3))
    assert [then(day) for day in (30, 31)] == [4, 5]
    # One published after them counts at once, and nothing comes back.
    make.priority_version(campaign, {repeat: 100}, published_at=at("2026-08-31", 14))
    assert number(us, at("2026-08-31", 14)) == 6


@db
def test_published_after_its_time_it_counts_from_then(us: Market, repeat: KPI) -> None:
    """An approver may take longer than a market's clock, and a campaign may get another market."""
    campaign = running(repeat)
    late = at("2026-08-27", 16)
    make.priority_version(campaign, {repeat: 100}, starts_on=date(2026, 8, 27), starts_time=time(9), published_at=late)
    assert late in board.current().moments(us)
    assert [number(us, late - timedelta(minutes=1)), number(us, late)] == [1, 2]


@db
def test_of_those_published_at_once_the_number_decides_not_the_servers_clock(us: Market, repeat: KPI) -> None:
    campaign = running(repeat)
    make.priority_version(campaign, {repeat: 100}, published_at=NOW - timedelta(seconds=3))
    assert number(us) == 2
    # The history asks a plan of all versions, the board only of those that may still count.
    everything = Plan(campaign, frozenset(), tuple(campaign.versions.order_by("number")), {})
    assert [found.number for found in everything.versions] == [1, 2]
    assert everything.version(us, NOW).number == 2


@db
def test_a_withdrawn_version_never_counts(us: Market, repeat: KPI) -> None:
    campaign = running(repeat)
    off = make.priority_version(campaign, {repeat: 100}, starts_on=date(2026, 8, 28), starts_time=time(9))
    Withdrawal.objects.create(version=off, at=NOW)
    assert number(us, at("2026-08-29", 12)) == 1
    assert at("2026-08-28", 13) not in board.current().moments(us)


@db
def test_versions_that_never_count_again_are_not_read(us: Market) -> None:
    """Nor do segments that only those weighed cost anything."""
    campaign = make.campaign()
    old = make.kpi(segment=make.segment())
    make.priority_version(campaign, {old: 100})
    ahead = make.priority_version(campaign, {make.kpi(): 100}, starts_on=date(2026, 9, 1), starts_time=time(9))
    newest = make.priority_version(campaign, {make.kpi(): 100})
    [plan] = board.current().plans
    assert (plan.versions, board.current().segments) == ((ahead, newest), ())


@db
def test_start_and_end_to_the_minute(us: Market, germany: Market, repeat: KPI) -> None:
    running(
        repeat, starts_on=date(2026, 8, 27), starts_time=time(9, 30), ends_on=date(2026, 8, 28), ends_time=time(18, 45)
    )
    for market, begins, ends in (
        (germany, at("2026-08-27", 7, 30), at("2026-08-28", 16, 45)),
        (us, at("2026-08-27", 13, 30), at("2026-08-28", 22, 45)),
    ):
        instant_before = timedelta(microseconds=1)
        found = [counts(market, as_of=when) is not None for when in (begins - instant_before, begins)]
        found += [counts(market, as_of=when) is not None for when in (ends - instant_before, ends)]
        assert found == [False, True, True, False]
        assert board.current().moments(market) == [begins, ends]


@db
def test_without_a_time_the_last_day_counts_in_full(us: Market, repeat: KPI) -> None:
    running(repeat, starts_on=date(2026, 8, 27), ends_on=date(2026, 8, 27))
    assert board.current().moments(us) == [at("2026-08-27", 4), at("2026-08-28", 4)]


@db
def test_a_campaign_of_other_markets_has_no_moments_here(us: Market, germany: Market, repeat: KPI) -> None:
    running(repeat, germany)
    assert board.current().moments(us) == []
    assert counts(us) is None


@db
def test_phases(us: Market) -> None:
    moments = [at("2026-08-27", 4), at("2026-08-28", 4)]
    found = [board.phase(moments, when) for when in (at("2026-08-27", 3, 59), moments[0], moments[1])]
    assert found == [0, 1, 2]


@db
def test_a_preview_counts_as_if_it_had_begun(us: Market, germany: Market, repeat: KPI) -> None:
    now = running(repeat)
    ahead = make.campaign(status=Campaign.Status.DRAFT, starts_on=date(2026, 12, 1), ends_on=date(2026, 12, 31))
    ahead.markets.add(germany)
    version = PriorityVersion(campaign=ahead, number=1)
    shown = board.with_weights(board.current(), ahead, version, [Priority(version=version, kpi=repeat, weight=100)])
    assert shown.counting(germany, NOW)[0].version is version
    assert shown.counting(us, NOW)[0].version.campaign == now
    again = board.with_weights(shown, now, version, [])
    assert [plan.campaign for plan in again.plans] == [ahead, now]


# The clock


@pytest.mark.parametrize(
    ("zone", "day", "wall", "found"),
    [
        ("Europe/Berlin", "2026-07-01", time(9), at("2026-07-01", 7)),
        # Spring: 02:00 is 03:00.
        ("Europe/Berlin", "2026-03-29", time(1, 59), at("2026-03-29", 0, 59)),
        ("Europe/Berlin", "2026-03-29", time(2), at("2026-03-29", 1)),
        ("Europe/Berlin", "2026-03-29", time(2, 30), at("2026-03-29", 1)),
        ("Europe/Berlin", "2026-03-29", time(2, 59, 59), at("2026-03-29", 1)),
        ("Europe/Berlin", "2026-03-29", time(3), at("2026-03-29", 1)),
        ("Europe/Berlin", "2026-03-29", time(3, 1), at("2026-03-29", 1, 1)),
        # Autumn: 03:00 is 02:00 again; the first of the two.
        ("Europe/Berlin", "2026-10-25", time(1, 59), at("2026-10-24", 23, 59)),
        ("Europe/Berlin", "2026-10-25", time(2), at("2026-10-25", 0)),
        ("Europe/Berlin", "2026-10-25", time(2, 59), at("2026-10-25", 0, 59)),
        ("Europe/Berlin", "2026-10-25", time(3), at("2026-10-25", 2)),
        ("America/New_York", "2026-03-08", time(1, 59), at("2026-03-08", 6, 59)),
        ("America/New_York", "2026-03-08", time(2, 30), at("2026-03-08", 7)),
        ("America/New_York", "2026-03-08", time(3), at("2026-03-08", 7)),
        ("America/New_York", "2026-11-01", time(1, 30), at("2026-11-01", 5, 30)),
        ("America/New_York", "2026-11-01", time(2), at("2026-11-01", 7)),
        # By half an hour only.
        ("Australia/Lord_Howe", "2026-10-04", time(1, 59), at("2026-10-03", 15, 29)),
        ("Australia/Lord_Howe", "2026-10-04", time(2), at("2026-10-03", 15, 30)),
        ("Australia/Lord_Howe", "2026-10-04", time(2, 29), at("2026-10-03", 15, 30)),
        ("Australia/Lord_Howe", "2026-10-04", time(2, 30), at("2026-10-03", 15, 30)),
        ("Australia/Lord_Howe", "2026-04-05", time(1, 29), at("2026-04-04", 14, 29)),
        ("Australia/Lord_Howe", "2026-04-05", time(1, 30), at("2026-04-04", 14, 30)),
        ("Australia/Lord_Howe", "2026-04-05", time(2), at("2026-04-04", 15, 30)),
        # At midnight: the day begins at one, and the evening before is there twice.
        ("America/Sao_Paulo", "2018-11-04", time(0), at("2018-11-04", 3)),
        ("America/Sao_Paulo", "2018-11-04", time(0, 45), at("2018-11-04", 3)),
        ("America/Sao_Paulo", "2018-11-04", time(1), at("2018-11-04", 3)),
        ("America/Sao_Paulo", "2018-02-17", time(23), at("2018-02-18", 1)),
        ("America/Sao_Paulo", "2018-02-18", time(0), at("2018-02-18", 3)),
        # A day that a country left out.
        ("Pacific/Apia", "2011-12-30", time(12), at("2011-12-30", 10)),
    ],
)
def test_a_wall_time_is_its_first_instant_or_the_first_after_the_gap(
    zone: str, day: str, wall: time, found: datetime
) -> None:
    assert instant(clock(zone), date.fromisoformat(day), wall) == found


WALLS = st.times().map(lambda wall: wall.replace(microsecond=0))
DAYS = st.one_of(
    st.dates(date(2000, 1, 1), date(2037, 12, 31)),
    st.sampled_from(
        [
            date(2026, 3, 29), date(2026, 10, 25), date(2026, 3, 8), date(2026, 11, 1), date(2026, 10, 4),
            date(2026, 4, 5), date(2018, 11, 4), date(2018, 2, 17), date(2011, 12, 30), date(2026, 2, 15),
        ]
    ),
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(ZONES), DAYS, WALLS, WALLS)
@example("Europe/Berlin", date(2026, 3, 29), time(2, 30), time(2, 31))
@example("Pacific/Apia", date(2011, 12, 30), time(0), time(23, 59))
def test_it_follows_the_wall_clock(zone: str, day: date, one: time, other: time) -> None:
    market = clock(zone)
    early, late = sorted((one, other))
    assert instant(market, day, early) <= instant(market, day, late)
    found = instant(market, day, one)
    assert found.tzinfo is UTC
    wall = datetime.combine(day, one)
    shown = showing(zone, found)
    if shown == wall:
        # The first of two: an hour, or half of one, before it was not this time.
        for before in (timedelta(minutes=30), timedelta(hours=1)):
            assert showing(zone, found - before) != wall
    else:
        # The clock skipped it: a minute before it had not come to it, and now it is past it.
        assert showing(zone, found - timedelta(minutes=1)) < wall < shown
        assert (found.second, found.microsecond) == (0, 0)


def showing(zone: str, when: datetime) -> datetime:
    return when.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ZONES), DAYS)
def test_a_day_ends_where_the_next_begins(zone: str, day: date) -> None:
    """No instant is in two days' campaigns or in none: an end without a time is the next day's midnight."""
    market = clock(zone)
    campaigns = [Campaign(pk=i, starts_on=one, ends_on=one) for i, one in enumerate((day, day + timedelta(days=1)), 1)]
    first, second = (Plan(one, frozenset(), (), {}) for one in campaigns)
    assert first.ends(market) == second.starts(market)
    if zone != "Pacific/Apia":
        for after in range(0, 49 * 60, 13):
            when = first.starts(market) + timedelta(minutes=after)
            assert [first.runs(market, when), second.runs(market, when)].count(True) == (when < second.ends(market))
    assert Board((first, second)).running(market, first.starts(market)) == []
