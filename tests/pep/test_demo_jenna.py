"""Jenna of product.md, exactly, on whatever day and at whatever hour the demo is loaded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from distributors import demo, goals, team
from distributors.models import Customer, Distributor, Goal, Measure
from tests.distributors import dues

pytestmark = pytest.mark.django_db

CHICAGO = ZoneInfo("America/Chicago")


def local(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=CHICAGO)


MOMENTS = [
    *(
        pytest.param(local(2026, 8, 24 + n, 10, 30), id=day)
        for n, day in enumerate(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"])
    ),
    pytest.param(local(2026, 8, 24, 0, 0), id="the very start of the week"),
    pytest.param(local(2026, 8, 24, 0, 1), id="a minute into the week"),
    pytest.param(local(2026, 8, 30, 23, 59), id="the last minute of the week"),
    pytest.param(local(2026, 9, 1, 0, 4), id="the first minutes of a month"),
    pytest.param(local(2026, 8, 31, 23, 58), id="the last minutes of a month, first day of a week"),
    pytest.param(local(2026, 6, 1, 0, 2), id="week and month begin together"),
    pytest.param(local(2027, 2, 28, 12, 0), id="the end of February"),
    pytest.param(local(2028, 2, 29, 12, 0), id="a leap day"),
    pytest.param(local(2026, 12, 31, 23, 30), id="the last day of a year"),
    pytest.param(local(2027, 1, 1, 0, 3), id="the first minutes of a year"),
    pytest.param(local(2026, 3, 8, 3, 1), id="just after the clock went forward"),
    pytest.param(local(2026, 11, 1, 1, 30), id="while the clock goes back"),
    pytest.param(local(2026, 8, 25, 12, 0), id="the 25th, when Dana counts this month"),
    pytest.param(datetime(2026, 8, 24, 4, 59, tzinfo=UTC), id="Monday in Berlin, Sunday here"),
]


@pytest.fixture
def loaded(request: pytest.FixtureRequest) -> tuple[Distributor, datetime]:
    as_of: datetime = request.param
    summary = demo.load(seed=1, distributors=demo.CAST, as_of=as_of)
    assert not summary.failed, summary.errors
    demo.set_goals(as_of=as_of)
    return Distributor.objects.with_market().get(external_id="jenna"), as_of


@pytest.mark.parametrize("loaded", MOMENTS, indirect=True)
def test_it_works(loaded: tuple[Distributor, datetime]) -> None:
    jenna, as_of = loaded
    week, month = goals.states(jenna, as_of=as_of)
    assert (week.goal.metric, week.goal.period, week.target) == ("sales", Goal.Period.WEEK, 250)
    assert (week.value, week.percent, week.left) == (Decimal("187.50"), 75, Decimal("62.50"))
    assert (month.goal.metric, month.goal.period, month.target) == ("enrolments", Goal.Period.MONTH, 3)
    assert (month.value, month.percent, month.left) == (2, 66, 1)
    check_people(jenna, as_of)
    check_daily_sign_in(jenna, as_of)
    assert not jenna.events.filter(time__gt=as_of).exists()


def check_people(jenna: Distributor, as_of: datetime) -> None:
    reasons = {one.customer.external_id: one for one in dues.due(jenna, as_of=as_of)}
    expected = {
        "maria": "one_time", "maya": "one_time", "jo": "one_time", "li": "open_basket", "tom": "lapsed",
        "priya": "reorder_due", "ana": "prospect", "tess": "prospect", "dee": "check_in", "hana": "connect",
    }  # fmt: skip
    assert {who: reasons[who].reason for who in expected} == expected
    assert reasons["maria"].facts["days_since_line"] == 34
    assert reasons["maria"].facts["line"] == "eye"
    assert Customer.objects.get(distributor=jenna, external_id="ana").kind == Customer.Kind.PROSPECT
    cared = {one.recruit.external_id: one.reason for one in team.recruits_needing_care(jenna, as_of=as_of)}
    assert (cared["rosa"], cared["dana"]) == ("quiet_recruit", "new_recruit")
    assert len(team.downline_ids(jenna)) == 9


def check_daily_sign_in(jenna: Distributor, as_of: datetime) -> None:
    today = jenna.local_day(as_of)
    active = set(Measure.objects.filter(distributor=jenna, metric="active_days").values_list("day", flat=True))
    assert {today - timedelta(days=ago) for ago in range(180)} <= active


@pytest.mark.parametrize("loaded", [local(2026, 8, 27, 10, 0)], indirect=True)
def test_her_earlier_weeks_make_the_goal_a_fair_one(loaded: tuple[Distributor, datetime]) -> None:
    jenna, as_of = loaded
    week = goals.states(jenna, as_of=as_of)[0]
    assert week.chance is not None
    assert 0.2 < week.chance < 0.9
