"""Conditions in HQ's words. What a fact came to for one person is told in told.py.

Every sentence is a whole one to be translated; what stands in it is a number or a phrase (phrases.py) that is the
sentence's subject, or is named.
"""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from .phrases import AMOUNT, Names, Phrases, Sentences, choice, fields, key, number, percent, plural, several, times
from .told import told
from .tree import Group, How, Leaf, Node
from .vocabulary import VOCABULARY, Op, Unit

__all__ = ["Names", "condition", "read_back", "told"]

#: By key of the fact. Plurals go by `days`, which a fact takes, or by `n`, the number that it is compared with.
HOLDS: Sentences = {
    "measured": ngettext_lazy(
        "%(what)s in the last %(days)s day came to %(amount)s",
        "%(what)s in the last %(days)s days came to %(amount)s",
        "days",
    ),
    "days_since": ngettext_lazy("her %(last)s was %(amount)s day ago", "her %(last)s was %(amount)s days ago", "n"),
    "days_since_first": ngettext_lazy(
        "her %(first)s was %(amount)s day ago", "her %(first)s was %(amount)s days ago", "n"
    ),
    "decline": gettext_lazy("the chance that her sales halve over the next 28 days is %(amount)s"),
    "goal_percent": gettext_lazy("her %(goal)s has reached %(amount)s"),
    "goal_left": gettext_lazy("her %(goal)s still needs %(amount)s"),
    "goal_chance": gettext_lazy("her %(goal)s has a chance of %(amount)s"),
    "goal_days_left": ngettext_lazy(
        "her %(goal)s has %(amount)s day left", "her %(goal)s has %(amount)s days left", "n"
    ),
    "last_goal_percent": gettext_lazy("her %(goal)s came to %(amount)s last time"),
    "joined_days": ngettext_lazy("she joined %(amount)s day ago", "she joined %(amount)s days ago", "n"),
    "years": ngettext_lazy(
        "she has been with the company for %(amount)s full year",
        "she has been with the company for %(amount)s full years",
        "n",
    ),
    "anniversary_days": ngettext_lazy(
        "her anniversary is %(amount)s day away", "her anniversary is %(amount)s days away", "n"
    ),
    "team_size": ngettext_lazy("she has %(amount)s direct recruit", "she has %(amount)s direct recruits", "n"),
    "done": ngettext_lazy(
        "she did “%(activity)s” %(amount)s in the last %(days)s day",
        "she did “%(activity)s” %(amount)s in the last %(days)s days",
        "days",
    ),
    "done_any": ngettext_lazy(
        "she finished activities %(amount)s in the last %(days)s day",
        "she finished activities %(amount)s in the last %(days)s days",
        "days",
    ),
    "dismissed": ngettext_lazy(
        "she dismissed “%(activity)s” %(amount)s in the last %(days)s day",
        "she dismissed “%(activity)s” %(amount)s in the last %(days)s days",
        "days",
    ),
    "dismissed_any": ngettext_lazy(
        "she dismissed activities %(amount)s in the last %(days)s day",
        "she dismissed activities %(amount)s in the last %(days)s days",
        "days",
    ),
    "seen": ngettext_lazy(
        "she saw “%(activity)s” on %(amount)s of the last %(days)s day",
        "she saw “%(activity)s” on %(amount)s of the last %(days)s days",
        "days",
    ),
    "seen_any": ngettext_lazy(
        "she opened her list on %(amount)s of the last %(days)s day",
        "she opened her list on %(amount)s of the last %(days)s days",
        "days",
    ),
    "customers_open_basket": ngettext_lazy(
        "%(amount)s of her customers left a basket open", "%(amount)s of her customers left a basket open", "n"
    ),
    "customers_one_time": ngettext_lazy(
        "%(amount)s of her customers bought a line just once",
        "%(amount)s of her customers bought a line just once",
        "n",
    ),
    "customers_reorder_due": ngettext_lazy(
        "%(amount)s of her customers is due to reorder", "%(amount)s of her customers are due to reorder", "n"
    ),
    "customers_check_in": ngettext_lazy(
        "%(amount)s of her customers is due to be asked about a new order",
        "%(amount)s of her customers are due to be asked about a new order",
        "n",
    ),
    "customers_connect": ngettext_lazy(
        "%(amount)s of her customers ordered three weeks ago",
        "%(amount)s of her customers ordered three weeks ago",
        "n",
    ),
    "customers_lapsed": ngettext_lazy(
        "%(amount)s of her customers has not ordered for a long time",
        "%(amount)s of her customers have not ordered for a long time",
        "n",
    ),
    "customers_birthday": ngettext_lazy(
        "%(amount)s of her customers has a birthday this week",
        "%(amount)s of her customers have a birthday this week",
        "n",
    ),
    "customers_prospect": ngettext_lazy(
        "%(amount)s of her prospects is due for a contact", "%(amount)s of her prospects are due for a contact", "n"
    ),
    "customers_all": ngettext_lazy(
        "she has %(amount)s customer on her list", "she has %(amount)s customers on her list", "n"
    ),
    "campaign_days_run": ngettext_lazy(
        "“%(campaign)s” began %(amount)s day ago", "“%(campaign)s” began %(amount)s days ago", "n"
    ),
    "campaign_days_run_any": ngettext_lazy(
        "the campaign that counts for her began %(amount)s day ago",
        "the campaign that counts for her began %(amount)s days ago",
        "n",
    ),
    "campaign_days_left": ngettext_lazy(
        "“%(campaign)s” ends in %(amount)s day", "“%(campaign)s” ends in %(amount)s days", "n"
    ),
    "campaign_days_left_any": ngettext_lazy(
        "the campaign that counts for her ends in %(amount)s day",
        "the campaign that counts for her ends in %(amount)s days",
        "n",
    ),
    "prize_percent": gettext_lazy("she has reached %(amount)s of “%(incentive)s”"),
    "prize_percent_any": gettext_lazy("she has reached %(amount)s of her nearest prize"),
    "prize_days_left": ngettext_lazy(
        "“%(incentive)s” ends in %(amount)s day", "“%(incentive)s” ends in %(amount)s days", "n"
    ),
    "prize_days_left_any": ngettext_lazy(
        "her nearest prize ends in %(amount)s day", "her nearest prize ends in %(amount)s days", "n"
    ),
    "day_of_month": gettext_lazy("the day of the month is %(amount)s"),
    "market": gettext_lazy("her market is %(names)s"),
    "language": gettext_lazy("her language is %(names)s"),
    "rank": gettext_lazy("her rank is %(names)s"),
    "weekday": gettext_lazy("today is %(names)s"),
    "in_segment": gettext_lazy("she is in the segment “%(segment)s”"),
}

