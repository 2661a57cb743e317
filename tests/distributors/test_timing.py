"""The kernels against their description, written again in plain Python with dates instead of numbers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from math import ceil, floor

import numpy as np
import pytest

from distributors import timing
from distributors.blocks import BUYER, QUANTILES, REASONS, Buying, dues
from distributors.models import Customer
from distributors.records import (
    CUSTOMER,
    LINE,
    NEVER,
    RECRUIT,
    Records,
    day_number,
    day_of,
    microseconds,
    native,
)
from distributors.timing import Reason, reasons_in

NOW = datetime(2026, 8, 27, 15, 0, tzinfo=UTC)
TODAY = date(2026, 8, 27)
WHEN = ["", "hot", "warm", "cool", "cold"]


@dataclass
class Line:
    line: int
    last_on: date
    lasts: int


@dataclass
class Person:
    """What a CUSTOMER record holds and the LINE records of her, in Python's own words."""

    id: int = 1
    orders: int = 0
    last_order: date | None = None
    gap: float | None = None
    line: int = 0
    contacted_at: datetime | None = None
    added_on: date = TODAY
    interest: str = ""
    birthday: date | None = None
    basket_at: datetime | None = None
    contacts: list[date] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)


def customers_of(people: list[Person]) -> Records:
    records = np.zeros(len(people), native(CUSTOMER))
    for one, record in zip(people, records, strict=True):
        record["id"], record["orders"], record["line"] = one.id, one.orders, one.line
        record["last_order"], record["added_on"] = day_number(one.last_order), day_number(one.added_on)
        record["gap"] = -1 if one.gap is None else one.gap
        record["contacted_at"] = microseconds(one.contacted_at) if one.contacted_at else 0
        record["contacted_on"] = day_number(one.contacted_at.date() if one.contacted_at else None)
        for nth in range(4):
            record[f"contact_{nth + 1}"] = day_number(one.contacts[nth] if nth < len(one.contacts) else None)
        record["first_order"], record["ways"] = day_number(one.last_order), 15
        record["interest"] = WHEN.index(one.interest)
        record["birthday"] = one.birthday.month * 100 + one.birthday.day if one.birthday else 0
        record["basket_at"] = microseconds(one.basket_at) if one.basket_at else 0
        record["basket_on"] = day_number(one.basket_at.date() if one.basket_at else None)
    return records


def lines_of(people: list[Person]) -> Records:
    rows = [(one.id, line.line, day_number(line.last_on), line.lasts) for one in people for line in one.lines]
    return np.array(rows, native(LINE))


#: Before there is a fit; 5 days between contacts, 4 in 28 days.
UNFITTED = Buying(
    0,
    np.zeros(1, BUYER),
    1.0,
    1.0,
    1.0,
    1.0,
    np.zeros(QUANTILES),
    1.0,
    np.full(1, 5, np.int64),
    np.full(1, 4, np.int64),
)


def found(
    people: list[Person], now: datetime = NOW, lines: Records | None = None, buying: Buying = UNFITTED
) -> list[Reason]:
    customers, bought = customers_of(people), lines_of(people) if lines is None else lines
    out = dues(len(customers), len(bought), 0)
    n = timing.contacts(customers, bought, 0, day_number(now.date()), microseconds(now), buying, out)
    assert [people[who].id for who in out["who"][:n]] == out["person"][:n].tolist()
    return reasons_in(out, 0, n)


def names(people: list[Person], now: datetime = NOW, buying: Buying = UNFITTED) -> list[str]:
    return [REASONS[one.code] for one in found(people, now, buying=buying)]


Expected = tuple[int, str, int, float, date | None, date | None]


