"""What a fact came to for one person, in a sentence: to herself, to her leader, to HQ.

Facts first, and nothing but facts. What is told to a leader or at HQ names her. The sentences are beside this file:
told_values.py, told_nothing.py, told_unknown.py and told_moves.py.
"""

from __future__ import annotations

import math
from typing import Literal

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from ..metrics import METRICS, Unit
from ..models import Market
from ..money import format_money
from .phrases import Names, choice, fields, key, number, percent, plural, times
from .told_moves import CHANGE, PACE
from .told_nothing import NONE
from .told_unknown import UNKNOWN
from .told_values import TOLD
from .tree import Fact, Leaf
from .vocabulary import METRIC, VOCABULARY
from .vocabulary import Unit as FactUnit

Reader = Literal["her", "leader", "hq"]


def told(leaf: Leaf, value: float | str | None, *, to: Reader, name: str, market: Market, names: Names) -> str:
    """Your sales in the last 7 days are 62% below your own four weeks before.

    `value` as conditions see it: money in base currency, of a choice its name; None or NaN when it is not known. Money is told
    in the money of `market`, hers.
    """
    fact, others = leaf.fact, to != "her"
    about, said = key(fact), {**fields(fact, names), "name": name}
    if value is None or value != value:
        if about in UNKNOWN:
            return str(UNKNOWN[about][others] % said)
        return _("Nothing is known of this: %(fact)s.") % {"fact": VOCABULARY[fact.name].label}
    if isinstance(value, str):
        return str(TOLD[about][others] % {**said, "value": choice(fact, value, names)})
    if fact.name in ("change", "goal_pace"):
        return moved(fact, value, said, others=others)
    sentence = (NONE if value == 0 and about in NONE else TOLD)[about][others]
    return str(sentence % {**said, "value": shown(fact, value, market), "n": plural(value)})


def moved(fact: Fact, value: float, said: dict[str, str | int], *, others: bool) -> str:
    """Of what goes up and down: how far, floored, so that neither is told as more than it is."""
    whole = math.floor(abs(value))
    way = "level" if whole == 0 else "below" if value < 0 else "above"
    sentence = (CHANGE if fact.name == "change" else PACE)[way][others]
    return str(sentence % {**said, "value": percent(whole) if fact.name == "change" else number(whole), "n": whole})


def shown(fact: Fact, value: float, market: Market) -> str:
    """A number with its unit, in her market's money."""
    kind = VOCABULARY[fact.name]
    if kind.unit is FactUnit.PERCENT:
        return percent(math.floor(value))
    if fact.name in ("done", "dismissed"):
        return times(value)
    if kind.unit is FactUnit.OF_METRIC and fact[METRIC] and METRICS[fact[METRIC]].unit is Unit.MONEY:
        return format_money(value * float(market.price_level), market.currency, get_language() or "en")
    return number(value)
