"""Columns for the compiled scoring and drawing, without a database."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from activities.ranking import scoring
from activities.ranking.blocks import ACTIVITY, KEY, Catalogue, Steering
from activities.ranking.scoring import Cards


def catalogue(effects: dict[str, Sequence[float]]) -> Catalogue:
    """One activity a column entry, one key each; no money, no lines."""
    n, k = len(next(iter(effects.values()))), len(effects)
    activity, key = np.zeros(n, ACTIVITY), np.zeros(k, KEY)
    activity["id"], activity["about"], activity["p"], activity["wanted"] = np.arange(n) + 1, -1, 1, 1
    key["metric"] = np.arange(k)
    matrix = np.array(list(effects.values()), float).T.copy()
    return Catalogue(activity, key, matrix, np.ones(1), np.ones((1, n), np.uint8), np.ones((1, n), np.uint8))


def steering(keys: Sequence[int], weights: Sequence[float], scales: Sequence[float], share: float = 0.6) -> Steering:
    """One row for one person; weights need not sum to 1."""
    total = sum(weights)
    row = np.array([[w / total for w in weights]]).reshape(1, -1)
    return Steering(
        np.array([keys], np.int64).reshape(1, -1), row, np.ones(row.shape), np.array([scales], float).reshape(1, -1),
        np.array([share]), 0.056, np.zeros(1, np.int64),
    )  # fmt: skip


def cards(n: int, goals: int, kpis: int, **columns: object) -> Cards:
    """Card i is of activity i, about nobody, shown for sure."""
    found = scoring.cards(n, goals, kpis)
    found.card["activity"] = np.arange(n)
    found.card["due"] = -1
    found.card["p"] = found.card["stretch"] = 1.0
    for name, values in columns.items():
        found.card[name] = values
    return found


def about(found: Cards, people: Sequence[str]) -> None:
    """Names such as "c1" or "Maria" to kinds and ids; empty for nobody."""
    names = {name: i + 1 for i, name in enumerate(dict.fromkeys(filter(None, people)))}
    found.card["kind"] = [1 if name else 0 for name in people]
    found.card["about"] = [names.get(name, 0) for name in people]


def goal(found: Cards, g: int, tau: Sequence[float], left: float, survival: Callable[[float], float]) -> None:
    """dP and the share of the gap, as scoring.goal_moves fills them, for any chance."""
    now = survival(left) if left > 0 else 1.0
    for i, t in enumerate(tau):
        if left > 0 and t != 0:
            found.gains[i, g] = (survival(left - t) if t < left else 1.0) - now
            found.shares[i, g] = min(1.0, t / left)


def kpis(found: Cards, catalogue: Catalogue, steering: Steering, share: float) -> None:
    """What the company's priorities come to, as kernel.score fills it; a key of -1 is moved by nothing."""
    n = len(found.card)
    tau = np.zeros(n)
    for j, key in enumerate(steering.key[0]):
        if key >= 0:
            scoring.shown_effects(n, key, 1.0, found.card, catalogue.key, catalogue.effects, tau)
            scoring.kpi_moves(n, j, tau, share, 0, steering, found.by_kpi)


def add_up(found: Cards, weights: np.ndarray, share: float, own_scale: float) -> None:
    scoring.add_up(len(found.card), weights, share, own_scale, found.card, found.gains, found.shares, found.by_kpi)
