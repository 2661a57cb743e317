"""A logged slate, read back as columns and drawn again: the log alone says what was shown, and why.

Nothing of today is asked: not the catalogue, which may be another by now, nor her facts. A log from before its rows held
what a draw needs can be read, but not drawn again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from distributors.blocks import Floats, Ints

from ..models import Slate
from ..ranking import drawing, scoring
from ..ranking.blocks import ACTIVITY
from ..ranking.drawing import Slot
from ..ranking.scoring import Cards, Terms

TERMS = ("own", "company", "learning", "fatigue", "rules")
#: The columns of logs that do not name theirs.
OLDEST = ("key", *TERMS)
#: What a row of the log needs besides its terms, to be drawn again.
DRAWN_BY = frozenset({"activity", "lesson", "barred"})
#: Columns of a card by their names in the log.
COLUMNS = {
    "own": "own", "company": "company", "learned": "learning", "fatigue": "fatigue", "rules": "rules",
    "learning": "lesson", "barred": "barred",
}  # fmt: skip
KINDS = {"c": 1, "r": 2}
#: The log holds numbers as they were; anything further off is another slate.
CLOSE = 1e-9


@dataclass(frozen=True)
class Log:
    """What could have been shown, in the order in which it was ranked: Slate.eligible as columns again."""

    keys: list[str]
    cards: Cards  # as they were scored, by_kpi by `kpis`; `activity` points into `ids`
    ids: Ints  # of activities; of an old log just a number for each of them
    kpis: list[str]  # metric keys
    can_be_drawn: bool

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def about(self) -> list[str]:
        """Whom each is about: `c12`, `r5`, empty for nobody."""
        return [key.partition(".")[2] for key in self.keys]

    @cached_property
    def terms(self) -> Terms:
        return scoring.terms_of(len(self), self.cards)

    @cached_property
    def ranks(self) -> list[int]:
        """1 for the best score. Places count people, each by her best card."""
        return [int(rank) for rank in scoring.ranks(self.terms.score, self.about)]

    @cached_property
    def ranks_without_company(self) -> list[int]:
        return [int(rank) for rank in scoring.ranks_without_company(self.terms, self.about)]

    def company_share(self, index: int) -> int:
        """Percent, floored."""
        return scoring.company_share(self.terms, index)


@dataclass(frozen=True)
class Shown:
    """A card of a slate, as logged or as drawn again."""

    key: str
    slot: str
    propensity: float
    score: float


@dataclass(frozen=True)
class Reproduced:
    """`rows` is the slate that the log gives when it is drawn again; empty when it cannot be."""

    same: bool
    rows: list[Shown]
    first_difference: str = ""


def read(slate: Slate) -> Log:
    """The columns of the log are named in its versions, so that older rows are read as well."""
    names = list(slate.versions.get("columns", OLDEST))
    kpis = list(slate.versions.get("kpis", ()))
    rows = [dict(zip([*names, *kpi_names(kpis)], row, strict=False)) for row in slate.eligible]
    complete = bool(rows) and set(names) >= DRAWN_BY
    keys = [str(row["key"]) for row in rows]
    ids, activity = np.unique(
        [int(row["activity"]) for row in rows] if complete else numbered(keys), return_inverse=True
    )
    return Log(keys, columns(rows, keys, activity, kpis), ids.astype(np.int64), kpis, complete)


def kpi_names(kpis: Sequence[str]) -> list[str]:
    """Apart from the names of columns."""
    return [f"kpi {name}" for name in kpis]


def numbered(keys: Sequence[str]) -> list[int]:
    """One number for each activity, of logs that do not say its id."""
    names = {name: number for number, name in enumerate(dict.fromkeys(key.partition(".")[0] for key in keys))}
    return [names[key.partition(".")[0]] for key in keys]


def columns(rows: Sequence[dict[str, Any]], keys: Sequence[str], activity: Any, kpis: Sequence[str]) -> Cards:
    found = scoring.cards(len(rows), 0, len(kpis))
    card = found.card
    card["activity"] = activity
    for i, key in enumerate(keys):
        about = key.partition(".")[2]
        if about:
            card["kind"][i], card["about"][i] = KINDS[about[0]], int(about[1:])

    def logged(name: str) -> Floats:
        return np.array([row.get(name, 0) for row in rows], np.float64)

    for column, name in COLUMNS.items():
        card[column] = logged(name)
    # In the order in which scoring.add_up adds them, so that the last digit is the same.
    card["score"] = card["own"] + card["company"] + card["learned"] + card["fatigue"] + card["rules"]
    for j, name in enumerate(kpi_names(kpis)):
        found.by_kpi[:, j] = logged(name)
    return found


def shown(slate: Slate) -> list[Shown]:
    """As it was logged."""
    return [Shown(card["key"], card["slot"], card["propensity"], card["score"]) for card in slate.cards]


def replayed(slate: Slate, log: Log | None = None) -> Reproduced:
    """Draw the slate again from its log and seed alone, and compare it with what was shown.

    `log` is read(slate), for who has it already.
    """
    log = read(slate) if log is None else log
    if not log.can_be_drawn:
        return Reproduced(False, [], _("The log of this list is older than what drawing it again needs."))
    if (drawing_then := slate.versions.get("drawing")) != drawing.VERSION:
        said = {"then": drawing_then, "now": drawing.VERSION}
        return Reproduced(False, [], _("Lists were drawn in another way then (%(then)s; now %(now)s).") % said)
    wanted = shown(slate)
    unknown = next((card for card in wanted if card.key not in log.keys), None)
    if unknown is not None:
        return Reproduced(False, [], _("%(key)s was shown, but is not among what could be.") % {"key": unknown.key})
    rows = list(drawn(slate, log))
    problem = next(differences(wanted, rows), "")
    return Reproduced(not problem, rows, problem)


def drawn(slate: Slate, log: Log) -> Iterator[Shown]:
    """As many cards as were shown: slots are filled one after the other, so a longer slate begins with the same ones."""
    pins = [log.keys.index(card["key"]) for card in slate.cards if card["slot"] == Slot.PIN]
    activities = np.zeros(len(log.ids), ACTIVITY)
    activities["id"] = log.ids
    placed = drawing.slate(
        len(log), log.cards, activities, size=len(slate.cards), pin=pins[0] if pins else -1,
        seed=slate.seed if slate.versions.get("noise", True) else None,
    )  # fmt: skip
    for one in placed:
        yield Shown(log.keys[one.index], str(one.slot), one.propensity, float(log.terms.score[one.index]))


def differences(wanted: Sequence[Shown], rows: Sequence[Shown]) -> Iterator[str]:
    """Each place that differs, in a sentence."""
    for place, (logged, again) in enumerate(zip_longest(wanted, rows), start=1):
        said: dict[str, object] = {"place": place}
        if logged is None or again is None:
            yield _("Place %(place)s was filled in one of both only.") % said
        elif logged.key != again.key:
            said |= {"logged": logged.key, "drawn": again.key}
            yield _("Place %(place)s showed %(logged)s, and %(drawn)s when drawn again.") % said
        elif logged.slot != again.slot:
            said |= {"logged": logged.slot, "drawn": again.slot}
            yield _("Place %(place)s was a slot of kind %(logged)s, and %(drawn)s when drawn again.") % said
        elif abs(logged.propensity - again.propensity) > CLOSE:
            said |= {"logged": f"{logged.propensity:.9f}", "drawn": f"{again.propensity:.9f}"}
            yield _("Place %(place)s had a chance of %(logged)s, and %(drawn)s when drawn again.") % said
        elif abs(logged.score - again.score) > CLOSE:
            said |= {"logged": f"{logged.score:.9f}", "drawn": f"{again.score:.9f}"}
            yield _("Place %(place)s had a score of %(logged)s, and its logged terms add up to %(drawn)s.") % said
