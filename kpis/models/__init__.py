"""What HQ wants: KPIs, campaigns with versioned priorities, incentives."""

from .campaign import Campaign, Priority, PriorityVersion
from .incentive import ContestEntry, Incentive, IncentiveTier
from .kpi import KPI

__all__ = ["KPI", "Campaign", "ContestEntry", "Incentive", "IncentiveTier", "Priority", "PriorityVersion"]
