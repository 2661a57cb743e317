"""Drawing a slate from scores: slots, pools, exploration and its exact propensities (ranking.md 2), compiled.

The noise is a hash of (person, local day, candidate): a reload never reshuffles, and the order changes only when facts do.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np

from distributors.blocks import Floats, Ints
from distributors.compiling import kernel
from distributors.records import Records, day_number

from .scoring import Cards

#: Counts the ways in which slates were ever drawn: a change below is another one, and logs say which was theirs.
VERSION = 1
TEMPERATURE = 0.10
UNIFORM_SHARE = 0.05
#: How many compete for a slot: the best card of each of so many people. Over all of a hundred candidates a softmax at
#: this temperature would be close to a lottery; among the best few it explores what is nearly as good.
POOL = 8
#: Looked at when a first pool is made: enough unless many of the best are about the same few people or activities.
AHEAD = 24


class Slot(StrEnum):
    OWN = "own"  # three of five: what helps her own goals
    COMPANY = "company"  # one, ranked by the company's priorities
    LEARNING = "learning"  # one
    OTHER = "other"  # moves no goal and no priority; shown only when nothing else is left
    PIN = "pin"  # set by a rule, outside the draw


#: In the order of their codes; an empty pool falls to the first of these that has a candidate: her own goals come first.
SLOTS = (Slot.OWN, Slot.COMPANY, Slot.LEARNING, Slot.OTHER, Slot.PIN)
OWN, COMPANY, LEARNING, OTHER, PINNED = range(5)
DRAWN = 4
#: A slate of five, repeated for longer ones.
PATTERN = np.array([OWN, OWN, OWN, COMPANY, LEARNING])

A, B, C = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
S12, S27, S30, S31, ONE, FOUR = (np.uint64(n) for n in (12, 27, 30, 31, 1, 4))


@kernel
def mixed(x: np.uint64) -> np.uint64:
    """The finaliser of SplitMix64 (Steele, Lea & Flood 2014): every bit of x decides every bit of the result."""
    x = x + A
    x = (x ^ (x >> S30)) * B
    x = (x ^ (x >> S27)) * C
    return x ^ (x >> S31)


@kernel
def day_seed(identity: int, day: int) -> Any:
    """The day's seed of one person: 63 bits, the same everywhere and for ever. `identity` is Feature.identity."""
    return np.int64(mixed(np.uint64(identity) ^ mixed(np.uint64(day))) >> ONE)


def seed_of(identity: int, day: date) -> int:
    return int(day_seed(identity, day_number(day)))


@kernel
def gumbel(seed: int, activity: int, kind: int, about: int, row: int) -> float:
    """Standard Gumbel noise of one candidate: a new candidate changes nobody else's.

    `row` is a slot's code, + 4 for repeats: a candidate passed over in one draw must not carry its bad luck into
    another, or the propensities would no longer be exact.
    """
    h = mixed(np.uint64(seed) ^ mixed(np.uint64(activity)))
    h = mixed(h ^ (np.uint64(about) * FOUR + np.uint64(kind)))
    h = mixed(h ^ np.uint64(row))
    # 52 bits and a half: strictly between 0 and 1 in float64.
    uniform = (np.float64(h >> S12) + 0.5) / 4503599627370496.0
    return -np.log(-np.log(uniform))


class Pools(NamedTuple):
    """Who competes for each kind of slot: the best eight, the next eight when none of them is left.

    They depend on the scores alone, not on what was drawn, so that the draws of a slot are one Plackett-Luce sample.
    """

    at: Ints  # slots x pools x POOL: candidates, the best first
    weights: Floats  # slots x pools x POOL, sum to 1
    size: Ints  # slots x pools
    made: Ints  # slots x 2: pools made so far; 1 when there are no more
    state: Ints  # candidates x (2 + slots): LEFT, FRESH, and from WAITING on 1 when it is in a pool of the slot, or never will be
    ahead: Ints


LEFT, FRESH, WAITING = range(3)


def pools(room: int, most: int) -> Pools:
    """Room for so many candidates and pools a slot. 64 pools are more than a slate of ten can use up."""
    return Pools(
        np.zeros((DRAWN, most, POOL), np.int64), np.zeros((DRAWN, most, POOL)), np.zeros((DRAWN, most), np.int64),
        np.zeros((DRAWN, 2), np.int64), np.zeros((room, 2 + DRAWN), np.int64), np.zeros(AHEAD, np.int64),
    )  # fmt: skip


