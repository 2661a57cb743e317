"""What conditions may ask about a person: every fact by name, with what it takes, its kind and its unit.

How each is worked out stands in facts.py and, for what only higher apps know, in kpis/rule_facts.py and
activities/rules/activity_facts.py. How a condition on it reads stands in worded.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Kind(StrEnum):
    NUMBER = "number"
    CHOICE = "choice"  # one of named values
    FLAG = "flag"


class Unit(StrEnum):
    OF_METRIC = "metric"  # as the metric it takes: money or a count
    COUNT = "count"
    DAYS = "days"
    YEARS = "years"
    PERCENT = "percent"
    POINTS = "points"  # percentage points
    NONE = ""


class Source(StrEnum):
    """Which app works it out."""

    DISTRIBUTORS = "distributors"
    KPIS = "kpis"
    ACTIVITIES = "activities"


class Group(StrEnum):
    FIGURES = "figures"
    GOALS = "goals"
    PROFILE = "profile"
    ACTIONS = "actions"
    CUSTOMERS = "customers"
    CAMPAIGNS = "campaigns"
    CALENDAR = "calendar"


GROUPS: dict[Group, str | Promise] = {
    Group.FIGURES: _("Her figures"),
    Group.GOALS: _("Her goals"),
    Group.PROFILE: _("Who she is"),
    Group.ACTIONS: _("What she did"),
    Group.CUSTOMERS: _("Her customers"),
    Group.CAMPAIGNS: _("Campaigns and prizes"),
    Group.CALENDAR: _("Calendar"),
}

#: Parameters. `metric` a name in METRICS; `line` a product line's code or "" for all; `days` 1 to 90; `period` "week", "month",
#: "campaign" or "" for any; `segment`, `campaign`, `incentive` ids, of the latter two 0 for the one that counts or is nearest;
#: `activity` a key or "" for any; `reason` one of REASONS of customers, or "all" for everybody on her list.
METRIC, LINE, DAYS, PERIOD, SEGMENT, ACTIVITY, REASON, CAMPAIGN, INCENTIVE = (
    "metric", "line", "days", "period", "segment", "activity", "reason", "campaign", "incentive",
)  # fmt: skip
MOST_DAYS = 90


@dataclass(frozen=True)
class FactType:
    name: str
    label: str | Promise
    group: Group
    kind: Kind = Kind.NUMBER
    unit: Unit = Unit.COUNT
    takes: tuple[str, ...] = ()
    source: Source = Source.DISTRIBUTORS


VOCABULARY: dict[str, FactType] = {
    one.name: one
    for one in (
        # Over the last n days, today included; 0 without any.
        FactType("measured", _("a figure over some days"), Group.FIGURES, unit=Unit.OF_METRIC, takes=(METRIC, LINE, DAYS)),
        # The last n days against the mean of the four stretches of n days before them, in percent: -50 is half. Unknown when
        # those four had nothing, or she was not here for all of them.
        FactType(
            "change", _("a figure against her own past"), Group.FIGURES, unit=Unit.PERCENT, takes=(METRIC, LINE, DAYS)
        ),
        # Days since the newest, and since the first, day with any. Unknown for who never had one.
        FactType("days_since", _("days since the last"), Group.FIGURES, unit=Unit.DAYS, takes=(METRIC, LINE)),
        FactType("days_since_first", _("days since the first"), Group.FIGURES, unit=Unit.DAYS, takes=(METRIC, LINE)),
        # The chance that her sales of the next 28 days are half of those of the last 28 or less (decline.py, ranking.md 4).
        FactType("decline", _("chance that her sales halve"), Group.FIGURES, unit=Unit.PERCENT),
        # Of a running goal: of that metric ("" is her weightiest) and period ("" is any). Unknown without such a goal.
        FactType("goal_percent", _("percent of a goal"), Group.GOALS, unit=Unit.PERCENT, takes=(METRIC, PERIOD)),
        FactType("goal_left", _("what a goal still needs"), Group.GOALS, unit=Unit.OF_METRIC, takes=(METRIC, PERIOD)),
        # Percent of the goal less percent of the period that has passed.
        FactType("goal_pace", _("pace of a goal"), Group.GOALS, unit=Unit.POINTS, takes=(METRIC, PERIOD)),
        FactType("goal_chance", _("chance of a goal"), Group.GOALS, unit=Unit.PERCENT, takes=(METRIC, PERIOD)),
        FactType("goal_days_left", _("days left for a goal"), Group.GOALS, unit=Unit.DAYS, takes=(METRIC, PERIOD)),
        # Percent that the period before reached of today's target; unknown for who was not here for all of it.
        FactType(
            "last_goal_percent", _("percent of a goal, last time"), Group.GOALS, unit=Unit.PERCENT, takes=(METRIC, PERIOD)
        ),
        FactType("market", _("market"), Group.PROFILE, Kind.CHOICE, Unit.NONE),
        FactType("language", _("language"), Group.PROFILE, Kind.CHOICE, Unit.NONE),
        FactType("rank", _("rank"), Group.PROFILE, Kind.CHOICE, Unit.NONE),
        FactType("joined_days", _("days since she joined"), Group.PROFILE, unit=Unit.DAYS),
        FactType("years", _("full years with the company"), Group.PROFILE, unit=Unit.YEARS),
        # 0 on the day itself; 365 at most.
        FactType("anniversary_days", _("days to her anniversary"), Group.PROFILE, unit=Unit.DAYS),
        FactType("team_size", _("direct recruits"), Group.PROFILE),
        FactType("in_segment", _("segment"), Group.PROFILE, Kind.FLAG, Unit.NONE, takes=(SEGMENT,)),
        FactType("done", _("times done"), Group.ACTIONS, takes=(ACTIVITY, DAYS), source=Source.ACTIVITIES),
        FactType("dismissed", _("times dismissed"), Group.ACTIONS, takes=(ACTIVITY, DAYS), source=Source.ACTIVITIES),
        # Days on which it was in a list she opened.
        FactType("seen", _("days seen"), Group.ACTIONS, takes=(ACTIVITY, DAYS), source=Source.ACTIVITIES),
        FactType("customers", _("customers, by reason to contact"), Group.CUSTOMERS, takes=(REASON,)),
        # Of the campaign that counts for her; unknown when that one (or any, for 0) does not.
        FactType(
            "campaign_days_run", _("days since a campaign began"), Group.CAMPAIGNS, unit=Unit.DAYS, takes=(CAMPAIGN,),
            source=Source.KPIS,
        ),
        FactType(
            "campaign_days_left", _("days to a campaign’s end"), Group.CAMPAIGNS, unit=Unit.DAYS, takes=(CAMPAIGN,),
            source=Source.KPIS,
        ),
        # Of the next tier of a running award of her market, the nearest one for 0. Unknown without one.
        FactType(
            "prize_percent", _("percent of a prize"), Group.CAMPAIGNS, unit=Unit.PERCENT, takes=(INCENTIVE,),
            source=Source.KPIS,
        ),
        FactType(
            "prize_days_left", _("days left for a prize"), Group.CAMPAIGNS, unit=Unit.DAYS, takes=(INCENTIVE,),
            source=Source.KPIS,
        ),
        FactType("weekday", _("day of the week"), Group.CALENDAR, Kind.CHOICE, Unit.NONE),  # "0" is Monday
        FactType("day_of_month", _("day of the month"), Group.CALENDAR, unit=Unit.NONE),
    )
}  # fmt: skip


class Op(StrEnum):
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    MORE_THAN = "more_than"
    LESS_THAN = "less_than"
    EQUALS = "equals"
    BETWEEN = "between"  # both ends included
    ONE_OF = "one_of"
    NOT_ONE_OF = "not_one_of"
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
    KNOWN = "known"


#: What may be asked of a fact of each kind. Every operator but `unknown` is false where the fact is unknown.
OPERATORS: dict[Kind, tuple[Op, ...]] = {
    Kind.NUMBER: (
        Op.AT_LEAST, Op.AT_MOST, Op.MORE_THAN, Op.LESS_THAN, Op.EQUALS, Op.BETWEEN, Op.UNKNOWN, Op.KNOWN,
    ),
    Kind.CHOICE: (Op.ONE_OF, Op.NOT_ONE_OF, Op.UNKNOWN, Op.KNOWN),
    Kind.FLAG: (Op.YES, Op.NO),
}  # fmt: skip
