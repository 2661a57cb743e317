"""The chance that somebody's sales of the next 28 days are at most half of those of her last 28 (ranking.md 4).

A logistic regression on her own last sixteen weeks, fitted once a week on the field's own past and measured on later days
than it was fitted on. What it is compared with is the trailing ratio, her last four weeks over what was usual before, read
whichever way tells more: a drop is often followed by a recovery, and a record by a drop. Until a fit tells decliners from
others better than that, the chance is unknown for everybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from django.db import connection
from django.db.models import F
from django.utils import timezone

from .blocks import Floats, Ints
from .conditions.checks import Column
from .logit import Mask, auc, logistic, newton, spread_of, standing
from .models import DeclineFit, Distributor
from .records import Records, day_number

if TYPE_CHECKING:
    from .conditions.facts import Block

#: What is looked back on, and over how many days sales are compared.
WEEKS, SPAN = 16, 28
#: Days back from the newest whole day: outcomes of the measured ones begin when those of the fitted ones are over.
MEASURED, FITTED = (28, 42), (70, 84, 98, 112, 126, 140)
#: A fit counts with so many declines and so many others at least, both where it was fitted and where it was measured.
LEAST = 100
#: Of how many people, always the same ones, and how many are read at once.
PEOPLE, BLOCK = 4000, 500

FEATURES = (
    "sales_28", "sales_84", "against_usual", "against_before", "half_against_half", "days_since_order", "orders_28",
    "orders_84", "active_weeks", "trend", "tenure", "largest_week", "swing",
)  # fmt: skip

#: What somebody sold, or how many orders she had, on a day: by place in a list of people, the day counted back from the last.
SOLD = np.dtype([("place", ">i4"), ("age", ">i2"), ("orders", ">i2"), ("value", ">f8")])


# For the schedule


def fit_lately() -> None:
    """For the schedule, once a week."""
    fit(timezone.now())


def fit(as_of: datetime) -> DeclineFit:
    """Fit, measure and keep it, good or not."""
    last = as_of.date() - timedelta(days=2)  # over on every clock of the world
    fitted, measured = Rows.none(), Rows.none()
    ids = people(last)
    for at in range(0, len(ids), BLOCK):
        past = past_of(ids[at : at + BLOCK], last)
        fitted, measured = fitted + rows(past, FITTED), measured + rows(past, MEASURED)
    return DeclineFit.objects.create(fitted_at=as_of, people=fitted.people, **told(fitted, measured))


def told(fitted: Rows, measured: Rows) -> dict[str, object]:
    """What a fit says of itself; no AUC where there are too few to fit or to measure."""
    if not (fitted.enough and measured.enough):
        return {"values": {}, "auc": None, "baseline_auc": None}
    model = learned(fitted)
    ratio = auc(-measured.ratio, measured.halved)
    return {
        "values": model.written(),
        "auc": auc(model.chances(measured.features), measured.halved),
        "baseline_auc": max(ratio, 1 - ratio),
    }


def is_good(fit: DeclineFit | None) -> bool:
    """Better than the trailing ratio, and of the features that are worked out today."""
    if fit is None or fit.auc is None or fit.baseline_auc is None:
        return False
    return fit.auc > fit.baseline_auc and fit.values.get("features") == list(FEATURES)


def column(block: Block) -> Column:
    """In percent, as of her yesterday evening. Unknown for who sold nothing in 28 days or is here for less, and for everybody
    until a fit is good. Two queries, one without a good fit."""
    values = np.full(len(block.people.ids), np.nan)
    newest = DeclineFit.objects.first()
    if newest is None or not is_good(newest) or not len(values):
        return Column(values)
    yesterday = block.today - 1
    some = sold(block.people.ids, yesterday, 7 * WEEKS)
    past = Past(some, yesterday - block.people.joined, np.full(len(values), -1), block.price)
    found, counts = features(past, 0), past.counts(0)
    values[counts] = 100 * Model.read(newest.values).chances(found[counts])
    return Column(values)


# A person's past


class Past(NamedTuple):
    """n people up to a last day, age 0 (each on her own market's clock)."""

    sold: Records  # SOLD, native
    joined: Ints  # n: age of the day she joined
    left: Ints  # n: age of the day she left, -1 while she is here
    price: Floats  # n: her market's price level

    def sums(self, lag: int, days: int, weeks: int, *, orders: bool) -> Floats:
        """n x weeks: what each `days` days came to, back from `lag` days before the last day; money in base currency."""
        age = self.sold["age"].astype(np.int64) - lag
        some = (age >= 0) & (age < days * weeks) & (self.sold["orders"] == orders)
        place = self.sold["place"][some].astype(np.int64) * weeks + age[some] // days
        n = len(self.joined)
        made = np.bincount(place, self.sold["value"][some], n * weeks).astype(np.float64).reshape(n, weeks)
        return made if orders else made / self.price[:, None]

    def counts(self, lag: int) -> Mask:
        """Who had been here for the whole span, had not left, and sold something in it."""
        here = (self.joined - lag >= SPAN - 1) & ((self.left < 0) | (self.left < lag))
        return np.array(here & (self.sums(lag, SPAN, 1, orders=False)[:, 0] > 0))

    def last_order(self, lag: int) -> Floats:
        """n: days since the newest order, at most all that is looked back on."""
        age = self.sold["age"].astype(np.int64) - lag
        some = (age >= 0) & (self.sold["orders"] == 1)
        found = np.full(len(self.joined), 7 * WEEKS, np.int64)
        np.minimum.at(found, self.sold["place"][some], age[some])
        return found.astype(np.float64)


def features(past: Past, lag: int) -> Floats:
    """n x FEATURES as of `lag` days before the last day. A week that refunds made negative counts as one without sales."""
    made = np.maximum(past.sums(lag, 7, WEEKS, orders=False), 0)
    placed = np.maximum(past.sums(lag, 7, WEEKS, orders=True), 0)
    lately, usual, before = made[:, :4].sum(axis=1), made[:, 4:].sum(axis=1) / 3, made[:, 4:8].sum(axis=1)
    twelve, back = made[:, :12], np.arange(12) - 5.5
    mean = twelve.mean(axis=1)
    return np.stack(
        [
            np.log1p(lately), np.log1p(twelve.sum(axis=1)), against(lately, usual), against(lately, before),
            against(made[:, :2].sum(axis=1), made[:, 2:4].sum(axis=1)), np.log1p(past.last_order(lag)),
            np.log1p(placed[:, :4].sum(axis=1)), np.log1p(placed[:, :12].sum(axis=1)),
            (placed[:, :12] > 0).sum(axis=1), -(twelve @ back) / (back @ back) / (mean + 1),
            np.log1p(np.clip(past.joined - lag, 0, 3650)), made[:, :4].max(axis=1) / (lately + 1),
            twelve.std(axis=1) / (mean + 1),
        ],
        axis=1,
    )  # fmt: skip


def against(now: Floats, then: Floats) -> Floats:
    """log of a ratio that nothing makes infinite: one unit of base currency is added to both."""
    return np.array(np.log((now + 1) / (then + 1)))


class Rows(NamedTuple):
    """People on days: their features, their trailing ratio, and whether their sales halved."""

    features: Floats
    ratio: Floats
    halved: Mask
    people: int

    @classmethod
    def none(cls) -> Rows:
        return cls(np.zeros((0, len(FEATURES))), np.zeros(0), np.zeros(0, bool), 0)

    def __add__(self, more: Rows) -> Rows:  # type: ignore[override]
        """Of other people."""
        return Rows(
            np.vstack([self.features, more.features]), np.concatenate([self.ratio, more.ratio]),
            np.concatenate([self.halved, more.halved]), self.people + more.people,
        )  # fmt: skip

    @property
    def enough(self) -> bool:
        return bool(min(self.halved.sum(), (~self.halved).sum()) >= LEAST)


def rows(past: Past, lags: Sequence[int]) -> Rows:
    """Each person on each of the days on which her chance would have been known."""
    each = [one_day(past, lag) for lag in lags]
    found, ratio, halved, counts = (list(parts) for parts in zip(*each, strict=True))
    seen = np.logical_or.reduce(counts)
    return Rows(np.vstack(found), np.concatenate(ratio), np.concatenate(halved), int(seen.sum()))


def one_day(past: Past, lag: int) -> tuple[Floats, Floats, Mask, Mask]:
    counts = past.counts(lag)
    spans = past.sums(lag, SPAN, 4, orders=False)[counts]
    then = past.sums(lag - SPAN, SPAN, 1, orders=False)[counts, 0]
    usual = spans[:, 1:].mean(axis=1)
    ratio = spans[:, 0] / np.maximum(usual, 0.01)
    return features(past, lag)[counts], ratio, then <= spans[:, 0] / 2, counts


# The model


@dataclass(frozen=True)
class Model:
    weights: Floats  # the first one stands alone
    means: Floats
    spreads: Floats

    def chances(self, found: Floats) -> Floats:
        return logistic(standing(found, self.means, self.spreads) @ self.weights)

    def written(self) -> dict[str, list[float] | list[str]]:
        return {
            "features": list(FEATURES), "weights": self.weights.tolist(), "means": self.means.tolist(),
            "spreads": self.spreads.tolist(),
        }  # fmt: skip

    @classmethod
    def read(cls, values: dict[str, list[float]]) -> Model:
        return cls(*(np.array(values[name]) for name in ("weights", "means", "spreads")))


def learned(some: Rows) -> Model:
    means, spreads = spread_of(some.features)
    return Model(newton(standing(some.features, means, spreads), some.halved), means, spreads)


# Reading it

SALES_OF = """
SELECT string_agg(
    int4send(a.place) || int2send((a.last - m.day)::int2) || int2send((m.metric = 'orders')::int::int2) || float8send(m.value::float8),
    ''::bytea)
FROM unnest(%(ids)s::bigint[], %(lasts)s::date[]) WITH ORDINALITY AS one(id, last, nth)
CROSS JOIN LATERAL (SELECT one.id, one.last, (one.nth - 1)::int AS place) AS a
JOIN distributors_measure m ON m.distributor_id = a.id AND m.metric IN ('sales', 'orders') AND m.scope = ''
    AND m.day > a.last - %(days)s AND m.day <= a.last
"""


def sold(ids: Ints, lasts: Ints, days: int) -> Records:
    """SOLD of so many days up to each one's last (day numbers). One query."""
    with connection.cursor() as cursor:
        dates = np.datetime64("2000-01-01") + lasts.astype("timedelta64[D]")
        cursor.execute(SALES_OF, {"ids": ids.tolist(), "lasts": dates.tolist(), "days": days})
        packed = cursor.fetchone()[0]
    return np.frombuffer(packed or b"", SOLD).astype(SOLD.newbyteorder("="))


def people(last: date) -> list[int]:
    """Those who left in the meantime as well: leaving is the largest decline there is."""
    first = last - timedelta(days=max(FITTED))
    # Multiplied (Knuth), neighbouring ids scatter, the same way every week.
    scattered = (F("pk") * 2654435761) % 4294967296
    some = Distributor.objects.filter(joined_on__lte=last - timedelta(days=SPAN)).exclude(left_on__lt=first)
    return sorted(some.order_by(scattered, "pk").values_list("pk", flat=True)[:PEOPLE])


def past_of(ids: list[int], last: date) -> Past:
    """Two queries."""
    found = {
        pk: (joined, left, price)
        for pk, joined, left, price in Distributor.objects.filter(pk__in=ids).values_list(
            "pk", "joined_on", "left_on", "market__price_level"
        )
    }
    ids = [pk for pk in ids if pk in found]
    joined = np.array([(last - found[pk][0]).days for pk in ids], np.int64)
    left = np.array([-1 if (day := found[pk][1]) is None or day > last else (last - day).days for pk in ids], np.int64)
    lasts = np.full(len(ids), day_number(last), np.int64)
    price = np.array([float(found[pk][2]) for pk in ids])
    return Past(sold(np.array(ids, np.int64), lasts, max(FITTED) + 7 * WEEKS), joined, left, price)
