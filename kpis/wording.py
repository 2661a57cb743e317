"""What changed between two sets of weights, when, and in which markets, in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.contrib.humanize.templatetags.humanize import apnumber
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from distributors import zones
from distributors.models import Market


def changes(before: dict[int, int], after: dict[int, int], names: dict[int, str]) -> list[str]:
    """One phrase a KPI whose points moved, the widest move first: "Repeat 20 to 35". Points by KPI id.

    With nothing before it is what the first version says: "Repeat 40". A KPI that `names` does not know is left out.
    """
    known = [pk for pk in before.keys() | after.keys() if pk in names]
    moved = [pk for pk in known if before.get(pk, 0) != after.get(pk, 0)]
    moved.sort(key=lambda pk: (-abs(after.get(pk, 0) - before.get(pk, 0)), -after.get(pk, 0), names[pk]))
    first = not any(before.values())
    return [change(names[pk], before.get(pk, 0), after.get(pk, 0), first=first) for pk in moved]


def change(name: str, before: int, after: int, *, first: bool = False) -> str:
    """One KPI's move: "Repeat 20 to 35", "Order size new at 20"; of a first version "Repeat 40"."""
    if first:
        return _("%(kpi)s %(points)d") % {"kpi": name, "points": after}
    if not before:
        return _("%(kpi)s new at %(points)d") % {"kpi": name, "points": after}
    return _("%(kpi)s %(before)d to %(after)d") % {"kpi": name, "before": before, "after": after}


def in_short(changes: Sequence[str], n: int = 2) -> str:
    """The first `n` and how many more: "Repeat 20 to 35, Enrolments 30 to 15, two more". One more is said itself."""
    shown = list(changes) if len(changes) <= n + 1 else list(changes[:n])
    more = len(changes) - len(shown)
    if more:
        shown.append(ngettext("%(n)s more", "%(n)s more", more) % {"n": apnumber(more)})
    return ", ".join(shown)


def listed(markets: Iterable[Market]) -> str:
    """Germany · Germany and Mexico · Germany, Mexico and Spain."""
    return get_text_list([str(one) for one in markets], _("and"))


def said_at(at: datetime) -> str:
    """6 July 2026, 14:05 CEST: who works at HQ has no market's clock."""
    return zones.said_at(at)


def ago(at: datetime, as_of: datetime) -> str:
    """3 minutes ago · just now. Whole sentences for each unit: "ago" takes another case in German."""
    if (days := (as_of - at) // timedelta(days=1)) > 0:
        return ngettext("%(n)d day ago", "%(n)d days ago", days) % {"n": days}
    if (hours := (as_of - at) // timedelta(hours=1)) > 0:
        return ngettext("%(n)d hour ago", "%(n)d hours ago", hours) % {"n": hours}
    if (minutes := (as_of - at) // timedelta(minutes=1)) > 0:
        return ngettext("%(n)d minute ago", "%(n)d minutes ago", minutes) % {"n": minutes}
    return _("just now")


def longer_ago(at: datetime, as_of: datetime) -> str:
    """More than 2 hours ago: of what was not heard of since `at`."""
    if (days := (as_of - at) // timedelta(days=1)) > 0:
        return ngettext("more than %(n)d day ago", "more than %(n)d days ago", days) % {"n": days}
    if (hours := (as_of - at) // timedelta(hours=1)) > 0:
        return ngettext("more than %(n)d hour ago", "more than %(n)d hours ago", hours) % {"n": hours}
    minutes = max(1, (as_of - at) // timedelta(minutes=1))
    return ngettext("more than %(n)d minute ago", "more than %(n)d minutes ago", minutes) % {"n": minutes}
