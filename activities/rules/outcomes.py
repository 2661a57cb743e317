"""A rule followed to its outcome: fired, shown, done, and what came next; and what it changed, where some people got nothing.

What came next is no effect of the rule: who is chosen because her sales fell sees them rise again with or without it. An
effect is told only of a rule that holds people back, from those who got it beside those who did not: each by her first
firing since that share counts, her sales of the 28 days from it on, in base currency (kpis/lift.py has the rest).

"Shown" is what a list says that she opened after the firing. Of a notice only that it was due is known here: it is written
when she comes, and notifications/followed.py counts who was told and who read it. What a leader is asked for counts by the
leader's lists and deeds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
from django.db import connection

from distributors.conditions import ConditionError
from distributors.models import Market
from distributors.records import NEVER
from kpis import definitions, firing
from kpis.definitions import Definition
from kpis.lift import Arms, Lift, OddLotError, TooFewError, lift
from kpis.models import Rule, RuleDay

from ..models import Activity
from ..ranking import shelf as shelves
from . import counting, last_week, tried_on
from .counting import Count
from .decisions import offer_of
from .somebody import brought_by

#: Days compared: as many from the firing on, that day included, as before it.
DAYS = 28
#: Firings that the steps are counted over: none older, and of the newest so many.
SINCE, MOST_FIRINGS = 90, 2000
#: People whose sales are read; whole teams of them where there are more.
MOST_PEOPLE = 10_000


@dataclass(frozen=True)
class Steps:
    """Of the firings that did something, the newest ones: how many were followed by what."""

    firings: int
    people: int
    held_back: int  # firings beside these, for which nothing was done
    noticed: int  # a notice was due; whether she was told and read it, notifications know
    called: int  # an activity was asked for
    shown: int
    done: int
    open: int  # asked for, not done, and the days are not over
    first: date | None


@dataclass(frozen=True)
class Next:
    """What people of one currency made: means a person, of who got it and whose days are over."""

    currency: str
    people: int
    sales: tuple[Decimal, Decimal]  # before, after
    orders: tuple[float, float]


@dataclass(frozen=True)
class Share:
    """How many percent the lot holds back, and since when."""

    percent: int
    since: datetime | None


@dataclass(frozen=True)
class Compared:
    """Those who got it beside those held back: a figure, or one of the reasons why there is none."""

    percent: int
    got: tuple[int, int]  # people whose days are over, and their teams
    held_back: tuple[int, int]
    day: int  # of DAYS, of the first firing; DAYS once somebody's are over
    waiting: int  # people whose days are not over
    found: Lift | None = None
    odd: bool = False  # the lot fell as no lot does


@dataclass(frozen=True)
class Outcome:
    steps: Steps
    next: list[Next]
    compared: Compared | None  # None for a rule that holds nobody back
    sampled: bool  # `next` and `compared` are of some teams


def of(rule: Rule, as_of: datetime) -> Outcome:
    """Four queries, however many people."""
    share = share_of(rule)
    markets = list(Market.objects.order_by("pk"))
    today = {market.pk: market.local_day(as_of) for market in markets}
    steps = steps_of(rule, today, as_of)
    found = persons(rule, share, as_of)
    over = [one for one in found.people if one.day + timedelta(days=DAYS) <= today[one.market]]
    compared = None
    if share.percent:
        compared = comparison(share.percent, found.people, over, today)
    return Outcome(steps, nexts(over, {market.pk: market.currency for market in markets}), compared, found.sampled)


def share_of(rule: Rule) -> Share:
    """Of the newest version; since the oldest one before it from which on that share was the same."""
    share = Share(0, None)
    versions = rule.versions.order_by("-number").values_list("definition", "published_at")
    for place, (definition, published_at) in enumerate(versions):
        percent = int(definition.get("held_back", 0))
        if place and percent != share.percent:
            break
        share = Share(percent, published_at)
    return share


# Who got nothing


def without_anybody(rule: Rule, as_of: datetime) -> Count:
    """For whom it holds and does not fire, since there is nobody that what it brings is about; as the replay counts it.

    No query but one for any other rule; else those of a crowd and one.
    """
    definition = newest_of(rule)
    shelf = shelves.current()
    if definition is None or rule.state != Rule.State.LIVE or not brought_by(definition, shelf, offer_of(shelf)):
        return Count(0)
    crowd = tried_on.of(as_of)
    holds = last_week.on_day(definition, counting.parts_of(definition), crowd, 0)
    [last] = firing.last_fired([rule.pk], crowd.people.ids.tolist())
    waits = (last == NEVER) | (crowd.days - last >= definition.cooldown_days)
    return counting.scaled(last_week.without_anybody(definition, crowd, holds & waits), crowd.total)


def newest_of(rule: Rule) -> Definition | None:
    """None when it does not read any more, or there is none."""
    said = rule.versions.order_by("-number").values_list("definition", flat=True).first()
    try:
        return definitions.read(said) if said is not None else None
    except ConditionError:
        return None


def looked_at(rule: Rule) -> bool:
    """Whether a sweep has asked it of anybody yet. One query."""
    return RuleDay.objects.filter(rule=rule).exists()


# The steps

STEPS = """
WITH fired AS MATERIALIZED (
    SELECT f.id, f.distributor_id, f.day, f.at FROM kpis_firing f
    WHERE f.rule_id = %(rule)s AND f.at >= %(since)s AND f.at <= %(now)s AND NOT f.held_back
    ORDER BY f.at DESC, f.id DESC LIMIT %(most)s
), asked AS (
    SELECT f.id, f.distributor_id, f.day, c.noticed, c.called, c.shown, c.done, c.open
    FROM fired f CROSS JOIN LATERAL (
        SELECT coalesce(bool_or(c.what = 'notice'), false) AS noticed, coalesce(bool_or(c.what = 'activity'), false) AS called,
            coalesce(bool_or(EXISTS (
                SELECT FROM activities_slate s WHERE s.distributor_id = c.to_id AND s.day BETWEEN c.since AND c.until
                    AND s.shown_at >= f.at AND s.shown_at <= %(now)s AND s.cards @> jsonb_build_array(CASE
                        WHEN a.about = ANY(%(recruits)s) AND c.to_id <> f.distributor_id
                        THEN jsonb_build_object('activity', a.id, 'recruit', f.distributor_id)
                        ELSE jsonb_build_object('activity', a.id) END)
            )), false) AS shown,
            coalesce(bool_or(EXISTS (
                SELECT FROM activities_action d WHERE d.distributor_id = c.to_id AND d.activity_id = a.id AND d.kind = 'done'
                    AND d.undone_at IS NULL AND d.day BETWEEN c.since AND c.until AND d.at >= f.at AND d.at <= %(now)s
                    AND (a.about <> ALL(%(recruits)s) OR c.to_id = f.distributor_id OR d.recruit_id = f.distributor_id)
            )), false) AS done,
            coalesce(bool_or(c.what = 'activity' AND c.until >= t.day), false) AS open
        FROM kpis_call c LEFT JOIN activities_activity a ON a.key = c.activity
        JOIN distributors_distributor d ON d.id = c.to_id
        JOIN unnest(%(markets)s::bigint[], %(days)s::date[]) AS t(market, day) ON t.market = d.market_id
        WHERE c.firing_id = f.id
    ) AS c
)
SELECT count(*), count(DISTINCT distributor_id), (
        SELECT count(*) FROM kpis_firing h WHERE h.rule_id = %(rule)s AND h.held_back AND h.at <= %(now)s
            AND h.at >= coalesce((SELECT min(at) FROM fired), %(since)s)
    ), count(*) FILTER (WHERE noticed), count(*) FILTER (WHERE called), count(*) FILTER (WHERE shown),
    count(*) FILTER (WHERE done), count(*) FILTER (WHERE open AND NOT done), min(day)
