from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from threading import Thread

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from distributors.goals import end_goal, reweight, set_goal, suggest
from distributors.models import Distributor, Goal
from distributors.targets import round_number
from tests import factories as make

from .measures import measure, steady_weeks

THURSDAY = datetime(2026, 8, 27, 15, 0, tzinfo=UTC)
LAST_SUNDAY = date(2026, 8, 23)


@pytest.fixture
def seller(db: None) -> Distributor:
    seller = make.distributor()
    steady_weeks(seller, "sales", LAST_SUNDAY, [210.0, 187.5, 90.0, 300.0, 1000.0])
    return seller


def ask(of: Distributor, **fields: object) -> Goal:
    defaults = {"metric": "sales", "period": "week", "target": Decimal(250), "as_of": THURSDAY, "by": None}
    return set_goal(distributor=of, **defaults | fields)


def test_it_works(seller: Distributor) -> None:
    goal = ask(seller)
    assert (goal.target, goal.weight, goal.created_at, goal.ended_at) == (250, 1, THURSDAY, None)


def test_a_goal_of_the_same_kind_replaces_the_running_one(seller: Distributor) -> None:
    old = ask(seller)
    new = ask(seller, target=Decimal(300), as_of=THURSDAY + timedelta(hours=1))
    old.refresh_from_db()
    assert old.ended_at == new.created_at == THURSDAY + timedelta(hours=1)
    assert list(Goal.objects.running()) == [new]
    assert ask(seller, metric="orders", target=Decimal(5)) in Goal.objects.running()
    assert Goal.objects.running().count() == 2


def test_the_same_target_again_is_the_same_goal_with_the_new_weight(seller: Distributor) -> None:
    first = ask(seller)
    again = ask(seller, weight=Decimal(3), as_of=THURSDAY + timedelta(hours=1))
    assert (again.pk, again.weight, again.created_at) == (first.pk, 3, THURSDAY)


def test_ending_twice_keeps_the_first_end(seller: Distributor) -> None:
    goal = ask(seller)
    assert end_goal(goal=goal, as_of=THURSDAY, by=None)
    assert not end_goal(goal=goal, as_of=THURSDAY + timedelta(days=1), by=None)
    goal.refresh_from_db()
    assert goal.ended_at == THURSDAY


def test_suggestion_was_reached_in_two_of_the_last_four(seller: Distributor) -> None:
    assert suggest(seller, "sales", "week", THURSDAY) == 210
    measure(seller, "sales", date(2026, 8, 26), 5000)  # the running week does not count
    assert suggest(seller, "sales", "week", THURSDAY) == 210
    assert suggest(seller, "orders", "week", THURSDAY) is None
    assert suggest(make.distributor(joined_on=date(2026, 8, 24)), "sales", "week", THURSDAY) is None
    assert suggest(seller, "sales", "campaign", THURSDAY) is None


def test_suggestion_by_month(seller: Distributor) -> None:
    for month, n in ((7, 3), (6, 2), (5, 0), (4, 1), (3, 9)):
        measure(seller, "enrolments", date(2026, month, 15), n)
    assert suggest(seller, "enrolments", "month", THURSDAY) == 2


