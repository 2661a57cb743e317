"""What HQ wants: KPIs, campaigns with versioned priorities, rules, incentives."""

from .campaign import Campaign, Priority, PriorityDraft, PriorityVersion, Turn, Withdrawal
from .incentive import ContestEntry, Incentive, IncentiveTier
from .kpi import KPI, KPIWeek
from .policy import Policy
from .rule import Call, Firing, Rule, RuleDay, RuleDraft, RuleVersion

__all__ = [
    "KPI", "Call", "Campaign", "ContestEntry", "Firing", "Incentive", "IncentiveTier", "KPIWeek", "Policy", "Priority",
    "PriorityDraft", "PriorityVersion", "Rule", "RuleDay", "RuleDraft", "RuleVersion", "Turn", "Withdrawal",
]  # fmt: skip
