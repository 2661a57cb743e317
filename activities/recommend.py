"""Today's feed of one person, ranked at read: facts -> candidates -> scores -> slate -> sentences.

No feed is stored. A slate is written when a different list is shown: it is the log, not the source, and the only write.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

import numpy as np
from django.utils import translation

from distributors.models import Distributor

from . import actions, drawing, explain, scoring
from .cards import Card, Feed, Terms
from .drawing import Placed
from .models import Slate
from .ranking import Ranking, rank
from .scoring import Components
from .whys import Words


def feed(distributor: Distributor, *, as_of: datetime, size: int = 5, log: bool = True, noise: bool = True) -> Feed:
    """Her feed at `as_of`, in her language. Load her `with_market()`.

    `log=False` writes nothing at all: previews and comparisons. `noise=False` shows the best of each pool. The same
    person, day and facts give the same list. It is empty only when there is nothing she could be shown.
    """
    if log:
        actions.settle([distributor.pk], as_of=as_of)
    ranking = rank(distributor, as_of=as_of)
    placed = slate(ranking, size=size, noise=noise)
    if log:
        write_down(ranking, placed)
    with translation.override(distributor.speaks):
        return Feed(
            distributor=distributor,
            as_of=as_of,
            day=ranking.history.day,
            goals=ranking.goals,
            due=ranking.due,
            cards=[card(ranking, one, position) for position, one in enumerate(placed, start=1)],
            done=actions.done_on(distributor, ranking.history.day),
            focus=ranking.priorities.focus,
            focus_until=ranking.priorities.until,
            versions=ranking.versions,
            seed=ranking.seed,
        )


def slate(ranking: Ranking, *, size: int = 5, noise: bool = True) -> list[Placed]:
    return drawing.draw(
        ranking.terms,
        keys=[candidate.key for candidate in ranking.candidates],
        people=ranking.people,
        activities=[candidate.activity.key for candidate in ranking.candidates],
        learning=np.array([candidate.activity.is_learning for candidate in ranking.candidates], dtype=bool),
        size=size,
        seed=ranking.seed if noise else None,
    )


def card(ranking: Ranking, placed: Placed, position: int) -> Card:
    """A placed candidate with its sentences; the active language is the reader's."""
    candidate = ranking.candidates[placed.index]
    words = Words.of(candidate, ranking.distributor)
    return Card(
        candidate=candidate,
        slot=placed.slot,
        position=position,
        terms=terms_of(ranking.terms, placed.index),
        propensity=placed.propensity,
        title=words.fill(candidate.text.title),
        summary=words.fill(candidate.text.summary),
        message=words.fill(candidate.text.message),
        why=explain.why(ranking, placed.index),
        worth=explain.worth(ranking, placed.index),
        reasons=explain.reasons(ranking, placed.index),
        company_share=scoring.company_share(ranking.terms, placed.index),
        rank_without_company=ranking.ranks_without_company[placed.index],
        started=ranking.history.started(candidate.activity.pk, candidate.about_key),
    )


def terms_of(terms: Components, index: int) -> Terms:
    return Terms(
        own=float(terms.own[index]),
        company=float(terms.company[index]),
        learning=float(terms.learning[index]),
        fatigue=float(terms.fatigue[index]),
        rules=float(terms.rules[index]),
    )


def write_down(ranking: Ranking, placed: Sequence[Placed]) -> None:
    """Log the slate unless this very list was already shown today. Two page loads at once leave one row."""
    shown = digest(ranking, placed)
    if not placed or shown in ranking.history.shown_today:
        return
    row = Slate(
        distributor=ranking.distributor,
        day=ranking.history.day,
        shown_at=ranking.as_of,
        seed=ranking.seed,
        versions=ranking.versions | {"columns": list(COLUMNS), "kpis": [kpi.metric for kpi in ranking.model.company]},
        cards=[shown_card(ranking, one) for one in placed],
        eligible=[eligible_row(ranking, index) for index in range(len(ranking.candidates))],
        digest=shown,
    )
    Slate.objects.bulk_create([row], ignore_conflicts=True)


def digest(ranking: Ranking, placed: Sequence[Placed]) -> bytes:
    listed = "\n".join(f"{ranking.candidates[one.index].key} {one.slot}" for one in placed)
    return hashlib.sha256(listed.encode()).digest()


#: What a row of Slate.eligible holds; the company's part of each KPI follows, in the order of versions["kpis"].
COLUMNS = ("key", "own", "company", "learning", "fatigue", "rules")


def eligible_row(ranking: Ranking, index: int) -> list[object]:
    terms = ranking.terms
    parts = (terms.own, terms.company, terms.learning, terms.fatigue, terms.rules, *terms.by_kpi)
    return [ranking.candidates[index].key, *(round(float(part[index]), 7) for part in parts)]


def shown_card(ranking: Ranking, placed: Placed) -> dict[str, object]:
    candidate, terms = ranking.candidates[placed.index], terms_of(ranking.terms, placed.index)
    return {
        "key": candidate.key,
        "activity": candidate.activity.pk,
        "customer": candidate.customer.pk if candidate.customer else None,
        "recruit": candidate.recruit.pk if candidate.recruit else None,
        "slot": str(placed.slot),
        "propensity": placed.propensity,
        "score": terms.score,
        "terms": {
            "own": terms.own,
            "company": terms.company,
            "learning": terms.learning,
            "fatigue": terms.fatigue,
            "rules": terms.rules,
        },
    }
