"""Who orders again: learned from days before those it is measured on, and the kernel's chance is the reference's."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from distributors import reorder, reordering, timing, versions
from distributors.bgnbd import Parameters
from distributors.blocks import BUYER, QUANTILES
from distributors.models import Market, ReorderFit
from distributors.records import CUSTOMER, NEVER, day_number, native
from distributors.reordering import BOUGHT, FEATURES, FITTED, MEASURED, Model, Past, Seen
from distributors.timing import HORIZON
from pep.schedules import JOBS
from tests import factories as make
from tests.distributors.orders import order
from tests.factories import NOW, TODAY

ROWS = BOUGHT.newbyteorder("=")
LAST = day_number(TODAY) - 2


def shop(customers: int = 600, seed: int = 1, days: int = 400, lines: int = 2) -> Past:
    """Customers with rhythms of their own, who leave some day; those of line 2 order more often and stay."""
    dice = np.random.default_rng(seed)
    rows = []
    for place in range(customers):
        line = place % lines + 1
        at, gap = LAST - int(dice.integers(0, days)), dice.uniform(10, 30) * (1 if line == 2 else 2)
        while at <= LAST:
            rows.append((place, at, 1, line))
            at += max(1, round(dice.normal(gap, gap / 4)))
            if dice.random() < (0.05 if line == 2 else 0.12):
                break
    return Past.of(np.array(rows, ROWS), customers)


def past(*bought: tuple[int, int, int, int], people: int = 1) -> Past:
    """(place, days ago, orders, line)."""
    return Past.of(np.array([(at, LAST - ago, n, line) for at, ago, n, line in bought], ROWS), people)


def test_it_works() -> None:
    told: dict[str, Any] = reordering.told(shop(), LAST)
    assert told["auc"] > 0.75 and told["auc"] > told["recency_auc"] > told["overdue_auc"]
    assert told["customers"] > 400
    values = told["values"]
    assert values["lines"] == [0, 1, 2] and values["features"] == list(FEATURES)
    assert reordering.is_good(ReorderFit(**told))
    assert sorted(values["quantiles"]) == values["quantiles"]


def test_outcomes_of_the_fitted_days_end_before_the_measured_days() -> None:
    assert min(FITTED) - HORIZON >= max(MEASURED) >= min(MEASURED) >= HORIZON


def test_what_is_known_on_a_day_is_what_was_known_then() -> None:
    one = past((0, 100, 1, 5), (0, 60, 2, 7), (0, 50, 1, 5), (0, 20, 1, 9), (1, 30, 1, 5), (2, 2, 1, 5), people=3)
    then = one.one_day(LAST - 45)
    assert then.place.tolist() == [0] and then.again.tolist() == [True]
    seen = then.seen
    assert [each.tolist() for each in seen] == [[4.0], [5.0], [55.0], [25.0], [5]]
    assert one.one_day(LAST - 49).again.tolist() == [False]  # the next order is 29 days later
    assert one.one_day(LAST - 48).again.tolist() == [True]
    now = one.as_of(LAST)
    assert now.gap.tolist() == [30.0, -1.0, -1.0] and now.line.tolist() == [9, 5, 5]


def test_orders_of_one_day_make_no_rhythm() -> None:
    seen = past((0, 10, 3, 5)).as_of(LAST)
    assert (seen.orders.tolist(), seen.gap.tolist(), seen.repeats.tolist()) == ([3.0], [-1.0], [0.0])


def test_who_ordered_too_long_ago_is_left_out() -> None:
    assert past((0, 401, 1, 5), (1, 400, 1, 5), people=2).one_day(LAST).place.tolist() == [1]


def test_a_line_with_too_few_customers_uses_the_weights_of_all() -> None:
    found = reordering.learned(shop(300, lines=2).on([LAST - 28]))
    assert found.row_of(np.array([1, 2, 77, 0])).tolist()[2:] == [0, 0]
    rows = shop(600, lines=200).on([LAST - back for back in FITTED])
    assert reordering.learned(rows).lines.tolist() == [0]


def test_lines_are_told_apart_and_pulled_to_all() -> None:
    rows = shop(1500).on([LAST - back for back in FITTED])
    model = reordering.learned(rows)
    assert model.rates[2] > model.rates[0] > model.rates[1]
    apart = np.abs(model.weights[1:] - model.weights[0]).max()
    assert 0 < apart < 2


def test_too_little_is_no_fit() -> None:
    told = reordering.told(shop(30), LAST)
    assert told["values"] == {} and "auc" not in told
    assert not reordering.is_good(ReorderFit(**told))
    assert not reordering.is_good(None)


def test_nothing_at_all_is_no_fit() -> None:
    assert reordering.told(Past.of(np.zeros(0, ROWS), 0), LAST)["customers"] == 0


def test_a_fit_that_does_not_beat_recency_is_not_used() -> None:
    told: dict[str, Any] = reordering.told(shop(), LAST)
    worse = ReorderFit(**told | {"recency_auc": told["auc"]})
    assert not reordering.is_good(worse)
    assert reordering.built(worse, [Market()]).known == 0
    other = ReorderFit(**told | {"values": told["values"] | {"features": ["recency"]}})
    assert not reordering.is_good(other)


# The kernel


def model_of(seed: int) -> Model:
    dice = np.random.default_rng(seed)
    size = len(FEATURES)
    lines = np.concatenate([[0], np.sort(dice.choice(np.arange(1, 60), 6, replace=False))])
    return Model(
        Parameters(*np.exp(dice.uniform(-2, 2, 4)).tolist()), dice.normal(size=size), np.exp(dice.normal(size=size)),
        lines, dice.normal(size=(7, 1 + size)), dice.normal(size=7),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_the_kernel_works_out_the_same_chance(seed: int) -> None:
    """250 random customers each: of every kind of line, with one order, several on one day, or a rhythm."""
    dice = np.random.default_rng(100 + seed)
    model, n = model_of(seed), 250
    record = np.zeros(n, native(CUSTOMER))
    record["orders"] = dice.integers(1, 40, n)
    record["last_order"] = LAST - dice.integers(0, 401, n)
    record["gap"] = np.where(record["orders"] > 1, dice.choice([-1.0, 1.0, 7.5, 33.5, 250.0], n), -1.0)
    age = np.where(record["gap"] > 0, dice.integers(1, 2000, n), 0)
    record["first_order"] = np.maximum(record["last_order"] - age, NEVER + 1)
    record["line"] = dice.integers(0, 62, n)
    seen = Seen(
        record["orders"].astype(float), (LAST - record["last_order"]).astype(float),
        (LAST - record["first_order"]).astype(float), record["gap"], record["line"].astype(np.int64),
    )  # fmt: skip
    wanted, lines, buying = model.chances(seen), model.records(), model.buying
    given = [timing.chance_of(one, lines[timing.row_of(one["line"], lines)], LAST, *buying) for one in record]
    # The last digits of a logarithm are the library's; all else is the same to the bit.
    assert np.allclose(given, wanted, rtol=1e-11, atol=0)
    assert [timing.row_of(one["line"], lines) for one in record] == model.row_of(seen.line).tolist()


def test_a_place_is_the_share_of_who_is_less_likely() -> None:
    dice = np.random.default_rng(3)
    chances = np.concatenate([dice.beta(1, 6, 900), np.full(100, 0.05)])  # a clump at one value
    quantiles = np.quantile(chances, np.linspace(0, 1, QUANTILES))
    for chance in [*dice.choice(chances, 50), 0.0, 1.0, float(chances.max())]:
        below = np.mean(chances < chance)
        assert abs(timing.place_of(chance, quantiles) - below) < 1.5 / (QUANTILES - 1)
    ordered = [timing.place_of(chance, quantiles) for chance in np.linspace(0, 1, 200)]
    assert ordered == sorted(ordered) and ordered[0] == 0 and ordered[-1] == 1


def test_a_model_read_again_says_the_same() -> None:
    some = shop()
    model = reordering.learned(some.on([LAST - 70]))
    now = some.as_of(LAST)
    again = Model.read(model.written(now))
    assert np.array_equal(model.chances(now), again.chances(now))
    assert model.records().dtype == BUYER


# In the database


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reordering, "LEAST", 3)


def field_of_orders() -> Any:
    """Thirty customers: some come every two weeks until now, some have stopped, some came once."""
    jenna = make.distributor(name="Jenna Reyes")
    eye = make.product("EYE-1", line=make.product_line("eye"))
    for n in range(30):
        one = make.customer(jenna)
        every, since, until = ((14, 250 - n, 0), (14, 250 - n, 120 - n), (400, 160 - n, 0))[n % 3]
        for ago in range(since, until, -every):
            order(one, TODAY - timedelta(days=ago), eye)
    return jenna


@pytest.mark.django_db
def test_a_fit_is_made_from_the_orders_there_are_and_kernels_use_it_at_once(small: None) -> None:
    jenna = field_of_orders()
    before = {one.person: one.score for one in reorder.reasons(jenna, as_of=NOW)}
    found = reordering.fit(NOW)
    assert found.customers == 30 and found.auc is not None and found.recency_auc is not None
    with CaptureQueriesContext(connection) as asked:
        now = {one.person: one.score for one in reorder.reasons(jenna, as_of=NOW)}
    if reordering.is_good(found):
        assert now != before
        assert len(asked) == 3  # her row, the fit, the version it is kept for
    with CaptureQueriesContext(connection) as asked:
        reorder.reasons(jenna, as_of=NOW)
    assert len(asked) == 1


@pytest.mark.django_db
def test_orders_are_read_by_customer_and_day_with_the_dearest_line() -> None:
    jenna = make.distributor()
    eye, lip = (
        make.product("EYE-1", line=make.product_line("eye")),
        make.product("LIP-1", line=make.product_line("lip")),
    )
    one, other = make.customer(jenna), make.customer(jenna)
    order(one, date(2026, 5, 4), eye, amount=10)
    order(one, date(2026, 5, 4), lip, amount=30)
    order(one, date(2026, 6, 4), eye)
    order(other, date(2026, 5, 9))
    rows = reordering.bought([one.pk, other.pk], date(2026, 6, 3)).tolist()
    may = [day_number(date(2026, 5, day)) for day in (4, 9)]
    assert rows == [(0, may[0], 2, lip.line_id), (1, may[1], 1, 0)]
    assert reordering.customers() == [one.pk, other.pk]


@pytest.mark.django_db
def test_who_was_erased_is_not_learned_from() -> None:
    jenna = make.distributor()
    gone = make.customer(jenna, name="", do_not_contact=True, erased_at=NOW, orders=2)
    assert gone.pk not in reordering.customers()


@pytest.mark.django_db
def test_without_orders_nothing_is_fitted_and_nothing_fails() -> None:
    found = reordering.fit(NOW)
    assert (found.auc, found.values, found.customers) == (None, {}, 0)
    assert reordering.of(versions.current(), [make.market()]).known == 0


@pytest.mark.django_db
def test_it_is_scheduled_weekly() -> None:
    (job,) = [job for job in JOBS if job.func == "distributors.reordering.fit_lately"]
    assert job.cron and job.cron.endswith("* * 0")
    reordering.fit_lately()
    assert ReorderFit.objects.count() == 1
