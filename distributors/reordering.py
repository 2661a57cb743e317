"""Who orders again in the next four weeks: the model behind "due for a reorder" (ranking.md 3).

A logistic regression on what a customer's compact row holds, with the purchases that BG/NBD expects as one of the
features; fitted once a week on the field's own orders, over all and by the product line of the last order, and measured on
later weeks than it was fitted on. A line's weights are pulled to those of all lines, and are theirs where it has few
customers. Compared with it are recency and "days since / own gap", which ranks worse than chance among repeat buyers.
A fit that does not beat recency is kept to be looked at, and not used.

The chance orders people; nobody is told it. Kernels get it as a place among all customers, 0 to 1 (timing.py).

Four weeks, since a month is what contact caps count in, and what effects and decline look ahead: a longer horizon would
rank who orders some day, a shorter one has too few orders to learn from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from django.db import connection
from django.db.models import F
from django.utils import timezone

from . import bgnbd, logit, versions
from .blocks import BUYER, QUANTILES, Buying, Floats, Ints
from .kept import Kept
from .logit import Mask, auc, logistic, newton, standing
from .models import Customer, Market, ReorderFit
from .records import Records, day_number
from .timing import HORIZON, LONGEST_DAYS, MOST_GAPS

#: Days back from the newest whole day: outcomes of the measured ones begin when those of the fitted ones are over.
MEASURED, FITTED = (28, 42), (70, 84, 98, 112, 126, 140)
#: A fit counts with so many who ordered and so many others at least, where it was fitted and where it was measured; a
#: product line has weights of its own from as many on.
LEAST = 100
#: Of how many customers, always the same ones, and how many are read at once.
CUSTOMERS, BLOCK = 20_000, 5_000
#: A line's weights are pulled to those of all lines as by so many rows.
LINE_RIDGE = 30.0
#: And its rate to that of all lines as by so many customers.
LINE_WEIGHT = 20
#: The model calls a customer due who is among this share of the likeliest.
LIKELIEST = 0.2

FEATURES = ("recency", "orders", "age", "gap", "gaps", "once", "expected", "rate")

#: A day on which a customer ordered: her place in a list, the day's number, how many orders, the dearest line (0 for none).
BOUGHT = np.dtype([("place", ">i4"), ("day", ">i4"), ("orders", ">i4"), ("line", ">i4")])


# For the schedule


def fit_lately() -> None:
    """For the schedule, once a week."""
    fit(timezone.now())


def fit(as_of: datetime) -> ReorderFit:
    """Fit, measure and keep it, good or not."""
    last = as_of.date() - timedelta(days=2)  # over on every clock of the world
    ids = customers()
    past = Past.of(bought(ids, last), len(ids))
    return ReorderFit.objects.create(fitted_at=as_of, **told(past, day_number(last)))


def told(past: Past, last: int) -> dict[str, object]:
    """What a fit says of itself; no AUC where there are too few to fit or to measure."""
    fitted = past.on([last - back for back in FITTED])
    measured = past.on([last - back for back in MEASURED])
    some = {"customers": len(np.unique(fitted.place)), "values": {}}
    if not (fitted.enough and measured.enough):
        return some
    model = learned(fitted)
    now = past.as_of(last)
    return some | {
        "values": model.written(now),
        "auc": auc(model.chances(measured.seen), measured.again),
        "overdue_auc": overdue_auc(measured),
        "recency_auc": auc(-measured.seen.recency, measured.again),
    }


def overdue_auc(rows: Rows) -> float | None:
    """Of days since over own gap, among those who have a gap."""
    some = rows.seen.gap > 0
    again = rows.again[some]
    if not 0 < again.sum() < len(again):
        return None
    return auc(rows.seen.recency[some] / rows.seen.gap[some], again)


def is_good(fit: ReorderFit | None) -> bool:
    """Better than recency, and of the features that are worked out today."""
    if fit is None or fit.auc is None or fit.recency_auc is None:
        return False
    same = fit.values.get("features") == list(FEATURES) and fit.values.get("horizon") == HORIZON
    return same and fit.auc > fit.recency_auc


# What is known of customers on a day


class Seen(NamedTuple):
    """n customers on a day: what their CUSTOMER records would say."""

    orders: Floats
    recency: Floats  # days since the last order
    age: Floats  # days since the first
    gap: Floats  # median days between order days, -1 before the second
    line: Ints  # of the last order, 0 for none

    @property
    def repeats(self) -> Floats:
        """x of BG/NBD, counted in orders: what her CUSTOMER record says, and so what timing.chance_of takes too.

        Strictly x counts order days after the first (ranking.md 3): 2 orders on one day and one each on two later days are 2,
        and are 3 here. Fit and score count alike, so the model is consistent; its r, alpha, a and b are those of orders. A
        count of order days would take a longer record, which rows written before an upgrade do not have.
        """
        return np.where(self.gap > 0, self.orders - 1, 0.0)

    @property
    def span(self) -> Floats:
        """t_x."""
        return np.where(self.gap > 0, self.age - self.recency, 0.0)

    def where(self, some: Mask | Ints) -> Seen:
        """Those of a mask, or of places."""
        return Seen(self.orders[some], self.recency[some], self.age[some], self.gap[some], self.line[some])

    @classmethod
    def together(cls, each: Sequence[Seen]) -> Seen:
        return cls(
            np.concatenate([one.orders for one in each]), np.concatenate([one.recency for one in each]),
            np.concatenate([one.age for one in each]), np.concatenate([one.gap for one in each]),
            np.concatenate([one.line for one in each]),
        )  # fmt: skip


class Rows(NamedTuple):
    """Customers on days, and whether they ordered in the horizon after it."""

    seen: Seen
    again: Mask
    place: Ints

    @property
    def enough(self) -> bool:
        return bool(min(self.again.sum(), (~self.again).sum()) >= LEAST)


@dataclass(frozen=True, eq=False)
class Past:
    """All orders of n customers, by customer and day."""

    rows: Records  # BOUGHT, native
    people: int
    horizon: int = HORIZON
    longest: int = LONGEST_DAYS

    @classmethod
    def of(cls, rows: Records, people: int, horizon: int = HORIZON, longest: int = LONGEST_DAYS) -> Past:
        return cls(rows[np.lexsort((rows["day"], rows["place"]))], people, horizon, longest)

    def on(self, days: Sequence[int]) -> Rows:
        """Everybody on each of the days on which she could be found."""
        each = [self.one_day(day) for day in days]
        seen = Seen.together([one.seen for one in each])
        return Rows(seen, np.concatenate([one.again for one in each]), np.concatenate([one.place for one in each]))

    def one_day(self, day: int) -> Rows:
        seen, place = self.known(day)
        after = (self.rows["day"] > day) & (self.rows["day"] <= day + self.horizon)
        again = np.zeros(self.people, bool)
        again[self.rows["place"][after]] = True
        return Rows(seen, again[place], place)

    def as_of(self, day: int) -> Seen:
        return self.known(day)[0]

    def known(self, day: int) -> tuple[Seen, Ints]:
        """Everybody whose last order is not too long ago, and their places."""
        rows = self.rows[self.rows["day"] <= day]
        at, days = rows["place"].astype(np.int64), rows["day"].astype(np.int64)
        starts = np.flatnonzero(np.diff(at, prepend=-1))
        ends = np.append(starts[1:], len(at))[: len(starts)] - 1
        place, first, last = at[starts], days[starts], days[ends]
        orders = np.add.reduceat(rows["orders"].astype(np.float64), starts) if len(starts) else np.zeros(0)
        gap = median_gaps(at, days, self.people)[place]
        seen = Seen(
            orders, (day - last).astype(np.float64), (day - first).astype(np.float64), gap,
            rows["line"][ends].astype(np.int64),
        )  # fmt: skip
        lately = seen.recency <= self.longest
        return seen.where(lately), place[lately]


def median_gaps(place: Ints, day: Ints, people: int) -> Floats:
    """By place; -1 before the second order day. Rows by place and day, a day once."""
    same = place[1:] == place[:-1]
    gap, whose = np.diff(day)[same], place[1:][same]
    gap = gap[np.lexsort((gap, whose))]
    many = np.bincount(whose, minlength=people)
    start = np.cumsum(many) - many
    found = np.full(people, -1.0)
    some = many > 0
    low, high = start[some] + (many[some] - 1) // 2, start[some] + many[some] // 2
    found[some] = (gap[low] + gap[high]) / 2
    return found


# The model


def features(seen: Seen, buying: bgnbd.Parameters, rates: Floats, horizon: int = HORIZON) -> Floats:
    """n x FEATURES; `rates` by row. timing.chance_of works out the same."""
    once = seen.gap <= 0
    expected = bgnbd.expected(buying, seen.repeats, seen.span, seen.age, float(horizon))
    gap = np.where(once, 1.0, seen.gap)
    return np.stack(
        [
            np.log1p(seen.recency), np.log(np.maximum(seen.orders, 1.0)), np.log1p(seen.age),
            np.where(once, 0.0, np.log1p(gap)), np.where(once, 0.0, np.minimum(seen.recency / gap, MOST_GAPS)),
            once.astype(np.float64), np.log1p(expected), rates,
        ],
        axis=1,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Model:
    """Weights by line: the first row is of all lines (0), the others are of lines by id."""

    buying: bgnbd.Parameters
    means: Floats
    spreads: Floats
    lines: Ints
    weights: Floats  # lines x (1 + FEATURES)
    rates: Floats  # by line: log-odds of its customers, those of all lines first
    horizon: int = HORIZON

    def row_of(self, line: Ints) -> Ints:
        """Which row counts for each."""
        at = np.minimum(np.searchsorted(self.lines, line), len(self.lines) - 1)
        return np.where(self.lines[at] == line, at, 0)

    def chances(self, seen: Seen) -> Floats:
        row = self.row_of(seen.line)
        found = features(seen, self.buying, self.rates[row], self.horizon)
        return logistic((standing(found, self.means, self.spreads) * self.weights[row]).sum(axis=1))

    def written(self, now: Seen) -> dict[str, Any]:
        chances = self.chances(now)
        return {
            "features": list(FEATURES), "horizon": self.horizon, "bgnbd": list(self.buying), "means": self.means.tolist(),
            "spreads": self.spreads.tolist(), "lines": self.lines.tolist(), "weights": self.weights.tolist(),
            "rates": self.rates.tolist(), "quantiles": np.quantile(chances, np.linspace(0, 1, QUANTILES)).tolist(),
            "least": float(np.quantile(chances, 1 - LIKELIEST)),
        }  # fmt: skip

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Model:
        return cls(
            bgnbd.Parameters(*values["bgnbd"]), np.array(values["means"]), np.array(values["spreads"]),
            np.array(values["lines"], np.int64), np.array(values["weights"]), np.array(values["rates"]), values["horizon"],
        )  # fmt: skip

    def records(self) -> Records:
        """BUYER by line: standardisation and the line's rate are part of the weights."""
        found = np.zeros(len(self.lines), BUYER)
        plain = self.weights[:, 1:] / self.spreads
        found["line"] = self.lines
        for place, name in enumerate(FEATURES[:-1]):
            found[name] = plain[:, place]
        found["bias"] = self.weights[:, 0] - plain @ self.means + plain[:, -1] * self.rates
        return found