#: Of a choice and of a yes or no: that it is none of these.
HOLDS_NOT: Sentences = {
    "market": gettext_lazy("her market is not %(names)s"),
    "language": gettext_lazy("her language is not %(names)s"),
    "rank": gettext_lazy("her rank is not %(names)s"),
    "weekday": gettext_lazy("today is not %(names)s"),
    "in_segment": gettext_lazy("she is not in the segment “%(segment)s”"),
}

#: Where the only number that it holds for is 0.
NONE: Sentences = {
    "measured": ngettext_lazy(
        "she had no %(things)s in the last %(days)s day", "she had no %(things)s in the last %(days)s days", "days"
    ),
    "days_since": gettext_lazy("her %(last)s was today"),
    "days_since_first": gettext_lazy("her %(first)s was today"),
    "joined_days": gettext_lazy("she joined today"),
    "anniversary_days": gettext_lazy("today is her anniversary"),
    "team_size": gettext_lazy("she has no direct recruits"),
    "done": ngettext_lazy(
        "she did not do “%(activity)s” in the last %(days)s day",
        "she did not do “%(activity)s” in the last %(days)s days",
        "days",
    ),
    "done_any": ngettext_lazy(
        "she finished no activity in the last %(days)s day",
        "she finished no activity in the last %(days)s days",
        "days",
    ),
    "dismissed": ngettext_lazy(
        "she did not dismiss “%(activity)s” in the last %(days)s day",
        "she did not dismiss “%(activity)s” in the last %(days)s days",
        "days",
    ),
    "dismissed_any": ngettext_lazy(
        "she dismissed no activity in the last %(days)s day",
        "she dismissed no activity in the last %(days)s days",
        "days",
    ),
    "seen": ngettext_lazy(
        "she did not see “%(activity)s” in the last %(days)s day",
        "she did not see “%(activity)s” in the last %(days)s days",
        "days",
    ),
    "seen_any": ngettext_lazy(
        "she did not open her list in the last %(days)s day",
        "she did not open her list in the last %(days)s days",
        "days",
    ),
    "customers_open_basket": gettext_lazy("none of her customers left a basket open"),
    "customers_one_time": gettext_lazy("none of her customers bought a line just once"),
    "customers_reorder_due": gettext_lazy("none of her customers is due to reorder"),
    "customers_check_in": gettext_lazy("none of her customers is due to be asked about a new order"),
    "customers_connect": gettext_lazy("none of her customers ordered three weeks ago"),
    "customers_lapsed": gettext_lazy("none of her customers has gone without an order for a long time"),
    "customers_birthday": gettext_lazy("none of her customers has a birthday this week"),
    "customers_prospect": gettext_lazy("none of her prospects is due for a contact"),
    "customers_all": gettext_lazy("she has no customers on her list"),
    "campaign_days_run": gettext_lazy("“%(campaign)s” began today"),
    "campaign_days_run_any": gettext_lazy("the campaign that counts for her began today"),
    "campaign_days_left": gettext_lazy("“%(campaign)s” ends today"),
    "campaign_days_left_any": gettext_lazy("the campaign that counts for her ends today"),
    "prize_days_left": gettext_lazy("“%(incentive)s” ends today"),
    "prize_days_left_any": gettext_lazy("her nearest prize ends today"),
}

