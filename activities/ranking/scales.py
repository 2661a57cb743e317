"""The frozen scales of the score: 95th percentiles of the population, so that scores compare across days (freezing.py)."""

from __future__ import annotations

from dataclasses import dataclass, field

from distributors.metrics import METRICS, Unit, split_key
from distributors.models import Market

from ..models import ScaleSet

#: Until the first freeze: what authors' estimates in a demonstration company come to. Money in base currency.
FIRST_OWN = 0.056
FIRST = {
    "sales": 8.0,
    "orders": 0.20,
    "repeat_orders": 0.10,
    "new_customers": 0.08,
    "enrolments": 0.06,
    "contacts_added": 0.40,
    "active_days": 0.40,
    "activities_done": 0.60,
    "lessons_done": 0.60,
    "order_size": 3.20,
    "retained_recruits": 0.08,
}


@dataclass(frozen=True)
class Scales:
    version: int  # 0 before the first freeze
    own: float = FIRST_OWN
    kpi: dict[str, float] = field(default_factory=dict)

    def of(self, key: str, market: Market) -> float:
        """s_k in the metric's unit and the market's money; a line without its own takes the whole metric's."""
        metric, _scope = split_key(key)
        found = self.kpi.get(frozen_key(key, market)) or self.kpi.get(frozen_key(metric, market))
        if found:
            return found
        return FIRST[metric] * (float(market.price_level) if METRICS[metric].unit is Unit.MONEY else 1.0)


def frozen_key(key: str, market: Market) -> str:
    """`repeat_orders:eye`; money by market, `sales@us`: amounts of two currencies have no common percentile."""
    return f"{key}@{market.code}" if METRICS[split_key(key)[0]].unit is Unit.MONEY else key


def current() -> Scales:
    """The newest frozen set, or the first ones. One query."""
    newest = ScaleSet.objects.first()
    if newest is None:
        return Scales(0)
    return Scales(newest.version, newest.values["own"], newest.values["kpi"])
