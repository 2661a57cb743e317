"""Every fact of a block is what the same question comes to for one person, asked of the models in plain Python."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import floor
from typing import Any

import numpy as np
import pytest

from activities.ranking import compiled
from distributors import goals, reorder
from distributors.blocks import REASONS, RECRUITS
from distributors.conditions import Fact, facts, goal_facts
from distributors.conditions.vocabulary import VOCABULARY, Source
from distributors.conditions.windows import divided
from distributors.goals import GoalState
from distributors.history import past_periods
from distributors.metrics import METRICS, How, Unit, totals
from distributors.models import Customer, Distributor, Goal, Market, Measure, SegmentMember
from tests import factories as make
from tests.distributors.measures import measure
from tests.distributors.orders import order
from tests.factories import NOW, TODAY
from tests.facts import block_of, fact, statements, told

pytestmark = pytest.mark.django_db

SEEDS = int(os.environ.get("PEP_SEEDS", "4"))
#: 10:30 UTC: the 27th in New York, the 28th already on Kiritimati.
AS_OF = datetime(2026, 8, 27, 10, 30, tzinfo=UTC)


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def asked_of(people: Sequence[Distributor], one: Fact, as_of: datetime = NOW) -> list[Any]:
    return told(facts.columns([one], block_of(people, as_of))[one])


def sales(name: str = "measured", line: str = "", days: int = 7, metric: str = "sales") -> Fact:
    return fact(name, metric=metric, line=line, days=days)


# In plain Python, one person at a time

Plain = Callable[[Distributor, Fact, datetime], Any]


def total(person: Distributor, one: Fact, first: date, last: date) -> Decimal | None:
    """None where a ratio is undefined."""
    return totals([person.pk], one["metric"], one["line"], first, last).get(
        person.pk, None if METRICS[one["metric"]].how is How.RATIO else Decimal(0)
    )


def plain_measured(person: Distributor, one: Fact, as_of: datetime) -> Any:
    today = person.local_day(as_of)
    value = total(person, one, today - timedelta(days=one["days"] - 1), today) or Decimal(0)
    return value / person.market.price_level if METRICS[one["metric"]].unit is Unit.MONEY else value


def plain_change(person: Distributor, one: Fact, as_of: datetime) -> Any:
    today, days = person.local_day(as_of), one["days"]
    made = [
        total(person, one, today - timedelta(days=days * (n + 1) - 1), today - timedelta(days=days * n))
        for n in range(5)
    ]
    before = [value for value in made[1:] if value is not None]
    was_here = person.joined_on <= today - timedelta(days=5 * days - 1)
    if made[0] is None or not was_here or not before or sum(before) <= 0:
        return None
    return (made[0] / (sum(before, Decimal(0)) / len(before)) - 1) * 100


def plain_ends(person: Distributor, one: Fact, as_of: datetime) -> Any:
    metric, today = METRICS[one["metric"]], person.local_day(as_of)
    whose = [person.pk]
    if metric.how is How.RECRUITS:
        whose = list(Distributor.objects.filter(sponsor=person).values_list("pk", flat=True))
    counted = metric.name if metric.how is How.SUM else metric.of[-1]
    scope = "" if metric.how is How.RECRUITS else one["line"]
    days = Measure.objects.filter(distributor__in=whose, metric=counted, scope=scope, day__lte=today, value__gt=0)
    found = [day for (day,) in days.order_by("day").values_list("day")]
    return (today - (found[-1] if one.name == "days_since" else found[0])).days if found else None


def state_of(person: Distributor, one: Fact, as_of: datetime, *, again: bool = False) -> GoalState | None:
    for state in goals.states(person, as_of=as_of):
        fits = one["metric"] in ("", state.goal.metric) and one["period"] in ("", state.goal.period)
        if fits and not (again and state.goal.period == Goal.Period.CAMPAIGN):
            return state
    return None


def plain_goal(person: Distributor, one: Fact, as_of: datetime) -> Any:
    state = state_of(person, one, as_of, again=one.name == "last_goal_percent")
    if state is None:
        return None
    money = state.metric.unit is Unit.MONEY
    return {
        "goal_percent": lambda: state.percent,
        "goal_left": lambda: state.left / person.market.price_level if money else state.left,
        "goal_pace": lambda: None if state.ahead is None else state.ahead * 100 / state.target,
        "goal_chance": lambda: None if state.chance is None else floor(state.chance * 100),
        "goal_days_left": lambda: state.days_left,
        "last_goal_percent": lambda: last_percent(person, state, as_of),
    }[one.name]()


def last_percent(person: Distributor, state: GoalState, as_of: datetime) -> int | None:
    last = next(iter(past_periods(person, state.goal, person.local_day(as_of), 1)), None)
    if last is None or last.first < person.joined_on:
        return None
    return max(0, int(last.value * 100 // state.target))


def plain_customers(person: Distributor, one: Fact, as_of: datetime) -> Any:
    if one["reason"] == "all":
        return Customer.objects.of(person.pk).may_be_contacted().count()
    best = reorder.best_of(reorder.reasons(person, as_of=as_of))
    return Counter(REASONS[reason.code] for reason in best)[one["reason"]]


def anniversaries(person: Distributor) -> list[date]:
    found = []
    for year in range(person.joined_on.year + 1, 2040):
        try:
            found.append(person.joined_on.replace(year=year))
        except ValueError:
            found.append(date(year, 2, 28))
    return found


def plain_profile(person: Distributor, one: Fact, as_of: datetime) -> Any:
    today = person.local_day(as_of)
    return {
        "market": lambda: person.market.code,
        "language": lambda: person.speaks,
        "rank": lambda: person.rank or None,
        "joined_days": lambda: (today - person.joined_on).days,
        "years": lambda: sum(day <= today for day in anniversaries(person)),
        "anniversary_days": lambda: (next(day for day in anniversaries(person) if day >= today) - today).days,
        "team_size": lambda: Distributor.objects.active().filter(sponsor=person).count(),
        "weekday": lambda: str(today.weekday()),
        "day_of_month": lambda: today.day,
        "decline": lambda: None,
    }[one.name]()


PLAIN: dict[str, Plain] = {
    "measured": plain_measured,
    "change": plain_change,
    "days_since": plain_ends,
    "days_since_first": plain_ends,
    "customers": plain_customers,
    **dict.fromkeys(goal_facts.NAMED, plain_goal),
}
LINES = {name: ("", "eye") if metric.scoped else ("",) for name, metric in METRICS.items()}
FIGURES = [
    *(sales(name, line, days, metric) for name in ("measured", "change") for metric in METRICS for line in LINES[metric]
      for days in (1, 7, 28)),
    *(fact(name, metric=metric, line=line) for name in ("days_since", "days_since_first") for metric in METRICS
      for line in LINES[metric]),
]  # fmt: skip
GOALS = [
    fact(name, metric=metric, period=period)
    for name in goal_facts.NAMED
    for metric in ("", "sales", "orders", "order_size", "retained_recruits", "enrolments")
    for period in ("", "week", "month", "campaign")
]
CUSTOMERS = [fact("customers", reason=reason) for reason in ("all", *REASONS[:RECRUITS])]
PROFILE = [fact(name) for name in facts.ALONE]
ASKED = [*FIGURES, *GOALS, *CUSTOMERS, *PROFILE]


class World:
    """Two markets with clocks, weeks and money of their own, and people who differ in everything."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.markets = [
            make.market(),
            make.market("ki", time_zone="Pacific/Kiritimati", currency="AUD", week_start=Market.Weekday.SUNDAY,
                        price_level=Decimal("1.640"), language="de"),
        ]  # fmt: skip
        self.eye = make.product("EYE-1", lasts_days=40)
        self.people: list[Distributor] = []
        for _ in range(8):
            self.people.append(self.person())
        for person in self.people:
            self.figures(person)
            self.goals(person)
            self.customers(person)

    @property
    def active(self) -> list[Distributor]:
        return [one for one in self.people if one.left_on is None]

    def some_of(self, asked: Sequence[Fact], n: int) -> list[Fact]:
        """To ask one person at a time takes long."""
        return self.chance.sample(list(asked), n)

    def person(self) -> Distributor:
        return make.distributor(
            market=self.chance.choice(self.markets),
            joined_on=self.chance.choice(
                [ago(self.chance.randint(0, 160)), date(2024, 2, 29), TODAY.replace(year=2025)]
            ),
            language=self.chance.choice(["", "es"]),
            rank=self.chance.choice(["", "Gold", "Silver"]),
            sponsor=self.chance.choice([None, *self.people[:3]]),
            left_on=self.chance.choice([None] * 5 + [ago(3)]) if len(self.people) > 5 else None,
        )

    def figures(self, person: Distributor) -> None:
        metrics = [name for name, metric in METRICS.items() if metric.how is How.SUM]
        for metric in self.chance.sample(metrics, 4) + ["sales", "orders"]:
            for line in LINES[metric]:
                for days in self.chance.sample(range(-1, 150), self.chance.choice([0, 1, 20])):
                    value = (
                        Decimal(self.chance.randint(1, 9000)).scaleb(-2)
                        if metric == "sales"
                        else self.chance.randint(1, 3)
                    )
                    refund = self.chance.random() < 0.2
                    Measure.objects.update_or_create(
                        distributor=person, metric=metric, scope=line, day=ago(max(days, 0)),
                        defaults={"value": -value if refund and metric == "sales" else 0 if refund else value},
                    )  # fmt: skip

    def goals(self, person: Distributor) -> None:
        for metric in self.chance.sample(["sales", "orders", "order_size", "retained_recruits", "enrolments"], 3):
            period = self.chance.choice(["week", "month", "campaign"])
            dates = {"starts_on": ago(self.chance.randint(-2, 30)), "ends_on": ago(self.chance.randint(-40, -2))}
            make.goal(
                person, metric=metric, period=period, scope=self.chance.choice(LINES[metric]),
                target=self.chance.randint(1, 90), weight=self.chance.randint(1, 3), **(dates if period == "campaign" else {}),
            )  # fmt: skip

    def customers(self, person: Distributor) -> None:
        for _ in range(5):
            customer = make.customer(
                person, kind=self.chance.choice(["customer", "prospect"]), added_at=AS_OF - timedelta(days=self.chance.randint(0, 90)),
                hotness=self.chance.choice(["", "hot", "cold"]), do_not_contact=self.chance.random() < 0.1,
                birthday=self.chance.choice([None, date(1990, 8, 30)]),
            )  # fmt: skip
            for days in self.chance.sample(range(300), self.chance.choice([0, 1, 3])):
                order(customer, ago(days), self.eye)