FROM asked
"""

RECRUITS = [Activity.About.NEW_RECRUIT.value, Activity.About.QUIET_RECRUIT.value]


def steps_of(rule: Rule, today: dict[int, date], as_of: datetime) -> Steps:
    """One query. What was done counts whether a list showed it or she found it herself."""
    asked: dict[str, Any] = {
        "rule": rule.pk, "since": as_of - timedelta(days=SINCE), "now": as_of, "most": MOST_FIRINGS,
        "recruits": RECRUITS, "markets": list(today), "days": list(today.values()),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(STEPS, asked)
        return Steps(*cursor.fetchone())


# People


class Person(NamedTuple):
    """Her first firing that counts, and what she made before and from it on; sales in her market's money."""

    team: int
    market: int
    price_level: Decimal
    day: date
    held_back: bool
    sales: tuple[Decimal, Decimal]  # before, after
    orders: tuple[Decimal, Decimal]


class People(NamedTuple):
    people: list[Person]
    sampled: bool


# Whole teams are left out where there are too many people: as many of each side as the lot gave them.
PERSONS = """
WITH firsts AS MATERIALIZED (
    SELECT DISTINCT ON (f.distributor_id) f.distributor_id, f.day, f.held_back, d.market_id, m.price_level,
        coalesce(d.sponsor_id, d.id) AS team
    FROM kpis_firing f JOIN distributors_distributor d ON d.id = f.distributor_id
    JOIN distributors_market m ON m.id = d.market_id
    WHERE f.rule_id = %(rule)s AND f.at >= %(since)s AND f.at <= %(now)s
    ORDER BY f.distributor_id, f.day
), many AS (
    SELECT least(1.0, %(most)s::float8 / greatest(count(*), 1)) AS share FROM firsts
), chosen AS MATERIALIZED (
    SELECT firsts.*, many.share FROM firsts, many
    WHERE (team * 2654435761) %% 4294967296 < many.share * 4294967296
)
SELECT f.team, f.market_id, f.price_level, f.day, f.held_back, s.before, s.after, s.placed_before, s.placed, f.share < 1
FROM chosen f CROSS JOIN LATERAL (
    SELECT coalesce(sum(value) FILTER (WHERE metric = 'sales' AND m.day < f.day), 0) AS before,
        coalesce(sum(value) FILTER (WHERE metric = 'sales' AND m.day >= f.day), 0) AS after,
        coalesce(sum(value) FILTER (WHERE metric = 'orders' AND m.day < f.day), 0) AS placed_before,
        coalesce(sum(value) FILTER (WHERE metric = 'orders' AND m.day >= f.day), 0) AS placed
    FROM distributors_measure m
    WHERE m.distributor_id = f.distributor_id AND m.metric IN ('sales', 'orders') AND m.scope = ''
        AND m.day BETWEEN f.day - %(days)s AND f.day + %(days)s - 1
) AS s
ORDER BY f.distributor_id
"""


