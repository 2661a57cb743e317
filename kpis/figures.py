"""The one definition of every KPI's figure: what counts, for which weeks, in words and in SQL.

Each figure is a set of facts. A fact belongs to one distributor and counts for every week whose last day is one of
`from_day`..`to_day`: an order of the 5th counts in the weeks that end from the 5th to the 11th; somebody who is with us
counts from the day she joined to the day before she left. From that one set come the weeks of a market (`weekly`), the
share of each person in a week (`people`) and what it is made of (`facts_of`): they agree because they are the same rows.

Weeks and days are the market's; a customer counts for her distributor's market; refunds are money of their own day.
Facts name customers by number only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from distributors.metrics import METRICS
from distributors.models import Market, Segment

from .models import KPI
from .models.kpi import RATES

#: What some rates are divided by.
PEOPLE_SAID = pgettext_lazy("distributors", "People")

ORDERS = ("order.placed",)
TRADE = ("order.placed", "order.refunded")
SIGN_INS = ("distributor.signed_in",)
COMPLETIONS = ("activity.completed", "activity.undone")
LESSONS = (*COMPLETIONS, "lesson.completed")
ENROLMENTS = ("distributor.enrolled",)


class Unit(StrEnum):
    MONEY = "money"
    COUNT = "count"
    PERCENT = "percent"
    PER_100 = "per_100"


@dataclass(frozen=True)
class Figure:
    name: str
    label: str | Promise
    unit: Unit
    how: str | Promise  # in one or two sentences
    over: str | Promise  # what is counted
    facts: str  # SQL: the columns of Fact, from `people`
    feeds: tuple[str, ...]  # the event types it is made of
    under: str | Promise = ""  # what it is divided by; empty for a sum
    short: str | Promise = ""  # beside the figure, where the KPI's name stands above: "Reorder in 60 days 18%"
    scoped: bool = False  # may be limited to a product line

    @property
    def is_rate(self) -> bool:
        return bool(self.under)

    @property
    def beside(self) -> str:
        return str(self.short or self.label)


class Week(NamedTuple):
    first: date
    numerator: Decimal
    denominator: Decimal | None


class Share(NamedTuple):
    """What one distributor has in a week's figure."""

    distributor: int
    name: str
    external_id: str
    numerator: Decimal
    denominator: Decimal | None


class Shares(NamedTuple):
    """The largest shares of a week, how many people have one, and what all of them add up to."""

    largest: list[Share]
    people: int
    numerator: Decimal
    denominator: Decimal | None


class Fact(NamedTuple):
    """One reason why a distributor counts. Its event is `event`; or those of the day that count for the stored metric
    `part` of the person `of` (the first of them when it counts `once`); or, without either, that she is with us."""

    distributor: int
    of: int
    customer: int | None
    event: int | None
    part: str
    once: bool
    day: date
    from_day: date
    to_day: date
    numerator: Decimal
    denominator: Decimal | None


# Facts in SQL. `since` and `until` are the last days of the oldest and the newest week asked for.

PEOPLE = """
people AS (
    SELECT id, sponsor_id, joined_on, coalesce(left_on - 1, %(until)s::date) AS last_on FROM distributors_distributor
    WHERE market_id = %(market)s AND (%(who)s::bigint IS NULL OR id = %(who)s)
)"""


def summed(metric: str, days: int = 7, *, over: str = "m.value", under: str = "NULL::numeric") -> str:
    """Each day's sum of a stored metric counts in the weeks that end within `days` days, its own the first of them."""
    return f"""
SELECT d.id, d.id, NULL::bigint, NULL::bigint, m.metric::text, false, m.day, m.day, m.day + {days - 1}, {over}, {under}
FROM people d JOIN distributors_measure m ON m.distributor_id = d.id
WHERE m.metric = '{metric}' AND m.scope = %(scope)s
    AND m.day BETWEEN %(since)s::date - {days - 1} AND %(until)s::date"""  # noqa: S608


def active() -> str:
    """Everybody, as long as she is with us: to be divided by."""
    return """
SELECT d.id, d.id, NULL::bigint, NULL::bigint, '', false, d.joined_on, d.joined_on, d.last_on, 0::numeric, 1::numeric
FROM people d WHERE d.joined_on <= %(until)s::date AND d.last_on >= %(since)s::date"""


