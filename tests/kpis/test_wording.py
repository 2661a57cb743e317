from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import translation

from kpis.wording import ago, changes, in_short, longer_ago

from .. import factories as make

NAMES = {1: "Repeat", 2: "Enrolments", 3: "Order size", 4: "Learning"}


def test_it_works() -> None:
    found = changes({1: 20, 2: 30, 3: 50}, {1: 35, 2: 10, 3: 50, 4: 5}, NAMES)
    assert found == ["Enrolments 30 to 10", "Repeat 20 to 35", "Learning new at 5"]


def test_what_goes_is_said_to_go_to_0() -> None:
    assert changes({1: 60, 2: 40}, {1: 100}, NAMES) == ["Repeat 60 to 100", "Enrolments 40 to 0"]


def test_a_first_version_is_said_as_it_is() -> None:
    assert changes({}, {2: 40, 1: 60, 3: 0}, NAMES) == ["Repeat 60", "Enrolments 40"]


def test_equal_moves_are_said_with_the_heavier_first_then_by_name() -> None:
    assert changes({1: 10, 2: 20, 3: 20}, {1: 20, 2: 10, 3: 10}, NAMES)[0] == "Repeat 10 to 20"
    assert changes({1: 10, 2: 20, 3: 20}, {1: 20, 2: 10, 3: 10}, NAMES)[1:] == [
        "Enrolments 20 to 10",
        "Order size 20 to 10",
    ]


def test_a_kpi_that_is_gone_is_left_out() -> None:
    assert changes({9: 50}, {1: 50}, NAMES) == ["Repeat new at 50"]


def test_in_short_one_more_is_said_itself() -> None:
    assert in_short([]) == ""
    assert in_short(["a", "b", "c"]) == "a, b, c"
    assert in_short(["a", "b", "c", "d"]) == "a, b, two more"
    with translation.override("en"):
        assert in_short([str(n) for n in range(15)], n=1) == "0, 14 more"


@pytest.mark.parametrize(
    ("since", "said", "longer"),
    [
        (timedelta(seconds=59), "just now", "more than 1 minute ago"),
        (timedelta(minutes=1), "1 minute ago", "more than 1 minute ago"),
        (timedelta(minutes=119), "1 hour ago", "more than 1 hour ago"),
        (timedelta(hours=47), "1 day ago", "more than 1 day ago"),
        (timedelta(days=40), "40 days ago", "more than 40 days ago"),
    ],
)
def test_how_long_ago(since: timedelta, said: str, longer: str) -> None:
    assert (ago(make.NOW - since, make.NOW), longer_ago(make.NOW - since, make.NOW)) == (said, longer)