def test_it_works() -> None:
    her, other = make.distributor(), make.distributor(joined_on=TODAY)
    for days, value in ((0, 10), (6, 5), (7, 100), (34, 20)):
        measure(her, "sales", ago(days), value)
    assert asked_of([her, other], sales()) == [15, 0]
    assert asked_of([her, other], sales("change")) == [-50, None]
    assert asked_of([her, other], fact("days_since", metric="sales", line="")) == [0, None]
    assert asked_of([her, other], fact("days_since_first", metric="sales", line="")) == [34, None]


def test_every_fact_of_this_app_is_worked_out() -> None:
    mine = {name for name, one in VOCABULARY.items() if one.source is Source.DISTRIBUTORS}
    assert mine == {one.name for one in ASKED} | {"in_segment"}


def test_facts_of_other_apps_are_left_out() -> None:
    assert facts.columns([fact("done", activity="", days=7)], block_of([make.distributor()])) == {}


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_block_says_what_is_said_of_each_person(seed: int) -> None:
    world = World(seed)
    people = world.active
    found = facts.columns(ASKED, block_of(people, AS_OF))
    assert set(found) == set(ASKED)
    for one in [*world.some_of(ASKED, 80), *CUSTOMERS, *PROFILE]:
        expected = [PLAIN.get(one.name, plain_profile)(person, one, AS_OF) for person in people]
        assert same(told(found[one]), expected), (one, told(found[one]), expected)


