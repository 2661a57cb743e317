"""What HQ wants: KPIs, campaigns with versioned priorities, incentives."""

from .campaign import Campaign, Priority, PriorityDraft, PriorityVersion, Turn, Withdrawal
from .incentive import ContestEntry, Incentive, IncentiveTier
from .kpi import KPI, KPIWeek
from .policy import Policy

__all__ = [
    "KPI", "Campaign", "ContestEntry", "Incentive", "IncentiveTier", "KPIWeek", "Policy", "Priority", "PriorityDraft",
    "PriorityVersion", "Turn", "Withdrawal",
]  # fmt: skip
