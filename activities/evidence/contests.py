"""Who competed with whom for a place on a slate, with what chance, and who won: read back from the log (replay.py).

Only the log is needed: it holds every candidate with its terms, and drawing.py's weights depend on nothing else. What is
read back is checked against the propensities that were logged at the time; a draw that its log does not explain is left
out. A pin is outside the draw and no contest.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from distributors.blocks import Floats, Ints
from distributors.compiling import kernel
from distributors.records import Records

from ..models import Slate
from ..ranking import drawing
from ..ranking.drawing import NEW, PATTERN, PINNED, POOL, SLOTS, Pools, is_open, open_pool, settle, start, still_left
from . import replay

#: Slots of one kind that follow each other in a slate.
IN_A_ROW = 3
CODES = {str(slot): code for code, slot in enumerate(SLOTS)}


class Contest(NamedTuple):
    """One or more slots in a row, drawn from one pool in which each activity stands once.

    `chance` is the probability of getting any of these slots, given what was placed before; they sum to the slots.
    """

    activities: list[str]  # keys
    chance: Floats
    won: Floats  # 1 or 0


def contests(slate: Slate) -> list[Contest]:
    """The contests of a logged slate that were open: somebody could have lost. None of a log that cannot be drawn again."""
    log = replay.read(slate)
    if not log.can_be_drawn or slate.versions.get("drawing") != drawing.VERSION:
        return []
    places = {key: place for place, key in enumerate(log.keys)}
    if not all(card["key"] in places for card in slate.cards):
        return []
    again = placed_again(len(log), log.cards.card, slate.cards, places)
    told = np.array([card["propensity"] for card in slate.cards], np.float64)
    right = np.abs(again.propensity - told) <= replay.CLOSE
    return [
        Contest([log.keys[at].partition(".")[0] for at in again.at[stage, :size]], chance[:size], won[:size])
        for stage, (size, chance, won) in enumerate(zip(again.size, again.chance, again.won, strict=True))
        if right[again.stage == stage].all() and won.sum() < size
    ]


class Stages(NamedTuple):
    """A stage is a contest, open or not; the last ones are empty. Stages x POOL, by stage, or by shown card."""

    at: Ints  # candidates
    chance: Floats
    won: Floats
    size: Ints  # by stage
    propensity: Floats  # by card, given those before it
    stage: Ints  # by card; -1 for one outside the draw


def placed_again(n: int, cards: Records, shown: list[dict[str, Any]], places: dict[str, int]) -> Stages:
    many = len(shown)
    stages = Stages(
        np.zeros((many, POOL), np.int64), np.zeros((many, POOL)), np.zeros((many, POOL)), np.zeros(many, np.int64),
        np.zeros(many), np.full(many, -1, np.int64),
    )  # fmt: skip
    at = np.array([places[card["key"]] for card in shown], np.int64)
    slots = np.array([CODES[card["slot"]] for card in shown], np.int64)
    place_again(n, at, slots, cards, drawing.pools(max(1, n), n + 1), stages)
    return stages


@kernel
def place_again(n: int, shown: Ints, slots: Ints, cards: Records, room: Pools, stages: Stages) -> None:
    """Place the shown cards one after the other, and note who else was in the pool.

    Ends where only repeated activities were left: there an activity may stand in a pool and on the slate at once.
    """
    start(n, cards, room.state, room.made)
    stage, wanted_before, slot_before, page_before, first = -1, -1, -1, -1, 0
    weights = np.zeros(POOL)
    for k in range(shown.shape[0]):
        if slots[k] == PINNED:
            settle(n, shown[k], cards, room.state)
            continue
        if still_left(n, room.state) != NEW:
            break
        wanted = PATTERN[k % 5]
        slot, page = open_pool(n, wanted, False, cards, room)
        if slot < 0:
            break
        if wanted != wanted_before or slot != slot_before or page != page_before:
            stage, first = stage + 1, k
            wanted_before, slot_before, page_before = wanted, slot, page
            size = room.size[slot, page]
            stages.size[stage] = members(
                room.at[slot, page, :size], room.weights[slot, page], room.state, stages.at[stage], weights
            )
        size = stages.size[stage]
        stages.stage[k] = stage
        stages.propensity[k] = winner(shown[k], stages.at[stage, :size], weights, room.state, stages.won[stage])
        settle(n, shown[k], cards, room.state)
        included(weights[:size], k - first + 1, stages.chance[stage])


@kernel
def members(pool: Ints, all_weights: Floats, state: Ints, at: Ints, weights: Floats) -> int:
    """Who of the pool is open when the stage begins, and with what weights."""
    size = 0
    for k in range(pool.shape[0]):
        if is_open(pool[k], False, state):
            at[size], weights[size] = pool[k], all_weights[k]
            size += 1
    return size


@kernel
def winner(card: int, at: Ints, weights: Floats, state: Ints, won: Floats) -> float:
    """Note who got the slot; its share of the weights of those still open, 0 for one who was not in the pool."""
    mine, total = 0.0, 0.0
    for k in range(at.shape[0]):
        if is_open(at[k], False, state):
            total += weights[k]
            if at[k] == card:
                mine = weights[k]
                won[k] = 1.0
    return mine / total if mine > 0 else 0.0


@kernel
def included(weights: Floats, slots: int, chance: Floats) -> None:
    """P(among the first `slots` of a Plackett-Luce draw), by adding up who could come first and second; at most IN_A_ROW."""
    size, total = weights.shape[0], weights.sum()
    chance[:] = 0.0
    take_next(weights, 1.0, total, -1, -1, chance)
    for j in range(size if slots > 1 else 0):
        left = total - weights[j]
        take_next(weights, weights[j] / total, left, j, -1, chance)
        for k in range(size if slots > 2 else 0):
            if k != j:
                take_next(weights, weights[j] / total * weights[k] / left, left - weights[k], j, k, chance)


@kernel
def take_next(weights: Floats, reached: float, left: float, first: int, second: int, chance: Floats) -> None:
    """Add the chance of the next slot, when `first` and `second` (-1 for nobody) have theirs, probability `reached`."""
    for i in range(weights.shape[0]):
        if i != first and i != second:
            chance[i] += reached * weights[i] / left
