"""What a row says after she acted on it: done, later or dismissed, each with its undo."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from distributors.goals import GoalState
from distributors.models import Distributor, Goal
from distributors.wording import day_long

from .closing import closing_sentence, credits_of
from .messages import lines
from .models import Action
from .record import title_of


@dataclass(frozen=True)
class Settled:
    action: Action
    title: str
    toast: str
    came: str = ""  # what closed it, or came of it since

    @property
    def is_done(self) -> bool:
        return self.action.kind == Action.Kind.DONE

    @property
    def sentence(self) -> str:
        """Done 10:42. · Maya ordered $34 at 10:42. This closed itself. · Back on Friday 28 August. · You will see fewer like this."""
        if self.is_done:
            at = date_format(localtime(self.action.at), pgettext("time format", "H:i"))
            said = _("Done %(time)s.") % {"time": at}
            return self.came if self.action.closed_by_id else f"{said} {self.came}".strip()
        if self.action.kind == Action.Kind.SNOOZE and self.action.until:
            return _("Back on %(day)s.") % {"day": day_long(self.action.until)}
        return dismissed(self.action.reason)


def dismissed(reason: str) -> str:
    return {
        Action.Reason.NOT_NOW: _("Not shown this week."),
        Action.Reason.FEWER: _("You will see fewer like this."),
        Action.Reason.KNOWN: _("Noted that you know this."),
        Action.Reason.WRONG_PERSON: _("Not shown for this person."),
    }.get(Action.Reason(reason) if reason else Action.Reason.NOT_NOW, "")


def settled(action: Action, distributor: Distributor, goals: list[GoalState]) -> Settled:
    """Load the action with its activity and whom it is about."""
    title = title_of(action.activity, action.customer or action.recruit, distributor.speaks)
    if action.kind != Action.Kind.DONE:
        return Settled(action, title, Settled(action, title, "").sentence)
    came = closing_sentence(action, distributor, credits_of([action]).get(action.pk))
    return Settled(action, title, done_toast(goals), came or waiting(action))


def waiting(action: Action) -> str:
    """Waiting for an order from Maya until 6 December. It closes itself. Of a card whose message was sent."""
    message = getattr(action, "outreach", None) if action.customer_id else None
    return lines.waiting(message) if message is not None else ""


def done_toast(goals: list[GoalState]) -> str:
    """Done. Your week is at 89%."""
    week = next((state for state in goals if state.goal.period == Goal.Period.WEEK), None)
    if week is None:
        return _("Done.")
    return _("Done. Your week is at %(percent)s%%.") % {"percent": week.percent}


def snooze_choices(today: date) -> list[tuple[str, str]]:
    """Days to put it off to: ISO day and its words."""
    monday = today + timedelta(days=7 - today.weekday())
    days = {today + timedelta(days=1): _("Tomorrow"), today + timedelta(days=3): _("In three days"), monday: ""}
    return [(day.isoformat(), said or day_long(day)) for day, said in sorted(days.items())]
