"""The arrays that kernels work on: what one person or a hundred thousand come to, as columns.

Kernels (chances.py, timing.py, activities/ranking/kernel.py) are compiled by numba and are the one definition of every quantity:
a page read is a block of one. Whole numbers are int64, everything else float64; money is in hundredths where it is whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .models import Market
from .periods import month_of
from .records import Records, day_number, microseconds

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

#: Why a card is about somebody, by code: timing.py finds them, activities are about one of them (or -1, nobody).
REASONS = (
    "open_basket", "one_time", "reorder_due", "check_in", "connect", "lapsed", "birthday", "prospect",
    "new_recruit", "quiet_recruit",
)  # fmt: skip
#: From this code on a reason is about a recruit.
RECRUITS = 8
#: The code of a recruit about whom a rule calls: timing.py does not find her.
CALLED = len(REASONS)
#: How many past windows stand behind a chance (periods.WINDOWS), and quantiles behind a market's spread.
WINDOWS, QUANTILES = 12, 65


class Calendar(NamedTuple):
    """The instant and, for each market of a block, its local day and running periods (inclusive day numbers)."""

    now: int  # microseconds since 1970
    today: Ints
    week_first: Ints
    week_last: Ints
    month_first: Ints
    month_last: Ints


def calendar_of(markets: Sequence[Market], as_of: datetime) -> Calendar:
    days = [market.local_day(as_of) for market in markets]
    weeks = [market.week_of(day) for market, day in zip(markets, days, strict=True)]
    months = [month_of(day) for day in days]

    def numbers(dates: Sequence[Any]) -> Ints:
        return np.array([day_number(day) for day in dates], dtype=np.int64)

    return Calendar(
        microseconds(as_of),
        numbers(days),
        numbers([first for first, _last in weeks]),
        numbers([last for _first, last in weeks]),
        numbers([first for first, _last in months]),
        numbers([last for _first, last in months]),
    )


class Spread(NamedTuple):
    """How windows of a market's people vary about their own means: ForecastPool rows as columns, in any order."""

    market: Ints  # index among the block's markets
    metric: Ints  # place in METRICS
    line: Ints  # product line id, 0 for all
    span: Ints  # days in a window
    day: Ints  # the pool's day
    mean: Floats
    people: Ints
    quantiles: Floats  # pools x QUANTILES; rows of NaN when the pool has none


class Outlooks(NamedTuple):
    """One person's goals as the score reads them, in the order of her GOAL records; `running` 0 leaves a goal out."""

    running: Ints  # 1 when today is within its period
    value: Ints  # hundredths, of the running period
    left: Floats  # R_g in the goal's unit, 0 once reached
    weight: Floats  # relative, as she set it; normalised over the running ones where it is used
    counts: Ints  # 1 when its unit is a count: chances are taken between whole numbers
    first: Ints  # the running period, inclusive day numbers
    last: Ints
    made: Floats  # goals x WINDOWS, her own past windows, newest first
    n: Ints  # how many of them count
    typical: Floats  # what stretches the market's spread
    base: Floats  # added to what is asked, of metrics that do not add up
    pool: Ints  # row of Spread.quantiles; -1 for an exponential spread
    known: Ints  # 0 when neither she nor her market has a history to speak of


def outlooks(goals: int) -> Outlooks:
    """Room for so many goals."""

    def whole() -> Ints:
        return np.zeros(goals, np.int64)

    def real() -> Floats:
        return np.zeros(goals)

    return Outlooks(
        running=whole(), value=whole(), left=real(), weight=real(), counts=whole(), first=whole(), last=whole(),
        made=np.zeros((goals, WINDOWS)), n=whole(), typical=real(), base=real(), pool=whole(), known=whole(),
    )  # fmt: skip


#: What the reorder model says of one product line, 0 for all others: weights of what timing.chance_of works out, in the log-odds
#: of an order in the next four weeks (reordering.py).
BUYER = np.dtype(
    [("line", "i8"), ("bias", "f8"), ("recency", "f8"), ("orders", "f8"), ("age", "f8"), ("gap", "f8"), ("gaps", "f8"),
     ("once", "f8"), ("expected", "f8")]
)  # fmt: skip


class Buying(NamedTuple):
    """Who orders again, as past orders say, and how often customers may hear from their distributor."""

    known: int  # 0 without a fit: a customer's own rhythm and what she bought say alone when she is due
    lines: Records  # BUYER, native, by line; the first one, of line 0, is for lines that have none of their own
    r: float  # BG/NBD (bgnbd.py), in days
    alpha: float
    a: float
    b: float
    quantiles: Floats  # QUANTILES of the chance over all customers at the fit
    least: float  # the chance from which the model alone calls somebody due
    quiet: Ints  # by market: days between contacts
    most: Ints  # by market: contacts in 28 days, 1 to 4


#: A reason to contact somebody today, native; in the order found: by customer, then by recruit. `who` is an index among the
#: person's CUSTOMER records, of recruits among her RECRUIT records (the first of hers); `person` a customer's or recruit's id;
#: `reason` a place in REASONS; `line` the product line it is about, 0 for none; `start`, `end` its window in day numbers, NEVER
#: without one.
DUE = np.dtype(
    [("who", "i8"), ("person", "i8"), ("reason", "i8"), ("line", "i8"), ("score", "f8"), ("start", "i8"), ("end", "i8")]
)


def dues(customers: int, lines: int, recruits: int) -> Records:
    """Room for every reason that so many records could give."""
    return np.zeros(9 * customers + lines + recruits, DUE)