@kernel
def value(slot: int, card: Any) -> float:
    """What a candidate is worth in a slot: the company's ranks by K, less what she is tired of and plus what rules say."""
    return card.company + card.fatigue + card.rules if slot == COMPANY else card.score


@kernel
def belongs(slot: int, card: Any) -> bool:
    if card.barred:
        return False
    if slot == OWN:
        return card.learning == 0 and card.own > 0
    if slot == COMPANY:
        return card.company > 0
    return slot == OTHER or card.learning == 1


@kernel
def same_person(one: Any, other: Any) -> bool:
    return one.kind > 0 and one.kind == other.kind and one.about == other.about


@kernel
def named(i: int, slot: int, cards: Records, at: Ints, size: Ints, made: Ints) -> bool:
    """The person a candidate is about is in one of the slot's pools already."""
    for page in range(made[slot, 0] + 1):
        for k in range(size[slot, page]):
            if same_person(cards[i], cards[at[slot, page, k]]):
                return True
    return False


@kernel
def repeated(i: int, slot: int, page: int, cards: Records, at: Ints, size: Ints) -> bool:
    """Its activity is in the pool already."""
    for k in range(size[slot, page]):  # noqa: SIM110 (compiled: no generators)
        if cards[at[slot, page, k]].activity == cards[i].activity:
            return True
    return False


@kernel
def make_pool(n: int, slot: int, cards: Records, room: Pools) -> bool:
    """The next pool of a slot, members in order of value, ties by position; False when nobody is left for one.

    In a pool nobody and no activity is named twice, and over all of them nobody is: at most one card is about her anyway.
    """
    at, size, made, state = room.at, room.size, room.made, room.state
    page = made[slot, 0]
    if made[slot, 1] or page == size.shape[1]:
        return False
    size[slot, page] = 0
    after_value, after, seen = np.inf, -1, AHEAD
    while seen == AHEAD and size[slot, page] < POOL:
        seen = look_ahead(n, slot, after_value, after, cards, state, room.ahead)
        for k in range(seen):
            if size[slot, page] == POOL:
                break
            after = room.ahead[k]
            after_value = value(slot, cards[after])
            if named(after, slot, cards, at, size, made):
                state[after, WAITING + slot] = 1
            elif not repeated(after, slot, page, cards, at, size):
                at[slot, page, size[slot, page]] = after
                size[slot, page] += 1
                state[after, WAITING + slot] = 1
    if size[slot, page] == 0:
        made[slot, 1] = 1
        return False
    weigh(slot, size[slot, page], cards, at[slot, page], room.weights[slot, page])
    made[slot, 0] = page + 1
    return True


@kernel
def look_ahead(n: int, slot: int, after_value: float, after: int, cards: Records, state: Ints, ahead: Ints) -> int:
    """The best AHEAD waiting candidates after a given one, by value and position, into `ahead`; how many there are."""
    count, worst = 0, -np.inf
    for i in range(n):
        if state[i, WAITING + slot] or not belongs(slot, cards[i]):
            continue
        v = value(slot, cards[i])
        if v > after_value or (v == after_value and i <= after) or (count == AHEAD and v <= worst):
            continue
        k = count if count < AHEAD else AHEAD - 1
        while k > 0 and value(slot, cards[ahead[k - 1]]) < v:
            ahead[k] = ahead[k - 1]
            k -= 1
        ahead[k] = i
        count = min(count + 1, AHEAD)
        worst = value(slot, cards[ahead[count - 1]])
    return count


@kernel
def weigh(slot: int, size: int, cards: Records, at: Ints, weights: Floats) -> None:
    """w = .95 softmax(value / .10) + .05 / n over the pool; every member keeps at least .05 / n."""
    best, total = value(slot, cards[at[0]]), 0.0
    for k in range(size):
        weights[k] = np.exp((value(slot, cards[at[k]]) - best) / TEMPERATURE)
        total += weights[k]
    for k in range(size):
        weights[k] = (1 - UNIFORM_SHARE) * weights[k] / total + UNIFORM_SHARE / size


@kernel
def is_open(i: int, repeats: bool, state: Ints) -> bool:
    return state[i, LEFT] == 1 and (repeats or state[i, FRESH] == 1)


@kernel
def open_pool(n: int, slot: int, repeats: bool, cards: Records, room: Pools) -> tuple[int, int]:
    """The first pool of the slot with somebody open, else of the next slot; (-1, -1) when there is none."""
    for step in range(DRAWN + 1):
        source = slot if step == 0 else step - 1
        if step > 0 and source == slot:
            continue
        page = 0
        while page < room.made[source, 0] or make_pool(n, source, cards, room):
            for k in range(room.size[source, page]):
                if is_open(room.at[source, page, k], repeats, room.state):
                    return source, page
            page += 1
    return -1, -1


