"""The terms of a score as sentences, made of the same stored numbers (F2)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from django.conf import settings
from django.utils.translation import gettext as _

from distributors.goals import GoalState
from distributors.languages import spoken
from distributors.metrics import How, Unit, metric_key
from distributors.wording import amount, counted, day_short, whole

from . import whys
from .cards import Candidate, Reason
from .evidence import effects
from .models import Activity, Skill
from .ranking import scoring
from .ranking.person import Ranking
from .rules import reasoning
from .whys import Facts, Words

__all__ = ["Shown", "Words", "reasons", "why", "worth"]

About = Activity.About
#: Cards that ask for an order, whatever it is of.
ORDERING = frozenset({About.REORDER_DUE, About.ONE_TIME, About.LAPSED})


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
    """An average order from Priya ($37.75) would take you from 75% to 90% of your $250. Empty when no goal moves.

    Of her goals the one that speaks most for the card: a known amount first, then what is expected of it.
    """
    at = main_goal(shown)
    if at is None:
        return ""
    return known_order(shown, at) or expected(shown, at) or counts_toward(shown, at)


def known_order(shown: Shown, at: int) -> str:
    """What the order that the card asks for would make of a sales goal. Empty where its amount is not known."""
    state = shown.ranking.goals[at]
    found = order_asked_for(shown.card, state)
    if found is None or state.goal.metric != "sales":
        return ""
    said, value = found
    then = int((state.value + value) * 100 // state.target)
    if then <= state.percent:
        return ""
    return said % {
        "name": Facts(shown.card, shown.ranking.distributor).name,
        "product": Facts(shown.card, shown.ranking.distributor).product,
        "amount": amount(value, state.goal.metric, state.currency),
        "now": state.percent,
        "then": then,
        "target": counted(state.target, state.goal.metric, state.currency),
    }


def order_asked_for(card: Candidate, state: GoalState) -> tuple[str, Decimal] | None:
    """Whose order it would be, as a sentence to fill, and what it comes to: an open basket, what she bought once, else
    what her orders come to on average. Of a goal of one line only what is of that line."""
    about, line = card.activity.about, state.goal.scope
    if about == About.OPEN_BASKET and not line and (value := money(card, "basket_amount")):
        return _("This basket (%(amount)s) would take you from %(now)s%% to %(then)s%% of your %(target)s."), value
    if (
        about == About.ONE_TIME
        and line in ("", card.facts.get("line"))
        and card.facts.get("product")
        and (value := money(card, "product_price"))
    ):
        said = _(
            "A reorder of %(product)s (%(amount)s) would take you from %(now)s%% to %(then)s%% of your %(target)s."
        )
        return said, value
    if about in ORDERING and not line and several_orders(card) and (value := money(card, "order_average")):
        said = _(
            "An average order from %(name)s (%(amount)s) would take you from %(now)s%% to %(then)s%% of your %(target)s."
        )
        return said, value
    return None


def several_orders(card: Candidate) -> bool:
    orders = card.facts.get("orders")
    return isinstance(orders, int) and orders > 1


def money(card: Candidate, name: str) -> Decimal | None:
    """A positive amount among the facts."""
    value = card.facts.get(name)
    return value if isinstance(value, Decimal) and value > 0 else None


def expected(shown: Shown, at: int) -> str:
    """What the card brings on average (tau = p e: done by some, left by others), in the numbers of the score, floored.

    Empty when it is too little to be told.
    """
    state, now = shown.ranking.goals[at], chance_now(shown, at)
    share = float(shown.ranking.terms.shares[shown.index, at])
    brings = whole(Decimal(share) * state.left)
    said = {
        "amount": amount(brings, state.goal.metric, state.currency),
        "left": amount(state.left, state.goal.metric, state.currency),
        "target": counted(state.target, state.goal.metric, state.currency),
        "now": floored(now),
        "then": floored(now + told_gain(float(shown.ranking.terms.gains[shown.index, at]), shown.card.p, now)),
    }
    lifts = state.chance is not None and said["then"] != said["now"]
    # What adds up, and stays below what is missing: more would read as a promise.
    adds = state.metric.unit is Unit.MONEY and state.metric.how is How.SUM and brings >= 1 and share < 1
    if adds and lifts:
        return (
            _(
                "On average a to-do like this should bring %(amount)s of the %(left)s to go"
                " and lift your chance of %(target)s from %(now)s%% to %(then)s%%."
            )
            % said
        )
    if adds:
        return _("On average a to-do like this should bring %(amount)s of the %(left)s to go.") % said
    if lifts:
        return (
            _("On average a to-do like this should lift your chance of %(target)s from %(now)s%% to %(then)s%%.") % said
        )
    return ""


def counts_toward(shown: Shown, at: int) -> str:
    state = shown.ranking.goals[at]
    return _("This counts toward your %(target)s.") % {
        "target": counted(state.target, state.goal.metric, state.currency)
    }


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
        goal_reason(shown),
        Reason("company", company_heading(shown), company_panel(shown)),
        Reason("skill", _("Your skill"), skill_sentence(shown)),
    ]
    return [reason for reason in found if reason.sentence]


def goal_reason(shown: Shown) -> Reason:
    """$62.50 to go today. What an order would make of it; what is expected on average, and whose word that is."""
    at = main_goal(shown)
    if at is None:
        return Reason("goal", _("Your goal"), "")
    known, hoped = known_order(shown, at), expected(shown, at)
    told = joined(known, hoped) or counts_toward(shown, at)
    # A plain sum of what she sold and an order is nobody's estimate.
    note = "" if known and not hoped else whose_word(shown)
    return Reason("goal", _("Your goal"), joined(goal_fact(shown), told), note)


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
    """Repeat orders of the eye line. Of this card's points 25% come from this focus and 74% from your goals.

    Told whenever the company's part is positive.
    """
    parts = points_at(shown.ranking.terms, shown.index)
    if parts.company <= 0:
        return ""
    words = company_words(shown)
    said = {"share": parts.percent(parts.company), "own": parts.percent(parts.own)}
    if parts.own > 0:
        told = _("Of this card’s points %(share)s%% come from this focus and %(own)s%% from your goals.") % said
    else:
        told = _("It moves none of your goals; %(share)s%% of its points come from this focus.") % said
    return joined(f"{words[:1].upper()}{words[1:]}." if words else "", told)


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


@dataclass(frozen=True)
class Points:
    """What speaks for a card, each part of the score on its own; fatigue is left out."""

    own: float
    company: float
    learning: float
    rules: float

    def percent(self, part: float) -> int:
        """Of what speaks for it, floored; 0 when the part does not."""
        speaking = sum(max(0.0, one) for one in (self.own, self.company, self.learning, self.rules))
        return int(100 * part / speaking) if part > 0 else 0


def points_at(terms: scoring.Terms, index: int) -> Points:
    return Points(*(float(part[index]) for part in (terms.own, terms.company, terms.learning, terms.rules)))


def floored(share: float) -> int:
    """A share as whole percent, never rounded up; a hair of slack for .57 * 100."""
    return int(Decimal(repr(round(share, 9))) * 100)


def joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))
