"""The chance that her sales halve: what it is fitted on is over by then, and it is told only when it tells anything."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from distributors import decline, logit
from distributors.decline import FITTED, MEASURED, SOLD, SPAN, WEEKS, Past
from distributors.models import DeclineFit, Distributor, Measure
from tests import factories as make
from tests.factories import NOW, TODAY
from tests.facts import block_of

ROWS = SOLD.newbyteorder("=")


def past(sales: list[tuple[int, int, float]], people: int = 1, **fields: Any) -> Past:
    """Sales as (place, age, amount), each an order."""
    sold = np.zeros(2 * len(sales), ROWS)
    for n, (place, age, amount) in enumerate(sales):
        sold[2 * n] = place, age, 0, amount
        sold[2 * n + 1] = place, age, 1, 1
    given = {"joined": np.full(people, 1000), "left": np.full(people, -1), "price": np.ones(people)}
    return Past(sold, **given | fields)


def field(people: int, days: int = 300, seed: int = 1, **fields: Any) -> list[Distributor]:
    """The first half orders every few days, the others now and then and much: theirs swing."""
    dice, market = np.random.default_rng(seed), make.market(**fields)
    rows = Distributor.objects.bulk_create(
        Distributor(external_id=f"d{make.number()}", name="Dora", market=market, joined_on=TODAY - timedelta(days=400))
        for _ in range(people)
    )
    made = []
    for place, one in enumerate(rows):
        often = 0.3 if place < people // 2 else 0.05
        for back in np.flatnonzero(dice.random(days) < often).tolist():
            day, amount = TODAY - timedelta(days=1 + back), Decimal(round(float(dice.uniform(10, 60)), 2))
            made += [(one, "sales", day, amount * market.price_level), (one, "orders", day, 1)]
    Measure.objects.bulk_create(
        Measure(distributor=one, metric=metric, day=day, value=value) for one, metric, day, value in made
    )
    return rows


def chances(people: list[Distributor]) -> Any:
    return decline.column(block_of(people, NOW)).values


def good_fit(**fields: Any) -> DeclineFit:
    """Says 50 to everybody, unless told otherwise."""
    many = len(decline.FEATURES)
    values = {
        "features": list(decline.FEATURES),
        "weights": [0.0] * (many + 1),
        "means": [0.0] * many,
        "spreads": [1.0] * many,
    }
    return DeclineFit.objects.create(
        **{"fitted_at": NOW, "people": 1000, "auc": 0.7, "baseline_auc": 0.6, "values": values} | fields
    )  # fmt: skip


@pytest.mark.django_db
def test_it_works() -> None:
    people = field(500)
    fit = decline.fit(NOW)
    assert fit.people > 490 and fit.auc is not None and fit.baseline_auc is not None
    assert decline.is_good(fit) and fit.auc > 0.7
    found = chances(people)
    steady, swinging = found[:250], found[250:]
    assert not np.isnan(steady).any()
    assert ((steady >= 0) & (steady <= 100)).all()
    assert np.nanmean(swinging) > 2 * steady.mean()
    # As many as come of it: the halves of the next four weeks in a world that goes on like this.
    some = decline.past_of([one.pk for one in people], TODAY - timedelta(days=1))
    came = decline.rows(some, (SPAN,)).halved.mean()
    assert np.nanmean(found) / 100 == pytest.approx(came, abs=0.06)


@pytest.mark.django_db
def test_until_a_fit_is_good_it_is_unknown_for_everybody() -> None:
    people = field(4, days=60)
    assert np.isnan(chances(people)).all()
    good_fit()
    assert chances(people)[0] == 50
    for wrong in (
        {"auc": 0.6}, {"auc": None}, {"baseline_auc": None}, {"values": {}}, {"values": {"features": ["sales_28"]}},
    ):  # fmt: skip
        good_fit(**wrong)
        assert np.isnan(chances(people)).all()


@pytest.mark.django_db
def test_a_fit_of_too_few_keeps_its_figures_and_counts_for_nothing() -> None:
    people = field(40)
    fit = decline.fit(NOW)
    assert (fit.people, fit.auc, fit.baseline_auc, fit.values) == (40, None, None, {})
    assert np.isnan(chances(people)).all()
    assert decline.fit(NOW).pk != fit.pk


@pytest.mark.django_db
def test_nobody_at_all_is_too_few() -> None:
    assert (decline.fit(NOW).people, decline.fit(NOW).auc) == (0, None)


@pytest.mark.django_db
def test_who_sold_nothing_lately_or_is_new_is_unknown() -> None:
    good_fit()
    dana, elin, rosa, noor = (make.distributor() for _ in range(4))
    Distributor.objects.filter(pk=elin.pk).update(joined_on=TODAY - timedelta(days=20))
    Distributor.objects.filter(pk=noor.pk).update(joined_on=TODAY - timedelta(days=28))
    for one, back in ((dana, 28), (elin, 3), (rosa, 29), (noor, 3)):
        Measure.objects.create(distributor=one, metric="sales", day=TODAY - timedelta(days=back), value=50)
    Measure.objects.create(distributor=rosa, metric="sales", day=TODAY, value=50)  # today is not over
    dana, elin, rosa, noor = Distributor.objects.with_market().order_by("pk")
    assert np.isnan(chances([dana, elin, rosa, noor])).tolist() == [False, True, True, False]


@pytest.mark.django_db
def test_money_of_another_market_says_the_same() -> None:
    dice = np.random.default_rng(5)
    good_fit(values=good_fit().values | {"weights": dice.normal(0, 0.2, len(decline.FEATURES) + 1).tolist()})
    plain = chances(field(6, seed=3))
    dear = chances(field(6, seed=3, code="mx", currency="MXN", price_level=Decimal(10)))
    assert np.nanstd(plain) > 1
    assert dear == pytest.approx(plain, nan_ok=True)


@pytest.mark.django_db
def test_it_is_two_queries_and_one_without_a_fit() -> None:
    for people in (field(2), field(20)):
        block = block_of(people, NOW)
        for fit, queries in ((None, 1), (good_fit, 2)):
            DeclineFit.objects.all().delete()
            if fit:
                fit()
            with CaptureQueriesContext(connection) as seen:
                decline.column(block)
            assert len(seen) == queries
        DeclineFit.objects.all().delete()


# No look ahead


def test_what_it_is_fitted_on_is_over_before_what_it_is_measured_on() -> None:
    assert min(FITTED) - SPAN >= max(MEASURED) and min(MEASURED) - SPAN >= 0


def test_features_know_nothing_of_later_days() -> None:
    before = past([(0, 30, 10.0), (0, 60, 20.0)])
    after = past([(0, 30, 10.0), (0, 60, 20.0), (0, 29, 5000.0), (0, 0, 70.0)])
    assert (decline.features(before, 30) == decline.features(after, 30)).all()
    assert (decline.features(before, 29) != decline.features(after, 29)).any()


def test_halved_is_of_the_days_after_against_those_up_to_it() -> None:
    lag = 28
    for later, halved in ((50.0, True), (50.01, False)):
        some = past([(0, 28, 60.0), (0, 55, 40.0), (0, 56, 900.0), (0, 27, later / 2), (0, 0, later / 2)])
        assert decline.rows(some, (lag,)).halved.tolist() == [halved]
        assert decline.rows(some, (lag,)).ratio.tolist() == [pytest.approx(100 / 300)]


def test_leaving_is_a_decline_and_who_has_left_is_not_asked_about() -> None:
    sales = [(place, age, 100.0) for place in range(3) for age in range(28, 140)]
    some = past(sales, 3, left=np.array([10, 28, -1]))
    found = decline.rows(some, (28,))
    assert (len(found.halved), found.people) == (2, 2)
    assert found.halved.all()


def test_a_week_of_refunds_is_one_without_sales() -> None:
    some = past([(0, 3, -500.0), (0, 10, 100.0)])
    assert np.isfinite(decline.features(some, 0)).all()
    assert not some.counts(0)[0]
    assert decline.features(past([], 2), 0).shape == (2, len(decline.FEATURES))


def test_the_features_are_what_they_are_called() -> None:
    sales = [(0, 7 * week + 2, 20.0) for week in range(WEEKS)]
    found = dict(zip(decline.FEATURES, decline.features(past(sales, joined=np.array([500])), 0)[0], strict=True))
    assert found["sales_28"] == pytest.approx(np.log1p(80)) and found["sales_84"] == pytest.approx(np.log1p(240))
    assert found["against_usual"] == pytest.approx(0) and found["half_against_half"] == pytest.approx(0)
    assert found["days_since_order"] == pytest.approx(np.log1p(2)) and found["active_weeks"] == 12
    assert found["orders_28"] == pytest.approx(np.log1p(4)) and found["trend"] == pytest.approx(0)
    assert found["tenure"] == pytest.approx(np.log1p(500)) and found["swing"] == pytest.approx(0)
    rising = [(0, 7 * week + 2, 200.0 - 10 * week) for week in range(WEEKS)]
    assert decline.features(past(rising), 0)[0][decline.FEATURES.index("trend")] > 0


# The regression


def test_weights_are_where_the_penalised_likelihood_is_greatest() -> None:
    dice = np.random.default_rng(2)
    x = np.hstack([np.ones((2000, 1)), dice.normal(size=(2000, 3))])
    truth = np.array([-1.0, 0.8, 0.0, -0.5])
    y = dice.random(2000) < logit.logistic(x @ truth)
    weights = logit.newton(x, y)
    slope = x.T @ (y - logit.logistic(x @ weights)) - np.array([0, *weights[1:]])
    assert np.abs(slope).max() < 1e-6
    assert weights == pytest.approx(truth, abs=0.2)


def test_what_tells_perfectly_does_not_run_away() -> None:
    x = np.hstack([np.ones((200, 1)), np.linspace(-1, 1, 200)[:, None]])
    weights = logit.newton(x, x[:, 1] > 0)
    assert np.isfinite(weights).all() and 1 < weights[1] < 100


def test_auc_counts_a_tie_as_half() -> None:
    y = np.array([True, True, False, False])
    assert logit.auc(np.array([2.0, 3.0, 0.0, 1.0]), y) == 1
    assert logit.auc(np.array([0.0, 1.0, 2.0, 3.0]), y) == 0
    assert logit.auc(np.array([1.0, 1.0, 1.0, 1.0]), y) == 0.5
    assert logit.auc(np.array([2.0, 1.0, 1.0, 0.0]), y) == pytest.approx(0.875)


@pytest.mark.django_db
def test_the_same_people_are_asked_every_week(monkeypatch: pytest.MonkeyPatch) -> None:
    people = [make.distributor() for _ in range(12)]
    make.distributor(joined_on=TODAY)  # nothing to compare yet
    make.distributor(left_on=date(2025, 6, 1))  # gone before the first day looked at
    monkeypatch.setattr(decline, "PEOPLE", 5)
    some = decline.people(TODAY)
    assert len(some) == 5 and set(some) < {one.pk for one in people}
    assert decline.people(TODAY) == some