def cohort(first: int, last: int) -> str:
    """Who joined `first` to `last` days before the week's last day, whether she stayed or not: to be divided by."""
    return f"""
SELECT d.id, d.id, NULL::bigint, NULL::bigint, '', false, d.joined_on, d.joined_on + {first}, d.joined_on + {last},
    0::numeric, 1::numeric
FROM people d WHERE {joined_between(first, last)}"""  # noqa: S608


def joined_between(first: int, last: int) -> str:
    return f"d.joined_on BETWEEN %(since)s::date - {last} AND %(until)s::date - {first}"


def once(
    metric: str, days: int, *, starts: str = "d.joined_on", ends: str = "d.last_on", among: str = "true",
    of: str = "d.id", under: str = "0::numeric",
) -> str:  # fmt: skip
    """1 for the weeks that end within `days` days of a day with the metric, from `starts` to `ends` at most.

    The newest such day counts, so that nobody counts twice.
    """
    return f"""
SELECT id, of_id, NULL::bigint, NULL::bigint, '{metric}', true, day, greatest(day, starts),
    least(day + {days - 1}, following - 1, ends), 1::numeric, {under}
FROM (
    SELECT d.id, {of} AS of_id, m.day, {starts} AS starts, {ends} AS ends,
        lead(m.day) OVER (PARTITION BY m.distributor_id ORDER BY m.day) AS following
    FROM people d {RECRUITS if of == "r.id" else ""} JOIN distributors_measure m ON m.distributor_id = {of}
    WHERE m.metric = '{metric}' AND m.scope = '' AND m.value > 0 AND {among}
        AND m.day BETWEEN %(since)s::date - {days - 1} AND %(until)s::date
) AS days"""  # noqa: S608


RECRUITS = "JOIN distributors_distributor r ON r.sponsor_id = d.id"

#: Customers' orders, of one line when the figure is limited to it.
PLACED = """
FROM people d JOIN distributors_order o ON o.distributor_id = d.id
WHERE o.customer_id IS NOT NULL AND o.day <= %(until)s::date AND (%(scope)s = '' OR EXISTS (
    SELECT FROM distributors_orderline l JOIN distributors_productline p ON p.id = l.line_id
    WHERE l.order_id = o.event_id AND p.code = %(scope)s))"""

# Of the first order (of the line) of each customer, 60 to 66 days before the week's last day, and of the next one.
REPEAT = f"""
SELECT distributor_id, distributor_id, customer_id, f.event_id, '', false, f.day, o.day + 60, o.day + 66,
    f.numerator::numeric, f.denominator::numeric
FROM (
    SELECT o.distributor_id, o.customer_id, o.event_id, o.day, row_number() OVER history AS nth,
        lead(o.event_id) OVER history AS next_id, lead(o.day) OVER history AS next_day
    {PLACED} WINDOW history AS (PARTITION BY o.customer_id ORDER BY o.time, o.event_id)
) AS o CROSS JOIN LATERAL (VALUES (o.event_id, o.day, 0, 1), (o.next_id, o.next_day, 1, 0))
    AS f(event_id, day, numerator, denominator)
WHERE o.nth = 1 AND o.day BETWEEN %(since)s::date - 66 AND %(until)s::date - 60 AND f.day <= o.day + 60"""  # noqa: S608

# An order is the newest of those that are 90 days old from its 90th day to the 90th of the next one; after its 179th it
# is too old to count. The next one is the first within the last 90 days, if it has been placed by then.
RETAINED = f"""
SELECT distributor_id, distributor_id, customer_id, f.event_id, '', false, f.day, greatest(o.day + 90, f.day),
    least(o.day + 179, o.next_day + 89), f.numerator::numeric, f.denominator::numeric
FROM (
    SELECT o.distributor_id, o.customer_id, o.event_id, o.day, lead(o.event_id) OVER history AS next_id,
        lead(o.day) OVER history AS next_day
    {PLACED} AND o.day >= %(since)s::date - 179 WINDOW history AS (PARTITION BY o.customer_id ORDER BY o.time, o.event_id)
) AS o CROSS JOIN LATERAL (VALUES (o.event_id, o.day, 0, 1), (o.next_id, o.next_day, 1, 0))
    AS f(event_id, day, numerator, denominator)
WHERE f.event_id IS NOT NULL AND o.day + 90 <= %(until)s::date"""  # noqa: S608