def same(found: Sequence[Any], expected: Sequence[Any]) -> bool:
    return all(
        a == b if isinstance(b, str | None) else a is not None and a == pytest.approx(float(b), rel=1e-9, abs=1e-9)
        for a, b in zip(found, expected, strict=True)
    )


# Figures


def test_half_is_exactly_half() -> None:
    """A rule that says "fell by half" holds for who fell by half, whatever the cents."""
    her = make.distributor()
    for days in (7, 14, 21, 28):
        measure(her, "sales", ago(days), "33.34")
    measure(her, "sales", ago(0), "16.67")
    assert asked_of([her], sales("change")) == [-50]


@pytest.mark.parametrize(("joined", "known"), [(34, True), (33, False)])
def test_who_was_not_here_all_the_time_has_no_past(joined: int, known: bool) -> None:
    her = make.distributor(joined_on=ago(joined))
    measure(her, "sales", ago(10), 8)
    assert asked_of([her], sales("change")) == [-100 if known else None]


def test_refunds_may_leave_less_than_nothing() -> None:
    her = make.distributor()
    measure(her, "sales", ago(1), -30)
    measure(her, "sales", ago(9), -5)
    assert asked_of([her], sales()) == [-30]
    assert asked_of([her], sales("change")) == [None]
    assert asked_of([her], fact("days_since", metric="sales", line="")) == [None]