@pytest.mark.parametrize(
    ("value", "rounded"), [("187.50", 180), ("1234", 1200), ("99", 99), ("7.4", 7), ("300", 300), ("10001", 10000)]
)
def test_numbers_people_say(value: str, rounded: int) -> None:
    assert round_number(Decimal(value), "ROUND_FLOOR") == rounded


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"target": Decimal(10)}, "target", "Enter a goal between $19 and $3,000."),
        ({"target": Decimal(3001)}, "target", "Enter a goal between $19 and $3,000."),
        ({"target": Decimal("NaN")}, "target", "Enter a goal between $19 and $3,000."),
        ({"target": Decimal("Infinity")}, "target", "Enter a goal between $19 and $3,000."),
        ({"metric": "orders", "target": Decimal("2.5")}, "target", "Enter a whole number."),
        ({"metric": "orders", "target": Decimal(0)}, "target", "Enter a goal between 1 and 1,000."),
        ({"metric": "steps"}, "metric", "This cannot be measured. Choose one of the list."),
        ({"metric": "enrolments", "scope": "eye"}, "scope", "Enrolments cannot be limited to a product line."),
        ({"scope": "nails"}, "scope", "There is no such product line."),
        ({"period": "year"}, "period", "Choose each week, each month or two dates."),
        ({"starts_on": date(2026, 8, 1)}, "starts_on", "Weekly and monthly goals have no dates of their own."),
        ({"period": "campaign", "starts_on": date(2026, 8, 1)}, "ends_on", "Enter the first and the last day."),
        (
            {"period": "campaign", "starts_on": date(2026, 9, 2), "ends_on": date(2026, 9, 1)},
            "ends_on",
            "The last day is before the first.",
        ),
        (
            {"period": "campaign", "starts_on": date(2026, 8, 1), "ends_on": date(2026, 8, 26)},
            "ends_on",
            "These dates are over. Choose a last day from today on.",
        ),
        (
            {"period": "campaign", "starts_on": date(2026, 8, 1), "ends_on": date(2027, 8, 2)},
            "ends_on",
            "A goal runs for a year at most.",
        ),
        ({"weight": Decimal(0)}, "weight", "Importance is a number above 0 and up to 10."),
        ({"weight": Decimal(11)}, "weight", "Importance is a number above 0 and up to 10."),
    ],
)
def test_refused_in_one_sentence(seller: Distributor, fields: dict, field: str, sentence: str) -> None:
    with pytest.raises(ValidationError) as refused:
        ask(seller, **fields)
    assert refused.value.message_dict == {field: [sentence]}
    assert not Goal.objects.exists()


def test_bounds_of_a_newcomer_are_her_markets(seller: Distributor) -> None:
    newcomer = make.distributor(joined_on=date(2026, 8, 24))
    with pytest.raises(ValidationError, match=r"between \$21 and \$2,100"):
        ask(newcomer, target=Decimal(9999))


def test_bounds_without_any_history_are_open(db: None) -> None:
    assert ask(make.distributor(), target=Decimal(1_000_000))
    with pytest.raises(ValidationError, match=r"between \$1 and \$1,000,000"):
        ask(make.distributor(), target=Decimal(1_000_001))


def test_a_goal_between_two_dates(seller: Distributor) -> None:
    goal = ask(seller, period="campaign", starts_on=date(2026, 8, 28), ends_on=date(2026, 9, 30), target=Decimal(1500))
    assert (goal.starts_on, goal.ends_on) == (date(2026, 8, 28), date(2026, 9, 30))


def test_reweight_all_or_none(seller: Distributor) -> None:
    sales, orders = ask(seller), ask(seller, metric="orders", target=Decimal(5))
    reweight(distributor=seller, weights={sales.pk: Decimal(2), orders.pk: Decimal("0.5")}, by=None)
    assert list(Goal.objects.order_by("pk").values_list("weight", flat=True)) == [2, Decimal("0.5")]
    foreign = ask(make.distributor())
    with pytest.raises(ValidationError, match="no longer running"):
        reweight(distributor=seller, weights={sales.pk: Decimal(9), foreign.pk: Decimal(9)}, by=None)
    assert set(Goal.objects.values_list("weight", flat=True)) == {2, Decimal("0.5"), 1}


@pytest.mark.django_db(transaction=True)
def test_two_taps_at_once_leave_one_running_goal() -> None:
    seller, errors = make.distributor(), []

    def tap(target: int) -> None:
        try:
            ask(seller, target=Decimal(target))
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [Thread(target=tap, args=[200 + n]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert Goal.objects.running().count() == 1
    assert Goal.objects.count() == 8
