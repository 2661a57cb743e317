"""A logistic regression in a few lines, and how well a score tells two kinds apart: of the models that learn from the past."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .blocks import Floats

Mask = npt.NDArray[np.bool_]

#: Pulls weights of standardised features to 0 as one row would that says nothing.
RIDGE = 1.0
STEPS, HALVINGS, CLOSE = 50, 20, 1e-9


def standing(found: Floats, means: Floats, spreads: Floats) -> Floats:
    """Standardised, with a first column of ones."""
    return np.hstack([np.ones((len(found), 1)), (found - means) / spreads])


def spread_of(found: Floats) -> tuple[Floats, Floats]:
    """Means and spreads by column; 1 of a column that is the same for everybody."""
    spreads = found.std(axis=0)
    return found.mean(axis=0), np.where(spreads > 0, spreads, 1.0)


def newton(x: Floats, y: Mask, ridge: float = RIDGE, towards: Floats | None = None) -> Floats:
    """Weights of the penalised likelihood's maximum (Newton's steps are those of iteratively reweighted least squares).

    Weights are pulled to 0, but for the first one, which stands alone; with `towards` all of them are pulled to that.
    """
    pull = ridge * np.eye(x.shape[1])
    if towards is None:
        pull[0, 0] = 0.0
        goal = np.zeros(x.shape[1])
        # From the base rate on, so that no first step leaps over the maximum.
        weights = goal.copy()
        weights[0] = np.log((y.sum() + 0.5) / ((~y).sum() + 0.5))
    else:
        goal, weights = towards, towards.copy()
    missed = deviance(x, y, weights, pull, goal)
    for _step in range(STEPS):
        p = logistic(x @ weights)
        slope = x.T @ (y - p) - pull @ (weights - goal)
        step = np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + pull, slope)
        for _halving in range(HALVINGS):
            there = deviance(x, y, weights + step, pull, goal)
            if there <= missed:
                break
            step = step / 2
        weights, missed = weights + step, min(there, missed)
        if np.abs(step).max() < CLOSE:
            break
    return weights


def deviance(x: Floats, y: Mask, weights: Floats, pull: Floats, goal: Floats) -> float:
    """What the likelihood lacks, and what the weights cost."""
    z = x @ weights
    apart = weights - goal
    return float(np.logaddexp(0, np.where(y, -z, z)).sum() + apart @ pull @ apart / 2)


def logistic(z: Floats) -> Floats:
    return np.array(1 / (1 + np.exp(-np.clip(z, -30, 30))))


def auc(score: Floats, y: Mask) -> float:
    """How often somebody of `y` scores above somebody else; a tie counts half."""
    order = np.sort(score)
    rank = (np.searchsorted(order, score, "left") + np.searchsorted(order, score, "right") + 1) / 2
    many, others = int(y.sum()), int((~y).sum())
    return float((rank[y].sum() - many * (many + 1) / 2) / (many * others))
