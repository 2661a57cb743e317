"""What something changed, from two groups of people that the lot made. Pure NumPy (ranking.md 7).

People of one sponsor are in the same group, as what one of them learns reaches the others. So teams are what was drawn, and
whatever is said here of chance is said of teams: the variance of the difference is taken between teams (cluster-robust,
Liang & Zeger 1986), and so is the check that the lot fell as it should.

Outcomes are winsorised at 99.5 %, so that one lucky order decides nothing, and what somebody made before is taken off as far
as it foretells what she makes now (CUPED: Deng et al. 2013). The ranges hold however often somebody looks (the mixture
sequential ratio test of Johari et al. 2017): a 95 % range of a difference that is none leaves out 0 at no look at all in 95
of 100 experiments. Below 200 people or 30 teams a side there is no figure.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import erfc, log, sqrt

import numpy as np
import numpy.typing as npt

from distributors.blocks import Floats, Ints

Mask = npt.NDArray[np.bool_]

LEAST_PEOPLE, LEAST_TEAMS = 200, 30
#: Outcomes above this quantile count as it.
WINSOR = 0.995
#: The range holds in 95 of 100 experiments at every look; the likelier two thirds are so many errors to either side today.
ALPHA, TWO_THIRDS = 0.05, 0.9674215661017012
#: The differences that the ranges are narrowest for, as a part of the mean without: t of ranking.md.
TUNED = 0.10
#: A lot that fell like this or worse happens once in a thousand times: something else than the lot sorted people.
ODD = 0.001
#: 80 of 100 experiments find the smallest detectable difference.
POWER = 0.8416212335729143


class Verdict(StrEnum):
    UP = "up"
    DOWN = "down"
    CANNOT_TELL = "cannot tell yet"
    NO_CHANGE = "no clear change"


class TooFewError(ValueError):
    """Too few people or teams on one of the sides."""


class OddLotError(ValueError):
    """So many more or fewer teams on a side than the lot would give: no figure can be believed."""


@dataclass(frozen=True)
class Arms:
    """n people: what each made after, what she made before, whether she got it, and her team."""

    after: Floats
    before: Floats
    got: Mask
    team: Ints

    @property
    def sides(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """People and teams of those who got it, and of those held back."""
        return tuple((int(mask.sum()), len(np.unique(self.team[mask]))) for mask in (self.got, ~self.got))  # type: ignore[return-value]


@dataclass(frozen=True)
class Lift:
    """The difference of the means a person, got less held back, in the outcome's unit; V its variance over other lots."""

    got: float  # the mean of those who got it
    held_back: float
    difference: float
    variance: float

    @property
    def tuned(self) -> float:
        """t squared, in the outcome's unit."""
        return (TUNED * self.held_back) ** 2

    @property
    def error(self) -> float:
        return sqrt(self.variance)

    @property
    def half(self) -> float:
        """Of the 95 % range."""
        return always_valid(self.variance, self.tuned, ALPHA)

    @property
    def inner(self) -> float:
        """Half of the range of the likelier two thirds, as of this look."""
        return TWO_THIRDS * self.error

    @property
    def low(self) -> float:
        return self.difference - self.half

    @property
    def high(self) -> float:
        return self.difference + self.half

    @property
    def detectable(self) -> float:
        """The smallest difference that 80 of 100 experiments of this size would find, at this look."""
        return self.half + POWER * self.error

    @property
    def verdict(self) -> Verdict:
        """No clear change: whatever it is, it is less than a tenth of what those without make."""
        if self.low > 0:
            return Verdict.UP
        if self.high < 0:
            return Verdict.DOWN
        small = max(abs(self.low), abs(self.high)) <= TUNED * abs(self.held_back)
        return Verdict.NO_CHANGE if small else Verdict.CANNOT_TELL


def lift(arms: Arms, share_held_back: float) -> Lift:
    """Raises TooFewError, OddLotError; `share_held_back` is what the lot was to hold back, 0 to 1."""
    sides = arms.sides
    if min(people for people, _teams in sides) < LEAST_PEOPLE or min(teams for _people, teams in sides) < LEAST_TEAMS:
        raise TooFewError
    if odds_of_lot(sides[0][1], sides[1][1], share_held_back) < ODD:
        raise OddLotError
    after, before = winsorised(arms.after), winsorised(arms.before)
    left = cuped(after, before, arms.got)
    got, held = left[arms.got].mean(), left[~arms.got].mean()
    return Lift(float(got), float(held), float(got - held), clustered(left, arms.got, arms.team))


def winsorised(made: Floats) -> Floats:
    """Both sides by the same bound: what is large counts as the quantile."""
    return np.minimum(made, np.quantile(made, WINSOR))


def cuped(after: Floats, before: Floats, got: Mask) -> Floats:
    """After, less what before foretells of it; how much it does is taken within the sides, so that no effect is taken off."""
    y, x = within(after, got), within(before, got)
    spread = float(x @ x)
    theta = float(x @ y) / spread if spread > 0 else 0.0
    return np.array(after - theta * (before - before.mean()))


def within(made: Floats, got: Mask) -> Floats:
    """Less the mean of her own side."""
    return np.array(made - np.where(got, made[got].mean(), made[~got].mean()))


def clustered(made: Floats, got: Mask, team: Ints) -> float:
    """The variance of the difference of the means, between teams. Of teams of one it is that of Welch's test."""
    _names, place = np.unique(team, return_inverse=True)
    score = np.zeros(len(_names))
    for side, sign in ((got, 1.0), (~got, -1.0)):
        sums = np.bincount(place[side], made[side] - made[side].mean(), len(score)) / side.sum()
        teams = len(np.unique(place[side]))
        # As n - 1 of a variance: the mean was taken from the same teams.
        score += sign * sqrt(teams / (teams - 1)) * sums
    return float(score @ score)


def always_valid(variance: float, tuned: float, alpha: float) -> float:
    """Half of a range that holds at every look: sqrt( V (V + t2) / t2 * ln( (V + t2) / (V a^2) ) ). Infinite without a scale."""
    if tuned <= 0:
        return float("inf")
    if variance <= 0:
        return 0.0
    return sqrt(variance * (variance + tuned) / tuned * log((variance + tuned) / (variance * alpha**2)))


def odds_of_lot(got: int, held_back: int, share_held_back: float) -> float:
    """How likely teams would be sorted as unevenly or more, had the lot done it (Pearson's test of one degree)."""
    many = got + held_back
    expected = many * share_held_back
    if not 0 < share_held_back < 1 or not many:
        return 0.0 if held_back else 1.0
    chi = (held_back - expected) ** 2 / expected + (got - (many - expected)) ** 2 / (many - expected)
    return erfc(sqrt(chi / 2))
