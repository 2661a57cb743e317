"""What needs a decision: a line each, with its urgency and the page where it is settled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import IntEnum

from django.urls import reverse

from .. import history


class Kind(IntEnum):
    """In order of urgency."""

    WAITS_FOR_YOU = 1
    SENT_BACK = 2
    WAITS = 3
    NO_DATA = 4
    NO_SUCCESSOR = 5
    OVERLAP = 6
    UNFED = 7
    OFF_TARGET = 8
    FELL_SHARPLY = 9
    ADOPTION_FALLS = 10
    OLD_FIGURES = 11


@dataclass(frozen=True)
class Decision:
    """One line: what is the matter, since when, and the page where it is settled."""

    kind: Kind
    said: str
    page: str  # the name of a URL
    about: tuple[object, ...] = ()
    since: datetime | date | None = None
    part: str = ""  # of the page

    @property
    def url(self) -> str:
        return reverse(self.page, args=self.about) + (f"#{self.part}" if self.part else "")

    @property
    def order(self) -> tuple[Kind, datetime]:
        """The more urgent kind first, of one kind the oldest."""
        return self.kind, instant_of(self.since) or datetime.max.replace(tzinfo=UTC)

    def since_said(self, today: date) -> str:
        """21 November, 14:05 CET · 9 November."""
        if isinstance(self.since, datetime):
            return history.instant_said(self.since).said(today)
        return history.day_said(self.since, today) if self.since else ""


def instant_of(since: datetime | date | None) -> datetime | None:
    if since is None or isinstance(since, datetime):
        return since
    return datetime(since.year, since.month, since.day, tzinfo=UTC)
