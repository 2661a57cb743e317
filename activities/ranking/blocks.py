"""The arrays of the ranking kernel (kernel.py): people, catalogue, company priorities and rules as columns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from distributors.blocks import Floats, Ints
from distributors.records import Records

Bits = npt.NDArray[np.uint8]


class People(NamedTuple):
    """n people. Records of person i are `goals[goals_at[i]:goals_at[i + 1]]`, native (records.py)."""

    ids: Ints
    identity: Ints  # seeds her exploration noise
    market: Ints  # index among the markets of calendar, shelf and steering
    language: Ints  # index among Shelf.languages
    own_share: Floats  # what she keeps for her own goals; 0 when she leaves it to the company's setting
    joined: Ints  # day number
    goals: Records
    goals_at: Ints
    days: Records
    days_at: Ints
    customers: Records
    customers_at: Ints
    lines: Records
    lines_at: Ints
    recruits: Records
    recruits_at: Ints
    tags: Records
    tags_at: Ints
    hides: Records
    hides_at: Ints
    shown: Records
    shown_at: Ints
    skills: Records
    skills_at: Ints


#: A published activity. `about` is a place in REASONS, -1 for nobody; `line` a product line's id, 0 for none; `kind` a place in
#: Activity.Kind; `p` = P(done | shown), learned or stated; `skill` an id, 0 for none; `wanted` m*, 1 without a skill; `gain` iota;
#: `ways` the channels of which a customer must allow one (records.CUSTOMER): any of writing for a message, calls for a call.
ACTIVITY = np.dtype(
    [("id", "i8"), ("about", "i8"), ("line", "i8"), ("kind", "i8"), ("learning", "i8"), ("p", "f8"), ("skill", "i8"),
     ("wanted", "f8"), ("gain", "f8"), ("ways", "i8")]
)  # fmt: skip

#: What activities move: a place in METRICS and a product line's id, 0 for all. `money` goes with the market's price level,
#: `sales` with how large this customer's orders are.
KEY = np.dtype([("metric", "i8"), ("line", "i8"), ("money", "i8"), ("sales", "i8")])


class Catalogue(NamedTuple):
    """A activities in the order of their keys, K metric keys, M markets, L languages."""

    activity: Records  # A
    key: Records  # K
    effects: Floats  # A x K: effect of doing it, money in base currency
    price: Floats  # M
    sold: Bits  # M x A: shown in this market
    readable: Bits  # L x A: has words in this language or in English


class Steering(NamedTuple):
    """The company's priorities in R rows (steering.Course), and the frozen scales. J is the most KPIs that any row has."""

    key: Ints  # R x J: index among the catalogue's keys; -1 for none
    weight: Floats  # R x J, sum to 1; 0 where there is no KPI
    direction: Floats  # R x J
    scale: Floats  # R x J: s_k in the market's money
    share: Floats  # R: alpha of the company's setting
    own_scale: float  # s_U
    row: Ints  # n: which row counts for each of the people it is used with


#: A rule asks a leader to do this activity for a recruit of hers. `activity` is its index, `recruit` a distributor's id.
CALL = np.dtype([("activity", "i8"), ("recruit", "i8")])


class Rules(NamedTuple):
    """What rules say of n people. Everything is empty when none says anything; calls alone may be empty (`no_calls`)."""

    boost: Floats  # n x A, bounded by those who make it
    barred: Bits  # n x A
    pin: Ints  # n: an activity's index, or -1
    pin_about: Ints  # n: of an activity about recruits, whom the pin is about; 0 for the best card of the activity
    calls: Records  # CALL, native, by person and activity
    calls_at: Ints  # n + 1


def no_calls(people: int) -> tuple[Records, Ints]:
    return np.zeros(0, CALL), np.zeros(people + 1, np.int64)


def no_rules() -> Rules:
    whole = np.zeros(0, np.int64)
    return Rules(np.zeros((0, 0)), np.zeros((0, 0), np.uint8), whole, whole, np.zeros(0, CALL), whole)