# The first order of who joined 30 to 57 days before the week's last day, when it came within 30 days.
FIRST_ORDERS = f"""
SELECT d.id, d.id, NULL::bigint, NULL::bigint, 'orders', true, min(m.day), d.joined_on + 30, d.joined_on + 57,
    1::numeric, 0::numeric
FROM people d JOIN distributors_measure m ON m.distributor_id = d.id
WHERE m.metric = 'orders' AND m.scope = '' AND m.value > 0 AND m.day <= d.joined_on + 30 AND {joined_between(30, 57)}
GROUP BY d.id, d.joined_on"""  # noqa: S608


def both(over: str, under: str) -> str:
    return f"{over} UNION ALL {under}"


#: In words what each metric of the vocabulary sums up in a week.
SUMS: dict[str, tuple[str | Promise, tuple[str, ...]]] = {
    "sales": (_("The orders of the week less the refunds of the week."), TRADE),
    "orders": (_("How many orders were placed in the week."), ORDERS),
    "repeat_orders": (_("Orders of the week by customers who had ordered before."), ORDERS),
    "new_customers": (_("Customers whose first order was placed in the week."), ORDERS),
    "enrolments": (_("How many people were enrolled in the week, by their sponsor's market."), ENROLMENTS),
    "contacts_added": (_("Contacts that were added in the week for the first time."), ("contact.added",)),
    "active_days": (_("Days of the week on which somebody signed in, each person's days added up."), SIGN_INS),
    "activities_done": (_("Activities finished in the week and not taken back."), COMPLETIONS),
    "lessons_done": (_("Lessons finished in the week and not taken back."), LESSONS),
}


def sum_of(name: str) -> Figure:
    metric, (how, feeds) = METRICS[name], SUMS[name]
    return Figure(
        name=name, label=metric.label, unit=Unit(metric.unit.value), how=how, over=metric.label, facts=summed(name),
        feeds=feeds, scoped=metric.scoped,
    )  # fmt: skip


FIGURES: dict[str, Figure] = {
    figure.name: figure
    for figure in (
        Figure(
            "repeat_rate", _("Repeat rate"), Unit.PERCENT, short=_("Reorder in 60 days"), scoped=True,
            how=_(
                "Of the customers whose first order was placed 60 to 66 days before the week's last day, the share that "
                "ordered again within 60 days. The 60th day counts."
            ),
            over=_("Ordered again"), under=_("First orders"), facts=REPEAT, feeds=ORDERS,
        ),
        Figure(
            "customer_retention", _("Customer retention"), Unit.PERCENT, short=_("Ordered in 90 days"), scoped=True,
            how=_(
                "Of the customers who ordered in the 90 days before the last 90 days, the share that ordered in the last "
                "90 days. Both end with the week."
            ),
            over=_("Ordered again"), under=_("Customers"), facts=RETAINED, feeds=ORDERS,
        ),
        Figure(
            "distributor_retention", _("Distributor retention"), Unit.PERCENT, short=_("Active at 90 days"),
            how=_(
                "Of the people who joined 90 to 180 days before the week's last day, the share that is still with us and "
                "had an order of their own in the last 30 days."
            ),
            over=_("Active"), under=_("Joined"), feeds=(*ORDERS, *ENROLMENTS),
            facts=both(
                once("orders", 30, starts="d.joined_on + 90", ends="least(d.joined_on + 180, d.last_on)",
                     among=joined_between(90, 180)),
                cohort(90, 180),
            ),
        ),
        Figure(
            "adoption", _("Adoption"), Unit.PERCENT, short=_("Signed in this week"),
            how=_("Of the people who are with us at the week's end, the share that signed in during the week."),
            over=_("Signed in"), under=PEOPLE_SAID, facts=both(once("active_days", 7), active()), feeds=SIGN_INS,
        ),
        Figure(
            "compliance", _("Training compliance"), Unit.PERCENT, short=_("Finished a lesson in 28 days"),
            how=_("Of the people who are with us at the week's end, the share that finished a lesson in the last 28 days."),
            over=_("Finished a lesson"), under=PEOPLE_SAID, facts=both(once("lessons_done", 28), active()), feeds=LESSONS,
        ),
        Figure(
            "recruiting", _("Recruiting"), Unit.PER_100, short=_("Enrolments in 28 days"),
            how=_("Enrolments of the last 28 days for every 100 people who are with us at the week's end."),
            over=_("Enrolments"), under=PEOPLE_SAID, feeds=ENROLMENTS,
            facts=both(summed("enrolments", 28, under="0::numeric"), active()),
        ),
        Figure(
            "first_orders", _("First order in 30 days"), Unit.PERCENT, short=_("First order in 30 days"),
            how=_(
                "Of the people who joined 30 to 57 days before the week's last day, the share that placed a first order "
                "within 30 days of joining. The 30th day counts."
            ),
            over=_("Ordered"), under=_("Joined"), facts=both(FIRST_ORDERS, cohort(30, 57)), feeds=(*ORDERS, *ENROLMENTS),
        ),
        Figure(
            "order_size", METRICS["order_size"].label, Unit.MONEY, short=_("Average"), scoped=True,
            how=_("Sales of the week divided by its orders. Refunds of the week are taken off the sales."),
            over=_("Sales"), under=_("Orders"), feeds=TRADE,
            facts=both(summed("sales", under="0::numeric"), summed("orders", over="0::numeric", under="m.value")),
        ),
        Figure(
            "retained_recruits", METRICS["retained_recruits"].label, Unit.COUNT,
            how=_("How many people with a sponsor had an order of their own in the week, by their sponsor's market."),
            over=METRICS["retained_recruits"].label, feeds=ORDERS,
            facts=once("orders", 7, starts="m.day", ends="%(until)s::date", of="r.id", under="NULL::numeric"),
        ),
        *(sum_of(name) for name in SUMS),
    )
}  # fmt: skip