def described(one: Person, now: datetime) -> Iterator[Expected]:
    """The docstring of timing.py and of blocks.DUE."""
    today = now.date()
    if len(one.contacts) >= 4 and (today - one.contacts[3]).days < 28:
        return
    quiet = one.contacted_at is not None and (today - one.contacted_at.date()).days < 5
    heard_since = one.contacted_at and one.basket_at and one.contacted_at >= one.basket_at
    if one.basket_at and now - timedelta(days=7) < one.basket_at <= now and not (quiet and heard_since):
        yield one.id, "open_basket", one.line, 0.95 - 0.05 * (today - one.basket_at.date()).days, None, None
    if quiet:
        return
    if one.interest and not one.orders:
        wait, score = {"hot": (7, 0.6), "warm": (14, 0.45), "cool": (30, 0.3), "cold": (60, 0.2)}[one.interest]
        since = one.contacted_at.date() if one.contacted_at else one.added_on
        if (today - since).days >= wait:
            yield one.id, "prospect", one.line, score, since + timedelta(days=wait), None
    if one.birthday:
        on = next(day for n in range(366) if is_birthday(one.birthday, day := today + timedelta(days=n)))
        if (on - today).days <= 7:
            yield one.id, "birthday", one.line, 0.5 - 0.02 * (on - today).days, today, on
    if one.last_order is None or one.last_order > today:
        return
    if one.gap:
        known = 0.5 + 0.4 * one.orders / (one.orders + 4)
        yield from in_time(one, "reorder_due", one.line, known, one.last_order, one.gap, today)
    for line in one.lines:
        if (today - line.last_on).days <= 400:
            yield from in_time(one, "one_time", line.line, 0.6, line.last_on, line.lasts, today)
    if one.orders == 1:
        for line in one.lines[:1]:
            yield from in_time(one, "reorder_due", line.line, 0.55, line.last_on, line.lasts, today)
    days = (today - one.last_order).days
    falling = 0.35 - 0.2 * (days - 120) / 280
    for reason, first, last, score in (
        ("check_in", 5, 8, 0.6), ("connect", 19, 24, 0.45), ("lapsed", 120, 400, falling),
    ):  # fmt: skip
        if first <= days <= last:
            start, end = one.last_order + timedelta(days=first), one.last_order + timedelta(days=last)
            yield one.id, reason, one.line, score, start, end


def in_time(
    one: Person, reason: str, line: int, certainty: float, last: date, gap: float, today: date
) -> Iterator[Expected]:
    start, end = last + timedelta(days=floor(0.8 * gap)), last + timedelta(days=ceil(1.25 * gap))
    over = last + timedelta(days=ceil(1.6 * gap) + 7)
    if start <= today <= over:
        timely = 1 if today <= end else 1 - 0.4 * (today - end).days / (over - end).days
        yield one.id, reason, line, certainty * timely, start, end


def is_birthday(born: date, day: date) -> bool:
    if (born.month, born.day) == (2, 29) and not leap(day.year):
        return (day.month, day.day) == (2, 28)
    return (day.month, day.day) == (born.month, born.day)


def leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def same(given: list[Reason], expected: list[Expected]) -> bool:
    plain = [(g.person, REASONS[g.code], g.line, g.window_start, g.window_end) for g in given]
    wanted = [(e[0], e[1], e[2], e[4], e[5]) for e in expected]
    return plain == wanted and [g.score for g in given] == pytest.approx([e[3] for e in expected], rel=1e-14)


