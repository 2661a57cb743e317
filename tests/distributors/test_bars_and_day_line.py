from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from distributors.bars import history_bars, pace_bar, rhythm
from distributors.day_line import day_line
from distributors.goals import GoalState
from distributors.models import Goal
from distributors.wording import goal_line

JENNA = GoalState(
    goal=Goal(metric="sales", period="week", target=Decimal(250), weight=Decimal(1)),
    first=date(2026, 8, 24), last=date(2026, 8, 30), value=Decimal("187.50"), expected=Decimal("142.86"),
    chance=0.48, survival=lambda x: 0.48, currency="USD", days_left=4,
)  # fmt: skip
MONTH = replace(
    JENNA, goal=Goal(metric="enrolments", period="month", target=Decimal(3), weight=Decimal(1)),
    first=date(2026, 8, 1), last=date(2026, 8, 31), value=Decimal(2), expected=Decimal("2.61"), days_left=5,
)  # fmt: skip


def test_it_works() -> None:
    line = day_line([JENNA, MONTH], due=3, average_order=Decimal(40))
    assert line.headline == "$62.50 to go this\u00a0week"
    assert line.lede == "Two average orders would cover it, and three customers are due."


@pytest.mark.parametrize(
    ("states", "headline"),
    [
        ([], "Start with one number"),
        ([replace(JENNA, value=Decimal(250))], "Your goals are reached"),
        ([replace(JENNA, days_left=1)], "$62.50 to go\u00a0today"),
        ([replace(JENNA, value=Decimal(300)), MONTH], "1 enrolment to go in\u00a0August"),
    ],
)
def test_every_state_has_a_headline(states: list[GoalState], headline: str) -> None:
    assert day_line(states, due=0, average_order=None).headline == headline


@pytest.mark.parametrize(
    ("due", "average", "lede"),
    [
        (0, None, ""),
        (1, None, "One customer is due."),
        (0, Decimal(70), "One average order would cover it."),
        (2, Decimal(1), "Two customers are due."),  # sixty-three orders are no help
        (0, Decimal(0), ""),
    ],
)
def test_the_lede_says_only_what_helps(due: int, average: Decimal | None, lede: str) -> None:
    assert day_line([JENNA], due=due, average_order=average).lede == lede


def test_ahead_has_its_tick_inside_and_no_amber() -> None:
    bar = pace_bar(Decimal("187.50"), Decimal(250), Decimal("142.86"), discrete=False)
    assert [(p.css, p.x, p.width) for p in bar.pieces] == [("t", "0.00%", "100.00%"), ("v", "0.00%", "75.00%")]
    assert bar.tick == "57.14%"


def test_counts_are_segments_with_amber_to_the_tick() -> None:
    bar = pace_bar(Decimal(2), Decimal(3), Decimal(27) * 3 / 31, discrete=True)
    assert [p.css for p in bar.pieces] == ["v", "v", "t", "b"]
    assert (bar.pieces[3].x, bar.pieces[3].width, bar.tick) == ("67.47%", "19.63%", "87.10%")


@pytest.mark.parametrize("value", [250, 300, 100_000])
def test_reached_is_full_without_a_tick(value: int) -> None:
    bar = pace_bar(Decimal(value), Decimal(250), Decimal(10), discrete=False)
    assert (bar.pieces[1].width, bar.tick) == ("100.00%", "")


def test_refunds_below_zero_draw_nothing() -> None:
    assert pace_bar(Decimal(-40), Decimal(250), None, discrete=False).pieces[1].width == "0.00%"
    assert [p.css for p in pace_bar(Decimal(-1), Decimal(2), None, discrete=True).pieces] == ["t", "t"]


def test_notes_under_the_bar() -> None:
    assert goal_line(JENNA, {}).note == "$44 ahead of pace"
    assert goal_line(replace(JENNA, value=Decimal(100)), {}).note == "$42 behind pace"
    last_day = replace(JENNA, days_left=1, expected=Decimal(250))
    assert goal_line(last_day, {}).note == "$62.50 to go today" and goal_line(last_day, {}).behind
    assert day_line([last_day], due=0, average_order=None).headline.startswith("$62.50")
    assert goal_line(MONTH, {}).note == "1 to go in 5 days" and goal_line(MONTH, {}).behind
    assert goal_line(replace(MONTH, days_left=1), {}).note == "1 to go today"
    assert goal_line(replace(JENNA, value=Decimal(250)), {}).note == "Reached"
    assert goal_line(replace(JENNA, expected=None), {}).note == "$62.50 to go"


def test_rhythm_stays_inside_its_frame() -> None:
    for today in (date(2026, 8, 1), date(2026, 8, 27), date(2027, 8, 27)):
        line = rhythm(date(2026, 7, 4), date(2026, 8, 17), date(2026, 9, 12), today)
        assert float(line.window) >= 0 and float(line.window) + float(line.window_width) <= 52
        assert 0 <= float(line.now) <= 50


def test_history_bars() -> None:
    bars, target_y = history_bars([Decimal(300), Decimal(0), Decimal(100), Decimal(-5)], Decimal(250))
    assert [bar.css for bar in bars] == ["v", "t", "n", "t"] and 0 < float(target_y) < 72