def test_an_average_without_orders_is_unknown_and_not_fallen() -> None:
    her = make.distributor()
    for days in (8, 22):
        measure(her, "sales", ago(days), 50 + days)
        measure(her, "orders", ago(days), 1)
    change = sales("change", metric="order_size")
    assert asked_of([her], change) == [None]
    assert asked_of([her], sales(metric="order_size")) == [0]
    measure(her, "orders", TODAY, 2)
    measure(her, "sales", TODAY, 130)
    assert asked_of([her], change) == [0]  # 65 against 58 and 72; two weeks without orders are no part of it


def test_half_a_cent_goes_to_the_even_one() -> None:
    values, defined = divided(np.array([5, 15, -1, 7]), np.array([200, 200, 200, 0]))
    assert (values.tolist(), defined.tolist()) == ([2, 8, 0, 0], [True, True, True, False])


def test_recruits_count_once_each() -> None:
    her = make.distributor()
    one, two, later = (make.distributor(sponsor=her) for _ in range(3))
    for person, days in ((one, 0), (one, 3), (two, 6), (two, 7), (later, 20)):
        measure(person, "orders", ago(days), 1)
    measure(two, "orders", ago(1), 0)
    asked = sales(metric="retained_recruits")
    assert asked_of([her, one], asked) == [2, 0]
    assert asked_of([her], fact("days_since", metric="retained_recruits", line="")) == [0]
    assert asked_of([her], fact("days_since_first", metric="retained_recruits", line="")) == [20]


def test_money_is_in_the_companys_currency_and_a_count_is_a_count() -> None:
    mexico = make.market("mx", currency="MXN", price_level=19)
    here, there = make.distributor(), make.distributor(market=mexico)
    for person in (here, there):
        measure(person, "sales", TODAY, 190)
        measure(person, "orders", TODAY, 19)
        make.goal(person, target=380)
    assert asked_of([here, there], sales()) == [190, 10]
    assert asked_of([here, there], sales(metric="orders")) == [19, 19]
    assert asked_of([here, there], sales(metric="order_size")) == [10, pytest.approx(10 / 19)]
    assert asked_of([here, there], fact("goal_left", metric="sales", period="")) == [190, 10]
    assert asked_of([here, there], fact("goal_percent", metric="sales", period="")) == [50, 50]


def test_a_line_has_figures_of_its_own() -> None:
    her = make.distributor()
    measure(her, "sales", ago(2), 30)
    measure(her, "sales", ago(2), 12, scope="eye")
    assert asked_of([her], sales(line="eye")) == [12]
    assert asked_of([her], sales(line="nail")) == [0]
    assert asked_of([her], fact("days_since", metric="sales", line="nail")) == [None]


# Goals


def test_her_weightiest_goal_speaks() -> None:
    her, without = make.distributor(), make.distributor()
    make.goal(her, metric="orders", target=10, weight=2, period="month")
    make.goal(her, metric="sales", target=200, weight=1)
    measure(her, "orders", TODAY, 3)
    measure(her, "sales", TODAY, 199)
    percents = {
        (metric, period): asked_of([her, without], fact("goal_percent", metric=metric, period=period))
        for metric, period in (("", ""), ("", "week"), ("sales", ""), ("sales", "month"), ("enrolments", ""))
    }
    assert percents == {
        ("", ""): [30, None], ("", "week"): [99, None], ("sales", ""): [99, None], ("sales", "month"): [None, None],
        ("enrolments", ""): [None, None],
    }  # fmt: skip


def test_exactly_on_pace_is_neither_ahead_nor_behind() -> None:
    """Thursday of a week that began on Monday: four of seven days, four of seven orders."""
    her = make.distributor()
    make.goal(her, metric="orders", target=7)
    measure(her, "orders", TODAY, 4)
    assert asked_of([her], fact("goal_pace", metric="orders", period="week")) == [0]


