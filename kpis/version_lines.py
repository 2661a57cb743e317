"""A campaign's versions in a line each, and its standing in a few words, as the console shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from django.utils.translation import gettext as _

from distributors.models import User

from . import history
from .history import Entry, History, Standing
from .models import Campaign


@dataclass(frozen=True)
class VersionLine:
    entry: Entry
    diff: str  # Repeat 20 to 35, Enrolments 30 to 15, two more
    meta: str  # Live since 6 July, approved by Cole · 18 May to 5 July, Renata

    @property
    def number(self) -> int:
        return self.entry.version.number


def lines(past: History, today: date) -> list[VersionLine]:
    """The newest first."""
    undone = rolled_back(past.entries)
    return [
        VersionLine(one, diff(one), ", ".join(told(one, past, today, one.version.number in undone)))
        for one in past.entries
    ]


def rolled_back(entries: Sequence[Entry]) -> set[int]:
    """Numbers of versions that the next one took back."""
    published = [one.version for one in entries if one.standing != Standing.WITHDRAWN]
    return {before.number for after, before in pairwise(published) if after.restores_id is not None}


def diff(entry: Entry) -> str:
    words = entry.in_short or _("Nothing changed")
    if entry.version.restores is None:
        return words
    return _("Back to v%(number)d: %(changes)s") % {"number": entry.version.restores.number, "changes": words}


def told(entry: Entry, past: History, today: date, undone: bool) -> list[str]:
    """When it counted, and who answers for it."""
    said = [counted(entry, past, today)]
    if undone:
        said.append(_("rolled back"))
    return [*said, who(entry)]


def counted(entry: Entry, past: History, today: date) -> str:
    if entry.standing == Standing.WITHDRAWN:
        return _("Withdrawn")
    if entry.begins is None or entry.ends is None:
        return _("Replaced before it counted")
    first = history.day_said(entry.begins.day, today)
    if entry.standing == Standing.PAST:
        last = history.day_said(entry.ends.day, today) if entry.ends.everywhere else entry.ends.said_as_end(today)
        return first if first == last else _("%(first)s to %(last)s") % {"first": first, "last": last}
    if entry.standing == Standing.LIVE:
        return live_since(entry, past, first)
    return _("Counts from %(day)s") % {"day": entry.begins.said(today)}


def live_since(entry: Entry, past: History, first: str) -> str:
    if len(entry.live_in) == len(past.markets):
        return _("Live since %(day)s") % {"day": first}
    names = ", ".join(str(market) for market in entry.live_in)
    return _("Live since %(day)s in %(markets)s") % {"day": first, "markets": names}


def who(entry: Entry) -> str:
    version = entry.version
    if entry.standing == Standing.WITHDRAWN:
        return named(version.withdrawal.by)
    if version.approved_by is not None:
        return _("approved by %(who)s") % {"who": version.approved_by}
    return named(version.by)


def named(user: User | None) -> str:
    return str(user or _("Somebody"))


def standings(past: History, today: date) -> list[str]:
    """Live v4 since 6 July · v5 scheduled for 31 August, 09:00 · Ended · No version yet."""
    if past.campaign.status == Campaign.Status.ENDED:
        return [_("Ended")]
    found = [words for one in past.entries if (words := standing(one, today))]
    return found[::-1] or [_("No version yet")]


def standing(entry: Entry, today: date) -> str:
    """Empty of a version that is over or called off."""
    if entry.begins is None:
        return ""
    number = entry.version.number
    if entry.standing == Standing.LIVE:
        return _("Live v%(number)d since %(day)s") % {
            "number": number,
            "day": history.day_said(entry.begins.day, today),
        }
    words = {"number": number, "day": entry.begins.said(today)}
    if entry.standing == Standing.READY:
        return _("v%(number)d counts from %(day)s") % words
    return _("v%(number)d scheduled for %(day)s") % words if entry.standing == Standing.SCHEDULED else ""
