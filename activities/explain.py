"""The terms of a score as sentences, made of the same stored numbers (F2)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from django.conf import settings
from django.utils.translation import gettext as _

from distributors.goals import GoalState
from distributors.languages import spoken
from distributors.metrics import Unit, metric_key
from distributors.wording import amount, counted, day_short

from . import whys
from .cards import Candidate, Reason
from .evidence import effects
from .models import Skill
from .ranking import scoring
from .ranking.person import Ranking
from .rules import reasoning
from .whys import Words

__all__ = ["Shown", "Words", "reasons", "why", "worth"]


@dataclass(frozen=True)
class Shown:
    """One card of a ranking, to be put in words."""

    ranking: Ranking
    index: int
    card: Candidate


def why(shown: Shown) -> str:
    """One line: the person's facts, else what made a rule ask for it, else her skill, else her goal, else the company's focus.

    Never empty.
    """
    return (
        whys.line_of(shown.card, shown.ranking.distributor)
        or reasoning.placed(shown.ranking, shown.index, shown.card)
        or skill_sentence(shown)
        or goal_fact(shown)
        or company_sentence(shown)
        or _("You have not done this in the last %(days)s days.") % {"days": shown.card.activity.again_after_days}
    )


def worth(shown: Shown) -> str:
    """This could close 13% of your $62.50 gap and lift your chance of $250 from 48% to 54%. Empty when no goal moves.

    Of her goals the one that speaks most for the card. All percents are floored, so none promises too much.
    """
    at = main_goal(shown)
    if at is None:
        return ""
    state, now = shown.ranking.goals[at], chance_now(shown, at)
    share = floored(float(shown.ranking.terms.shares[shown.index, at]))
    target = counted(state.target, state.goal.metric, state.currency)
    said = {
        "share": share,
        "gap": amount(state.left, state.goal.metric, state.currency),
        "target": target,
        "now": floored(now),
        "then": floored(now + told_gain(float(shown.ranking.terms.gains[shown.index, at]), shown.card.p, now)),
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


def reasons(shown: Shown) -> list[Reason]:
    """The Why panel: a rule, her people, her goal, the company's focus, her skill; each only when it speaks for the card."""
    candidate = shown.card
    ruled = reasoning.panel(shown.ranking, shown.index, candidate)
    found = [
        *([ruled] if ruled else []),
        Reason("person", person_heading(shown), whys.line_of(candidate, shown.ranking.distributor)),
        Reason("goal", _("Your goal"), joined(goal_fact(shown), worth(shown)), whose_word(shown)),
        Reason("company", company_heading(shown), company_panel(shown)),
        Reason("skill", _("Your skill"), skill_sentence(shown)),
    ]
    return [reason for reason in found if reason.sentence]


def person_heading(shown: Shown) -> str:
    return _("Your team") if shown.card.recruit is not None else _("Your customers")


def main_goal(shown: Shown) -> int | None:
    """Which of her goals speaks most for the card; None when none does."""
    terms = shown.ranking.terms
    if not shown.ranking.goals:
        return None
    parts = shown.ranking.goal_weights * (terms.gains[shown.index] + terms.shares[shown.index])
    best = int(np.argmax(parts))
    return best if parts[best] > 0 else None


def goal_fact(shown: Shown) -> str:
    """$62.50 to go by 30 August."""
    at = main_goal(shown)
    return to_go(shown.ranking.goals[at]) if at is not None else ""


def whose_word(shown: Shown) -> str:
    """Author’s estimate · Measured on 1,204 showings: of the effect on her goal, when the card moves one."""
    at = main_goal(shown)
    if at is None:
        return ""
    goal = shown.ranking.goals[at].goal
    key = metric_key(goal.metric, goal.scope)
    return effects.footnote(effects.standing(shown.card.activity, key, shown.ranking.shelf.learned_effects))


def to_go(state: GoalState) -> str:
    left = counted(state.left, state.goal.metric, state.currency)
    if state.days_left <= 1:
        return _("%(left)s to go today.") % {"left": left}
    return _("%(left)s to go by %(day)s.") % {"left": left, "day": day_short(state.last)}


def chance_now(shown: Shown, at: int) -> float:
    state = shown.ranking.goals[at]
    return state.survival(float(state.left)) if state.left > 0 else 1.0


def company_name() -> str:
    return str(getattr(settings, "COMPANY_NAME", "YouSystem"))


def company_heading(shown: Shown) -> str:
    """YouSystem’s focus to 30 September."""
    until = shown.ranking.priorities.until
    said = {"company": company_name(), "day": day_short(until) if until else ""}
    return _("%(company)s’s focus to %(day)s") % said if until else _("%(company)s’s focus") % said


def company_words(shown: Shown) -> str:
    """The KPI that this card moves most, in the field's words."""
    parts = shown.ranking.terms.by_kpi[shown.index]
    if not len(parts) or parts.max() <= 0:
        return ""
    best = list(shown.ranking.priorities.weights)[int(np.argmax(parts))]
    return shown.ranking.priorities.words.get(best) or shown.ranking.priorities.focus


def company_sentence(shown: Shown) -> str:
    """YouSystem’s focus to 30 September: repeat orders of the eye line."""
    words = company_words(shown) if scoring.company_share(shown.ranking.terms, shown.index) else ""
    return _("%(heading)s: %(focus)s.") % {"heading": company_heading(shown), "focus": words} if words else ""


def company_panel(shown: Shown) -> str:
    """Repeat orders of the eye line (25% of this score). Shown whenever the share is positive."""
    if shown.ranking.terms.company[shown.index] <= 0:
        return ""
    words = company_words(shown)
    share = scoring.company_share(shown.ranking.terms, shown.index)
    said = {"focus": words[:1].upper() + words[1:], "share": share}
    own = _("Your own goals still count for more than half of this ranking.")
    # Of a card that is mostly the company's, or that no score put there, it would read like a contradiction.
    told = share < 50 < 100 * shown.ranking.own_share and not reasoning.is_pinned(shown.ranking, shown.index)
    return joined(_("%(focus)s (%(share)s%% of this score).") % said, own if told else "")


def skill_name(shown: Shown, skill: Skill) -> str:
    return spoken(skill.name_by_language, shown.ranking.distributor.speaks, skill.name)


def skill_sentence(shown: Shown) -> str:
    """Only for what would add mastery."""
    skill = shown.card.activity.skill
    if skill is None or shown.ranking.terms.learning[shown.index] <= 0:
        return ""
    held = shown.ranking.mastery(skill.pk)
    said = {"skill": skill_name(shown, skill), "held": floored(held), "wanted": floored(skill.wanted)}
    if not said["held"]:
        return _("“%(skill)s” is new to you.") % said
    return _("You hold %(held)s%% of “%(skill)s”; %(wanted)s%% is what makes it stick.") % said


def floored(share: float) -> int:
    """A share as whole percent, never rounded up; a hair of slack for .57 * 100."""
    return int(Decimal(repr(round(share, 9))) * 100)


def joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))
