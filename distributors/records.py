"""What the compact row of a distributor is made of: fixed records, packed, big-endian as PostgreSQL sends numbers.

`features.py` writes them in SQL, kernels read them as native NumPy records. Days are whole days since 1 January 2000,
instants are microseconds since 1970 (UTC), money and every other value of a measure is an integer of hundredths.
All of it is made of facts alone: nothing here depends on the day on which it was written.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

EPOCH = date(2000, 1, 1)
UNIX = datetime(1970, 1, 1, tzinfo=UTC)
#: A day that never was; and one that never comes.
NEVER, FOREVER = -32768, 32767

Records = npt.NDArray[Any]

#: One per running goal, the weightiest first (ties by id). `metric` is its place in METRICS, `line` a product line's id
#: or 0, `period` 0 week, 1 month, 2 between two dates (`first`, `last`, inclusive; NEVER otherwise).
GOAL = np.dtype(
    [("id", ">i8"), ("metric", ">i2"), ("line", ">i4"), ("period", ">i2"), ("first", ">i2"), ("last", ">i2"),
     ("target", ">i8"), ("weight", ">i4")]
)  # fmt: skip

#: What a goal is measured by, one per day that has any, by goal and day. `slot` is 2 x the goal's place, + 1 for what a
#: ratio is divided by. Of goals that count recruits `value` is the recruit's id, on each day she had a positive sum.
DAY = np.dtype([("slot", ">i2"), ("day", ">i2"), ("value", ">i8")])

#: One per customer or prospect who may be contacted by some channel, by id. `ways` are those channels (models.customer.CHANNELS). `gap` is -1 before the second order day, `contacted_at` and
#: `basket_at` 0 when there is none, `interest` 0 for who is no prospect, else 1 hot, 2 warm, 3 cool, 4 cold,
#: `birthday` month x 100 + day or 0. `line` is the dearest line of her last order day, 0 before the first order.
#: `basket_at` is of the newest open basket: no order came after it. `contact_1` to
#: `contact_4` are the days of the newest contacts, the newest first, NEVER where there are fewer.
CUSTOMER = np.dtype(
    [("id", ">i8"), ("orders", ">i4"), ("spent", ">i8"), ("first_order", ">i2"), ("last_order", ">i2"), ("gap", ">f8"),
     ("line", ">i4"), ("contacted_at", ">i8"), ("contacted_on", ">i2"), ("contact_1", ">i2"), ("contact_2", ">i2"),
     ("contact_3", ">i2"), ("contact_4", ">i2"), ("added_on", ">i2"), ("interest", ">i2"), ("birthday", ">i2"),
     ("basket_at", ">i8"), ("basket_on", ">i2"), ("ways", ">i2")]
)  # fmt: skip

#: A product line a customer bought on one order ever, of a product that is used up: by customer, then the dearest last
#: bought first. `lasts` is in days.
LINE = np.dtype([("customer", ">i8"), ("line", ">i4"), ("last_on", ">i2"), ("lasts", ">i2")])

#: Direct recruits who have not left, by id and day: one with day NEVER and 0 orders for who never ordered, else one per
#: day with orders (hundredths) of her last 56 such days' span.
RECRUIT = np.dtype([("id", ">i8"), ("joined_on", ">i2"), ("day", ">i2"), ("orders", ">i8")])

#: A segment of which rules made her a member, by id: until that day inclusive, FOREVER without an end.
TAG = np.dtype([("segment", ">i8"), ("since", ">i2"), ("until", ">i2")])

#: What hides cards or speaks against them, from what she did. `kind`: 0 the card about nobody, 1 about a customer, 2 about a
#: recruit (`about` her id); 3 the activity whoever it is about; 4 every card about customer `about`, 5 about recruit
#: `about`; 6 not hidden: waved off as "fewer like this" (`about` is the kind of activity). Holds while today < until.
HIDE = np.dtype([("activity", ">i8"), ("kind", ">i2"), ("about", ">i8"), ("until", ">i2")])

#: A card that was shown: the newest day, and sum of 0.5^((last - day)/15) over the days it was shown, that one included.
SHOWN = np.dtype([("activity", ">i8"), ("kind", ">i2"), ("about", ">i8"), ("last", ">i2"), ("sum", ">f8")])

#: Her memory of a skill: last score, FSRS stability in days, when she last reviewed it.
SKILL = np.dtype([("skill", ">i8"), ("score", ">f8"), ("stability", ">f8"), ("reviewed_at", ">i8")])

#: A card of a slate written ahead. `kind` and `about` as in HIDE 0..2; `slot` is its place in drawing.SLOTS.
SLATE_CARD = np.dtype(
    [("activity", ">i8"), ("kind", ">i2"), ("about", ">i8"), ("slot", ">i2"), ("score", ">f8"), ("propensity", ">f8")]
)


def native(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The same record in this machine's byte order, which is what kernels take."""
    return dtype.newbyteorder("=")


def unpacked(raw: bytes | memoryview, dtype: np.dtype[Any]) -> Records:
    """Stored bytes -> native records, copied."""
    return np.frombuffer(raw, dtype=dtype).astype(native(dtype))


def day_number(day: date | None) -> int:
    return NEVER if day is None else (day - EPOCH).days


def day_of(number: int) -> date:
    return EPOCH + timedelta(days=int(number))


def microseconds(at: datetime) -> int:
    """Exact: no detour by floating point."""
    return (at - UNIX) // timedelta(microseconds=1)
