"""Today's feed of one person, ranked at read: facts -> candidates -> scores -> slate -> sentences.

No feed is stored. A slate is written when a different list is shown: it is the log, not the source, and the only write.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from django.utils import translation

from distributors.models import Distributor

from . import actions, explain, history
from .cards import Candidate, Card, Feed, Terms
from .models import Slate
from .ranking import candidates, drawing, kernel, scoring
from .ranking.drawing import Placed
from .ranking.person import CUSTOMER, RECRUIT, Ranking, rank
from .rules import reasoning
from .whys import Words

#: People under "Worth a message".
WORTH_A_MESSAGE = 4


def feed(
    distributor: Distributor,
    *,
    as_of: datetime,
    size: int = 5,
    log: bool = True,
    noise: bool = True,
    veiled: bool = False,
) -> Feed:
    """Her feed at `as_of`, in her language. Load her `with_market()`.

    `log=False` writes nothing at all: previews and comparisons. `noise=False` shows the best of each pool. The same
    person, day and facts give the same list. It is empty only when there is nothing she could be shown. `veiled` is for
    readers who are not she: of her customers only initials are in it.
    """
    ranking = rank(distributor, as_of=as_of, settle=log)
    placed = slate(ranking, size=size, noise=noise)
    if log:
        write_down(ranking, placed, noise=noise)
    loaded = candidates.load(ranking, (one.index for one in placed), due=ranking.worth_a_message[:WORTH_A_MESSAGE])
    if veiled:
        loaded = candidates.veiled(loaded)
    shown = [one for one in placed if one.index in loaded.candidates]
    deeds = history.recent(distributor.pk, ranking.day)
    started = history.started(deeds, [ranking.keys[one.index] for one in shown])
    with translation.override(distributor.speaks):
        return Feed(
            distributor=distributor,
            as_of=as_of,
            day=ranking.day,
            goals=ranking.goals,
            due=loaded.due,
            due_customers=ranking.due_customers,
            cards=[
                card(ranking, one, position, loaded.candidates[one.index], started=ranking.keys[one.index] in started)
                for position, one in enumerate(shown, start=1)
            ],
            done=actions.told(distributor, history.done(deeds, ranking.day), veil=veiled),
            focus=ranking.priorities.focus,
            focus_until=ranking.priorities.until,
            versions=ranking.versions,
            seed=ranking.seed,
            own_share=ranking.own_share,
        )


def slate(ranking: Ranking, *, size: int = 5, noise: bool = True) -> list[Placed]:
    found = ranking.found
    pin = int(kernel.pinned(0, len(ranking), ranking.rules, found.room.cards.card))
    return drawing.slate(
        len(ranking),
        found.room.cards,
        ranking.catalogue.activity,
        size=size,
        seed=ranking.seed if noise else None,
        pin=pin,
    )


def card(ranking: Ranking, placed: Placed, position: int, candidate: Candidate, *, started: bool = False) -> Card:
    """A placed candidate with its sentences; the active language is the reader's."""
    words = Words.of(candidate, ranking.distributor)
    shown = explain.Shown(ranking, placed.index, candidate)
    return Card(
        candidate=candidate,
        slot=placed.slot,
        position=position,
        terms=terms_of(ranking, placed.index),
        propensity=placed.propensity,
        title=words.fill(candidate.text.title),
        summary=words.fill(candidate.text.summary),
        message=words.message(candidate.text.message),
        why=explain.why(shown),
        worth=explain.worth(shown),
        reasons=explain.reasons(shown),
        company_share=scoring.company_share(ranking.terms, placed.index),
        rank=ranking.ranks[placed.index],
        rank_without_company=ranking.ranks_without_company[placed.index],
        started=started,
        pinned=reasoning.is_pinned(ranking, placed.index),
    )


def terms_of(ranking: Ranking, index: int) -> Terms:
    terms = ranking.terms
    return Terms(
        own=float(terms.own[index]),
        company=float(terms.company[index]),
        learning=float(terms.learning[index]),
        fatigue=float(terms.fatigue[index]),
        rules=float(terms.rules[index]),
    )


