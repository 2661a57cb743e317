"""Scales are frozen percentiles of the population: they hold until the next version."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from activities.models import ScaleSet
from activities.ranking import freezing, scales
from activities.ranking.person import rank
from tests import factories as f
from tests.activities.stage import stage

pytestmark = pytest.mark.django_db


def test_it_works() -> None:
    jenna = stage()
    frozen = freezing.freeze_at(f.NOW)
    assert (frozen.version, frozen.people) == (1, 4)
    now = scales.current()
    assert now.version == 1
    assert now.own == frozen.values["own"] > 0
    assert (freezing.effects_of_showing(rank(jenna, as_of=f.NOW)) > 0).any()
    assert set(frozen.values["kpi"]) >= {"sales@us", "repeat_orders:eye", "enrolments", "order_size@us"}


def test_the_next_version_follows_and_counts_at_once() -> None:
    jenna = stage()
    before = rank(jenna, as_of=f.NOW)
    freezing.freeze_at(f.NOW)
    freezing.freeze_at(f.NOW + timedelta(days=1))
    after = rank(jenna, as_of=f.NOW)
    assert (before.versions["scales"], after.versions["scales"]) == (0, 2)
    assert ScaleSet.objects.count() == 2


def test_a_frozen_set_is_used_for_the_markets_own_money() -> None:
    us, mx = f.market(), f.market("mx", currency="MXN", price_level=Decimal(18))
    ScaleSet.objects.create(
        version=1, frozen_at=f.NOW, values={"own": 0.05, "kpi": {"sales@us": 9.0, "sales@mx": 170.0, "enrolments": 0.1}}
    )
    now = scales.current()
    assert (now.of("sales", us), now.of("sales", mx), now.of("enrolments", mx)) == (9.0, 170.0, 0.1)


def test_a_line_without_a_scale_of_its_own_takes_the_whole_metrics() -> None:
    assert scales.Scales(1, 0.05, {"repeat_orders": 0.3}).of("repeat_orders:eye", f.market()) == 0.3


def test_before_the_first_freeze() -> None:
    mexico = f.market("mx", currency="MXN", price_level=Decimal(18))
    now = scales.current()
    assert (now.version, now.own) == (0, 0.056)
    assert now.of("order_size", mexico) == pytest.approx(3.2 * 18)
    assert now.of("repeat_orders:eye", mexico) == 0.10


def test_nothing_to_measure_freezes_nothing() -> None:
    f.distributor()
    assert freezing.freeze_at(f.NOW) is None
    assert scales.current().version == 0


def test_the_sample_is_the_same_for_a_day() -> None:
    for _ in range(6):
        f.distributor()
    assert freezing.sampled(f.NOW, 3) == freezing.sampled(f.NOW + timedelta(hours=2), 3)
    assert len(freezing.sampled(f.NOW, 3)) == 3


def test_every_metric_has_a_first_scale() -> None:
    from distributors.metrics import METRICS

    assert set(scales.FIRST) == set(METRICS)


def test_the_schedule_takes_the_clock_itself() -> None:
    assert freezing.freeze() is None
