"""One version, or the draft, as the history and the comparison say it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import history
from ..models import PriorityDraft, PriorityVersion, RuleVersion

#: How the draft is named where a version's number is asked for.
DRAFT = "draft"
CHIPS = {
    history.Standing.LIVE: (gettext_lazy("Live"), "chip-a"),
    history.Standing.SCHEDULED: (gettext_lazy("Scheduled"), "chip-w"),
    history.Standing.READY: (gettext_lazy("Ready"), "chip-w"),
    history.Standing.PAST: (gettext_lazy("Past"), ""),
    history.Standing.SKIPPED: (gettext_lazy("Never counted"), ""),
    history.Standing.WITHDRAWN: (gettext_lazy("Withdrawn"), ""),
}


@dataclass(frozen=True)
class Row:
    """One version as the page says it."""

    entry: history.Entry
    chip: str
    look: str  # of the chip
    when: str
    who: str
    notes: list[str] = field(default_factory=list)


def row_of(entry: history.Entry, past: history.History, as_of: datetime) -> Row:
    chip, style = CHIPS[entry.standing]
    version = entry.version
    return Row(entry, str(chip), style, when_said(entry, past, as_of), who_said(version), notes_of(entry, past))


def when_said(entry: history.Entry, past: history.History, as_of: datetime) -> str:
    today = timezone.localdate(as_of)
    if entry.standing == history.Standing.WITHDRAWN:
        gone = history.instant_said(entry.version.withdrawal.at).said(today)
        words = {"when": gone, "who": entry.version.withdrawal.by or _("somebody")}
        return _("withdrawn %(when)s by %(who)s") % words
    if entry.begins is None or entry.ends is None:
        return _("replaced before it counted")
    begins, ends = entry.begins.said(today), entry.ends.said_as_end(today)
    if entry.standing == history.Standing.LIVE:
        return _("live since %(when)s") % {"when": begins}
    if entry.standing == history.Standing.SCHEDULED:
        return _("takes over %(when)s") % {"when": begins}
    if entry.standing == history.Standing.READY:
        return _("begins with the campaign, %(when)s") % {"when": begins}
    return _("%(from)s to %(to)s") % {"from": begins, "to": ends}


def who_said(version: PriorityVersion | RuleVersion) -> str:
    who = version.by or _("Somebody")
    if version.approved_by:
        return _("%(who)s, approved by %(approver)s") % {"who": who, "approver": version.approved_by}
    return str(who)


def notes_of(entry: history.Entry, past: history.History) -> list[str]:
    found = []
    if entry.version.restores:
        found.append(_("Brings back v%(number)d") % {"number": entry.version.restores.number})
    if entry.live_in and len(entry.live_in) < len(past.markets):
        found.append(_("So far in %(markets)s") % {"markets": ", ".join(str(one) for one in entry.live_in)})
    return found


def choices(past: history.History, draft: PriorityDraft | None) -> list[tuple[str, str]]:
    """What can be compared: (value, label)."""
    found = [(str(number), f"v{number}") for number in past.numbers]
    return [(DRAFT, _("Draft")), *found] if draft else found


def clock_said(at: datetime, as_of: datetime) -> str:
    """6 July, 09:00 CEST, and the year when it is not this one."""
    return history.instant_said(at).said(timezone.localdate(as_of))