@pytest.mark.parametrize(("joined", "percent"), [(10, 80), (9, None)])
def test_the_week_before_needs_her_all_week(joined: int, percent: int | None) -> None:
    her = make.distributor(joined_on=ago(joined))  # Thursday: last week began ten days ago
    make.goal(her, target=100)
    for days, value in ((10, 50), (4, 30), (3, 99), (11, 99)):
        measure(her, "sales", ago(days), value)
    assert asked_of([her], fact("last_goal_percent", metric="", period="")) == [percent]


def test_a_goal_between_dates_has_no_last_time() -> None:
    her = make.distributor()
    make.goal(her, metric="orders", period="campaign", starts_on=ago(3), ends_on=TODAY, weight=3)
    assert asked_of([her], fact("last_goal_percent", metric="", period="")) == [None]
    make.goal(her, metric="orders", target=10, period="month")
    measure(her, "orders", date(2026, 7, 31), 7)
    assert asked_of([her], fact("last_goal_percent", metric="", period="")) == [70]


# Who she is


@pytest.mark.parametrize(
    ("joined", "day", "years", "left"),
    [
        (date(2024, 2, 29), date(2026, 2, 28), 2, 0),
        (date(2024, 2, 29), date(2026, 2, 27), 1, 1),
        (date(2024, 2, 29), date(2028, 2, 28), 3, 1),
        (date(2024, 2, 29), date(2028, 2, 29), 4, 0),
        (date(2024, 2, 29), date(2027, 3, 1), 3, 365),
        (date(2026, 8, 27), date(2026, 8, 27), 0, 365),  # the day itself is no anniversary
        (date(2027, 3, 1), date(2027, 3, 1), 0, 365),  # 366, as far as it goes
        (date(2025, 8, 28), date(2026, 8, 27), 0, 1),
        (date(2025, 12, 31), date(2026, 1, 1), 0, 364),
    ],
)
def test_years_and_anniversaries(joined: date, day: date, years: int, left: int) -> None:
    her = make.distributor(joined_on=joined)
    as_of = datetime(day.year, day.month, day.day, 15, tzinfo=UTC)
    assert asked_of([her], fact("years"), as_of) == [years]
    assert asked_of([her], fact("anniversary_days"), as_of) == [left]


def test_a_rank_is_what_it_was_last() -> None:
    gold, none, silver = (make.distributor(rank=rank) for rank in ("Gold", "", "Silver"))
    assert asked_of([silver, none, gold, gold], fact("rank")) == ["Silver", None, "Gold", "Gold"]


def test_segments_by_days_team_and_rules() -> None:
    her, other = make.distributor(joined_on=ago(5)), make.distributor(joined_on=ago(50))
    make.distributor(sponsor=other)
    new, leads, chosen = make.segment(days_to=30), make.segment(team="leads"), make.segment(by_rules=True)
    SegmentMember.objects.create(segment=chosen, distributor=her, since=ago(2), until=TODAY)
    inside = {one.pk: asked_of([her, other], fact("in_segment", segment=one.pk)) for one in (new, leads, chosen)}
    assert inside == {new.pk: [1, 0], leads.pk: [0, 1], chosen.pk: [1, 0]}
    assert asked_of([her], fact("in_segment", segment=chosen.pk), NOW + timedelta(days=1)) == [0]
    assert asked_of([her], fact("in_segment", segment=10**9)) == [0]


def test_a_team_is_who_has_joined_by_then_whatever_they_ordered() -> None:
    her, other = make.distributor(), make.distributor()
    for joined in (TODAY, ago(3), ago(40)):
        recruit = make.distributor(sponsor=her, joined_on=joined)
        for days in (0, 1, 2):
            measure(recruit, "orders", ago(days), 1)
    make.distributor(sponsor=her, left_on=ago(1))
    team, leads = fact("team_size"), fact("in_segment", segment=make.segment(team="leads").pk)
    assert [asked_of([her, other], team, NOW - timedelta(days=days)) for days in (0, 1, 3, 4, 41)] == [
        [3, 0], [2, 0], [2, 0], [1, 0], [0, 0],
    ]  # fmt: skip
    assert [asked_of([her, other], leads, NOW - timedelta(days=days)) for days in (40, 41)] == [[1, 0], [0, 0]]


# Her customers


