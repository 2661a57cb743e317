"""What a page says of the few cards on it: which of them she began, and whether this very list was shown today.

What decides which cards they are (fatigue, "not again so soon", dismissals) is in her memory row: memory.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from .models import Action, Slate

STARTED_DAYS = 14


class Deed(NamedTuple):
    """A standing start or completion of hers."""

    pk: int
    activity: str
    about: str
    kind: str
    day: date

    @property
    def card(self) -> str:
        return f"{self.activity}.{self.about}" if self.about else self.activity


def recent(distributor_id: int, day: date) -> list[Deed]:
    """What she began and did in the two weeks up to `day`. One query."""
    rows = (
        Action.objects.of(distributor_id)
        .standing()
        .filter(kind__in=[Action.Kind.START, Action.Kind.DONE], day__gte=day - timedelta(days=STARTED_DAYS))
        .values_list("pk", "activity__key", "about_key", "kind", "day")
    )
    return [Deed(*row) for row in rows]


def started(deeds: Sequence[Deed], keys: Iterable[str]) -> set[str]:
    """Which of these cards she began and has not done since."""
    last: dict[tuple[str, str], date] = {}
    for deed in deeds:
        last[deed.card, deed.kind] = max(deed.day, last.get((deed.card, deed.kind), deed.day))
    return {
        key
        for key in keys
        if (key, Action.Kind.START) in last
        and last.get((key, Action.Kind.DONE), date.min) < last[key, Action.Kind.START]
    }


def done(deeds: Sequence[Deed], day: date) -> list[int]:
    """Ids of what she did on that local day."""
    return [deed.pk for deed in deeds if deed.kind == Action.Kind.DONE and deed.day == day]


def shown_today(distributor_id: int, day: date) -> set[bytes]:
    """Digests of the lists she was shown on that local day. One query."""
    digests = Slate.objects.filter(distributor_id=distributor_id, day=day).values_list("digest", flat=True)
    return {bytes(digest) for digest in digests}
