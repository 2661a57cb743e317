"""BG/NBD as published: on the CDNOW data the figures of Fader, Hardie & Lee (2005), to the digits they print."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from scipy.special import hyp2f1

from distributors import bgnbd
from distributors.bgnbd import Parameters
from distributors.blocks import Floats

PUBLISHED = Parameters(0.2426, 4.4135, 0.7929, 2.4258)


@pytest.fixture(scope="module")
def cdnow() -> tuple[Floats, Floats, Floats]:
    """x, t_x, T of 2,357 customers, in weeks. The package is read, never imported: it is unmaintained."""
    spec = find_spec("lifetimes")
    assert spec and spec.submodule_search_locations, "The extra `data` is not installed: pip install lifetimes."
    path = Path(spec.submodule_search_locations[0]) / "datasets" / "cdnow_customers_summary.csv"
    rows = np.loadtxt(path, delimiter=",", skiprows=1)
    return rows[:, 1], rows[:, 2], rows[:, 3]


def test_it_works(cdnow: tuple[Floats, Floats, Floats]) -> None:
    found = bgnbd.fit(*cdnow)
    assert len(cdnow[0]) == 2357
    assert tuple(round(one, 4) for one in found) == PUBLISHED
    assert round(bgnbd.log_likelihood(found, *cdnow), 2) == -9582.43


def test_it_does_not_depend_on_the_unit_of_time(cdnow: tuple[Floats, Floats, Floats]) -> None:
    x, last, age = cdnow
    found = bgnbd.fit(x, 7 * last, 7 * age)
    assert round(found.alpha / 7, 3) == 4.414
    assert (round(found.r, 3), round(found.a, 3), round(found.b, 2)) == (0.243, 0.793, 2.43)


def test_the_slope_is_that_of_the_likelihood(cdnow: tuple[Floats, Floats, Floats]) -> None:
    share = np.full(2357, 1 / 2357)
    logs = np.log([0.4, 6.0, 0.7, 1.9])
    _missed, slope = bgnbd.slope(np.exp(logs), *cdnow, share)
    for i in range(4):
        ahead, behind = logs.copy(), logs.copy()
        ahead[i] += 1e-6
        behind[i] -= 1e-6
        measured = bgnbd.slope(np.exp(ahead), *cdnow, share)[0] - bgnbd.slope(np.exp(behind), *cdnow, share)[0]
        assert slope[i] == pytest.approx(measured / 2e-6, rel=1e-5)


def test_what_is_expected_of_the_papers_customer() -> None:
    """x = 2, t_x = 30.43, T = 38.86: 1.226 in the next 39 weeks."""
    one = np.array([2.0]), np.array([30.43]), np.array([38.86])
    assert bgnbd.expected(PUBLISHED, *one, 39.0)[0] == pytest.approx(1.226, abs=5e-4)


@pytest.mark.parametrize("a", [0.3, 0.7929, 1.0, 1.7, 4.0])
def test_the_series_is_the_formula_of_the_paper(a: float) -> None:
    dice = np.random.default_rng(4)
    found = Parameters(0.6, 9.0, a, 0.8)
    x = dice.integers(0, 30, 500).astype(float)
    age = dice.uniform(1, 400, 500)
    last = np.where(x > 0, age * dice.uniform(0.1, 1, 500), 0.0)
    used = a if a != 1 else 1 + bgnbd.BESIDE
    r, alpha, _a, b = found
    series = hyp2f1(r + x, b + x, used + b + x - 1, 28 / (alpha + age + 28))
    lost = 1 - ((alpha + age) / (alpha + age + 28)) ** (r + x) * series
    wanted = (used + b + x - 1) / (used - 1) * lost * bgnbd.alive(found._replace(a=used), x, last, age)
    assert np.allclose(bgnbd.expected(found, x, last, age, 28.0), wanted, rtol=1e-6, atol=1e-9)


def test_kernels_work_out_the_same() -> None:
    dice = np.random.default_rng(5)
    for _case in range(300):
        found = Parameters(*np.exp(dice.uniform(-3, 3, 4)).tolist())
        x, age = float(dice.integers(0, 40)), float(dice.integers(0, 1500))
        last = float(int(age * dice.uniform(0, 1))) if x else 0.0
        given = bgnbd.expected(found, np.array([x]), np.array([last]), np.array([age]), 28.0)[0]
        assert bgnbd.expected_of(*found, x, last, age, 28.0) == pytest.approx(given, rel=1e-12, abs=1e-15)


def test_who_ordered_once_is_alive_for_sure() -> None:
    """Which is why it does not rank them."""
    some = np.array([0.0, 3.0]), np.array([0.0, 10.0]), np.array([300.0, 300.0])
    once, often = bgnbd.alive(PUBLISHED, *some)
    assert once == 1 and often < 0.1


def test_it_finds_the_parameters_that_made_the_customers() -> None:
    """12,000 simulated ones, over a year."""
    dice = np.random.default_rng(6)
    n, truth = 12_000, Parameters(0.8, 30.0, 0.9, 3.0)
    rate, leaving = dice.gamma(truth.r, 1 / truth.alpha, n), dice.beta(truth.a, truth.b, n)
    x, last, here = np.zeros(n), np.zeros(n), np.ones(n, bool)
    at = np.zeros(n)
    while here.any():
        at = at + dice.exponential(1 / rate)
        here &= at <= 365
        x[here] += 1
        last[here] = at[here]
        here &= dice.uniform(size=n) > leaving
    found = bgnbd.fit(x, last, np.full(n, 365.0))
    assert found.r == pytest.approx(truth.r, rel=0.15)
    assert found.alpha == pytest.approx(truth.alpha, rel=0.2)
    assert found.a / (found.a + found.b) == pytest.approx(truth.a / (truth.a + truth.b), rel=0.2)


def test_customers_who_never_came_back_can_be_fitted() -> None:
    found = bgnbd.fit(np.zeros(50), np.zeros(50), np.full(50, 100.0))
    some = np.zeros(1), np.zeros(1), np.full(1, 100.0)
    assert np.isfinite(found).all() and 0 <= bgnbd.expected(found, *some, 28.0)[0] < 0.1


def test_without_customers_there_is_nothing_to_fit() -> None:
    with pytest.raises(ValueError, match="needs customers"):
        bgnbd.fit(np.zeros(0), np.zeros(0), np.zeros(0))