def somebody(rng: random.Random, pk: int, now: datetime) -> Person:
    """Days near where something begins or ends more often than chance would have them."""
    today = now.date()
    edges = [0, 1, 4, 5, 8, 9, 18, 19, 24, 25, 119, 120, 399, 400, 401]

    def ago() -> date:
        return today - timedelta(days=rng.choice(edges) if rng.random() < 0.4 else rng.randrange(-3, 130))

    def at(days: float) -> datetime:
        nudge = timedelta(microseconds=rng.choice([-1, 0, 1]))
        return now - timedelta(days=days) + nudge

    orders = rng.choice([0, 0, 1, 1, 2, 3, 9])
    last = ago() if orders else None
    kinds = sorted(rng.sample(range(1, 9), rng.randrange(4))) if orders else []
    lines = [
        Line(kind, last if orders == 1 and last else ago(), rng.choice([7, 20, 42, 45, 55, 300])) for kind in kinds
    ]
    born = date(1992, 1, 1) + timedelta(days=rng.randrange(366)) if rng.random() < 0.3 else today
    return Person(
        id=pk, orders=orders, last_order=last, lines=lines, line=rng.randrange(1, 9) if orders else 0,
        gap=rng.choice([1.0, 7.5, 30.0, 33.5, 61.0, 250.0]) if orders > 1 else None,
        contacted_at=at(rng.choice([0.5, 5, 5, 6, 7, 14, 30, 60, 90])) if rng.random() < 0.6 else None,
        contacts=sorted((today - timedelta(days=rng.randrange(1, 60)) for _ in range(rng.randrange(5))), reverse=True),
        added_on=ago(), interest=rng.choice(WHEN), birthday=born + timedelta(days=rng.randrange(-2, 10)) if rng.random() < 0.5 else None,
        basket_at=at(rng.choice([0, 0, 1, 3.5, 6, 7, 7, 8])) if rng.random() < 0.3 else None,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(40))
def test_it_is_as_described(seed: int) -> None:
    """40 people of 25 customers each, on as many days."""
    rng = random.Random(seed)
    now = datetime.combine(date(2024, 1, 1), time(15), tzinfo=UTC) + timedelta(days=rng.randrange(4 * 366))
    people = [somebody(rng, 3 * n + 1, now) for n in range(25)]
    expected = [reason for one in people for reason in described(one, now)]
    assert same(found(people, now), expected)


def test_every_reason_comes_up_in_those_cases() -> None:
    rng = random.Random(0)
    expected = [reason for n in range(1000) for reason in described(somebody(rng, n, NOW), NOW)]
    assert {reason[1] for reason in expected} == set(REASONS[: timing.NEW_RECRUIT])


def test_reasons_have_the_codes_of_their_names() -> None:
    codes = [name.upper() for name in REASONS]
    assert [getattr(timing, name) for name in codes] == list(range(len(REASONS)))


def test_every_interest_has_its_days() -> None:
    assert [name.value for name in Customer.Hotness] == WHEN[1:]
    assert len(timing.PROSPECT_DAYS) == len(timing.PROSPECT_SCORES) == len(Customer.Hotness)


def test_nobody_has_nothing() -> None:
    assert found([]) == []
    assert found([Person()]) == []


def test_lines_of_who_must_not_be_contacted_are_passed_over() -> None:
    """Their customers have no record, before, between and after those who have one."""
    bought = [Line(5, TODAY - timedelta(days=40), 42)]
    everybody = [Person(id=pk, orders=1, last_order=bought[0].last_on, lines=bought) for pk in (1, 2, 3, 4, 5)]
    asked = [everybody[1], everybody[3]]
    given = found(asked, lines=lines_of(everybody))
    assert same(given, [reason for one in asked for reason in described(one, NOW)])
    assert {one.person for one in given} == {2, 4}


@pytest.mark.parametrize(("days", "quiet"), [(4, True), (5, False)])
def test_quiet_for_five_days_but_for_an_open_basket(days: int, quiet: bool) -> None:
    heard, basket = NOW - timedelta(days=days), NOW - timedelta(hours=1)
    given = names([Person(contacted_at=heard, birthday=TODAY, basket_at=basket)])
    assert given == (["open_basket"] if quiet else ["open_basket", "birthday"])


@pytest.mark.parametrize(("after", "due"), [(-1, True), (0, False), (1, False)])
def test_who_has_heard_since_she_filled_it_waits(after: int, due: bool) -> None:
    """To the microsecond, and for the days between contacts alone."""
    basket = NOW - timedelta(days=2)
    one = Person(basket_at=basket, contacted_at=basket + timedelta(microseconds=after))
    assert names([one]) == (["open_basket"] if due else [])
    later = NOW + timedelta(days=3)
    assert names([one], now=later) == ["open_basket"], "five days after the contact she is free again"


