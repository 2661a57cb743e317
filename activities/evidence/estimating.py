"""What doing an activity changes, from showings that were drawn by lot. Pure NumPy.

A row is one person on one day, the first slate of it. Of activity a, S is 1 when it won a place and h the chance it had,
given everything known before its draw (contests.py). D counts how often she did it over the horizon, u is the metric over
the horizon less her own average before. The centred showing z = S - h has mean 0 whatever she, her goals and the scores
are like, so

    sum z_a (u - sum_b e_b D_b) = 0    for every activity a                                                          (1)

holds at the effects e of *doing* (the estimand: units of the metric that one more completion brings within the horizon,
among those who complete it because it is shown; Imbens & Angrist 1994). This is an inverse-propensity-weighted difference:
z = h (1 - h) [S / h - (1 - S) / (1 - h)], IPW with overlap weights h (1 - h) (Li, Morgan & Zaslavsky 2018). Rows whose draw
was nearly decided weigh next to nothing; no weight exceeds 1, so none has to be clipped, and nothing is biased by clipping.

Why all activities at once: a slate has so many places, so who is shown takes another's. Comparing "shown" with "not shown"
alone would credit a card with its own effect less that of those it displaced: five equally good cards would all come out at
0. In (1) what the displaced ones would have brought is taken off. The same term makes it harmless that she is shown the card
on a later day after all: then D differs less as well. What showings cannot tell is the level common to all cards, unless
some compete that state no effect on the metric (theirs is 0 by definition); there the authors' level stands.

The prior: the author's e0 is worth N0 showings. With n showings, (1) for one activity gives e^ = sum zu / sum zD of variance
s^2 / n, where s^2 is what one showing tells; a prior of variance s^2 / N0 has the posterior mean (N0 e0 + n e^) / (N0 + n)
(Gelman et al., Bayesian Data Analysis 3, 2.5: s^2 cancels). For all at once, with M = sum z D' and d = e - e0:

    (M + L) d = sum z (u - D e0),    L = diag(N0 M_aa / n_a).

The share (M + L)^-1 L on the diagonal is what the author's estimate still counts for, 1 / (1 + n / N0) when nothing is
displaced; the weight of the exposures is n in that sense, and smaller where the data cannot tell two activities apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from distributors.blocks import Floats, Ints

Mask = npt.NDArray[np.bool_]

#: An effect is learned from this many showings on, and only when being shown clearly changes how often it is done: the
#: usual bound for an instrument that is not weak, F >= 10 (Staiger & Stock 1997).
LEAST = 30
CLEAR = 10.0


@dataclass(frozen=True)
class Sums:
    """Everything that estimates need of the rows seen so far: A activities, K metric keys. Bounded, whatever the log."""

    stated: Floats  # K x A: e0, in base money and natural units
    showings: Floats  # A: places won in an open contest
    done: Floats  # A x A: M = sum z_a D_b
    spread: Floats  # A: sum over people of (sum z_a D_a)^2
    moved: Floats  # K x A: sum z_a (u - D e0)
    noise: Floats  # K x A x A: sum over people of the products of their own sums z_a (u - D e0) and z_b (u - D e0)

    def add(self, z: Floats, won: Floats, done: Floats, moved: Floats, person: Ints) -> None:
        """Rows x A: centred showings, places won and completions; K x rows: u. `person` is in order, a number each."""
        if not len(z):
            return
        starts = np.flatnonzero(np.diff(person, prepend=person[0] - 1))
        did = np.add.reduceat(z * done, starts, axis=0)
        self.showings[:] += won.sum(axis=0)
        self.done[:] += z.T @ done
        self.spread[:] += (did**2).sum(axis=0)
        for k, u in enumerate(moved - self.stated @ done.T):
            mine = np.add.reduceat(z * u[:, None], starts, axis=0)
            self.moved[k] += mine.sum(axis=0)
            self.noise[k] += mine.T @ mine

    @property
    def clear(self) -> Mask:
        """Activities with showings enough whose showing clearly changes how often they are done."""
        did = np.diag(self.done)
        return (self.showings >= LEAST) & (did > 0) & (did**2 >= CLEAR * self.spread)


def nothing_yet(stated: Floats) -> Sums:
    keys, activities = stated.shape
    return Sums(
        stated, np.zeros(activities), np.zeros((activities, activities)), np.zeros(activities),
        np.zeros((keys, activities)), np.zeros((keys, activities, activities)),
    )  # fmt: skip


@dataclass(frozen=True)
class Effects:
    """K x A; NaN where nothing was learned."""

    mean: Floats  # posterior
    weight: Floats  # of the exposures, in showings
    # Standard error of the mean over other draws and people, clustered by person (the delta method of a ratio). Taken at the
    # authors' estimates, so a little too wide where these are far off.
    error: Floats


def estimate(sums: Sums, states: Mask, *, prior: float) -> Effects:
    """`states` (K x A): which activity states an effect on which metric; no other is learned. `prior`: N0."""
    found = Effects(*(np.full(sums.stated.shape, np.nan) for _ in range(3)))
    for k, stated in enumerate(sums.stated):
        at = np.flatnonzero(sums.clear & states[k])
        if not len(at):
            continue
        done, showings = sums.done[np.ix_(at, at)], sums.showings[at]
        did = np.diag(done)
        pull = prior * did / showings
        solved = np.linalg.inv(done + np.diag(pull))
        found.mean[k, at] = stated[at] + solved @ sums.moved[k, at]
        still_the_authors = np.diag(solved) * pull
        found.weight[k, at] = np.clip(prior / np.clip(still_the_authors, 1e-9, 1) - prior, 0, showings)
        found.error[k, at] = np.sqrt(np.diag(solved @ sums.noise[k][np.ix_(at, at)] @ solved.T))
    return found


def chance(stated: float, showings: float, done: float, *, prior: float) -> float:
    """P(done | shown) with a Beta prior worth `prior` showings: (N0 p0 + done) / (N0 + n), at most 1."""
    return min(1.0, (prior * stated + done) / (prior + showings))
