"""The score of a card, formulas of ranking.md 2, compiled: one definition for a page read and for a million people.

    S = alpha U~ + (1 - alpha) K + lambda L - F + B

The functions fill columns of Cards for the n candidates of one person. Nothing here reads a clock or a database. What is
drawn from scores is drawing.py, where candidates come from is kernel.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from distributors.blocks import Floats, Outlooks, Spread
from distributors.chances import survival
from distributors.compiling import kernel
from distributors.records import Records

from .blocks import Steering

SKILL_WEIGHT = 0.25  # lambda
FATIGUE_WEIGHT = 0.01  # gamma: a card shown every day for two weeks loses about .1
BOOST_LIMIT = 0.1
OWN_SHARE_FLOOR = 0.5  # alpha is never below: company weights cannot crowd out her own goals

#: A candidate. `activity` is an index in the catalogue; `kind` 0 about nobody, 1 a customer, 2 a recruit (`about` her id);
#: `due` an index among the person's dues, -1 for nobody; `barred` by a rule: scored, never drawn; `stretch` this customer's
#: orders over her customers', of sales; `gap` max_s iota_s (m* - m_s)+ / m*; `exposure` the sum of 0.5^(days/15) over
#: earlier days it was shown; `boost` B before it is bounded. Then the weighted terms (`learned` is lambda L, `fatigue` zero or
#: negative) and their sum.
CARD = np.dtype(
    [("activity", "i8"), ("kind", "i8"), ("about", "i8"), ("due", "i8"), ("learning", "i8"), ("barred", "i8"), ("p", "f8"),
     ("stretch", "f8"), ("gap", "f8"), ("exposure", "f8"), ("boost", "f8"), ("own", "f8"), ("company", "f8"),
     ("learned", "f8"), ("fatigue", "f8"), ("rules", "f8"), ("score", "f8")]
)  # fmt: skip


class Cards(NamedTuple):
    """Room for the C candidates of one person, G of her goals and J of the company's KPIs."""

    card: Records  # CARD
    gains: Floats  # C x G: dP_g
    shares: Floats  # C x G: min(1, tau_g / R_g)
    by_kpi: Floats  # C x J: (1 - alpha) w_k clip(direction tau_k / s_k, -1, 1)


def cards(room: int, goals: int, kpis: int) -> Cards:
    return Cards(np.zeros(room, CARD), np.zeros((room, goals)), np.zeros((room, goals)), np.zeros((room, kpis)))


@kernel
def key_of(metric: int, line: int, keys: Records) -> int:
    """Where a goal's metric is among the catalogue's keys; -1 when no activity moves it."""
    for k in range(keys.shape[0]):
        if keys[k].metric == metric and keys[k].line == line:
            return k
    return -1


@kernel
def shown_effects(n: int, key: int, price: float, cards: Records, keys: Records, effects: Floats, tau: Floats) -> None:
    """tau = p e of every card: the effect of showing it on one metric, in the market's money, for a customer of this size."""
    unit, sales = price if keys[key].money else 1.0, keys[key].sales
    for i in range(n):
        e = effects[cards[i].activity, key]
        tau[i] = cards[i].p * e * unit * (cards[i].stretch if sales else 1.0) if e != 0.0 else 0.0


@kernel
def goal_moves(n: int, g: int, tau: Floats, outlook: Outlooks, spread: Spread, gains: Floats, shares: Floats) -> None:
    """dP_g = P(X >= R - tau) - P(X >= R) and min(1, tau / R) of every card; a goal already reached gains nothing."""
    left = outlook.left[g]
    now = survival(left, g, outlook, spread)
    before, before_then = 0.0, 0.0
    for i in range(n):
        t = tau[i]
        if t == 0.0 or left <= 0:
            gains[i, g] = 0.0
            shares[i, g] = 0.0
            continue
        # The same activity about the next customer often moves as much.
        if t != before:
            before, before_then = t, survival(left - t, g, outlook, spread)
        gains[i, g] = before_then - now
        shares[i, g] = min(1.0, t / left)


