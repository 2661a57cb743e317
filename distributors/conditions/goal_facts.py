"""Facts about goals, of a block of people: the same looks as on her page (chances.look), in one compiled loop.

Of several goals that are asked for alike her weightiest counts whose period holds today. What a period comes to is told by the
days up to today; one dated ahead waits for its day.
"""

from __future__ import annotations

from collections.abc import Collection
from math import floor, nan
from typing import TYPE_CHECKING, Any

import numpy as np

from ..blocks import WINDOWS, Calendar, Floats, Ints, Outlooks, Spread, outlooks
from ..chances import (
    DATED,
    HOW,
    MONTH,
    NAMES,
    RATIO,
    SUM,
    WEEK,
    add_both,
    add_up,
    count_recruits,
    look,
    survival,
    value_of,
)
from ..compiling import kernel
from ..forecast import PERIODS
from ..periods import month_of
from ..records import DAY, Records, day_number, day_of, native
from . import Fact
from .checks import Column

if TYPE_CHECKING:
    from .facts import Block

#: What is found of a goal, in the order of the rows that `fill` writes.
NAMED = ("goal_percent", "goal_left", "goal_pace", "goal_chance", "goal_days_left", "last_goal_percent")
PERCENT, LEFT, PACE, CHANCE, DAYS_LEFT, LAST_PERCENT = range(len(NAMED))
#: Of any metric, or of any period.
ANY = -1


def columns(asked: Collection[Fact], block: Block) -> dict[Fact, Column]:
    """No query."""
    if not asked:
        return {}
    kinds = {fact: (place_of(NAMES, fact["metric"]), PERIODS.get(fact["period"], ANY)) for fact in asked}
    wanted = list(dict.fromkeys(kinds.values()))
    found = look_at_all(np.array(wanted, np.int64), block)
    return {fact: Column(found[wanted.index(kind), NAMED.index(fact.name)]) for fact, kind in kinds.items()}


def place_of(names: tuple[str, ...], name: str) -> int:
    return names.index(name) if name else ANY


def look_at_all(wanted: Ints, block: Block) -> Floats:
    """Kinds of goals (metric, period) -> kinds x NAMED x people, NaN where there is no such goal."""
    people = block.people
    found = np.full((len(wanted), len(NAMED), len(block)), np.nan)
    most_goals, most_days = (int(np.diff(at).max(initial=0)) for at in (people.goals_at, people.days_at))
    fill(
        people.goals, people.goals_at, people.days, people.days_at, people.joined, people.market, block.calendar,
        block.spread, block.price_levels, periods_before(block.calendar), wanted, outlooks(most_goals),
        np.zeros(most_days, native(DAY)), found,
    )  # fmt: skip
    return found


def periods_before(calendar: Calendar) -> Ints:
    """By market, of the week and the month before today's: first and last day. Markets x 2 x 2."""
    months = [month_of(day_of(first - 1)) for first in calendar.month_first]
    found = np.zeros((len(calendar.today), 2, 2), np.int64)
    found[:, WEEK] = np.stack([calendar.week_first - 7, calendar.week_first - 1], axis=1)
    found[:, MONTH] = np.array([[day_number(day) for day in month] for month in months], np.int64).reshape(-1, 2)
    return found


@kernel
def fill(
    goals: Records, goals_at: Ints, days: Records, days_at: Ints, joined: Ints, market: Ints, calendar: Calendar,
    spread: Spread, price: Floats, before: Ints, wanted: Ints, out: Outlooks, room: Records, found: Floats,
) -> None:  # fmt: skip
    sums = np.zeros((2, WINDOWS + 1), np.int64)
    for i in range(len(market)):
        m = market[i]
        hers = goals[goals_at[i] : goals_at[i + 1]]
        if len(hers) == 0:
            continue
        known = up_to(calendar.today[m], days[days_at[i] : days_at[i + 1]], room)
        look(hers, known, joined[i], m, calendar, spread, out)
        for k in range(len(wanted)):
            g = weightiest(hers, wanted[k], out.running)
            if g >= 0:
                tell(g, hers[g], calendar.today[m], price[m], spread, out, found[k, :, i])
            g = weightiest_again(hers, wanted[k], out.running)
            if g >= 0:
                found[k, LAST_PERCENT, i] = last_time(g, hers[g], known, joined[i], before[m], sums)


@kernel
def up_to(today: int, days: Records, room: Records) -> Records:
    """DAY records without those later than today."""
    n = 0
    for i in range(len(days)):
        if days[i].day <= today:
            room[n] = days[i]
            n += 1
    return room[:n]


@kernel
def weightiest(goals: Records, kind: Ints, running: Ints) -> int:
    """The first of the kind, as they lie by weight; -1 for none."""
    for g in range(len(goals)):
        if running[g] and is_of(kind, goals[g]):
            return g
    return -1


@kernel
def weightiest_again(goals: Records, kind: Ints, running: Ints) -> int:
    """Of those that came round before: a goal between two dates has no last time."""
    for g in range(len(goals)):
        if running[g] and is_of(kind, goals[g]) and goals[g].period != DATED:
            return g
    return -1


@kernel
def is_of(kind: Ints, goal: Any) -> bool:
    return (kind[0] == ANY or kind[0] == goal.metric) and (kind[1] == ANY or kind[1] == goal.period)


@kernel
def tell(g: int, goal: Any, today: int, price: float, spread: Spread, out: Outlooks, found: Floats) -> None:
    """As GoalState says it."""
    value, days = out.value[g], out.last[g] - out.first[g] + 1
    found[PERCENT] = percent(value, goal.target)
    found[LEFT] = out.left[g] if out.counts[g] else out.left[g] / price
    if HOW[goal.metric] != RATIO:
        # One fraction of whole numbers: who is exactly on pace is at 0.
        passed = today - out.first[g] + 1
        found[PACE] = 100 * (value * days - goal.target * passed) / (goal.target * days)
    if out.known[g] or out.left[g] <= 0:
        found[CHANCE] = floor(100 * survival(out.left[g], g, out, spread))
    found[DAYS_LEFT] = out.last[g] - today + 1


@kernel
def percent(value: int, target: int) -> int:
    """Floored, never below 0."""
    return max(0, value) * 100 // target


@kernel
def last_time(g: int, goal: Any, days: Records, joined: int, before: Ints, sums: Ints) -> float:
    """Percent of today's target that the period before came to; unknown of who was not here for all of it."""
    first, last = before[goal.period, 0], before[goal.period, 1]
    if joined > first:
        return nan
    start = 0
    while start < len(days) and days[start].slot >> 1 < g:
        start += 1
    stop = start
    while stop < len(days) and days[stop].slot >> 1 == g:
        stop += 1
    how, span = HOW[goal.metric], last - first + 1
    sums[:] = 0
    if how == SUM:
        add_up(days[start:stop], first, last, first - span, span, sums)
    elif how == RATIO:
        add_both(days[start:stop], first, last, span, sums)
    else:
        count_recruits(days[start:stop], first, last, span, sums)
    return percent(value_of(how, sums[0, WINDOWS], sums[1, WINDOWS]), goal.target)
