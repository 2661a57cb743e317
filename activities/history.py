"""What she was shown and did: the facts behind fatigue, "not again so soon" and what a dismissal teaches."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db.models import Q

from distributors.models import Distributor

from .models import Action, Activity, Slate

EXPOSURE_DAYS = 60  # after four half-lives a showing no longer counts
MEMORY = timedelta(days=366)  # the longest `again_after_days` that is kept
STARTED_DAYS = 14
NOT_NOW_DAYS = 7
FEWER_DAYS = 60
FEWER_BOOST = -0.05  # each "fewer like this" on other activities of the same kind, while it lasts
REST_DAYS = 3  # a person just contacted is left alone


@dataclass(frozen=True)
class Deed:
    """The part of an Action that ranking needs."""

    activity_id: int
    kind_of_activity: str
    about_key: str
    kind: str
    day: date
    until: date | None
    reason: str


@dataclass
class History:
    day: date
    shown: dict[str, set[date]] = field(default_factory=lambda: defaultdict(set))  # card key -> earlier days
    shown_today: set[bytes] = field(default_factory=set)  # digests of today's slates
    deeds: dict[int, list[Deed]] = field(default_factory=lambda: defaultdict(list))  # by activity
    resting: set[str] = field(default_factory=set)  # people contacted in the last days
    fewer: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))  # kind -> activities waved off

    def days_shown(self, key: str) -> list[int]:
        """How many days ago a card was shown, once a day, without today: a reload must not tire her."""
        return [(self.day - day).days for day in self.shown.get(key, ())]

    def boost(self, activity: Activity) -> float:
        """What dismissals as "fewer like this" say about the other activities of that kind; never positive."""
        return 0.0 + FEWER_BOOST * len(self.fewer.get(activity.kind, set()) - {activity.pk})

    def hides(self, activity: Activity, about_key: str) -> bool:
        """Done too recently, put off, dismissed, or about somebody who was just contacted."""
        if about_key and about_key in self.resting:
            return True
        return any(self.rules_out(deed, activity, about_key) for deed in self.deeds.get(activity.pk, ()))

    def rules_out(self, deed: Deed, activity: Activity, about_key: str) -> bool:
        ago = (self.day - deed.day).days
        same_person = deed.about_key == about_key
        if deed.kind == Action.Kind.DONE:
            return same_person and ago < max(1, activity.again_after_days)
        if deed.kind == Action.Kind.SNOOZE:
            return same_person and deed.until is not None and self.day < deed.until
        if deed.kind != Action.Kind.DISMISS:
            return False
        if deed.reason == Action.Reason.KNOWN:
            return True
        if deed.reason == Action.Reason.FEWER:
            return ago < FEWER_DAYS
        return same_person and (deed.reason == Action.Reason.WRONG_PERSON or ago < NOT_NOW_DAYS)

    def started(self, activity_id: int, about_key: str) -> bool:
        """Begun in the last two weeks, and not done since."""
        latest = [d for d in self.deeds.get(activity_id, ()) if d.about_key == about_key]
        begun = [d.day for d in latest if d.kind == Action.Kind.START and (self.day - d.day).days <= STARTED_DAYS]
        return bool(begun) and not any(d.kind == Action.Kind.DONE and d.day >= max(begun) for d in latest)


def history_of(distributor: Distributor, *, as_of: datetime) -> History:
    """Two queries, whatever the length of her history."""
    history = History(distributor.local_day(as_of))
    slates = Slate.objects.filter(
        distributor=distributor, day__gte=history.day - timedelta(days=EXPOSURE_DAYS), day__lte=history.day
    )
    for day, digest, cards in slates.values_list("day", "digest", "cards"):
        if day == history.day:
            history.shown_today.add(bytes(digest))
        else:
            for card in cards:
                history.shown[card["key"]].add(day)
    for deed in deeds_of(distributor, as_of):
        note(history, deed)
    return history


def deeds_of(distributor: Distributor, as_of: datetime) -> list[Deed]:
    for_good = Q(kind=Action.Kind.DISMISS, reason__in=[Action.Reason.KNOWN, Action.Reason.WRONG_PERSON])
    rows = (
        Action.objects.of(distributor.pk)
        .standing()
        .filter(Q(at__gt=as_of - MEMORY) | for_good)
        .values_list("activity_id", "activity__kind", "about_key", "kind", "day", "until", "reason")
    )
    return [Deed(*row) for row in rows]


def note(history: History, deed: Deed) -> None:
    history.deeds[deed.activity_id].append(deed)
    ago = (history.day - deed.day).days
    if deed.kind == Action.Kind.DONE and deed.about_key and ago < REST_DAYS:
        history.resting.add(deed.about_key)
    if deed.reason == Action.Reason.FEWER and ago < FEWER_DAYS:
        history.fewer[deed.kind_of_activity].add(deed.activity_id)
