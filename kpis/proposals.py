"""What somebody at HQ considers: weights of a campaign that are not published, read from a form or a query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from . import board
from .board import Board
from .models import KPI, Campaign, Priority, PriorityVersion
from .priorities import POINTS, newest_version, weights_of

#: What a campaign starts from before its first version.
FIRST_SHARE = Decimal("0.60")
#: A weight's name in forms and queries, before the KPI's id: `w12`. The own goals' share is `share`, in percent.
WEIGHT = "w"
LONGEST_NAME = 19  # what holds any id; a longer number is none


@dataclass(frozen=True)
class Proposal:
    """`weights` are points by KPI id, zeros left out; they need not add up to 100 yet."""

    campaign: Campaign
    weights: dict[int, int]
    own_goal_share: Decimal

    @property
    def query(self) -> str:
        """The same as a query string, for the preview's URL."""
        names = {f"{WEIGHT}{pk}": points for pk, points in sorted(self.weights.items())}
        return urlencode(names | {"share": int(self.own_goal_share * 100)})

    def version(self) -> PriorityVersion:
        """Unsaved; its number is that of the next."""
        newest = newest_version(self.campaign)
        return PriorityVersion(
            campaign=self.campaign, number=newest.number + 1 if newest else 1, own_goal_share=self.own_goal_share
        )

    def priorities(self, version: PriorityVersion) -> list[Priority]:
        """Unsaved, the weightiest first, as the board has them."""
        kpis = KPI.objects.select_related("segment").in_bulk(self.weights)
        found = [
            Priority(version=version, kpi=kpis[pk], weight=points) for pk, points in self.weights.items() if pk in kpis
        ]
        return sorted(found, key=lambda one: (-one.weight, one.kpi_id))

    def board(self, now: Board | None = None) -> Board:
        """Everything that is approved, with this in place of what the campaign has."""
        version = self.version()
        return board.with_weights(now or board.current(), self.campaign, version, self.priorities(version))


def of_version(campaign: Campaign, version: PriorityVersion | None) -> Proposal:
    """What a published version says; before the first, nothing yet."""
    weights = {pk: points for pk, points in weights_of(version).items() if points}
    return Proposal(campaign, weights, version.own_goal_share if version else FIRST_SHARE)


def read(campaign: Campaign, data: Mapping[str, str]) -> Proposal:
    """From a form or a query. ValidationError, in one sentence, for what is no number."""
    weights = {}
    for name, said in data.items():
        if name.startswith(WEIGHT) and name[len(WEIGHT) :].isdecimal() and len(name) <= LONGEST_NAME:
            weights[int(name[len(WEIGHT) :])] = points_of(said)
    share = data.get("share", "").strip()
    if not share.isascii() or not share.isdecimal() or len(share) > 3 or not 50 <= int(share) <= 100:
        raise ValidationError(_("Their own goals keep a whole number from 50 to 100."), code="own_goal_share")
    return Proposal(campaign, {pk: points for pk, points in weights.items() if points}, Decimal(int(share)) / 100)


def points_of(said: str) -> int:
    said = said.strip() or "0"
    if not said.isascii() or not said.isdecimal() or len(said) > 3 or int(said) > POINTS:
        raise ValidationError(_("Each weight is a whole number from 0 to 100."), code="weight")
    return int(said)