#: Where it holds for everything but 0.
SOME: Sentences = {
    "done": ngettext_lazy(
        "she did “%(activity)s” in the last %(days)s day", "she did “%(activity)s” in the last %(days)s days", "days"
    ),
    "done_any": ngettext_lazy(
        "she finished an activity in the last %(days)s day",
        "she finished an activity in the last %(days)s days",
        "days",
    ),
    "dismissed": ngettext_lazy(
        "she dismissed “%(activity)s” in the last %(days)s day",
        "she dismissed “%(activity)s” in the last %(days)s days",
        "days",
    ),
    "dismissed_any": ngettext_lazy(
        "she dismissed an activity in the last %(days)s day",
        "she dismissed an activity in the last %(days)s days",
        "days",
    ),
    "seen": ngettext_lazy(
        "she saw “%(activity)s” in the last %(days)s day", "she saw “%(activity)s” in the last %(days)s days", "days"
    ),
    "seen_any": ngettext_lazy(
        "she opened her list in the last %(days)s day", "she opened her list in the last %(days)s days", "days"
    ),
}

UNKNOWN: Sentences = {
    "change": ngettext_lazy(
        "%(what)s in the last %(days)s day cannot be compared with her own %(before)s before",
        "%(what)s in the last %(days)s days cannot be compared with her own %(before)s before",
        "days",
    ),
    "days_since": gettext_lazy("she has never had %(one)s"),
    "days_since_first": gettext_lazy("she has never had %(one)s"),
    "decline": gettext_lazy("the chance that her sales halve is not known"),
    "goal_percent": gettext_lazy("her %(goal)s is not set"),
    "goal_left": gettext_lazy("her %(goal)s is not set"),
    "goal_pace": gettext_lazy("her %(goal)s is not set"),
    "goal_chance": gettext_lazy("her %(goal)s has no chance worked out"),
    "goal_days_left": gettext_lazy("her %(goal)s is not set"),
    "last_goal_percent": gettext_lazy("her %(goal)s has no result from last time"),
    "market": gettext_lazy("her market is not known"),
    "language": gettext_lazy("her language is not known"),
    "rank": gettext_lazy("her rank is not known"),
    "campaign_days_run": gettext_lazy("“%(campaign)s” does not count for her"),
    "campaign_days_run_any": gettext_lazy("no campaign counts for her"),
    "campaign_days_left": gettext_lazy("“%(campaign)s” does not count for her"),
    "campaign_days_left_any": gettext_lazy("no campaign counts for her"),
    "prize_percent": gettext_lazy("“%(incentive)s” is not open to her"),
    "prize_percent_any": gettext_lazy("no prize is open to her"),
    "prize_days_left": gettext_lazy("“%(incentive)s” is not open to her"),
    "prize_days_left_any": gettext_lazy("no prize is open to her"),
}
KNOWN: Sentences = {
    "change": ngettext_lazy(
        "%(what)s in the last %(days)s day can be compared with her own %(before)s before",
        "%(what)s in the last %(days)s days can be compared with her own %(before)s before",
        "days",
    ),
    "days_since": gettext_lazy("she has had %(one)s"),
    "days_since_first": gettext_lazy("she has had %(one)s"),
    "decline": gettext_lazy("the chance that her sales halve is known"),
    "goal_percent": gettext_lazy("her %(goal)s is set"),
    "goal_left": gettext_lazy("her %(goal)s is set"),
    "goal_pace": gettext_lazy("her %(goal)s is set"),
    "goal_chance": gettext_lazy("her %(goal)s has a chance worked out"),
    "goal_days_left": gettext_lazy("her %(goal)s is set"),
    "last_goal_percent": gettext_lazy("her %(goal)s has a result from last time"),
    "market": gettext_lazy("her market is known"),
    "language": gettext_lazy("her language is known"),
    "rank": gettext_lazy("her rank is known"),
    "campaign_days_run": gettext_lazy("“%(campaign)s” counts for her"),
    "campaign_days_run_any": gettext_lazy("a campaign counts for her"),
    "campaign_days_left": gettext_lazy("“%(campaign)s” counts for her"),
    "campaign_days_left_any": gettext_lazy("a campaign counts for her"),
    "prize_percent": gettext_lazy("“%(incentive)s” is open to her"),
    "prize_percent_any": gettext_lazy("a prize is open to her"),
    "prize_days_left": gettext_lazy("“%(incentive)s” is open to her"),
    "prize_days_left_any": gettext_lazy("a prize is open to her"),
}

