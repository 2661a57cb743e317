"""What the console shows of a campaign: a row a KPI with what is entered and what counts now, and the versions behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal

from django.http import QueryDict
from django.utils.formats import time_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from distributors.models import Market, User

from . import board, campaigns, drafts, history, reviewing, trends, version_lines, wording
from .board import RULE
from .drafts import Seen
from .history import History, Standing
from .models import KPI, Campaign, PriorityDraft, PriorityVersion
from .priorities import POINTS
from .proposals import FIRST_SHARE, WEIGHT, Proposal
from .reviewing import Beside
from .trends import Reading
from .version_lines import VersionLine

#: Versions beside the console; the page of versions has them all.
VERSIONS = 5
LEAST_SHARE, MOST_SHARE = 50, 100


# What somebody entered


@dataclass(frozen=True)
class Entered:
    """What the form holds, as typed: points by KPI id, the own goals' percent, and the KPIs that are locked."""

    points: dict[int, str]
    share: str
    locked: frozenset[int] = frozenset()


def read(data: QueryDict) -> Entered:
    """A form, whatever was typed into it."""
    points = {int(name[len(WEIGHT) :]): str(said).strip() for name, said in data.items() if is_weight(name)}
    locked = frozenset(int(pk) for pk in data.getlist("locked") if pk.isascii() and pk.isdecimal())
    return Entered(points, data.get("share", "").strip(), locked)


def is_weight(name: str) -> bool:
    return name.startswith(WEIGHT) and name[len(WEIGHT) :].isascii() and name[len(WEIGHT) :].isdecimal()


def number(said: str) -> int | None:
    """A whole number of at most nine digits, or None."""
    said = said.strip()
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 10 else None


# What the page shows


@dataclass(frozen=True)
class Theirs:
    """What somebody else saved or published meanwhile: points by KPI id, the own goals' percent."""

    who: str
    points: dict[int, int]
    share: int

    def has(self, points: int) -> str:
        return _("%(who)s has %(points)d") % {"who": self.who, "points": points}


@dataclass(frozen=True)
class Row:
    """One KPI: the number as typed, and as points for the slider (0 when it is none); `was` is what counts now."""

    kpi: KPI
    said: str
    points: int
    was: int | None
    locked: bool
    problem: str
    theirs: str
    reading: Reading | None  # what the KPI stands at

    @property
    def name(self) -> str:
        return f"{WEIGHT}{self.kpi.pk}"


@dataclass(frozen=True)
class Share:
    """The own goals' part of the ranking, in percent: as typed, and within its bounds for the slider."""

    said: str
    percent: int
    problem: str
    theirs: str

    @property
    def weights(self) -> int:
        return MOST_SHARE - self.percent


@dataclass(frozen=True)
class Console:
    """`rows` are the KPIs with points or with points now, `more` all others."""

    campaign: Campaign
    draft: PriorityDraft | None
    past: History
    today: date
    rows: list[Row]
    more: list[Row]
    share: Share
    seen: Seen
    reached: int
    beside: list[Beside]

    @property
    def total(self) -> int:
        return sum(row.points for row in [*self.rows, *self.more])

    @property
    def whole(self) -> bool:
        return self.total == POINTS

    @property
    def query(self) -> str:
        """What is entered, for the address of the preview."""
        points = {row.kpi.pk: row.points for row in [*self.rows, *self.more] if row.points}
        return Proposal(self.campaign, points, Decimal(self.share.percent) / 100).query

    @property
    def ended(self) -> bool:
        return self.campaign.status == Campaign.Status.ENDED

    @property
    def next_number(self) -> int:
        return max(self.past.numbers, default=0) + 1

    @property
    def mark(self) -> str:
        """What the marks on the sliders are: live v4. Empty before the first version."""
        if self.past.in_force is None:
            return ""
        live = any(one.standing == Standing.LIVE for one in self.past.entries)
        return (_("live v%(number)d") if live else _("v%(number)d")) % {"number": self.past.in_force.number}

    @property
    def overtaken_by(self) -> PriorityVersion | None:
        """The version that was published after the draft was begun."""
        newest = self.past.entries[0].version if self.past.entries else None
        return newest if newest and self.draft and newest.number > self.draft.based_on else None

    @property
    def asked_by(self) -> User | None:
        return drafts.asked_by(self.draft) if self.draft else None

    @property
    def standings(self) -> list[str]:
        return version_lines.standings(self.past, self.today)

    @property
    def versions(self) -> list[VersionLine]:
        return version_lines.lines(self.past, self.today)[:VERSIONS]

    @property
    def draft_diff(self) -> str:
        """What the draft would change of what counts now."""
        if self.draft is None:
            return ""
        now = self.past.in_force
        words = wording.changes(history.weights_of(now), reviewing.points(self.draft), self.past.names)
        if now is not None:
            words += history.share_change(now.own_goal_share, self.draft.own_goal_share)
        return wording.in_short(words) or _("Nothing changed")

    @property
    def dates(self) -> str:
        """1 July to 30 September, on each market's own clock."""
        one = self.campaign
        first = moment(one.starts_on, None if one.starts_time == time(0) else one.starts_time, self.today)
        return _("%(first)s to %(last)s") % {"first": first, "last": moment(one.ends_on, one.ends_time, self.today)}

    @property
    def where(self) -> str:
        return ", ".join(str(one) for one in self.past.markets) if self.past.plan.markets else _("all markets")

    @property
    def whom(self) -> str:
        return str(self.campaign.segment or _("Everybody"))

    @property
    def people(self) -> str:
        return reviewing.people_said(self.reached)

    @property
    def rule(self) -> str:
        return str(RULE)