def figure_of(kpi: KPI) -> Figure:
    return FIGURES[kpi.metric]


def choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """For a select: rates of the whole field, then what is summed up by the week."""
    rates = [(figure.name, str(figure.label)) for figure in FIGURES.values() if figure.name in RATES]
    others = [(figure.name, str(figure.label)) for figure in FIGURES.values() if figure.name not in RATES]
    return [(str(_("Of the whole field")), rates), (str(_("By the week")), others)]


# Whom a KPI is limited to: a fact counts only for the weeks on whose last day its distributor belongs to the segment.

EVERYBODY = "spans AS (SELECT * FROM facts WHERE from_day <= to_day)"
COLUMNS = "distributor_id, of_id, customer_id, event_id, part, once, day, from_day, to_day, numerator, denominator"
SAME_COLUMNS = "f.distributor_id, f.of_id, f.customer_id, f.event_id, f.part, f.once, f.day"


def clipped(segment: Segment | None) -> str:
    """segments.condition for every week at once: the days on which she fits, instead of whether she fits on one."""
    if segment is None:
        return EVERYBODY
    starts = "f.from_day" if segment.days_from is None else f"greatest(f.from_day, d.joined_on + {segment.days_from})"
    ends = "f.to_day" if segment.days_to is None else f"least(f.to_day, d.joined_on + {segment.days_to})"
    since_joined = f"""spans AS (
    SELECT {SAME_COLUMNS}, {starts} AS from_day, {ends} AS to_day, f.numerator, f.denominator
    FROM facts f JOIN people d ON d.id = f.distributor_id WHERE {starts} <= {ends}
)"""  # noqa: S608
    asked = days_of(segment)
    if not asked:
        return since_joined
    inside = "datemultirange(daterange(f.from_day, f.to_day, '[]'))"
    for name, keep, _days in asked:
        inside = f"({inside} {keep} coalesce({name}.days, '{{}}'))"
    return f"""{since_joined.replace("spans AS", "dated AS", 1)}, {", ".join(f"{name} AS ({days})" for name, _keep, days in asked)},
spans AS (
    SELECT {SAME_COLUMNS}, lower(stretch) AS from_day, upper(stretch) - 1 AS to_day, f.numerator, f.denominator
    FROM dated f {" ".join(f"LEFT JOIN {name} ON {name}.distributor_id = f.distributor_id" for name, _keep, _days in asked)}
    CROSS JOIN LATERAL unnest({inside}) AS stretch
)"""  # noqa: S608


def days_of(segment: Segment) -> list[tuple[str, str, str]]:
    """What a segment asks of other rows than a person's own: a name, whether those days are kept or taken away, and SQL of
    each person's days."""
    found = []
    if segment.team:
        keep = "*" if segment.team == Segment.Team.LEADS else "-"
        found.append(("teams", keep, TEAM_DAYS))
    if segment.by_rules:
        found.append(("stays", "*", STAYS.format(segment=int(segment.pk))))
    return found


TEAM_DAYS = f"""
    SELECT r.sponsor_id AS distributor_id, range_agg(daterange(r.joined_on, r.left_on)) AS days
    FROM people d {RECRUITS} WHERE r.left_on IS NULL OR r.left_on > r.joined_on GROUP BY 1"""  # noqa: S608