def learned(some: Rows, horizon: int = HORIZON, lines: bool = True) -> Model:
    """Over all, then by line where it has enough customers who ordered again and who did not."""
    buying = bgnbd.fit(*bought_once_each(some))
    ids, rates = rates_of(some) if lines else (np.zeros(1, np.int64), np.zeros(1))
    at = np.minimum(np.searchsorted(ids, some.seen.line), len(ids) - 1)
    row = np.where(ids[at] == some.seen.line, at, 0)
    found = features(some.seen, buying, rates[row], horizon)
    means, spreads = logit.spread_of(found)
    x = standing(found, means, spreads)
    whole = newton(x, some.again)
    weights = [whole]
    for place in range(1, len(ids)):
        hers = row == place
        weights.append(newton(x[hers], some.again[hers], LINE_RIDGE, whole))
    return Model(buying, means, spreads, ids, np.array(weights), rates, horizon)


def bought_once_each(some: Rows) -> tuple[Floats, Floats, Floats]:
    """x, t_x, T of every customer once, as of the newest day of the rows, which come first."""
    _places, first = np.unique(some.place, return_index=True)
    one = some.seen.where(first.astype(np.int64))
    return one.repeats, one.span, one.age


def rates_of(some: Rows) -> tuple[Ints, Floats]:
    """The lines with enough customers, by id, after 0 for all others; and the log-odds of their customers' ordering again."""
    whole = (some.again.sum() + 0.5) / (len(some.again) + 1)
    ids, rates = [0], [whole]
    for line in np.unique(some.seen.line[some.seen.line > 0]).tolist():
        again = some.again[some.seen.line == line]
        if min(again.sum(), (~again).sum()) >= LEAST:
            ids.append(line)
            rates.append((again.sum() + LINE_WEIGHT * whole) / (len(again) + LINE_WEIGHT))
    odds = np.array(rates)
    return np.array(ids, np.int64), np.log(odds / (1 - odds))