def moment(day: date, at: time | None, today: date) -> str:
    """30 September · 30 September, 18:00."""
    words = history.day_said(day, today)
    return words if at is None else f"{words}, {time_format(at, pgettext('time format', 'H:i'))}"


# Making it


def of(
    campaign: Campaign, as_of: datetime, *, entered: Entered | None = None, looked_at: Seen | None = None
) -> Console:
    """The console as it is now. `entered` is what was typed and not saved.

    `looked_at` is what it was made from, kept when that was not the problem; without it the page is made from what there is
    now, so that saving again is a decision, and says beside each number what somebody else has there.
    """
    draft, past = drafts.of(campaign), history.of(campaign, as_of)
    newest = past.entries[0].version if past.entries else None
    saved = saved_as(draft, past.in_force)
    theirs = theirs_of(draft, newest) if entered and looked_at is None else None
    now = history.weights_of(past.in_force) if past.in_force else None
    rows = rows_of(entered or saved, now, theirs, past.markets)
    shown = {row.kpi.pk for row in rows if row.was or row.said not in {"", "0"} or saved.points.get(row.kpi.pk)}
    order = {pk: -int(points) for pk, points in saved.points.items()}
    # What counts now comes first, so that a row stays where it is while a draft is worked on.
    rows.sort(key=lambda row: (-(row.was or 0), order.get(row.kpi.pk, 0), row.kpi.name))
    return Console(
        campaign=campaign,
        draft=draft,
        past=past,
        today=past.markets[0].local_day(as_of) if past.markets else as_of.date(),
        rows=[row for row in rows if row.kpi.pk in shown or not shown],
        more=[row for row in rows if shown and row.kpi.pk not in shown],
        share=share_of(entered or saved, theirs),
        seen=looked_at or drafts.seen_of(draft, newest),
        reached=campaigns.reach(campaign, as_of),
        beside=reviewing.beside(past.plan, past.markets, as_of),
    )


def saved_as(draft: PriorityDraft | None, in_force: PriorityVersion | None) -> Entered:
    """The draft; without one what counts now."""
    if draft is not None:
        points, share, locked = reviewing.points(draft), draft.own_goal_share, draft.locked
    else:
        points, share, locked = history.weights_of(in_force), in_force.own_goal_share if in_force else FIRST_SHARE, []
    said = {pk: str(one) for pk, one in points.items()}
    return Entered(said, str(history.in_percent(share)), frozenset(locked))


def theirs_of(draft: PriorityDraft | None, newest: PriorityVersion | None) -> Theirs | None:
    """The open draft, or else the newest version."""
    if draft is not None:
        who, points, share = draft.by, reviewing.points(draft), draft.own_goal_share
    elif newest is not None:
        who, points, share = newest.by, history.weights_of(newest), newest.own_goal_share
    else:
        return None
    return Theirs(version_lines.named(who), points, history.in_percent(share))


def rows_of(
    entered: Entered, now: dict[int, int] | None, theirs: Theirs | None, markets: Sequence[Market]
) -> list[Row]:
    """One a KPI there is. `now` are the points that count now, None before the first version; readings are of `markets`."""
    kpis = list(KPI.objects.select_related("market", "segment"))
    readings = trends.latest(kpis, markets)
    return [row_of(kpi, entered, now, theirs, readings.get(kpi.pk)) for kpi in kpis]


def row_of(
    kpi: KPI, entered: Entered, now: dict[int, int] | None, theirs: Theirs | None, reading: Reading | None
) -> Row:
    said = entered.points.get(kpi.pk, "0")
    points = number(said or "0")
    right = points is not None and points <= POINTS
    other = theirs.points.get(kpi.pk, 0) if theirs else points
    return Row(
        kpi=kpi,
        said=said,
        points=min(points or 0, POINTS),
        was=None if now is None else now.get(kpi.pk, 0),
        locked=kpi.pk in entered.locked,
        problem="" if right else _("A whole number from 0 to 100."),
        theirs=theirs.has(other) if theirs and other is not None and other != points else "",
        reading=reading,
    )


def share_of(entered: Entered, theirs: Theirs | None) -> Share:
    percent = number(entered.share)
    right = percent is not None and LEAST_SHARE <= percent <= MOST_SHARE
    return Share(
        said=entered.share,
        percent=min(MOST_SHARE, max(LEAST_SHARE, percent if percent is not None else history.in_percent(FIRST_SHARE))),
        problem="" if right else _("A whole number from 50 to 100."),
        theirs=theirs.has(theirs.share) if theirs and theirs.share != percent else "",
    )


# Which of them


def that_matters(as_of: datetime) -> Campaign | None:
    """The one with an open draft that was saved last, else the one that counts in most markets, else the newest."""
    open_ones = PriorityDraft.objects.exclude(campaign__status=Campaign.Status.ENDED).select_related("campaign")
    if draft := open_ones.order_by("-saved_at").first():
        return draft.campaign
    found = board.current()
    counting = [now[0].version.campaign for market in Market.objects.all() if (now := found.counting(market, as_of))]
    if counting:
        return Counter(counting).most_common(1)[0][0]
    return Campaign.objects.order_by("-pk").first()