#: Of what goes up and down: by which way, as `moved` says it.
MOVED: dict[str, Sentences] = {
    "change": {
        "down": ngettext_lazy(
            "%(what)s in the last %(days)s day fell by %(amount)s against her own %(before)s before",
            "%(what)s in the last %(days)s days fell by %(amount)s against her own %(before)s before",
            "days",
        ),
        "up": ngettext_lazy(
            "%(what)s in the last %(days)s day rose by %(amount)s against her own %(before)s before",
            "%(what)s in the last %(days)s days rose by %(amount)s against her own %(before)s before",
            "days",
        ),
        "not down by": ngettext_lazy(
            "%(what)s in the last %(days)s day did not fall by %(amount)s against her own %(before)s before",
            "%(what)s in the last %(days)s days did not fall by %(amount)s against her own %(before)s before",
            "days",
        ),
        "not up by": ngettext_lazy(
            "%(what)s in the last %(days)s day did not rise by %(amount)s against her own %(before)s before",
            "%(what)s in the last %(days)s days did not rise by %(amount)s against her own %(before)s before",
            "days",
        ),
        "any down": ngettext_lazy(
            "%(what)s in the last %(days)s day fell against her own %(before)s before",
            "%(what)s in the last %(days)s days fell against her own %(before)s before",
            "days",
        ),
        "any up": ngettext_lazy(
            "%(what)s in the last %(days)s day rose against her own %(before)s before",
            "%(what)s in the last %(days)s days rose against her own %(before)s before",
            "days",
        ),
        "not down": ngettext_lazy(
            "%(what)s in the last %(days)s day did not fall against her own %(before)s before",
            "%(what)s in the last %(days)s days did not fall against her own %(before)s before",
            "days",
        ),
        "not up": ngettext_lazy(
            "%(what)s in the last %(days)s day did not rise against her own %(before)s before",
            "%(what)s in the last %(days)s days did not rise against her own %(before)s before",
            "days",
        ),
        "level": ngettext_lazy(
            "%(what)s in the last %(days)s day did not change against her own %(before)s before",
            "%(what)s in the last %(days)s days did not change against her own %(before)s before",
            "days",
        ),
        "around": ngettext_lazy(
            "%(what)s in the last %(days)s day moved between %(low)s and %(high)s against her own %(before)s before",
            "%(what)s in the last %(days)s days moved between %(low)s and %(high)s against her own %(before)s before",
            "days",
        ),
    },
    "goal_pace": {
        "down": ngettext_lazy(
            "her %(goal)s is %(amount)s percentage point behind its pace",
            "her %(goal)s is %(amount)s percentage points behind its pace",
            "n",
        ),
        "up": ngettext_lazy(
            "her %(goal)s is %(amount)s percentage point ahead of its pace",
            "her %(goal)s is %(amount)s percentage points ahead of its pace",
            "n",
        ),
        "not down by": ngettext_lazy(
            "her %(goal)s is not behind its pace by %(amount)s percentage point",
            "her %(goal)s is not behind its pace by %(amount)s percentage points",
            "n",
        ),
        "not up by": ngettext_lazy(
            "her %(goal)s is not ahead of its pace by %(amount)s percentage point",
            "her %(goal)s is not ahead of its pace by %(amount)s percentage points",
            "n",
        ),
        "any down": gettext_lazy("her %(goal)s is behind its pace"),
        "any up": gettext_lazy("her %(goal)s is ahead of its pace"),
        "not down": gettext_lazy("her %(goal)s is not behind its pace"),
        "not up": gettext_lazy("her %(goal)s is not ahead of its pace"),
        "level": gettext_lazy("her %(goal)s is exactly on its pace"),
        "around": gettext_lazy("her %(goal)s is between %(low)s and %(high)s percentage points from its pace"),
    },
}  # fmt: skip


