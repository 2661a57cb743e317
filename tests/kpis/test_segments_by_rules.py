"""A campaign for a segment that rules fill: it counts for members alone, and an approver is asked for all who may become one."""

from __future__ import annotations

import pytest

from activities.ranking.person import rank
from distributors.models import Market, Segment, SegmentMember
from kpis import campaigns
from tests import factories as make
from tests.factories import NOW, TODAY

pytestmark = pytest.mark.django_db


def test_it_works() -> None:
    fell = Segment.objects.create(name="Fell", by_rules=True)
    member, other = make.distributor(), make.distributor()
    whole, local = make.campaign(name="Whole"), make.campaign(name="Local", segment=fell, starts_on=TODAY)
    make.priority_version(whole, {make.kpi(metric="orders"): 100})
    make.priority_version(local, {make.kpi(metric="sales"): 100})
    assert rank(member, as_of=NOW).priorities.campaign == whole
    SegmentMember.objects.create(segment=fell, distributor=member, since=TODAY)
    assert rank(member, as_of=NOW).priorities.campaign == local
    assert rank(other, as_of=NOW).priorities.campaign == whole
    assert campaigns.reach(local, NOW) == 1


def test_a_rule_may_make_anybody_a_member() -> None:
    fell = Segment.objects.create(name="Fell", by_rules=True)
    for _ in range(3):
        make.distributor()
    assert campaigns.may_reach(Market.objects.all(), fell, NOW) == 3