@kernel
def nothing(n: int, column: int, values: Floats) -> None:
    for i in range(n):
        values[i, column] = 0.0


@kernel
def kpi_moves(n: int, j: int, tau: Floats, share: float, row: int, steering: Steering, by_kpi: Floats) -> None:
    """(1 - alpha) w_k clip(direction tau_k / s_k, -1, 1) of every card."""
    weight, direction, scale = (1 - share) * steering.weight[row, j], steering.direction[row, j], steering.scale[row, j]
    for i in range(n):
        by_kpi[i, j] = weight * max(-1.0, min(1.0, direction * tau[i] / scale))


@kernel
def add_up(
    n: int,
    weights: Floats,
    share: float,
    own_scale: float,
    cards: Records,
    gains: Floats,
    shares: Floats,
    by_kpi: Floats,
) -> None:
    """The weighted terms of every card and their sum. `weights`: of her goals, summing to 1; `share`: alpha."""
    for i in range(n):
        card, utility, company = cards[i], 0.0, 0.0
        for g in range(weights.shape[0]):
            utility += weights[g] * (0.5 * gains[i, g] + 0.5 * shares[i, g])
        for j in range(by_kpi.shape[1]):
            company += by_kpi[i, j]
        card.own = share * min(1.0, utility / own_scale)
        card.company = company
        card.learned = SKILL_WEIGHT * card.p * card.gap
        card.fatigue = 0.0 - FATIGUE_WEIGHT * card.exposure
        card.rules = max(-BOOST_LIMIT, min(BOOST_LIMIT, card.boost))
        card.score = card.own + card.company + card.learned + card.fatigue + card.rules


@kernel
def normalised(goals: int, outlook: Outlooks, weights: Floats) -> None:
    """Her running goals' weights, summing to 1, into `weights`; 0 for the others."""
    total = 0.0
    for g in range(goals):
        if outlook.running[g]:
            total += outlook.weight[g]
    for g in range(goals):
        weights[g] = outlook.weight[g] / total if outlook.running[g] and total > 0 else 0.0


class Terms(NamedTuple):
    """The columns of the n candidates of one person as pages read them; see CARD. `gains`, `shares`: n x goals."""

    own: Floats
    company: Floats
    learning: Floats
    fatigue: Floats
    rules: Floats
    score: Floats
    gains: Floats
    shares: Floats
    by_kpi: Floats  # n x KPIs

    @property
    def without_company(self) -> Floats:
        return self.own + self.learning + self.fatigue + self.rules


def terms_of(n: int, found: Cards) -> Terms:
    card = found.card[:n]
    return Terms(
        card["own"], card["company"], card["learned"], card["fatigue"], card["rules"], card["score"],
        found.gains[:n], found.shares[:n], found.by_kpi[:n],
    )  # fmt: skip


def ranks(scores: Floats, people: Sequence[str]) -> npt.NDArray[np.int64]:
    """1 for the best, ties sharing the better rank. A person counts once, by her best; `people` are empty for nobody."""
    best: dict[str, float] = {}
    for n, (who, score) in enumerate(zip(people, scores.tolist(), strict=True)):
        name = who or f"#{n}"
        best[name] = max(best.get(name, score), score)
    others = np.sort(-np.array(list(best.values()), dtype=np.float64))
    return np.searchsorted(others, -scores, side="left") + 1


def ranks_without_company(terms: Terms, people: Sequence[str]) -> npt.NDArray[np.int64]:
    """The same without the company's term."""
    return ranks(terms.without_company, people)


def company_share(terms: Terms, index: int) -> int:
    """Percent of what speaks for the card that comes from the company, floored; 0 when not positive."""
    speaking = sum(max(0.0, float(part[index])) for part in (terms.own, terms.company, terms.learning, terms.rules))
    return int(100 * float(terms.company[index]) / speaking) if terms.company[index] > 0 else 0
