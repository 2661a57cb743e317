"""What she knows: mastery of a skill is FSRS retrievability times her last score (ranking.md 6)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fsrs import Card, Rating, Scheduler

from distributors.compiling import kernel
from distributors.models import Distributor

from .models import Mastery, Skill

#: Default parameters: fitting them gains .02 of log-loss at best. No fuzzing: the same history, the same memory.
SCHEDULER = Scheduler(enable_fuzzing=False)
#: The curve passes 0.9 after `stability` days.
DECAY = -SCHEDULER.parameters[20]
FACTOR = 0.9 ** (1 / DECAY) - 1
#: In microseconds.
DAY = 86_400_000_000


@kernel
def retrievability(stability: float, reviewed_at: int, now: int) -> float:
    """The forgetting curve of FSRS-6, as the library draws it: over whole days. Instants in microseconds since 1970."""
    elapsed = max(0, (now - reviewed_at) // DAY)
    return float((1 + FACTOR * elapsed / stability) ** DECAY)


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
