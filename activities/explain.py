"""The terms of a score as sentences, made of the same stored numbers (F2)."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from django.conf import settings
from django.utils.translation import gettext as _

from distributors.goals import GoalState
from distributors.languages import spoken
from distributors.metrics import Unit
from distributors.wording import amount, counted, day_short

from . import scoring, whys
from .cards import Reason
from .models import Skill
from .ranking import Ranking
from .whys import Words

__all__ = ["Words", "reasons", "why", "worth"]


def why(ranking: Ranking, index: int) -> str:
    """One line: the person's facts, else her skill, else her goal, else the company's focus. Never empty."""
    return (
        whys.line_of(ranking.candidates[index], ranking.distributor)
        or skill_sentence(ranking, index)
        or goal_fact(ranking, index)
        or company_sentence(ranking, index)
        or _("You have not done this in the last %(days)s days.")
        % {"days": ranking.candidates[index].activity.again_after_days}
    )


def worth(ranking: Ranking, index: int) -> str:
    """This could close 13% of your $62.50 gap and lift your chance of $250 from 48% to 54%. Empty when no goal moves.

    Of her goals the one that speaks most for the card. All percents are floored, so none promises too much.
    """
    at = main_goal(ranking, index)
    if at is None:
        return ""
    state, now = ranking.goals[at], chance_now(ranking, at)
    share = floored(float(ranking.terms.shares[at, index]))
    target = counted(state.target, state.goal.metric, state.currency)
    said = {
        "share": share,
        "gap": amount(state.left, state.goal.metric, state.currency),
        "target": target,
        "now": floored(now),
        "then": floored(now + told_gain(float(ranking.terms.gains[at, index]), ranking.candidates[index].p, now)),
    }
    lifts = state.chance is not None and said["then"] != said["now"]
    if state.metric.unit is Unit.MONEY and share >= 1:
        if lifts:
            return (
                _(
                    "This could close %(share)s%% of your %(gap)s gap"
                    " and lift your chance of %(target)s from %(now)s%% to %(then)s%%."
                )
                % said
            )
        return _("This could close %(share)s%% of your %(gap)s gap.") % said
    if lifts:
        return _("This could lift your chance of %(target)s from %(now)s%% to %(then)s%%.") % said
    return _("This counts toward your %(target)s.") % said


def told_gain(gain: float, p: float, now: float) -> float:
    """What may be said of dP: it is done with probability p only, so the chance never rises by more than p (1 - now).

    The score takes tau = p e as if it were certain to come, which near the target would read as a promise of 100%.
    """
    return min(gain, p * (1 - now))


def reasons(ranking: Ranking, index: int) -> list[Reason]:
    """The Why panel: her people, her goal, the company's focus, her skill; each only when it speaks for the card."""
    candidate = ranking.candidates[index]
    found = [
        Reason("person", person_heading(ranking, index), whys.line_of(candidate, ranking.distributor)),
        Reason("goal", _("Your goal"), joined(goal_fact(ranking, index), worth(ranking, index))),
        Reason("company", company_heading(ranking), company_panel(ranking, index)),
        Reason("skill", _("Your skill"), skill_sentence(ranking, index)),
    ]
    return [reason for reason in found if reason.sentence]


def person_heading(ranking: Ranking, index: int) -> str:
    return _("Your team") if ranking.candidates[index].recruit is not None else _("Your customers")


def main_goal(ranking: Ranking, index: int) -> int | None:
    """Which of her goals speaks most for the card; None when none does."""
    terms = ranking.terms
    if not ranking.goals:
        return None
    parts = ranking.model.goal_weights() * (terms.gains[:, index] + terms.shares[:, index])
    best = int(np.argmax(parts))
    return best if parts[best] > 0 else None


def goal_fact(ranking: Ranking, index: int) -> str:
    """$62.50 to go by 30 August."""
    at = main_goal(ranking, index)
    return to_go(ranking.goals[at]) if at is not None else ""


def to_go(state: GoalState) -> str:
    left = counted(state.left, state.goal.metric, state.currency)
    if state.days_left <= 1:
        return _("%(left)s to go today.") % {"left": left}
    return _("%(left)s to go by %(day)s.") % {"left": left, "day": day_short(state.last)}


def chance_now(ranking: Ranking, at: int) -> float:
    goal = ranking.model.goals[at]
    return float(goal.survival(np.array([goal.left]))[0]) if goal.left > 0 else 1.0


def company_name() -> str:
    return str(getattr(settings, "COMPANY_NAME", "YouSystem"))


def company_heading(ranking: Ranking) -> str:
    """YouSystem’s focus to 30 September."""
    until = ranking.priorities.until
    said = {"company": company_name(), "day": day_short(until) if until else ""}
    return _("%(company)s’s focus to %(day)s") % said if until else _("%(company)s’s focus") % said


def company_words(ranking: Ranking, index: int) -> str:
    """The KPI that this card moves most, in the field's words."""
    parts = ranking.terms.by_kpi[:, index]
    if not len(parts) or parts.max() <= 0:
        return ""
    best = ranking.model.company[int(np.argmax(parts))].metric
    return ranking.priorities.words.get(best) or ranking.priorities.focus


def company_sentence(ranking: Ranking, index: int) -> str:
    """YouSystem’s focus to 30 September: repeat orders of the eye line."""
    words = company_words(ranking, index) if scoring.company_share(ranking.terms, index) else ""
    return _("%(heading)s: %(focus)s.") % {"heading": company_heading(ranking), "focus": words} if words else ""


def company_panel(ranking: Ranking, index: int) -> str:
    """Repeat orders of the eye line (25% of this score). Shown whenever the share is positive."""
    if ranking.terms.company[index] <= 0:
        return ""
    words = company_words(ranking, index)
    share = scoring.company_share(ranking.terms, index)
    said = {"focus": words[:1].upper() + words[1:], "share": share}
    # Of a card that is mostly the company's it would read like a contradiction.
    own = _("Your own goals still count for more than half of this ranking.")
    return joined(
        _("%(focus)s (%(share)s%% of this score).") % said, own if share < 50 < 100 * ranking.model.own_share else ""
    )


def skill_name(ranking: Ranking, skill: Skill) -> str:
    return spoken(skill.name_by_language, ranking.distributor.speaks, skill.name)


def skill_sentence(ranking: Ranking, index: int) -> str:
    """Only for what would add mastery."""
    skill = ranking.candidates[index].activity.skill
    if skill is None or ranking.terms.learning[index] <= 0:
        return ""
    held = ranking.known.get(skill.pk, 0.0)
    said = {"skill": skill_name(ranking, skill), "held": floored(held), "wanted": floored(skill.wanted)}
    if not said["held"]:
        return _("“%(skill)s” is new to you.") % said
    return _("You hold %(held)s%% of “%(skill)s”; %(wanted)s%% is what makes it stick.") % said


def floored(share: float) -> int:
    """A share as whole percent, never rounded up; a hair of slack for .57 * 100."""
    return int(Decimal(repr(round(share, 9))) * 100)


def joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))
