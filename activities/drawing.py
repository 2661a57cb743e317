"""Drawing a slate from scores: slots, pools, exploration and its exact propensities (ranking.md 2). Pure NumPy.

The noise is a hash of (person, local day, candidate): a reload never reshuffles, and the order changes only when facts do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from .scoring import Array, Components, Mask

TEMPERATURE = 0.10
UNIFORM_SHARE = 0.05
#: How many compete for a slot: the best card of each of so many people. Over all of a hundred candidates a softmax at
#: this temperature would be close to a lottery; among the best few it explores what is nearly as good.
POOL = 8


class Slot(StrEnum):
    OWN = "own"  # three of five: what helps her own goals
    COMPANY = "company"  # one, ranked by the company's priorities
    LEARNING = "learning"  # one
    PIN = "pin"  # set by a rule, outside the draw
    OTHER = "other"  # moves no goal and no priority; shown only when nothing else is left


#: A slate of five, repeated for longer ones.
PATTERN = (Slot.OWN, Slot.OWN, Slot.OWN, Slot.COMPANY, Slot.LEARNING)
SLOTS = (Slot.OWN, Slot.COMPANY, Slot.LEARNING, Slot.OTHER)


def seed_of(person: str, day: date) -> int:
    """The day's seed of one person: 63 bits, the same everywhere and for ever."""
    digest = hashlib.blake2b(f"{person}|{day.isoformat()}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def gumbel(seed: int, keys: Sequence[str]) -> Array:
    """Standard Gumbel noise, draws x n, by a hash of (seed, candidate): a new candidate changes nobody else's.

    One row for each kind of slot, and one more each for repeats: a candidate passed over in one draw must not carry
    its bad luck into another, or the propensities would no longer be exact.
    """
    rows = 2 * len(SLOTS)
    salt = seed.to_bytes(8, "big")
    raw = b"".join(hashlib.blake2b(key.encode(), digest_size=8 * rows, key=salt).digest() for key in keys)
    bits = np.frombuffer(raw, dtype=">u8").reshape(len(keys), rows).T
    # 52 bits and a half: strictly between 0 and 1 in float64.
    uniform = ((bits >> np.uint64(12)).astype(np.float64) + 0.5) / 2.0**52
    return -np.log(-np.log(uniform))


@dataclass(frozen=True)
class Placed:
    """Candidate `index` in a slot, with the probability of that choice among those still eligible for it."""

    index: int
    slot: Slot
    propensity: float


@dataclass(frozen=True)
class Pool:
    """Up to eight candidates that compete for a slot, with their weights w = .95 softmax(value / .10) + .05 / n."""

    at: npt.NDArray[np.intp]  # indices of candidates, the best first
    weights: Array  # sum to 1


class Pools:
    """Who competes for each kind of slot: the best eight, the next eight when none of them is left.

    They depend on the scores alone, not on what was drawn, so that the draws of a slot are one Plackett-Luce sample.
    """

    def __init__(
        self, terms: Components, *, learning: Mask, people: Sequence[str], activities: Sequence[str], allowed: Mask
    ) -> None:
        self.people, self.activities = people, activities
        # The company slot ranks by K, less what she is tired of and plus what rules say.
        company = terms.company + terms.fatigue + terms.rules
        self.values = {slot: company if slot is Slot.COMPANY else terms.score for slot in SLOTS}
        self.members = {
            Slot.OWN: allowed & ~learning & (terms.own > 0),
            Slot.COMPANY: allowed & (terms.company > 0),
            Slot.LEARNING: allowed & learning,
            Slot.OTHER: allowed,
        }
        self.built: dict[Slot, list[Pool]] = {slot: [] for slot in SLOTS}
        self.to_come = {slot: self.build(slot) for slot in SLOTS}

    def build(self, slot: Slot) -> Iterator[Pool]:
        """The members in order of value, ties by position. In a pool nobody and no activity is named twice, and over
        all of them nobody is: at most one card is about her anyway."""
        order = np.argsort(-self.values[slot], kind="stable")
        waiting, named = [int(i) for i in order if self.members[slot][i]], set[str]()
        while waiting:
            page, used, rest = list[int](), set[str](), list[int]()
            for i in waiting:
                if self.people[i] in named:
                    continue
                if len(page) == POOL or self.activities[i] in used:
                    rest.append(i)
                    continue
                page.append(i)
                used.add(self.activities[i])
                named |= {self.people[i]} - {""}
            if page:
                at = np.array(page, dtype=np.intp)
                yield Pool(at, exploration_weights(self.values[slot][at]))
            waiting = rest

    def of(self, slot: Slot) -> Iterator[Pool]:
        """Built as far as asked for: mostly the first one."""
        yield from self.built[slot]
        for pool in self.to_come[slot]:
            self.built[slot].append(pool)
            yield pool

    def open_to(self, slot: Slot, remaining: Mask) -> tuple[Slot, Pool] | None:
        """The slot's own pool, or the next one that still has a candidate: her own goals come first."""
        for source in (slot, *(other for other in SLOTS if other is not slot)):
            for pool in self.of(source):
                if remaining[pool.at].any():
                    return source, pool
        return None


def exploration_weights(values: Array) -> Array:
    """w over a pool, sums to 1; every member keeps at least .05 / n."""
    softmax = np.exp((values - values.max()) / TEMPERATURE)
    return (1 - UNIFORM_SHARE) * softmax / softmax.sum() + UNIFORM_SHARE / len(values)


def draw(
    terms: Components,
    *,
    keys: Sequence[str],
    people: Sequence[str],
    learning: Mask,
    activities: Sequence[str] | None = None,
    size: int = 5,
    seed: int | None = None,
    pin: int | None = None,
    suppressed: Mask | None = None,
) -> list[Placed]:
    """The slate: slots filled in order, at most one card a person (`people`, empty for nobody), and an activity again
    only when no other is left (`activities`, by default all different).

    With a seed each slot is a Plackett-Luce draw by Gumbel-top-k on log w; `seed=None` takes the best of each pool
    (propensity 1), ties by position. `pin` is placed first, outside the draw.
    """
    remaining = np.ones(len(terms), dtype=bool) if suppressed is None else ~suppressed
    fresh, who = remaining.copy(), np.asarray(people, dtype=object)
    activities = keys if activities is None else activities
    what = np.asarray(activities, dtype=object)
    pools = Pools(terms, learning=learning, people=people, activities=activities, allowed=remaining.copy())
    noise = gumbel(seed, keys) if seed is not None and len(terms) else None
    placed: list[Placed] = []

    def place(one: Placed) -> None:
        placed.append(one)
        remaining[one.index] = False
        if who[one.index]:
            remaining[who == who[one.index]] = False
        fresh[what == what[one.index]] = False

    if pin is not None and size > 0:
        place(Placed(pin, Slot.PIN, 1.0))
    while len(placed) < size and remaining.any():
        slot = PATTERN[len(placed) % len(PATTERN)]
        left = remaining & fresh
        repeats = not left.any()
        opened = pools.open_to(slot, remaining if repeats else left)
        if opened is None:
            if repeats:
                break
            # What is left and new is only second-best cards of people already in a pool.
            fresh[:] = False
            continue
        place(choose(*opened, remaining if repeats else left, noise, repeats=repeats))
    return placed


def choose(slot: Slot, pool: Pool, open_for: Mask, noise: Array | None, *, repeats: bool) -> Placed:
    """One draw among who is left of the pool. The denominator is summed anew: subtracting from a total underflows."""
    left = open_for[pool.at]
    at, weights = pool.at[left], pool.weights[left]
    if noise is None:
        return Placed(int(at[0]), slot, 1.0)
    row = noise[SLOTS.index(slot) + (len(SLOTS) if repeats else 0)]
    best = int(np.argmax(np.log(weights) + row[at]))
    return Placed(int(at[best]), slot, float(weights[best] / weights.sum()))
