"""What is worth a line in her notification centre. Pure: facts in, news out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from distributors.goals import GoalState

from .models import Notice


@dataclass(frozen=True)
class News:
    """`key` names the news for ever: found again, it is still one notice."""

    key: str
    kind: str
    facts: dict[str, object]
    at: datetime


def reached_goals(states: Iterable[GoalState], *, as_of: datetime) -> list[News]:
    """One notice per goal and period, the first time it is seen to be reached."""
    return [
        News(
            f"goal-{state.goal.pk}-{state.first.isoformat()}",
            Notice.Kind.GOAL,
            {
                "metric": state.goal.metric,
                "scope": state.goal.scope,
                "period": state.goal.period,
                "first": state.first.isoformat(),
                "last": state.last.isoformat(),
                "target": str(state.target),
                "currency": state.currency,
            },
            as_of,
        )
        for state in states
        if state.reached
    ]
