"""The one vocabulary of goals, KPIs, incentives, rules and lift: metric name -> definition and one batched query."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from django.db.models import Sum
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from .models import Measure


class Unit(StrEnum):
    MONEY = "money"
    COUNT = "count"


class How(StrEnum):
    """How a value over a window comes from the days in it."""

    SUM = "sum"  # the sum of Measure rows
    RATIO = "ratio"  # one sum over another
    RECRUITS = "recruits"  # how many direct recruits have a positive sum


@dataclass(frozen=True)
class Metric:
    name: str
    label: str | Promise
    unit: Unit
    how: How = How.SUM
    of: tuple[str, ...] = ()  # what a ratio divides, or what recruits are counted by
    scoped: bool = False  # may be limited to a product line
    noun: str | Promise = ""  # "%(n)d enrolment / enrolments", for counts

    def counted(self, n: int) -> str:
        """`1 enrolment`, `3 enrolments`, in the active language."""
        return str(self.noun % {"n": n})


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("sales", _("Sales"), Unit.MONEY, scoped=True),
        Metric("orders", _("Orders"), Unit.COUNT, scoped=True, noun=ngettext_lazy("%(n)d order", "%(n)d orders", "n")),
        Metric(
            "repeat_orders", _("Repeat orders"), Unit.COUNT, scoped=True,
            noun=ngettext_lazy("%(n)d repeat order", "%(n)d repeat orders", "n"),
        ),
        Metric(
            "new_customers", _("New customers"), Unit.COUNT, scoped=True,
            noun=ngettext_lazy("%(n)d new customer", "%(n)d new customers", "n"),
        ),
        Metric("enrolments", _("Enrolments"), Unit.COUNT, noun=ngettext_lazy("%(n)d enrolment", "%(n)d enrolments", "n")),
        Metric(
            "contacts_added", _("Contacts added"), Unit.COUNT,
            noun=ngettext_lazy("%(n)d contact", "%(n)d contacts", "n"),
        ),
        Metric("active_days", _("Active days"), Unit.COUNT, noun=ngettext_lazy("%(n)d day", "%(n)d days", "n")),
        Metric(
            "activities_done", _("Activities done"), Unit.COUNT,
            noun=ngettext_lazy("%(n)d activity", "%(n)d activities", "n"),
        ),
        Metric("lessons_done", _("Lessons done"), Unit.COUNT, noun=ngettext_lazy("%(n)d lesson", "%(n)d lessons", "n")),
        Metric("order_size", _("Average order"), Unit.MONEY, How.RATIO, of=("sales", "orders"), scoped=True),
        Metric(
            "retained_recruits", _("Recruits who ordered"), Unit.COUNT, How.RECRUITS, of=("orders",),
            noun=ngettext_lazy("%(n)d active recruit", "%(n)d active recruits", "n"),
        ),
    )
}  # fmt: skip

#: What ingest.py folds into Measure; every other metric is computed from these.
STORED = frozenset(m.name for m in METRICS.values() if m.how is How.SUM)


def metric_key(metric: str, scope: str = "") -> str:
    """`sales`, or `sales:eye` for one product line: how impacts, scales and effects name a metric."""
    return f"{metric}:{scope}" if scope else metric


def split_key(key: str) -> tuple[str, str]:
    """The inverse of metric_key."""
    metric, _sep, scope = key.partition(":")
    return metric, scope


def totals(distributor_ids: Iterable[int], metric: str, scope: str, first: date, last: date) -> dict[int, Decimal]:
    """Value of one metric per distributor over the local days first..last (inclusive). Absent means 0. One query a sum."""
    definition, ids = METRICS[metric], list(distributor_ids)
    if definition.how is How.RATIO:
        over, under = (sums(ids, name, scope, first, last) for name in definition.of)
        return {pk: (over.get(pk, Decimal(0)) / n).quantize(Decimal("0.01")) for pk, n in under.items() if n > 0}
    if definition.how is How.RECRUITS:
        return active_recruits(ids, definition.of[0], first, last)
    return sums(ids, metric, scope, first, last)


def sums(distributor_ids: list[int], metric: str, scope: str, first: date, last: date) -> dict[int, Decimal]:
    rows = (
        Measure.objects.filter(
            distributor_id__in=distributor_ids, metric=metric, scope=scope, day__gte=first, day__lte=last
        )
        .values_list("distributor_id")
        .annotate(total=Sum("value"))
    )
    return dict(rows)


def active_recruits(sponsor_ids: list[int], counted: str, first: date, last: date) -> dict[int, Decimal]:
    """How many direct recruits of each sponsor have a positive sum of `counted` in the window."""
    rows = (
        Measure.objects.filter(
            distributor__sponsor_id__in=sponsor_ids,
            metric=counted,
            scope="",
            day__gte=first,
            day__lte=last,
            value__gt=0,
        )
        .values_list("distributor__sponsor_id", "distributor_id")
        .distinct()
    )
    counts = Counter(sponsor_id for sponsor_id, _recruit in rows if sponsor_id is not None)
    return {sponsor_id: Decimal(n) for sponsor_id, n in counts.items()}


def weekly(
    distributor_ids: Iterable[int], metric: str, scope: str, weeks: int, until: date
) -> dict[int, list[Decimal]]:
    """Value of each of the `weeks` stretches of seven days that end on `until`, oldest first, by distributor.

    Everybody asked for is in the answer. One query for each stored metric behind this one, whatever the number of
    people and weeks.
    """
    definition, ids = METRICS[metric], list(distributor_ids)
    first = until - timedelta(days=7 * weeks - 1)
    if definition.how is How.RECRUITS:
        return weekly_recruits(ids, definition.of[0], weeks, first, until)
    over, *under = (weekly_sums(ids, name, scope, weeks, first, until) for name in definition.of or (metric,))
    if not under:
        return over
    return {pk: [ratio(a, b) for a, b in zip(sums, under[0][pk], strict=True)] for pk, sums in over.items()}


def ratio(over: Decimal, under: Decimal) -> Decimal:
    return (over / under).quantize(Decimal("0.01")) if under > 0 else Decimal(0)


def weekly_sums(
    ids: list[int], metric: str, scope: str, weeks: int, first: date, until: date
) -> dict[int, list[Decimal]]:
    found = {pk: [Decimal(0)] * weeks for pk in ids}
    rows = Measure.objects.filter(
        distributor_id__in=ids, metric=metric, scope=scope, day__gte=first, day__lte=until
    ).values_list("distributor_id", "day", "value")
    for pk, day, value in rows:
        found[pk][(day - first).days // 7] += value
    return found


def weekly_recruits(ids: list[int], counted: str, weeks: int, first: date, until: date) -> dict[int, list[Decimal]]:
    rows = Measure.objects.filter(
        distributor__sponsor_id__in=ids, metric=counted, scope="", day__gte=first, day__lte=until, value__gt=0
    ).values_list("distributor__sponsor_id", "distributor_id", "day")
    active = {(sponsor, recruit, (day - first).days // 7) for sponsor, recruit, day in rows}
    found = {pk: [Decimal(0)] * weeks for pk in ids}
    for sponsor, _recruit, week in active:
        if sponsor is not None:
            found[sponsor][week] += 1
    return found
