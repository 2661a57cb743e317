"""Somebody at HQ with a campaign open, on the clock of the tests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from distributors.models import Role, User
from kpis import drafts
from kpis.models import KPI, Campaign, PriorityDraft
from kpis.proposals import Proposal

from .. import factories as make

NINE_ON_MONDAY = (date(2026, 8, 31), time(9))
LATER = {"when": "later", "on": "2026-08-31", "at": "09:00"}


@pytest.fixture
def today() -> Iterator[None]:
    """Thursday 27 August 2026, 15:00 UTC."""
    with time_machine.travel(make.NOW, tick=False):
        yield


class Desk:
    """One person of HQ in her browser."""

    def __init__(self, role: Role = Role.HQ_EDITOR, **fields: Any) -> None:
        self.user: User = make.user(role, **fields)
        self.client = Client()
        self.client.force_login(self.user)

    def get(self, name: str, *args: object, **query: object) -> Any:
        return self.client.get(reverse(name, args=args), query)

    def post(self, name: str, campaign: Campaign, *args: object, **sent: object) -> Any:
        """With what she has seen: as things are, unless `seen` says otherwise."""
        seen = sent.pop("seen", None) or drafts.seen(campaign)
        assert isinstance(seen, drafts.Seen)
        fields = {"revision": seen.revision, "version": seen.version, **sent}
        return self.client.post(reverse(name, args=[campaign.pk, *args]), fields)


def draft(campaign: Campaign, by: User, weights: dict[KPI, int], **fields: Any) -> PriorityDraft:
    defaults = {"locked": [], "reason": "", "starts": None, "as_of": make.NOW}
    share = fields.pop("share", Decimal("0.60"))
    proposal = Proposal(campaign, {kpi.pk: points for kpi, points in weights.items()}, share)
    return drafts.save(proposal=proposal, seen=drafts.seen(campaign), by=by, **defaults | fields)


def weights(version: Any) -> dict[str, int]:
    return {one.kpi.name: one.weight for one in version.priorities.select_related("kpi")}
