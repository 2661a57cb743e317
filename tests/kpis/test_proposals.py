"""What HQ considers, read from a form or a query: numbers or one sentence."""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import parse_qsl

import pytest
from django.core.exceptions import ValidationError

from kpis import proposals
from kpis.models import Campaign
from tests import factories as make

pytestmark = pytest.mark.django_db

POINTS = "Each weight is a whole number from 0 to 100."
SHARE = "Their own goals keep a whole number from 50 to 100."


@pytest.fixture
def campaign() -> Campaign:
    return make.campaign()


def test_it_works(campaign: Campaign) -> None:
    repeat, size = make.kpi(), make.kpi(metric="order_size")
    said = {f"w{repeat.pk}": " 30 ", f"w{size.pk}": "70", "w": "x", "wide": "x", "share": "60", "person": "7"}
    zero, empty = make.kpi(), make.kpi()
    found = proposals.read(campaign, said | {f"w{zero.pk}": "0", f"w{empty.pk}": ""})
    assert (found.weights, found.own_goal_share) == ({repeat.pk: 30, size.pk: 70}, Decimal("0.6"))
    assert proposals.read(campaign, dict(parse_qsl(found.query))) == found
    version = found.version()
    assert (version.number, version.pk) == (1, None)
    assert [(one.kpi, one.weight) for one in found.priorities(version)] == [(size, 70), (repeat, 30)]


def test_what_is_published_and_what_comes_before_it(campaign: Campaign) -> None:
    repeat, size = make.kpi(), make.kpi(metric="order_size")
    first = proposals.of_version(campaign, None)
    assert (first.weights, first.own_goal_share, first.query) == ({}, Decimal("0.60"), "share=60")
    version = make.priority_version(campaign, {repeat: 100, size: 0}, own_goal_share=Decimal("0.75"))
    found = proposals.of_version(campaign, version)
    assert (found.weights, found.query) == ({repeat.pk: 100}, f"w{repeat.pk}=100&share=75")
    assert found.version().number == 2


def test_its_board_is_everything_else_and_this(campaign: Campaign) -> None:
    repeat, now = make.kpi(), make.kpi()
    other = make.campaign(starts_on=campaign.starts_on.replace(day=2))
    for one in (campaign, other):
        make.priority_version(one, {now: 100})
    found = proposals.Proposal(other, {repeat.pk: 100}, Decimal("0.6")).board()
    market = make.market()
    assert [one.kpi for one in found.counting(market, make.NOW)] == [repeat]
    assert [plan.campaign for plan, _ in found.running(market, make.NOW)] == [other, campaign]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        *[({"w1": points, "share": "60"}, POINTS) for points in ("101", "-1", "1.5", "a", "٣", "1000", "0x1")],
        *[
            ({"share": share}, SHARE)
            for share in ("49", "101", "", "60.5", "-60", "0100000", "00501", "٦٠", "9" * 5000)
        ],
        ({}, SHARE),
    ],
)
def test_refused_in_one_sentence(campaign: Campaign, said: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValidationError) as refused:
        proposals.read(campaign, said)
    assert refused.value.messages == [sentence]


@pytest.mark.parametrize("pk", ["999999", "9" * 18, "9" * 30, "9" * 5000])
def test_a_kpi_that_is_not_there_weighs_nothing(campaign: Campaign, pk: str) -> None:
    found = proposals.read(campaign, {f"w{pk}": "100", "share": "60"})
    assert found.priorities(found.version()) == []
    assert found.board().counting(make.market(), make.NOW) == []