@kernel
def chosen(
    slot: int, size: int, repeats: bool, noisy: bool, seed: int, activities: Records, cards: Records, at: Ints,
    weights: Floats, state: Ints,
) -> tuple[int, float]:  # fmt: skip
    """One draw among who is open in a pool. The denominator is summed anew: subtracting from a total underflows."""
    best, best_value, weight, total = -1, -np.inf, 1.0, 0.0
    row = slot + DRAWN if repeats else slot
    for k in range(size):
        i = at[k]
        if not is_open(i, repeats, state):
            continue
        if not noisy:
            return i, 1.0
        total += weights[k]
        card = cards[i]
        v = np.log(weights[k]) + gumbel(seed, activities[card.activity].id, card.kind, card.about, row)
        if v > best_value:
            best, best_value, weight = i, v, weights[k]
    return best, weight / total


@kernel
def draw(
    n: int, size: int, seed: int, noisy: bool, pin: int, cards: Records, activities: Records, room: Pools,
    placed: Ints, slots: Ints, propensity: Floats,
) -> int:  # fmt: skip
    """The slate: slots filled in order, at most one card a person, and an activity again only when no other is left.

    Fills `placed` (candidates), `slots` and `propensity`; returns how many. Each slot is a Plackett-Luce draw by
    Gumbel-top-k on log w; not `noisy` takes the best of each pool (propensity 1), ties by position. `activities`: the
    catalogue's. `pin`, a candidate or -1, is placed first, outside the draw.
    """
    start(n, cards, room.state, room.made)
    many = 0
    if pin >= 0 and size > 0:
        placed[0], slots[0], propensity[0] = pin, PINNED, 1.0
        settle(n, pin, cards, room.state)
        many = 1
    while many < size:
        left = still_left(n, room.state)
        if left == 0:
            break
        repeats = left == REPEATS
        slot, page = open_pool(n, PATTERN[many % 5], repeats, cards, room)
        if slot >= 0:
            placed[many], propensity[many] = chosen(
                slot, room.size[slot, page], repeats, noisy, seed, activities, cards, room.at[slot, page],
                room.weights[slot, page], room.state,
            )  # fmt: skip
            slots[many] = slot
            settle(n, placed[many], cards, room.state)
            many += 1
        elif repeats:
            break
        else:
            # What is left and new is only second-best cards of people already in a pool.
            room.state[:n, FRESH] = 0
    return many


@kernel
def start(n: int, cards: Records, state: Ints, made: Ints) -> None:
    made[:] = 0
    for i in range(n):
        state[i, LEFT] = 0 if cards[i].barred else 1
        state[i, FRESH] = 1
        state[i, WAITING:] = 0


#: What is left to place: nothing, only activities that are on the slate already, or something new.
REPEATS, NEW = 1, 2


@kernel
def still_left(n: int, state: Ints) -> int:
    left = 0
    for i in range(n):
        if state[i, LEFT]:
            left = REPEATS
            if state[i, FRESH]:
                return NEW
    return left


@kernel
def settle(n: int, placed: int, cards: Records, state: Ints) -> None:
    """Nobody twice on a slate, and the same activity only when nothing else is left."""
    state[placed, LEFT] = 0
    for i in range(n):
        if cards[i].activity == cards[placed].activity:
            state[i, FRESH] = 0
        if same_person(cards[i], cards[placed]):
            state[i, LEFT] = 0


@dataclass(frozen=True)
class Placed:
    """Candidate `index` in a slot, with the probability of that choice among those still eligible for it."""

    index: int
    slot: Slot
    propensity: float


def slate(
    n: int, found: Cards, activities: Records, *, size: int = 5, seed: int | None = None, pin: int = -1
) -> list[Placed]:
    """`draw` for one person; without a seed the noise is off. `activities` are the catalogue's (blocks.ACTIVITY)."""
    placed, slots, propensity = np.zeros(size, np.int64), np.zeros(size, np.int64), np.zeros(size)
    room = pools(max(1, n), n + 1)
    many = draw(n, size, seed or 0, seed is not None, pin, found.card, activities, room, placed, slots, propensity)
    return [Placed(int(placed[k]), SLOTS[slots[k]], float(propensity[k])) for k in range(many)]