#: Which way a condition on what goes up and down points, and with which comparison of how far: by operator and by whether its
#: number is below 0, 0 or above. At least -50 is said by what it excludes, a fall by more than 50: any rise will do.
WAYS: dict[Op, tuple[tuple[str, Op], tuple[str, Op], tuple[str, Op]]] = {
    Op.AT_LEAST: (("not down by", Op.MORE_THAN), ("not down", Op.EQUALS), ("up", Op.AT_LEAST)),
    Op.MORE_THAN: (("not down by", Op.AT_LEAST), ("any up", Op.EQUALS), ("up", Op.MORE_THAN)),
    Op.AT_MOST: (("down", Op.AT_LEAST), ("not up", Op.EQUALS), ("not up by", Op.MORE_THAN)),
    Op.LESS_THAN: (("down", Op.MORE_THAN), ("any down", Op.EQUALS), ("not up by", Op.AT_LEAST)),
    Op.EQUALS: (("down", Op.EQUALS), ("level", Op.EQUALS), ("up", Op.EQUALS)),
}


def condition(leaf: Leaf, names: Names) -> str:
    """A condition as a clause in HQ's words: sales in the last 7 days came to 250 or more. Money is in base currency."""
    about, said = key(leaf.fact), fields(leaf.fact, names)
    label = {"fact": str(VOCABULARY[leaf.fact.name].label)}
    match leaf.op:
        case Op.UNKNOWN:
            return str(UNKNOWN[about] % said if about in UNKNOWN else _("nothing is known of this: %(fact)s") % label)
        case Op.KNOWN:
            return str(KNOWN[about] % said if about in KNOWN else _("something is known of this: %(fact)s") % label)
        case Op.ONE_OF | Op.NOT_ONE_OF:
            chosen = several([choice(leaf.fact, str(value), names) for value in leaf.values])
            return str((HOLDS if leaf.op is Op.ONE_OF else HOLDS_NOT)[about] % {"names": chosen})
        case Op.YES | Op.NO:
            return str((HOLDS if leaf.op is Op.YES else HOLDS_NOT)[about] % said)
    return compared(leaf, tuple(float(value) for value in leaf.values), said)