# As kernels take it


KEPT: Kept[Buying] = Kept(most=4)


def of(numbers: Mapping[str, int], markets: Sequence[Market]) -> Buying:
    """What counts with these versions (versions.current(), read before), or newer; caps by market, in the order given.

    No query when it is kept, else one.
    """
    caps = tuple((market.quiet_days, market.contacts_a_month) for market in markets)
    number = numbers.get("reorder", 0)
    return KEPT.of(
        (number, caps), lambda: built(ReorderFit.objects.first() if number else None, markets),
        holds=lambda: versions.current()["reorder"] == number,
    )  # fmt: skip


def built(fit: ReorderFit | None, markets: Sequence[Market]) -> Buying:
    nothing = capped(markets)
    if fit is None or not is_good(fit):
        return nothing
    model = Model.read(fit.values)
    return nothing._replace(
        known=1, lines=model.records(), r=model.buying.r, alpha=model.buying.alpha, a=model.buying.a, b=model.buying.b,
        quantiles=np.array(fit.values["quantiles"]), least=float(fit.values["least"]),
    )  # fmt: skip


def capped(markets: Sequence[Market]) -> Buying:
    """Without a fit: caps alone."""
    quiet = np.array([market.quiet_days for market in markets], np.int64)
    most = np.array([market.contacts_a_month for market in markets], np.int64)
    return Buying(0, np.zeros(1, BUYER), 1.0, 1.0, 1.0, 1.0, np.zeros(QUANTILES), 1.0, quiet, most)