def write_down(ranking: Ranking, placed: Sequence[Placed], *, noise: bool = True) -> None:
    """Log the slate unless this very list was already shown today. Two page loads at once leave one row."""
    if not placed or digest(ranking, placed) in history.shown_today(ranking.distributor.pk, ranking.day):
        return
    Slate.objects.bulk_create([as_logged(ranking, placed, noise=noise)], ignore_conflicts=True)


def as_logged(ranking: Ranking, placed: Sequence[Placed], *, noise: bool = True) -> Slate:
    """The row of the log, not saved. Everything that the draw needs is in it, so that evidence/replay.py can draw it again."""
    return Slate(
        distributor=ranking.distributor,
        day=ranking.day,
        shown_at=ranking.as_of,
        seed=ranking.seed,
        versions=ranking.versions
        | {"columns": list(COLUMNS), "kpis": list(ranking.priorities.weights)}
        | {"drawing": drawing.VERSION, "noise": noise}
        | weighed_by(ranking)
        | ruled(ranking),
        cards=[shown_card(ranking, one) for one in placed],
        eligible=eligible_rows(ranking),
        digest=digest(ranking, placed),
    )


def weighed_by(ranking: Ranking) -> dict[str, object]:
    """What evidence/off_policy_log.py needs to weigh the terms anew: the weights by KPI, summing to 1, those of KPIs that should
    fall with a minus; the share that her own goals kept (alpha), and what she herself asks to keep of it."""
    priorities = ranking.priorities
    return {
        "weights": [weight * priorities.directions[key] for key, weight in priorities.weights.items()],
        "own_goal_share": ranking.own_share,
        "her_share": float(ranking.people.own_share[0]),
    }


def ruled(ranking: Ranking) -> dict[str, object]:
    """What each rule did to what could be shown (Ruling.logged); nothing without rules."""
    offered = set(ranking.found.room.cards.card["activity"][: len(ranking)].tolist())
    told = ranking.ruling.logged(offered)
    return {"ruled": told} if told else {}


def digest(ranking: Ranking, placed: Sequence[Placed]) -> bytes:
    listed = "\n".join(f"{ranking.keys[one.index]} {one.slot}" for one in placed)
    return hashlib.sha256(listed.encode()).digest()


#: What a row of Slate.eligible holds, by name in versions["columns"]; the company's part of each KPI follows, in the
#: order of versions["kpis"]. `activity` is its id, `lesson` and `barred` (by a rule: never drawn) are 0 or 1.
COLUMNS = ("key", "own", "company", "learning", "fatigue", "rules", "activity", "lesson", "barred")


def eligible_rows(ranking: Ranking) -> list[list[object]]:
    """Every candidate with its terms.

    The terms as they are, since who is drawn can hang on their last digit; a KPI's part, only told, to 7 decimals.
    """
    terms, cards = ranking.terms, ranking.found.room.cards.card[: len(ranking)]
    parts = [terms.own, terms.company, terms.learning, terms.fatigue, terms.rules]
    facts = [ranking.catalogue.activity["id"][cards["activity"]], cards["learning"], cards["barred"]]
    kpis = [part.round(7) for part in terms.by_kpi.T[: len(ranking.priorities.weights)]]
    columns = [column.tolist() for column in (*parts, *facts, *kpis)]
    return [list(row) for row in zip(ranking.keys, *columns, strict=True)]


def shown_card(ranking: Ranking, placed: Placed) -> dict[str, object]:
    card, terms = ranking.found.room.cards.card[placed.index], terms_of(ranking, placed.index)
    kind, about = int(card["kind"]), int(card["about"])
    return {
        "key": ranking.keys[placed.index],
        "activity": ranking.activity(placed.index).pk,
        "customer": about if kind == CUSTOMER else None,
        "recruit": about if kind == RECRUIT else None,
        "slot": str(placed.slot),
        "propensity": placed.propensity,
        # How much likelier than its activity's p the card is: p is learned without it (evidence/effects.py).
        "likelier": ranking.p(placed.index) / ranking.stated_p(placed.index),
        "score": terms.score,
        "terms": {
            "own": terms.own,
            "company": terms.company,
            "learning": terms.learning,
            "fatigue": terms.fatigue,
            "rules": terms.rules,
        },
    }