def compared(leaf: Leaf, values: tuple[float, ...], said: Phrases) -> str:
    """A condition on a number."""
    about = key(leaf.fact)
    if leaf.fact.name in MOVED:
        return moved(leaf, values, said)
    if about in NONE and only_none(leaf, values):
        return str(NONE[about] % said)
    if about in SOME and any_at_all(leaf, values):
        return str(SOME[about] % said)
    return str(HOLDS[about] % {**said, **amount(leaf, leaf.op, values)})


def moved(leaf: Leaf, values: tuple[float, ...], said: Phrases) -> str:
    """A condition on what goes up and down: fell by 50% or more."""
    sentences, low, high = MOVED[leaf.fact.name], values[0], values[-1]
    if leaf.op is not Op.BETWEEN or low == high:
        way, op = WAYS[Op.EQUALS if leaf.op is Op.BETWEEN else leaf.op][(low > 0) - (low < 0) + 1]
        return str(sentences[way] % {**said, **amount(leaf, op, (abs(low),))})
    if low < 0 < high:
        shown = shown_as(leaf)
        return str(sentences["around"] % {**said, "low": shown(low), "high": shown(high)})
    by = amount(leaf, Op.BETWEEN, tuple(sorted((abs(low), abs(high)))))
    return str(sentences["up" if high > 0 else "down"] % {**said, **by})


def amount(leaf: Leaf, op: Op, values: tuple[float, ...]) -> Phrases:
    """At most 3 times, 20% to 50%; and `n` by which words around it are chosen."""
    said = {"low": number(values[0]), "value": shown_as(leaf)(values[-1])}
    # One or more days, but at most one day.
    return {"amount": str(AMOUNT[op] % said), "n": plural(values[-1]) + (op is Op.AT_LEAST)}


def shown_as(leaf: Leaf) -> Callable[[float], str]:
    if VOCABULARY[leaf.fact.name].unit is Unit.PERCENT:
        return percent
    return times if leaf.fact.name in ("done", "dismissed") else number


def only_none(leaf: Leaf, values: tuple[float, ...]) -> bool:
    """No other number than 0 would do, of what is not below 0."""
    if leaf.op is Op.LESS_THAN:
        return VOCABULARY[leaf.fact.name].unit in (Unit.COUNT, Unit.DAYS) and 0 < values[0] <= 1
    return leaf.op in (Op.EQUALS, Op.AT_MOST, Op.BETWEEN) and values[-1] == 0


def any_at_all(leaf: Leaf, values: tuple[float, ...]) -> bool:
    """Every number but 0 would do, of what is counted."""
    return (leaf.op is Op.AT_LEAST and 0 < values[0] <= 1) or (leaf.op is Op.MORE_THAN and 0 <= values[0] < 1)


def read_back(node: Node, names: Names, *, closed: bool = False) -> str:
    """A tree as one clause: a, b and (c or d). Brackets where words alone would not say what belongs together.

    `closed`: more follows in the sentence that is not to be read as one of several conditions: (a or b), but not if c.
    """
    node = flat(node)
    if isinstance(node, Leaf):
        return condition(node, names)
    if closed and node.how is not How.ALL and len(node.parts) > 1:
        return f"({read_back(node, names)})"
    parts = [read_back(part, names) for part in node.parts]
    parts = [said if isinstance(part, Leaf) else f"({said})" for said, part in zip(parts, node.parts, strict=True)]
    if node.how is How.NONE and len(parts) == 1:
        return _("not true: %(condition)s") % {"condition": parts[0]}
    if node.how is How.NONE:
        return _("none of these: %(conditions)s") % {"conditions": "; ".join(parts)}
    said = {"some": ", ".join(parts[:-1]), "last": parts[-1]}
    return (_("%(some)s and %(last)s") if node.how is How.ALL else _("%(some)s or %(last)s")) % said


def flat(node: Node) -> Node:
    """The same without groups of one, and without groups in one of their own kind."""
    if isinstance(node, Leaf):
        return node
    parts = list[Node]()
    for part in map(flat, node.parts):
        same = isinstance(part, Group) and part.how is node.how and node.how is not How.NONE
        parts += part.parts if isinstance(part, Group) and same else (part,)
    return parts[0] if len(parts) == 1 and node.how is not How.NONE else Group(node.how, tuple(parts))