@pytest.mark.parametrize(("after", "is_open"), [(0, False), (1, True)])
def test_a_basket_is_forgotten_after_a_week_to_the_microsecond(after: int, is_open: bool) -> None:
    opened = NOW - timedelta(days=7) + timedelta(microseconds=after)
    assert names([Person(basket_at=opened)]) == (["open_basket"] if is_open else [])


def test_a_basket_opened_later_is_not_open_yet() -> None:
    assert names([Person(basket_at=NOW)]) == ["open_basket"]
    assert names([Person(basket_at=NOW + timedelta(microseconds=1))]) == []


@pytest.mark.parametrize(
    ("born", "today", "on"),
    [
        (date(1992, 2, 29), date(2027, 2, 25), date(2027, 2, 28)),
        (date(1992, 2, 29), date(2028, 2, 25), date(2028, 2, 29)),
        (date(1992, 2, 29), date(2027, 3, 1), date(2028, 2, 29)),
        (date(1992, 2, 29), date(2028, 2, 29), date(2028, 2, 29)),
        (date(1990, 1, 2), date(2026, 12, 30), date(2027, 1, 2)),
    ],
)
def test_next_birthday(born: date, today: date, on: date) -> None:
    month_day, day = born.month * 100 + born.day, day_number(today)
    assert day_of(timing.next_birthday(month_day, day, timing.year_of(day))) == on


def test_the_calendar_is_pythons() -> None:
    """Of every day that a row can hold."""
    for number in range(NEVER + 1, -NEVER - 1):
        day = day_of(number)
        assert timing.year_of(number) == day.year
        assert timing.day_in(day.year, day.month * 100 + day.day) == number


