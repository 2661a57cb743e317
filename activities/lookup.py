"""One card by its key: as it ranks now, or as a plain page when it is no longer on anybody's list."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from django.core.exceptions import ObjectDoesNotExist
from django.utils import translation

from distributors.models import Distributor

from . import explain, history, places, recommend
from .cards import Candidate, Card, Terms
from .models import Action, Activity, ActivityText
from .ranking import candidates, shelf
from .ranking.drawing import Placed, Slot
from .ranking.person import Ranking, rank
from .record import target_of


def card_of(distributor: Distributor, key: str, *, as_of: datetime) -> Card | None:
    """The card with her numbers when it could be shown now; else its words alone; None when it is not hers to see."""
    ranking = rank(distributor, as_of=as_of)
    with translation.override(distributor.speaks):
        return ranked(ranking, key) or plain(distributor, key)


def ranked(ranking: Ranking, key: str) -> Card | None:
    """The card, and why it has its place when it is on today's list."""
    if key not in ranking.keys:
        return None
    index = ranking.keys.index(key)
    card, place = shown(ranking, index), places.place(ranking, recommend.slate(ranking), index)
    return replace(card, reasons=[*card.reasons, place]) if card is not None and place is not None else card


def shown(ranking: Ranking, index: int, slot: Slot = Slot.OWN) -> Card | None:
    """A candidate as a card of its own."""
    loaded = candidates.load(ranking, [index]).candidates
    if index not in loaded:
        return None
    card = recommend.card(ranking, Placed(index, slot, 1.0), position=0, candidate=loaded[index])
    return replace(card, started=bool(history.started(history.recent(ranking.distributor.pk, ranking.day), [card.key])))


def best_about(distributor: Distributor, about_key: str, *, as_of: datetime) -> Card | None:
    """The highest score among what could be done about one person now."""
    ranking = rank(distributor, as_of=as_of)
    indices = [i for i, about in enumerate(ranking.about) if about == about_key]
    if not indices:
        return None
    with translation.override(distributor.speaks):
        return shown(ranking, max(indices, key=lambda i: float(ranking.terms.score[i])))


def plain(distributor: Distributor, key: str) -> Card | None:
    """Title, steps and message without a ranking: done, put off or not due now."""
    try:
        target = target_of(distributor, key)
    except ObjectDoesNotExist:
        return None
    text = words_of(target.activity, distributor)
    if text is None:
        return None
    candidate = Candidate(activity=target.activity, text=text, customer=target.customer, recruit=target.recruit)
    words = explain.Words.of(candidate, distributor)
    return Card(
        candidate=candidate, slot=Slot.OWN, position=0, terms=Terms(0, 0, 0, 0, 0), propensity=0,
        title=words.fill(text.title), summary=words.fill(text.summary), message=words.message(text.message),
        why="", worth="", reasons=[], company_share=0, rank_without_company=0,
    )  # fmt: skip


def words_of(activity: Activity, distributor: Distributor) -> ActivityText | None:
    """Of any activity, also one that is no longer published."""
    return shelf.in_language({text.language: text for text in activity.texts.all()}, distributor.speaks)


def filled_body(card: Card, distributor: Distributor) -> str:
    """The steps in Markdown with names filled in."""
    return explain.Words.of(card.candidate, distributor).fill(card.candidate.text.body)


def lessons(distributor: Distributor, *, as_of: datetime) -> list[Card]:
    """Lessons that could be shown now, the most helpful first."""
    ranking = rank(distributor, as_of=as_of)
    indices = [i for i in range(len(ranking)) if ranking.activity(i).is_learning]
    best = sorted(indices, key=lambda i: -float(ranking.terms.score[i]))
    loaded = candidates.load(ranking, best).candidates
    with translation.override(distributor.speaks):
        return [
            recommend.card(ranking, Placed(i, Slot.LEARNING, 1.0), position=0, candidate=loaded[i])
            for i in best
            if i in loaded
        ]


@dataclass(frozen=True)
class Finished:
    key: str
    title: str
    day: date


def finished_lessons(distributor: Distributor) -> list[Finished]:
    """Each lesson once, with the day she last finished it, newest first."""
    done = (
        Action.objects.of(distributor.pk).standing()
        .filter(kind=Action.Kind.DONE, activity__form=Activity.Form.LESSON)
        .select_related("activity").prefetch_related("activity__texts").order_by("-at")
    )  # fmt: skip
    found: dict[str, Finished] = {}
    for action in done[:100]:
        if action.activity.key not in found:
            text = words_of(action.activity, distributor)
            title = text.title if text else action.activity.key
            found[action.activity.key] = Finished(action.activity.key, title, action.day)
    return list(found.values())


@dataclass(frozen=True)
class Found:
    key: str
    title: str
    summary: str
    minutes: int


def found_by_title(distributor: Distributor, q: str) -> list[Found]:
    """Published activities of her market that are about nobody in particular, by words of their title or summary."""
    wanted = q.casefold()
    return [
        Found(activity.key, text.title, text.summary, activity.minutes)
        for activity, text in shelf.current().offered(distributor)
        if activity.about == Activity.About.NOBODY and wanted in f"{text.title} {text.summary}".casefold()
    ]
