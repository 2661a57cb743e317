"""What she knows: mastery of a skill is FSRS retrievability times her last score (ranking.md 6)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from fsrs import Card, Rating, Scheduler

from distributors.models import Distributor

from .models import Activity, Mastery, Skill

#: Default parameters: fitting them gains .02 of log-loss at best. No fuzzing: the same history, the same memory.
SCHEDULER = Scheduler(enable_fuzzing=False)


def masteries(distributor: Distributor, *, as_of: datetime) -> dict[int, float]:
    """m_s by skill id, 0..1; a skill never learned is absent. One query."""
    return masteries_of([distributor.pk], as_of=as_of).get(distributor.pk, {})


def masteries_of(distributor_ids: Iterable[int], *, as_of: datetime) -> dict[int, dict[int, float]]:
    """m_s by distributor id and skill id. One query."""
    found: dict[int, dict[int, float]] = {}
    rows = Mastery.objects.filter(distributor_id__in=list(distributor_ids))
    for distributor_id, skill_id, score, memory in rows.values_list("distributor_id", "skill_id", "score", "memory"):
        found.setdefault(distributor_id, {})[skill_id] = score * retrievability(memory, as_of)
    return found


def retrievability(memory: dict[str, Any], as_of: datetime) -> float:
    """P(she still recalls it), by the forgetting curve of FSRS-6; 0 before the first review."""
    if not memory:
        return 0.0
    return float(SCHEDULER.get_card_retrievability(Card.from_dict(memory), as_of.astimezone(UTC)))


def skill_gap(activity: Activity, known: dict[int, float]) -> float:
    """iota (m* - m)+ / m*: how much of the mastery worth having this activity would add."""
    if activity.skill is None:
        return 0.0
    wanted = activity.skill.wanted
    return activity.skill_gain * max(0.0, wanted - known.get(activity.skill.pk, 0.0)) / wanted


def learned(*, distributor: Distributor, skill: Skill, gain: float, score: float | None, as_of: datetime) -> Mastery:
    """Fold one finished lesson into her memory of its skill.

    `score` is the share of quiz questions right; a lesson without a quiz adds the author's `gain` of what is missing.
    """
    before = Mastery.objects.select_for_update().filter(distributor=distributor, skill=skill).first()
    held = before.score if before else 0.0
    result = held + gain * (1.0 - held) if score is None else score
    at = as_of.astimezone(UTC)
    card = Card.from_dict(before.memory) if before and before.memory else Card(card_id=skill.pk, due=at)
    rating = Rating.Good if score is None else rating_of(score)
    card, _log = SCHEDULER.review_card(card, rating, review_datetime=at)
    return Mastery.objects.update_or_create(
        distributor=distributor,
        skill=skill,
        defaults={"score": result, "memory": card.to_dict(), "reviewed_at": as_of},
    )[0]


def rating_of(score: float) -> Rating:
    """The four FSRS grades from a share of right answers."""
    if score >= 0.95:
        return Rating.Easy
    if score >= 0.7:
        return Rating.Good
    return Rating.Hard if score >= 0.4 else Rating.Again


def snapshot(distributor: Distributor, skill: Skill) -> dict[str, Any] | None:
    """Her memory of a skill as it is, for an undo; None when she has none."""
    held = Mastery.objects.filter(distributor=distributor, skill=skill).first()
    if held is None:
        return None
    return {"score": held.score, "memory": held.memory, "reviewed_at": held.reviewed_at.isoformat()}


def unlearn(*, distributor: Distributor, skill: Skill, at: datetime, before: dict[str, Any] | None) -> None:
    """Take back what was learned at `at`. Nothing happens when she has learned more since."""
    standing = Mastery.objects.filter(distributor=distributor, skill=skill, reviewed_at=at)
    if before is None:
        standing.delete()
    else:
        standing.update(
            score=before["score"], memory=before["memory"], reviewed_at=datetime.fromisoformat(before["reviewed_at"])
        )
