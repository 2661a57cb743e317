"""The phrases that conditions and facts are told with: figures, goals, amounts. Sentences are in worded.py
and told_*.py.

Phrases begin with a small letter and have no article, so that a sentence can stand around them in any language.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.humanize.templatetags.humanize import apnumber
from django.utils.dates import WEEKDAYS
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext_lazy

from ..metrics import METRICS, How
from .tree import Fact, Known
from .vocabulary import ACTIVITY, CAMPAIGN, DAYS, INCENTIVE, LINE, METRIC, PERIOD, REASON, SEGMENT, Op

#: What conditions name, with labels; who has no label any more goes by what the condition calls it.
Names = Known
Sentences = dict[str, str | Promise]
Phrases = dict[str, str | int]
#: To herself, and of her to others.
Tellings = dict[str, tuple[str | Promise, str | Promise]]

FIGURE: Sentences = {
    "sales": pgettext_lazy("figure", "sales"),
    "orders": pgettext_lazy("figure", "orders"),
    "repeat_orders": pgettext_lazy("figure", "repeat orders"),
    "new_customers": pgettext_lazy("figure", "new customers"),
    "enrolments": pgettext_lazy("figure", "enrolments"),
    "contacts_added": pgettext_lazy("figure", "new contacts"),
    "active_days": pgettext_lazy("figure", "active days"),
    "activities_done": pgettext_lazy("figure", "finished activities"),
    "lessons_done": pgettext_lazy("figure", "finished lessons"),
    "order_size": pgettext_lazy("figure", "average order values"),
    "retained_recruits": pgettext_lazy("figure", "recruits who ordered"),
}
#: Her ... was three days ago.
LAST: Sentences = {
    "sales": pgettext_lazy("her", "last sale"),
    "orders": pgettext_lazy("her", "last order"),
    "repeat_orders": pgettext_lazy("her", "last repeat order"),
    "new_customers": pgettext_lazy("her", "last new customer"),
    "enrolments": pgettext_lazy("her", "last enrolment"),
    "contacts_added": pgettext_lazy("her", "last new contact"),
    "active_days": pgettext_lazy("her", "last active day"),
    "activities_done": pgettext_lazy("her", "last finished activity"),
    "lessons_done": pgettext_lazy("her", "last finished lesson"),
    "order_size": pgettext_lazy("her", "last order"),
    "retained_recruits": pgettext_lazy("her", "recruits’ last order"),
}
FIRST: Sentences = {
    "sales": pgettext_lazy("her", "first sale"),
    "orders": pgettext_lazy("her", "first order"),
    "repeat_orders": pgettext_lazy("her", "first repeat order"),
    "new_customers": pgettext_lazy("her", "first new customer"),
    "enrolments": pgettext_lazy("her", "first enrolment"),
    "contacts_added": pgettext_lazy("her", "first new contact"),
    "active_days": pgettext_lazy("her", "first active day"),
    "activities_done": pgettext_lazy("her", "first finished activity"),
    "lessons_done": pgettext_lazy("her", "first finished lesson"),
    "order_size": pgettext_lazy("her", "first order"),
    "retained_recruits": pgettext_lazy("her", "recruits’ first order"),
}
#: She has had ...
ONE: Sentences = {
    "sales": pgettext_lazy("has had", "a sale"),
    "orders": pgettext_lazy("has had", "an order"),
    "repeat_orders": pgettext_lazy("has had", "a repeat order"),
    "new_customers": pgettext_lazy("has had", "a new customer"),
    "enrolments": pgettext_lazy("has had", "an enrolment"),
    "contacts_added": pgettext_lazy("has had", "a new contact"),
    "active_days": pgettext_lazy("has had", "an active day"),
    "activities_done": pgettext_lazy("has had", "a finished activity"),
    "lessons_done": pgettext_lazy("has had", "a finished lesson"),
    "order_size": pgettext_lazy("has had", "an order"),
    "retained_recruits": pgettext_lazy("has had", "a recruit who ordered"),
}
#: Her ... is at 80%. By period.
GOAL: Sentences = {
    "": pgettext_lazy("her", "goal for %(what)s"),
    "week": pgettext_lazy("her", "weekly goal for %(what)s"),
    "month": pgettext_lazy("her", "monthly goal for %(what)s"),
    "campaign": pgettext_lazy("her", "goal for %(what)s between two dates"),
}
MAIN_GOAL: Sentences = {
    "": pgettext_lazy("her", "most important goal"),
    "week": pgettext_lazy("her", "most important weekly goal"),
    "month": pgettext_lazy("her", "most important monthly goal"),
    "campaign": pgettext_lazy("her", "most important goal between two dates"),
}
AMOUNT: dict[Op, str | Promise] = {
    Op.AT_LEAST: pgettext_lazy("amount", "%(value)s or more"),
    Op.AT_MOST: pgettext_lazy("amount", "at most %(value)s"),
    Op.MORE_THAN: pgettext_lazy("amount", "more than %(value)s"),
    Op.LESS_THAN: pgettext_lazy("amount", "less than %(value)s"),
    Op.EQUALS: pgettext_lazy("amount", "exactly %(value)s"),
    Op.BETWEEN: pgettext_lazy("amount", "%(low)s to %(value)s"),
}


def fields(fact: Fact, names: Names) -> Phrases:
    """What sentences about a fact may name: what it takes, as phrases."""
    of, found = dict(fact.of), Phrases()
    if DAYS in of:
        found["days"] = fact[DAYS]
        found["before"], found["before_spelled"] = before(fact[DAYS]), before(fact[DAYS], spelled=True)
    if LINE in of:
        for name, table in {"what": FIGURE, "last": LAST, "first": FIRST, "one": ONE}.items():
            found[name] = of_line(str(table[fact[METRIC]]), fact[LINE], names)
        # There is no average without what it is one of.
        metric = METRICS[fact[METRIC]]
        things = metric.of[-1] if metric.how is How.RATIO else metric.name
        found["things"] = of_line(str(FIGURE[things]), fact[LINE], names)
    if PERIOD in of:
        found["goal"] = goal(fact)
    if ACTIVITY in of:
        found["activity"] = str(names.activities.get(fact[ACTIVITY], fact[ACTIVITY]))
    for param, labels in {SEGMENT: names.segments, CAMPAIGN: names.campaigns, INCENTIVE: names.incentives}.items():
        if param in of:
            found[param] = str(labels.get(fact[param], fact[param]))
    return found


def key(fact: Fact) -> str:
    """Which sentences are about a fact: its name, and what it takes where that says something else."""
    of = dict(fact.of)
    if REASON in of:
        return f"{fact.name}_{of[REASON]}"
    is_any = any(param in of and not of[param] for param in CHOSEN)
    return f"{fact.name}_any" if is_any else fact.name


#: Empty or 0 stands for any, or for the one that counts.
CHOSEN = (ACTIVITY, CAMPAIGN, INCENTIVE)


def of_line(phrase: str, line: str, names: Names) -> str:
    """Repeat orders of Eye care; as it is without a line."""
    return _("%(what)s of %(line)s") % {"what": phrase, "line": names.lines.get(line, line)} if line else phrase


def goal(fact: Fact) -> str:
    if not fact[METRIC]:
        return str(MAIN_GOAL[fact[PERIOD]])
    return str(GOAL[fact[PERIOD]]) % {"what": FIGURE[fact[METRIC]]}


def choice(fact: Fact, value: str, names: Names) -> str:
    """The name of one value of a choice: Germany, German, Monday."""
    if fact.name == "weekday" and value.isdecimal() and int(value) in WEEKDAYS:
        return str(WEEKDAYS[int(value)])
    labels = names.markets if fact.name == "market" else dict(settings.LANGUAGES) if fact.name == "language" else {}
    return str(labels.get(value, value))


def number(value: float) -> str:
    """1,250 · 62.5: a whole number without its zeros."""
    whole = int(value) if value == int(value) else round(value, 2)
    return str(number_format(whole, force_grouping=True))


def percent(value: float) -> str:
    return _("%(n)s%%") % {"n": number(value)}


def times(value: float) -> str:
    return _("once") if value == 1 else ngettext("%(n)s time", "%(n)s times", plural(value)) % {"n": number(value)}


def plural(value: float) -> int:
    """What number the words around a value are chosen by: 1.5 is as many as 2."""
    return int(abs(value)) if value == int(value) else 2


def before(days: int, *, spelled: bool = False) -> str:
    """How far back her own past goes: four stretches of so many days. `4 weeks`, spelled `four weeks`, else `40 days`."""
    if days % 7 == 0:
        n = 4 * days // 7
        return ngettext("%(n)s week", "%(n)s weeks", n) % {"n": apnumber(n) if spelled else n}
    return ngettext("%(n)s day", "%(n)s days", 4 * days) % {"n": 4 * days}


def several(names: list[str]) -> str:
    """Gold, Silver or Bronze."""
    if len(names) < 2:
        return "".join(names)
    return _("%(some)s or %(last)s") % {"some": ", ".join(names[:-1]), "last": names[-1]}
