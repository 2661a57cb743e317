"""A logged list with other weights: the chance that each of its cards had then, and would have had, given those above it.

The draw is drawing.py's: its pools, its weights of who is in them, its order of slots. Here the winner is not drawn but
told, and both draws, with the weights of then and with the others, follow the same list down.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from distributors.blocks import Floats, Ints
from distributors.compiling import kernel
from distributors.records import Records

from ..ranking import drawing
from ..ranking.drawing import FRESH, PATTERN, REPEATS, Pools, is_open, open_pool, settle, start, still_left
from ..ranking.scoring import CARD

Mask = npt.NDArray[np.bool_]

#: A candidate as the log has it: the weighted terms under their names in scoring.CARD. `activity` is an id.
LISTED = np.dtype(
    [("activity", "i4"), ("kind", "i2"), ("learning", "i2"), ("about", "i8"), ("own", "f8"), ("company", "f8"),
     ("learned", "f8"), ("fatigue", "f8"), ("rules", "f8")]
)  # fmt: skip


class Lists(NamedTuple):
    """L lists of P places, C candidates and J of the company's KPIs, for each of a list's own."""

    at: Ints  # L + 1: candidates of list i are at[i]:at[i + 1]
    card: Records  # C, LISTED
    parts: npt.NDArray[np.float32]  # C x J: what each KPI adds to `company`, rounded in the log
    shown: Ints  # L x P: which of the list's candidates; -1 for none, from there on
    drawn: Mask  # L x P: by lot; not a pin


class Chances(NamedTuple):
    """L x P; 1 where no lot was drawn, and of lists that were not asked for."""

    then: Floats
    now: Floats  # with the other weights
    possible: Floats  # how much of the draw with the other weights fell on cards that could be drawn then


def chances(lists: Lists, own_by: Floats, company_by: Floats, asked: Mask) -> Chances:
    """With each list's own term times `own_by` (L) and each KPI's part times `company_by` (L x J), of lists `asked` for (L)."""
    most = int(np.diff(lists.at).max(initial=0))
    found = Chances(*(np.ones(lists.shown.shape) for _ in Chances._fields))
    cards, rooms = [np.zeros(most, CARD) for _ in range(2)], [drawing.pools(max(1, most), most + 1) for _ in range(2)]
    redraw(lists, own_by, company_by, asked, cards[0], cards[1], rooms[0], rooms[1], found)
    return found


@kernel
def redraw(
    lists: Lists, own_by: Floats, company_by: Floats, asked: Mask, then: Records, now: Records, room_then: Pools,
    room_now: Pools, found: Chances,
) -> None:  # fmt: skip
    for i in range(lists.shown.shape[0]):
        if not asked[i]:
            continue
        n = fill(lists, i, own_by[i], company_by[i], then, now)
        start(n, then, room_then.state, room_then.made)
        start(n, now, room_now.state, room_now.made)
        for k in range(lists.shown.shape[1]):
            card = lists.shown[i, k]
            if card < 0:
                break
            if lists.drawn[i, k]:
                slot, page, repeats = pool_of(n, k, then, room_then)
                found.then[i, k] = chance(card, slot, page, repeats, room_then)
                other_slot, other_page, other_repeats = pool_of(n, k, now, room_now)
                found.now[i, k] = chance(card, other_slot, other_page, other_repeats, room_now)
                found.possible[i, k] = common(
                    slot, page, repeats, room_then, other_slot, other_page, other_repeats, room_now
                )
            settle(n, card, then, room_then.state)
            settle(n, card, now, room_now.state)


@kernel
def fill(lists: Lists, i: int, own_by: float, company_by: Floats, then: Records, now: Records) -> int:
    """The list's candidates with their scores of then and with the other weights; how many."""
    first, n = lists.at[i], lists.at[i + 1] - lists.at[i]
    for c in range(n):
        row, card, other = lists.card[first + c], then[c], now[c]
        card.activity, card.kind, card.about, card.learning = row.activity, row.kind, row.about, row.learning
        card.own, card.company, card.learned, card.fatigue, card.rules = (
            row.own, row.company, row.learned, row.fatigue, row.rules,
        )  # fmt: skip
        other.activity, other.kind, other.about, other.learning = row.activity, row.kind, row.about, row.learning
        other.learned, other.fatigue, other.rules = row.learned, row.fatigue, row.rules
        other.own = own_by * row.own
        other.company = weighed(row.company, lists.parts[first + c], company_by)
        # In the order in which scoring.add_up adds them, so that the last digit is the same.
        card.score = card.own + card.company + card.learned + card.fatigue + card.rules
        other.score = other.own + other.company + other.learned + other.fatigue + other.rules
    return n


@kernel
def weighed(company: float, parts: Floats, by: Floats) -> float:
    """The company's term with every KPI's part times its factor.

    What rounding took from the parts goes to the largest: one that is 0 stays 0, and what moves one KPI only is exact.
    """
    if parts.shape[0] == 0:
        return 0.0
    largest, left, found = 0, company, 0.0
    for j in range(parts.shape[0]):
        left -= parts[j]
        found += by[j] * parts[j]
        if abs(parts[j]) > abs(parts[largest]):
            largest = j
    return found + by[largest] * left


@kernel
def pool_of(n: int, place: int, cards: Records, room: Pools) -> tuple[int, int, bool]:
    """Who competes for a place, as drawing.draw finds them; (-1, -1) for nobody, where its list ends."""
    while True:
        left = still_left(n, room.state)
        repeats = left == REPEATS
        if left == 0:
            return -1, -1, repeats
        slot, page = open_pool(n, PATTERN[place % 5], repeats, cards, room)
        if slot >= 0 or repeats:
            return slot, page, repeats
        room.state[:n, FRESH] = 0


@kernel
def chance(card: int, slot: int, page: int, repeats: bool, room: Pools) -> float:
    """Its share of the weights of who is open in a pool; 0 for one who is not in it."""
    mine, total = 0.0, 0.0
    for k in range(room.size[slot, page] if slot >= 0 else 0):
        if is_open(room.at[slot, page, k], repeats, room.state):
            total += room.weights[slot, page, k]
            if room.at[slot, page, k] == card:
                mine = room.weights[slot, page, k]
    return mine / total if mine > 0 else 0.0


@kernel
def common(
    slot: int, page: int, repeats: bool, room: Pools, other_slot: int, other_page: int, other_repeats: bool,
    other_room: Pools,
) -> float:  # fmt: skip
    """What share of a draw from the other pool falls on cards that are open in the first."""
    found = 0.0
    for k in range(other_room.size[other_slot, other_page] if other_slot >= 0 else 0):
        card = other_room.at[other_slot, other_page, k]
        if chance(card, slot, page, repeats, room) > 0:
            found += chance(card, other_slot, other_page, other_repeats, other_room)
    return found


def compile_ahead() -> int:
    """Compile the above as pages call it; how many kernels were compiled."""
    lists = Lists(
        np.zeros(1, np.int64), np.zeros(0, LISTED), np.zeros((0, 0), np.float32), np.zeros((0, 5), np.int64),
        np.zeros((0, 5), bool),
    )  # fmt: skip
    chances(lists, np.zeros(0), np.zeros((0, 0)), np.zeros(0, bool))
    return len(redraw.stats.cache_misses)
