"""Her own figures in what a rule tells: as they were when it fired, kept with the firing, in the reader's words.

Beside the conditions in Firing.facts stands an entry for each source that a notice of the rule names: ["{prize}", {...}]. No
condition has such a path. What is not known has no entry, and the words around it are left out (distributors/blanks.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import ngettext

from distributors import conditions, goals
from distributors.blanks import named
from distributors.goals import GoalState
from distributors.metrics import METRICS, Unit
from distributors.models import Distributor, Goal, Market
from distributors.remainders import Ask, values
from distributors.wording import amount, counted, day_short, goal_title, line_names, percent

from .definitions import Definition
from .incentives import Reach, next_tier
from .models import Incentive
from .rule_effects import Tell

#: A field of a source is the source, or begins with it: {goal}, {goal_left}.
GOAL, PRIZE, SALES, ORDERS, YEARS = "goal", "prize", "sales", "orders", "years"
#: Sums of so many days up to today, by field.
SUMS = {f"{metric}_{days}": (metric, days) for metric in (SALES, ORDERS) for days in (7, 28)}

Entry = tuple[str, Any]


@dataclass(frozen=True)
class Wanted:
    """Of somebody for whom a rule fires: what its notices name, and which goal and prize it is about."""

    person: int
    day: date  # hers
    sources: frozenset[str]
    goal: tuple[str, str]  # metric and period, "" for any
    prize: int  # id of the award, 0 for the nearest


def wanted_of(definition: Definition, person: int, day: date) -> Wanted | None:
    """None where no notice of the rule names a figure."""
    sources = sources_of(definition)
    if not sources:
        return None
    facts = [leaf.fact for _path, leaf in conditions.leaves(definition.when)]
    goal = next(((one["metric"], one["period"]) for one in facts if "goal_" in one.name), ("", ""))
    prize = next((one["incentive"] for one in facts if one.name.startswith("prize_")), 0)
    return Wanted(person, day, sources, goal, prize)


def sources_of(definition: Definition) -> frozenset[str]:
    said = [
        text for one in definition.then if isinstance(one, Tell) for text in (*one.title.values(), *one.text.values())
    ]
    fields = {field for text in said for field in named(text)}
    return frozenset(
        field if field in SUMS else field.partition("_")[0]
        for field in fields
        if field in SUMS or field.partition("_")[0] in {GOAL, PRIZE, YEARS}
    )


def known(wanted: Sequence[Wanted], as_of: datetime) -> list[list[Entry]]:
    """Entries for each, in the same order. At most seven queries, however many people; none without anybody."""
    if not wanted:
        return []
    people = Distributor.objects.with_market().in_bulk({one.person for one in wanted})
    there = [one for one in wanted if one.person in people]
    hers = goals.states_of(
        {one.person: people[one.person] for one in there if GOAL in one.sources}.values(), as_of=as_of
    )
    reaches = prizes([one for one in there if PRIZE in one.sources], people)
    made = sums_of(there)
    return [
        list(entries(one, people[one.person], hers.get(one.person, []), reaches.get(one), made.get(one, {})))
        if one.person in people
        else []
        for one in wanted
    ]


def entries(
    one: Wanted, person: Distributor, states: Sequence[GoalState], reach: Reach | None, made: Mapping[str, Decimal]
) -> Iterator[Entry]:
    state = next((state for state in states if is_about(state.goal, one.goal)), None) if GOAL in one.sources else None
    if state is not None:
        yield path(GOAL), {
            "metric": state.goal.metric, "scope": state.goal.scope, "period": state.goal.period,
            "first": state.first.isoformat(), "last": state.last.isoformat(), "left": str(state.left),
            "percent": state.percent, "days": state.days_left,
        }  # fmt: skip
    if reach is not None:
        yield path(PRIZE), {
            "award": reach.incentive.name, "prize": reach.tier_prize, "metric": reach.incentive.metric,
            "left": str(reach.left), "percent": reach.percent, "last": reach.last.isoformat(),
            "days": (reach.last - one.day).days + 1,
        }  # fmt: skip
    for name, value in made.items():
        yield path(name), str(value)
    if YEARS in one.sources and (full := full_years(person.joined_on, one.day)) > 0:
        yield path(YEARS), full


def path(source: str) -> str:
    return f"{{{source}}}"


def is_about(goal: Goal, kind: tuple[str, str]) -> bool:
    metric, period = kind
    return metric in {"", goal.metric} and period in {"", goal.period}


def full_years(joined: date, today: date) -> int:
    """Who joined on 29 February has them on the 28th of other years, as the condition counts (conditions/facts.py)."""
    tomorrow = today + timedelta(days=1)
    if (today.month, today.day, tomorrow.day) == (2, 28, 1):
        return today.year - joined.year - ((joined.month, joined.day) > (2, 29))
    return today.year - joined.year - ((joined.month, joined.day) > (today.month, today.day))


def prizes(wanted: Collection[Wanted], people: Mapping[int, Distributor]) -> dict[Wanted, Reach]:
    """The award the rule names, or the nearest as rule_facts.prizes has it. Awards, tiers and sums: three queries or so."""
    if not wanted:
        return {}
    awards = running({people[one.person].market_id for one in wanted}, {one.day for one in wanted})
    asked = [
        (one, award)
        for one in wanted
        for award in awards
        if award.market_id == people[one.person].market_id
        and award.starts_on <= one.day <= award.ends_on
        and one.prize in {0, award.pk}
    ]
    sums = values([Ask(one.person, award.metric, award.scope, award.starts_on, one.day) for one, award in asked])
    found: dict[Wanted, Reach] = {}
    for (one, award), value in zip(asked, sums, strict=True):
        reach = next_tier(award, value, one.day)
        if reach is not None and (one not in found or reach.percent > found[one].percent):
            found[one] = reach
    return found


def running(markets: Collection[int], days: Collection[date]) -> list[Incentive]:
    """Those that end first in front."""
    awards = Incentive.objects.filter(
        form=Incentive.Form.AWARD, market__in=markets, starts_on__lte=max(days), ends_on__gte=min(days)
    )
    return list(awards.order_by("ends_on", "pk").prefetch_related("tiers"))


def sums_of(wanted: Collection[Wanted]) -> dict[Wanted, dict[str, Decimal]]:
    """One query. Of 0 nothing is told."""
    asked = [(one, name) for one in wanted for name in sorted(one.sources & SUMS.keys())]
    asks = [
        Ask(one.person, metric, "", one.day - timedelta(days=days - 1), one.day)
        for one, (metric, days) in ((one, SUMS[name]) for one, name in asked)
    ]
    found: dict[Wanted, dict[str, Decimal]] = {}
    for (one, name), value in zip(asked, values(asks), strict=True):
        if value > 0:
            found.setdefault(one, {})[name] = value
    return found


# In words


def told(facts: Iterable[Sequence[Any]], market: Market, day: date) -> dict[str, str]:
    """What the fields say in the active language, her market's currency: those that were known when it fired on her `day`.

    At most one query, for the name of a product line. Nothing of an entry that does not read.
    """
    kept = {str(entry[0])[1:-1]: entry[1] for entry in facts if str(entry[0]).startswith("{")}
    found = {"day": day_short(day)}
    for name, value in kept.items():
        try:
            found |= said(name, value, market.currency)
        except (KeyError, TypeError, ValueError, ArithmeticError):
            continue
    return {name: words for name, words in found.items() if words}


def said(name: str, value: Any, currency: str) -> dict[str, str]:
    if name in SUMS:
        return {name: amount(Decimal(value), SUMS[name][0], currency)}
    if name == YEARS:
        return {YEARS: number_format(int(value))}
    last = date.fromisoformat(value["last"])
    found = {
        f"{name}_percent": percent(int(value["percent"])),
        f"{name}_days": ngettext("%(n)s day", "%(n)s days", int(value["days"])) % {"n": int(value["days"])},
        f"{name}_until": day_short(last),
    }
    if left := left_of(Decimal(value["left"]), value["metric"], currency):
        found[f"{name}_left"] = left
    if name == PRIZE:
        return found | {"prize": value["prize"], "prize_award": value["award"]}
    goal = Goal(metric=value["metric"], scope=value["scope"], period=value["period"])
    return found | {"goal": goal_title(goal, date.fromisoformat(value["first"]), last, line_names([goal.scope]))}


def left_of(left: Decimal, metric: str, currency: str) -> str:
    """Never understated; empty once it is reached."""
    if left <= 0:
        return ""
    whole = METRICS[metric].unit is Unit.COUNT
    return counted(left.to_integral_value(rounding=ROUND_CEILING) if whole else left, metric, currency)