STAYS = """
    SELECT s.distributor_id, range_agg(daterange(s.since, s.until, '[]')) AS days
    FROM people d JOIN distributors_segmentmember s ON s.distributor_id = d.id WHERE s.segment_id = {segment} GROUP BY 1"""


def with_spans(kpi: KPI) -> str:
    return f"WITH {PEOPLE}, facts ({COLUMNS}) AS ({figure_of(kpi).facts}), {clipped(kpi.segment)}"


def asked(kpi: KPI, market: Market, since: date, until: date, who: int | None = None) -> dict[str, Any]:
    return {"market": market.pk, "scope": kpi.scope, "since": since, "until": until, "who": who}


# A span adds to the running sum in the first week that ends in it and takes it away after the last: one pass over the
# facts, however many weeks each of them counts for.
WEEKS = """
SELECT n, sum(sum("over")) OVER (ORDER BY n), sum(sum(under)) OVER (ORDER BY n)
FROM (
    SELECT greatest(from_day, %(since)s::date) - %(since)s::date AS starts,
        least(to_day, %(until)s::date) - %(since)s::date AS ends,
        sum(numerator) AS numerator, sum(denominator) AS denominator
    FROM spans WHERE from_day <= %(until)s::date AND to_day >= %(since)s::date GROUP BY 1, 2
) AS days CROSS JOIN LATERAL (VALUES
    ((starts + 6) / 7, numerator, denominator), (ends / 7 + 1, -numerator, -denominator)
) AS change(n, "over", under)
GROUP BY n ORDER BY n"""


def weekly(kpi: KPI, market: Market, last: date, weeks: int) -> list[Week]:
    """The `weeks` weeks of the market of which the newest ends on `last`, oldest first. One query."""
    since = last - timedelta(weeks=weeks - 1)
    with connection.cursor() as cursor:
        cursor.execute(with_spans(kpi) + WEEKS, asked(kpi, market, since, last))
        changes = {n: (over, under) for n, over, under in cursor.fetchall()}
    nothing = Decimal(0) if figure_of(kpi).is_rate else None
    now, found = (Decimal(0), nothing), []
    for n in range(weeks):
        now = changes.get(n, now)
        found.append(Week(since + timedelta(days=7 * n - 6), *now))
    return found


# Names are joined to the few that are shown: how many people have a share is beyond the planner.
SHARES = """, shares AS MATERIALIZED (
    SELECT distributor_id AS id, sum(numerator) AS "over", sum(denominator) AS under FROM spans
    WHERE %(until)s::date BETWEEN from_day AND to_day
    GROUP BY 1 HAVING sum(numerator) <> 0 OR sum(denominator) <> 0
), largest AS MATERIALIZED (
    SELECT *, count(*) OVER () AS people, sum("over") OVER () AS all_over, sum(under) OVER () AS all_under
    FROM shares ORDER BY under DESC NULLS LAST, abs("over") DESC, id LIMIT %(most)s
)
SELECT p.id, p.name, p.external_id, l."over", l.under, l.people, l.all_over, l.all_under
FROM largest l JOIN distributors_distributor p USING (id) ORDER BY l.under DESC NULLS LAST, abs(l."over") DESC, p.name, p.id"""


def people(kpi: KPI, market: Market, last: date, *, most: int = 50, who: int | None = None) -> Shares:
    """Who makes up the week that ends on `last`, the largest first; only `who` when she is named. One query."""
    with connection.cursor() as cursor:
        cursor.execute(with_spans(kpi) + SHARES, asked(kpi, market, last, last, who) | {"most": most})
        rows = cursor.fetchall()
    if not rows:
        return Shares([], 0, Decimal(0), Decimal(0) if figure_of(kpi).is_rate else None)
    return Shares([Share(*row[:5]) for row in rows], *rows[0][5:])


def facts_of(kpi: KPI, market: Market, last: date, distributor_id: int) -> list[Fact]:
    """Why one distributor counts in the week that ends on `last`, in order of time. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            with_spans(kpi) + f" SELECT {COLUMNS} FROM spans WHERE %(until)s::date BETWEEN from_day AND to_day "  # noqa: S608
            "ORDER BY day, customer_id, event_id, part",
            asked(kpi, market, last, last, distributor_id),
        )
        return [Fact(*row) for row in cursor.fetchall()]
