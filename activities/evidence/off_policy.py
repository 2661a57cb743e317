"""What lists that were drawn with some weights say about lists drawn with others. Pure NumPy.

Of list i, w_ik is how much likelier the first k of its cards are with the other weights than they were: the product of
target / logged over places 1..k, each given the cards before it. Whether the k-th card is done may hang on those above it and
on nothing below, so the reward of place k is weighed by w_ik, not by the ratio of the whole list, which would swing more for
nothing (McInerney et al. 2020, reward interaction inverse propensity scoring). Each place is normalised by its own weights

    V = sum_k  sum_i w_ik r_ik / sum_i w_ik,

so that an estimate never leaves what rewards can be, and ratios that are all too large or too small cancel
(Swaminathan & Joachims 2015). The bias of that is of the order of 1 / n, as for every ratio.

Error: a ratio moves with list i by w_ik (r_ik - V_k) / sum_i w_ik to the first order. What one person's lists move is added
up before it is squared, since she is herself on each of them (linearisation, clustered).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from distributors.blocks import Floats, Ints

#: The normal's, for 95 of 100 intervals.
STANDARD_ERRORS = 1.959964


@dataclass(frozen=True)
class Estimate:
    """Of n lists; rewards are per list."""

    was: float  # the plain mean
    would_be: float
    error: float  # standard error of the difference, over other draws and other people
    effective: float  # lists drawn with the other weights that would say as much
    lists: int
    people: int

    @property
    def difference(self) -> float:
        return self.would_be - self.was

    @property
    def low(self) -> float:
        """Of the difference, 95 %."""
        return self.difference - STANDARD_ERRORS * self.error

    @property
    def high(self) -> float:
        return self.difference + STANDARD_ERRORS * self.error


def estimate(weights: Floats, reward: Floats, person: Ints) -> Estimate:
    """Lists x places; `person`: a number for each list's. Every place needs some weight (effective_size above 0)."""
    would_be, moves = self_normalised(weights, reward)
    was = reward.sum(axis=1)
    moves_was = (was - was.mean()) / len(was)
    return Estimate(
        float(was.mean()), would_be, clustered_error(moves - moves_was, person), effective_size(weights), len(was),
        len(np.unique(person)),
    )  # fmt: skip


def cumulative(target: Floats, logged: Floats) -> Floats:
    """w, lists x places, of the chances of each shown card given those above it; 1 and 1 where no lot was drawn."""
    return np.asarray(np.cumprod(target / logged, axis=1), np.float64)


def effective_size(weights: Floats) -> float:
    """(sum w)^2 / sum w^2 of the place that has the least (Kish): as many lists would say as much if all counted alike."""
    squares = (weights**2).sum(axis=0)
    return float(np.divide(weights.sum(axis=0) ** 2, squares, out=np.zeros(len(squares)), where=squares > 0).min())


def self_normalised(weights: Floats, reward: Floats) -> tuple[float, Floats]:
    """The reward of a list, and by how much each list moves it."""
    total = weights.sum(axis=0)
    by_place = (weights * reward).sum(axis=0) / total
    return float(by_place.sum()), (weights * (reward - by_place) / total).sum(axis=1)


def clustered_error(moves: Floats, person: Ints) -> float:
    """Standard error of a sum of what lists move; infinite of one person."""
    _ids, at = np.unique(person, return_inverse=True)
    theirs = np.bincount(at, moves)
    many = len(theirs)
    return float(np.sqrt(many / (many - 1) * (theirs**2).sum())) if many > 1 else np.inf