def persons(rule: Rule, share: Share, as_of: datetime) -> People:
    """One query."""
    asked: dict[str, Any] = {
        "rule": rule.pk,
        "since": share.since or as_of,
        "now": as_of,
        "most": MOST_PEOPLE,
        "days": DAYS,
    }
    with connection.cursor() as cursor:
        cursor.execute(PERSONS, asked)
        rows = cursor.fetchall()
    people = [
        Person(team, market, price, day, held, (before, after), (placed_before, placed))
        for team, market, price, day, held, before, after, placed_before, placed, _some in rows
    ]
    return People(people, bool(rows and rows[0][-1]))


def nexts(over: Sequence[Person], currencies: dict[int, str]) -> list[Next]:
    """By currency, of who was not held back."""
    by_currency: dict[str, list[Person]] = defaultdict(list)
    for one in over:
        if not one.held_back:
            by_currency[currencies[one.market]].append(one)
    return [
        Next(currency, len(some), (mean([p.sales[0] for p in some]), mean([p.sales[1] for p in some])),
             (float(mean([p.orders[0] for p in some])), float(mean([p.orders[1] for p in some]))))
        for currency, some in sorted(by_currency.items())
    ]  # fmt: skip


def mean(values: Sequence[Decimal]) -> Decimal:
    return sum(values, Decimal(0)) / len(values)


def comparison(percent: int, people: Sequence[Person], over: Sequence[Person], today: dict[int, date]) -> Compared:
    arms = arms_of(over)
    got, held_back = arms.sides
    day = DAYS if over else max(((today[one.market] - one.day).days + 1 for one in people), default=0)
    waiting = len(people) - len(over)
    try:
        return Compared(percent, got, held_back, day, waiting, found=lift(arms, percent / 100))
    except TooFewError:
        return Compared(percent, got, held_back, day, waiting)
    except OddLotError:
        return Compared(percent, got, held_back, day, waiting, odd=True)


def arms_of(over: Sequence[Person]) -> Arms:
    """In base currency, so that people of all markets compare."""
    price = np.array([float(one.price_level) for one in over])
    before, after = (np.array([float(one.sales[at]) for one in over]) / price for at in (0, 1))
    return Arms(
        after,
        before,
        np.array([not one.held_back for one in over], bool),
        np.array([one.team for one in over], np.int64),
    )
