"""What HQ wants: KPIs, campaigns with versioned priorities, incentives."""

from .campaign import Campaign, Priority, PriorityVersion
from .incentive import Incentive, IncentiveTier
from .kpi import KPI

__all__ = ["KPI", "Campaign", "Incentive", "IncentiveTier", "Priority", "PriorityVersion"]