# Reading orders

BOUGHT_BY = """
WITH who AS (SELECT id, (nth - 1)::int AS place FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS one(id, nth)),
placed AS MATERIALIZED (
    SELECT who.place, o.day, o.event_id FROM who JOIN distributors_order o ON o.customer_id = who.id
    WHERE o.day <= %(last)s
), dearest AS (
    SELECT DISTINCT ON (p.place, p.day) p.place, p.day, l.line_id
    FROM placed p JOIN distributors_orderline l ON l.order_id = p.event_id
    ORDER BY p.place, p.day, l.amount / nullif(l.quantity, 0) DESC NULLS LAST, l.line_id
), days AS (SELECT place, day, count(*) AS orders FROM placed GROUP BY 1, 2)
SELECT string_agg(
    int4send(d.place) || int4send(d.day - DATE '2000-01-01') || int4send(d.orders::int4)
    || int4send(coalesce(m.line_id, 0)::int4), ''::bytea ORDER BY d.place, d.day)
FROM days d LEFT JOIN dearest m USING (place, day)
"""


def bought(ids: Sequence[int], last: date) -> Records:
    """BOUGHT of these customers up to a day. One query a block."""
    found = [np.zeros(0, BOUGHT.newbyteorder("="))]
    for at in range(0, len(ids), BLOCK):
        with connection.cursor() as cursor:
            cursor.execute(BOUGHT_BY, {"ids": list(ids[at : at + BLOCK]), "last": last})
            packed = cursor.fetchone()[0]
        rows = np.frombuffer(packed or b"", BOUGHT).astype(BOUGHT.newbyteorder("="))
        rows["place"] += at
        found.append(rows)
    return np.concatenate(found)


def customers() -> list[int]:
    """Who ever ordered, but for who was erased: the same ones every week."""
    # Multiplied (Knuth), neighbouring ids scatter.
    scattered = (F("pk") * 2654435761) % 4294967296
    some = Customer.objects.filter(orders__gt=0, merged_into=None, erased_at=None)
    return sorted(some.order_by(scattered, "pk").values_list("pk", flat=True)[:CUSTOMERS])