def test_a_customer_counts_once_by_the_reason_that_is_shown() -> None:
    """Six days after the only order of what lasts a week, two reasons are as good: the first one is told."""
    her = make.distributor()
    order(make.customer(her), ago(6), make.product("EYE-1", lasts_days=7))
    make.customer(her, do_not_contact=True)
    (best,) = reorder.best_of(reorder.reasons(her, as_of=NOW))
    scores = [one.score for one in reorder.reasons(her, as_of=NOW)]
    assert scores[0] == scores[1], scores
    found = {one["reason"]: asked_of([her], one) for one in CUSTOMERS}
    assert found == {one["reason"]: [0] for one in CUSTOMERS} | {"all": [1], REASONS[best.code]: [1]}


# As of an earlier day


@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_came_later_does_not_count_for_a_day_that_is_over(seed: int) -> None:
    """As if it had not happened yet: measures, and people who were enrolled since."""
    world = World(seed)
    before = AS_OF - timedelta(days=5, hours=5, minutes=30)  # the same day in both markets
    (today,) = {market.local_day(before) for market in world.markets}
    asked = [one for one in world.some_of(ASKED, 80) if one.name in PLAIN and one.name != "customers"]
    found = facts.columns([*asked, fact("team_size")], block_of(world.active, before))
    Measure.objects.filter(day__gt=today).delete()
    for one in asked:
        expected = [PLAIN[one.name](person, one, before) for person in world.active]
        assert same(told(found[one]), expected), (one, told(found[one]), expected)
    recruits = Distributor.objects.active().filter(joined_on__lte=today)
    expected = [recruits.filter(sponsor=person).count() for person in world.active]
    assert told(found[fact("team_size")]) == expected


def test_who_had_not_joined_yet() -> None:
    her = make.distributor(joined_on=TODAY)
    before = NOW - timedelta(days=1)
    assert [asked_of([her], fact(name), before) for name in ("joined_days", "years", "anniversary_days")] == [
        [None]
    ] * 3


def test_a_customer_of_later_is_not_on_the_list_yet() -> None:
    her = make.distributor()
    for days in (0, 20):
        make.customer(her, kind="prospect", hotness="hot", added_at=NOW - timedelta(days=days))
    everybody, prospects = fact("customers", reason="all"), fact("customers", reason="prospect")
    assert (asked_of([her], everybody), asked_of([her], prospects)) == ([2], [1])
    before = NOW - timedelta(days=1)
    assert (asked_of([her], everybody, before), asked_of([her], prospects, before)) == ([1], [1])


# Queries


def test_as_many_queries_for_forty_as_for_one() -> None:
    """Measures, recruits' measures, last and first days of both, ranks, segments, the fit of the decline."""
    asked = [*ASKED, fact("in_segment", segment=make.segment().pk)]
    counts = []
    for n in (1, 40):
        people = [make.distributor(rank="Gold") for _ in range(n)]
        for person in people:
            make.goal(person)
            measure(person, "sales", TODAY, 5)
        block = block_of(people)
        facts.columns(asked, block)
        with statements() as each:
            facts.columns(asked, block)
        counts.append(len(each))
    assert counts[0] == counts[1] <= 8, counts


@pytest.mark.parametrize(
    ("one", "queries"),
    [
        (sales(), 1),
        (sales("change", metric="order_size"), 1),
        (sales(metric="retained_recruits"), 1),
        (fact("days_since", metric="orders", line=""), 1),
        (fact("rank"), 1),
        (fact("in_segment", segment=1), 1),
        (fact("goal_chance", metric="", period=""), 0),
        (fact("customers", reason="all"), 0),
        (fact("team_size"), 0),
        (fact("anniversary_days"), 0),
        (fact("market"), 0),
    ],
)
def test_nothing_is_read_that_nobody_asks_for(one: Fact, queries: int) -> None:
    block = block_of([make.distributor()])
    with statements() as each:
        facts.columns([one, one], block)
    assert len(each) == queries, each


def test_nobody() -> None:
    block = block_of([])
    found = facts.columns([*ASKED, fact("in_segment", segment=make.segment().pk)], block)
    assert {len(column.values) for column in found.values()} == {0}


def test_kernels_are_compiled_once() -> None:
    compiled.compile_ahead()
    her = make.distributor()
    make.goal(her)
    order(make.customer(her), ago(40), make.product("EYE-1", lasts_days=40))
    facts.columns([*GOALS, *CUSTOMERS], block_of([her]))
    facts.columns([*GOALS, *CUSTOMERS], block_of([make.distributor() for _ in range(3)]))
    assert facts.compile_ahead() == facts.compile_ahead()
    assert [len(one.signatures) for one in (goal_facts.fill, facts.count_customers)] == [1, 1]
