"""BG/NBD: how often somebody orders while she is a customer, and whether she still is one (Fader, Hardie & Lee 2005).

While she is one, orders come at a rate of hers, gamma over customers (r, alpha); after each of them she may leave for good,
with a chance of hers, beta over customers (a, b). Of a customer it asks for three numbers in one unit of time:
x repeat orders, t_x from the first to the last order, T from the first order until now.

It explains, and is a feature of the ranking; it is not the ranking (ranking.md 3): of everybody with one order it says
that she is alive. `expected` is there for arrays and, the same to the last digits, for kernels.
"""

from __future__ import annotations

from math import exp, log
from typing import NamedTuple

import numpy as np

from .blocks import Floats
from .compiling import kernel

#: The expectation is a difference of equal numbers where a = 1 and where a + b + x = 1: that close to them it is taken beside.
BESIDE = 1e-5
#: Terms of a hypergeometric series: the last one adds less than this, and there are never more.
SMALLEST, MOST_TERMS = 1e-13, 2000
#: Where a fit starts: rates and chances of leaving that suit shops of many kinds.
STARTS = ((1.0, 1.0), (0.25, 0.5), (3.0, 1.0))
#: Parameters are at most so much, times in ages: beyond it everybody is alike, and the series lose their digits.
MOST = (20.0, 1e5, 100.0, 100.0)
SMALLEST_PARAMETER = 1e-5


class Parameters(NamedTuple):
    r: float
    alpha: float  # in the unit of time
    a: float
    b: float


def log_likelihood(found: Parameters, x: Floats, t_x: Floats, age: Floats) -> float:
    """Over all customers (equation 18 of the paper, in logarithms)."""
    from scipy.special import gammaln

    r, alpha, a, b = found
    ordered = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    stayed = gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
    still = -(r + x) * np.log(alpha + age)
    left = np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + t_x)
    return float(np.sum(ordered + stayed + np.logaddexp(still, np.where(x > 0, left, -np.inf))))


def fit(x: Floats, t_x: Floats, age: Floats) -> Parameters:
    """Maximum likelihood. Customers who are alike are counted once; raises ValueError without any."""
    if not len(x):
        raise ValueError("BG/NBD needs customers.")
    from scipy.optimize import minimize

    kinds, many = np.unique(np.stack([x, t_x, age], axis=1), axis=0, return_counts=True)
    unit = max(float(kinds[:, 2].mean()), 1e-9)  # time in ages, so that one start suits every unit
    x, t_x, age = kinds[:, 0], kinds[:, 1] / unit, kinds[:, 2] / unit

    def missed(logs: Floats) -> tuple[float, Floats]:
        return slope(np.exp(logs), x, t_x, age, many / many.sum())

    found = [
        minimize(
            missed, np.log([rate, rate / pace(x, age), leaving, 2 * leaving]), jac=True, method="L-BFGS-B",
            bounds=[(log(SMALLEST_PARAMETER), log(most)) for most in MOST], options={"maxiter": 1000, "ftol": 1e-14, "gtol": 1e-9},
        )
        for rate, leaving in STARTS
    ]  # fmt: skip
    r, alpha, a, b = np.exp(min(found, key=lambda one: float(one.fun)).x).tolist()
    return Parameters(r, alpha * unit, a, b)


def pace(x: Floats, age: Floats) -> float:
    """Repeat orders in a unit of time, over everybody; a little where there was none."""
    return float((x.sum() + 0.5) / max(age.sum(), 1e-9))


def slope(found: Floats, x: Floats, t_x: Floats, age: Floats, share: Floats) -> tuple[float, Floats]:
    """The mean of what is missing to a log-likelihood of 0, and its derivatives by the logarithms of the parameters."""
    from scipy.special import digamma, gammaln

    r, alpha, a, b = found
    again = x > 0
    before = np.maximum(x, 1) - 1
    ordered = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    stayed = gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
    still = -(r + x) * np.log(alpha + age)
    left = np.where(again, np.log(a) - np.log(b + before) - (r + x) * np.log(alpha + t_x), -np.inf)
    both = np.logaddexp(still, left)
    gone = np.exp(left - both)
    here = 1 - gone
    by_r = digamma(r + x) - digamma(r) + np.log(alpha) - here * np.log(alpha + age) - gone * np.log(alpha + t_x)
    by_alpha = r / alpha - (r + x) * (here / (alpha + age) + gone / (alpha + t_x))
    by_a = digamma(a + b) - digamma(a + b + x) + gone / a
    by_b = digamma(a + b) + digamma(b + x) - digamma(b) - digamma(a + b + x) - gone / (b + before)
    told = -float(share @ (ordered + stayed + both))
    return told, -np.array([share @ by_r, share @ by_alpha, share @ by_a, share @ by_b]) * found


def alive(found: Parameters, x: Floats, t_x: Floats, age: Floats) -> Floats:
    """P(she is still a customer); 1 for everybody who ordered once."""
    r, alpha, a, b = found
    odds = a / (b + np.maximum(x, 1) - 1) * ((alpha + age) / (alpha + t_x)) ** (r + x)
    return np.array(np.where(x > 0, 1 / (1 + odds), 1.0))


def expected(found: Parameters, x: Floats, t_x: Floats, age: Floats, span: float) -> Floats:
    """Orders in the next `span` (equation 10 of the paper). The series is Euler's transform of it, which ends soon:

    E = c / (a - 1) [1 - (1 - z)^(a - 1) 2F1(a + b - 1 - r, a - 1; c; z)] P(alive),  c = a + b + x - 1, z = span / (alpha + T + span)
    """
    r, alpha, a, b = found
    a = a if abs(a - 1) > BESIDE else 1 + BESIDE
    c = a + b + x - 1
    c = np.where(np.abs(c) > BESIDE, c, BESIDE)
    z = span / (alpha + age + span)
    total, term = np.ones(len(x)), np.ones(len(x))
    for n in range(MOST_TERMS):
        term = term * ((a + b - 1 - r + n) * (a - 1 + n) / ((c + n) * (1 + n)) * z)
        total = total + term
        # Each series ends by itself, as in a kernel.
        term = np.where(np.abs(term) < SMALLEST, 0.0, term)
        if not term.any():
            break
    odds = a / (b + np.maximum(x, 1) - 1) * np.exp((r + x) * np.log((alpha + age) / (alpha + t_x)))
    stays = np.where(x > 0, 1 + odds, 1.0)
    return np.maximum(0.0, c / (a - 1) * (1 - np.exp((a - 1) * np.log(1 - z)) * total) / stays)


@kernel
def expected_of(r: float, alpha: float, a: float, b: float, x: float, t_x: float, age: float, span: float) -> float:
    """`expected` of one customer."""
    if abs(a - 1) <= BESIDE:
        a = 1 + BESIDE
    c = a + b + x - 1
    if abs(c) <= BESIDE:
        c = BESIDE
    z = span / (alpha + age + span)
    total, term = 1.0, 1.0
    for n in range(MOST_TERMS):
        term *= (a + b - 1 - r + n) * (a - 1 + n) / ((c + n) * (1 + n)) * z  # as above, so that it rounds alike
        total += term
        if abs(term) < SMALLEST:
            break
    odds = 0.0
    if x > 0:
        odds = a / (b + x - 1) * exp((r + x) * log((alpha + age) / (alpha + t_x)))
    return max(0.0, c / (a - 1) * (1 - exp((a - 1) * log(1 - z)) * total) / (1 + odds))