def recruit(pk: int, joined: int, *orders: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    """Joined so many days ago, with (days ago, orders)."""
    today = day_number(TODAY)
    days = sorted((today - ago, 100 * n) for ago, n in orders) or [(NEVER, 0)]
    return [(pk, today - joined, day, n) for day, n in days]


def cared(*recruits: list[tuple[int, int, int, int]], start_at: int = 0) -> list[tuple[int, str, float]]:
    records = np.array([row for one in recruits for row in one], native(RECRUIT))
    out = dues(start_at, 0, len(records))
    n = timing.care(records, day_number(TODAY), start_at, out)
    assert records["id"][out["who"][start_at:n]].tolist() == out["person"][start_at:n].tolist()
    given = reasons_in(out, start_at, n)
    assert all((one.line, one.start, one.end) == (0, NEVER, NEVER) for one in given)
    return [(one.person, REASONS[one.code], round(one.score, 6)) for one in given]


@pytest.mark.parametrize(("days", "score"), [(2, None), (3, 0.53), (15, 0.65), (30, 0.8), (31, None)])
def test_new_recruits(days: int, score: float | None) -> None:
    assert cared(recruit(7, days)) == ([] if score is None else [(7, "new_recruit", score)])
    assert cared(recruit(7, days, (0, 1))) == []


@pytest.mark.parametrize(
    ("orders", "score"),
    [
        ([(28, 1)], 0.3375), ([(27, 1)], None), ([(83, 1)], 0.3375), ([(84, 1)], None),
        ([(28, 4), (50, 4)], 0.6), ([(28, 9), (50, 9)], 0.6), ([(10, 1), (40, 5)], None),
        ([(-1, 1), (40, 2)], 0.375),
    ],
)  # fmt: skip
def test_quiet_recruits(orders: list[tuple[int, int]], score: float | None) -> None:
    assert cared(recruit(7, 400, *orders)) == ([] if score is None else [(7, "quiet_recruit", score)])


def test_recruits_are_put_after_customers() -> None:
    team = recruit(2, 10), recruit(4, 400, (30, 2), (40, 2)), recruit(5, 400, (1, 1)), recruit(9, 20)
    expected = [(2, "new_recruit", 0.6), (4, "quiet_recruit", 0.45), (9, "new_recruit", 0.7)]
    assert cared(*team) == cared(*team, start_at=5) == expected
    assert cared() == []


def test_there_is_room_for_every_reason() -> None:
    """One customer with all that can come together, and a line a day."""
    last = TODAY - timedelta(days=6)
    lines = [Line(n, last, 7) for n in range(1, 50)]
    one = Person(orders=1, last_order=last, gap=7.0, birthday=TODAY, basket_at=NOW, interest="hot", lines=lines, line=3)
    given = found([one])
    assert len(given) == 49 + 5


# Once past orders have told who orders again


def told_by(chance: float, *, line: int = 0, other: float = 0.01) -> Buying:
    """Everybody of `line` (all, for 0) has this chance; places are chances, the likeliest fifth starts at .8."""
    rows = np.zeros(2 if line else 1, BUYER)
    rows["bias"] = [np.log(p / (1 - p)) for p in ([other, chance] if line else [chance])]
    rows["line"] = [0, line][: len(rows)]
    return UNFITTED._replace(known=1, lines=rows, quantiles=np.linspace(0, 1, QUANTILES), least=0.8)


def regular(ago: int, **fields: object) -> Person:
    """Every 40 days: her window is day 32 to 50, and over on day 71."""
    return Person(orders=5, gap=40.0, last_order=TODAY - timedelta(days=ago), line=3, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("chance", [0.05, 0.5, 0.93])
def test_her_place_is_the_score_in_her_own_window(chance: float) -> None:
    (one,) = found([regular(40)], buying=told_by(chance))
    assert (REASONS[one.code], one.line) == ("reorder_due", 3)
    assert one.score == pytest.approx(chance)
    assert (one.window_start, one.window_end) == (TODAY - timedelta(days=8), TODAY + timedelta(days=10))


@pytest.mark.parametrize(
    ("ago", "chance", "due"), [(72, 0.81, True), (72, 0.79, False), (71, 0.02, True), (110, 0.9, True)]
)
def test_later_than_her_rhythm_only_the_likeliest_are_due(ago: int, chance: float, due: bool) -> None:
    assert names([regular(ago)], buying=told_by(chance)) == (["reorder_due"] if due else [])


def test_nobody_is_due_before_her_own_window() -> None:
    """Who ordered last week is likely to order again, and has what she needs."""
    assert names([regular(31)], buying=told_by(0.99)) == []
    assert names([regular(32)], buying=told_by(0.99)) == ["reorder_due"]


def test_what_was_used_up_has_her_place_too() -> None:
    last = TODAY - timedelta(days=40)
    one = Person(orders=1, last_order=last, line=3, lines=[Line(3, last, 42)])
    given = found([one], buying=told_by(0.7))
    assert [REASONS[each.code] for each in given] == ["one_time", "reorder_due"]
    assert [each.score for each in given] == pytest.approx([0.7, 0.7])


@pytest.mark.parametrize(
    ("ago", "chance", "due"), [(14, 0.9, True), (13, 0.9, False), (14, 0.7, False), (401, 0.9, False)]
)
def test_without_any_rhythm_the_model_says_alone(ago: int, chance: float, due: bool) -> None:
    one = Person(orders=1, last_order=TODAY - timedelta(days=ago), line=3)
    given = [each for each in found([one], buying=told_by(chance)) if REASONS[each.code] == "reorder_due"]
    assert bool(given) == due
    if due:
        assert (given[0].window_start, given[0].window_end) == (None, None)


def test_the_weights_are_those_of_the_line_of_her_last_order() -> None:
    for line, score in ((3, 0.9), (4, 0.01)):
        assert found([regular(40)], buying=told_by(0.9, line=line))[0].score == pytest.approx(score)


def test_the_least_likely_stays_due_in_her_window() -> None:
    given = told_by(0.4)._replace(quantiles=np.linspace(0.5, 1, QUANTILES))
    assert found([regular(40)], buying=given)[0].score == timing.LEAST_SCORE
