"""Signals that come ready-made: rules that HQ reads, edits and publishes like its own, each with its remedy.

A signal is a definition (definitions.py) with a name and a reason. What to do about it are activities of the catalogue that
the product brings; a rule that asks for one which a company took away does nothing there. Words that the field reads are in
every language of the product; names and reasons are HQ's own.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction

from distributors.models import Distributor, User

from . import rule_drafts
from .models import Rule
from .ready import free

Json = dict[str, Any]


class Signal(NamedTuple):
    key: str  # Rule.signal
    name: str
    reason: str  # why HQ would have it; the reason of its first version
    definition: Json


def fact(name: str, is_: str, value: Any = None, **of: str | int) -> Json:
    """A condition as definitions say it."""
    found: Json = {"fact": name} | ({"of": of} if of else {}) | {"is": is_}
    return found if value is None else found | {"value": value}


def trigger(activity: str, for_: str, days: int) -> Json:
    return {"effect": "trigger", "activity": activity, "for": for_, "days": days}


def eligible(activity: str) -> Json:
    return {"effect": "eligible", "target": {"activity": activity}}


def notice(for_: str, days: int, title: dict[str, str], text: dict[str, str]) -> Json:
    return {"effect": "notice", "for": for_, "days": days, "title": title, "text": text}


HER, LEADER = "her", "leader"

# Her own history is the measure (ranking.md 4). Four weeks and not one: of few orders a week any single week may be empty.
FALLING = {
    "any": [
        fact("change", "at_most", -50, metric="sales", line="", days=28),
        fact("decline", "at_least", 70),
    ]
}
FORMER_CUSTOMERS = fact("customers", "at_least", 1, reason="lapsed")
HALF_WAY_TO_A_PRIZE = fact("prize_percent", "at_least", 60, incentive=0)

#: One of the three for each: what is at hand decides, and nobody gets all of it at once.
FALLING_SALES = (
    Signal(
        "falling-sales",
        "Falling sales: former customers",
        "Somebody who has bought before is the nearest next order when sales fall to half.",
        {
            "if": {"all": [FALLING, FORMER_CUSTOMERS]},
            "but_not": fact("done", "at_least", 1, activity="win-back-lapsed", days=7),
            "then": [
                trigger("win-back-lapsed", HER, 7),
                notice(
                    HER, 7,
                    {
                        "en": "Somebody who knows you may like to hear from you",
                        "de": "Wer dich kennt, hört gern von dir",
                        "es": "A quien ya te conoce le da gusto saber de ti",
                    },
                    {
                        "en": "People who have bought from you before are often pleased about a word. A message to one of them, "
                        "ready to send, comes up on your list.",
                        "de": "Wer schon einmal bei dir bestellt hat, freut sich oft über ein Wort. Eine Nachricht an eine dieser "
                        "Personen, fertig zum Senden, kommt auf deine Liste.",
                        "es": "Quien ya te compró suele agradecer unas palabras. En tu lista aparecerá un mensaje para una de esas "
                        "personas, listo para enviar.",
                    },
                ),
            ],
            "priority": 80, "cooldown_days": 28, "held_back": 10,
        },
    ),
    Signal(
        "falling-sales-prize",
        "Falling sales: how near the prize is",
        "A prize that is more than half reached turns a slow month into a number of orders one can plan.",
        {
            "if": {"all": [FALLING, HALF_WAY_TO_A_PRIZE]},
            "but_not": FORMER_CUSTOMERS,
            "then": [trigger("next-tier-arithmetic", HER, 7)],
            "priority": 75, "cooldown_days": 28, "held_back": 10,
        },
    ),
    Signal(
        "falling-sales-new-line",
        "Falling sales: tips for a new line",
        "With nobody to win back and no prize near, something new to show is the best reason to write to people.",
        {
            "if": FALLING,
            "but_not": {"any": [FORMER_CUSTOMERS, HALF_WAY_TO_A_PRIZE]},
            "then": [eligible("lesson-a-line-that-is-new"), trigger("lesson-a-line-that-is-new", HER, 7)],
            "priority": 70, "cooldown_days": 28, "held_back": 10,
        },
    ),
)  # fmt: skip

BEGINNINGS = (
    Signal(
        "no-first-order",
        "No first order in 30 days",
        "Who places a first order in the first weeks tends to stay. A plan for one order and a word from the leader help.",
        {
            # A week to catch it in; who has been here for long without an order is another matter.
            "if": {
                "all": [
                    fact("joined_days", "between", [30, 36]),
                    fact("days_since_first", "unknown", metric="orders", line=""),
                ]
            },
            "then": [
                eligible("plan-one-order"),
                trigger("plan-one-order", HER, 7),
                trigger("check-in-no-first-order", LEADER, 7),
            ],
            "priority": 70, "cooldown_days": 365,
        },
    ),
    Signal(
        "first-order",
        "First order",
        "The first order is the moment to say well done: from the company, and from the leader in person.",
        {
            "if": fact("days_since_first", "at_most", 2, metric="orders", line=""),
            "then": [
                notice(
                    HER, 5,
                    {
                        "en": "Your first order is in",
                        "de": "Deine erste Bestellung ist da",
                        "es": "Llegó tu primer pedido",
                    },
                    {
                        "en": "Congratulations, {name}: somebody trusted your advice[, with {sales_7} in sales]. Ask in a week how it "
                        "suits, and the next order often comes by itself.",
                        "de": "Herzlichen Glückwunsch, {name}: Jemand hat deinem Rat vertraut[, mit {sales_7} Umsatz]. Frag in einer "
                        "Woche nach, wie es gefällt, dann kommt die nächste Bestellung oft von selbst.",
                        "es": "Felicidades, {name}: alguien confió en tu consejo[, con {sales_7} en ventas]. Pregunta en una semana "
                        "cómo le fue y el siguiente pedido suele llegar por sí solo.",
                    },
                ),
                trigger("say-well-done", LEADER, 5),
                notice(
                    LEADER, 5,
                    {
                        "en": "{name} has a first order",
                        "de": "{name} hat die erste Bestellung",
                        "es": "{name} ya tiene su primer pedido",
                    },
                    {
                        "en": "A word from you while it is fresh is remembered. [{sales_7} in sales by {day}.] A message to {name} "
                        "comes up on your list.",
                        "de": "Ein Wort von dir, solange es frisch ist, bleibt in Erinnerung. [{sales_7} Umsatz bis zum {day}.] Eine "
                        "Nachricht an {name} kommt auf deine Liste.",
                        "es": "Unas palabras tuyas mientras está fresco se recuerdan. [{sales_7} en ventas hasta el {day}.] En tu "
                        "lista aparecerá un mensaje para {name}.",
                    },
                ),
            ],
            "priority": 65, "cooldown_days": 365,
        },
    ),
    Signal(
        "first-enrolment",
        "First enrolment",
        "Who brings in a first person has become a leader: a shared plan makes the first month of both easier.",
        {
            "if": fact("days_since_first", "at_most", 2, metric="enrolments", line=""),
            "then": [
                trigger("thirty-day-plan", HER, 7),
                notice(
                    HER, 5,
                    {
                        "en": "Your team has begun",
                        "de": "Dein Team hat begonnen",
                        "es": "Tu equipo ya empezó",
                    },
                    {
                        "en": "The first person has joined with you, {name}. Ten minutes for a shared plan make the first month "
                        "easier for both of you.",
                        "de": "Die erste Person ist mit dir dabei, {name}. Zehn Minuten für einen gemeinsamen Plan machen euch "
                        "beiden den ersten Monat leichter.",
                        "es": "La primera persona ya está contigo, {name}. Diez minutos para un plan en común les facilitan el "
                        "primer mes.",
                    },
                ),
                notice(
                    LEADER, 5,
                    {
                        "en": "{name} has brought in a first person",
                        "de": "{name} hat die erste Person ins Team geholt",
                        "es": "{name} sumó a la primera persona de su equipo",
                    },
                    {
                        "en": "Now {name} leads too. Offer the first plan you wrote yourself as an example.",
                        "de": "Jetzt führt {name} selbst ein Team. Biete deinen eigenen ersten Plan als Beispiel an.",
                        "es": "Ahora {name} también guía a alguien. Ofrécele como ejemplo el primer plan que tú hiciste.",
                    },
                ),
            ],
            "priority": 60, "cooldown_days": 365,
        },
    ),
)  # fmt: skip

WHAT_IS_LEFT = {
    "en": "What is left often fits into one or two orders[: {goal_left} until {goal_until}, with {goal_percent} "
    "done]. A short list of names comes up on your list.",
    "de": "Was noch fehlt, passt oft in eine oder zwei Bestellungen[: {goal_left} bis zum {goal_until}, "
    "{goal_percent} sind geschafft]. Eine kurze Namensliste kommt auf deine Liste.",
    "es": "Lo que falta suele caber en uno o dos pedidos[: {goal_left} hasta el {goal_until}, con {goal_percent} "
    "logrado]. En tu lista aparecerá una selección corta de nombres.",
}

#: Of the week, then of the month: who has set a goal for a month only is told as well.
GOALS = (
    Signal(
        "missed-goal",
        "Missed last week’s goal",
        "After a week below the goal one small step gets the next one going, and not a larger number.",
        {
            # Who has begun this week needs no smaller step.
            "if": {
                "all": [
                    fact("last_goal_percent", "less_than", 100, metric="", period="week"),
                    fact("goal_percent", "less_than", 25, metric="", period="week"),
                    fact("goal_days_left", "at_least", 3, metric="", period="week"),
                ]
            },
            "then": [eligible("one-step-this-week"), trigger("one-step-this-week", HER, 3)],
            "priority": 40, "cooldown_days": 28,
        },
    ),
    Signal(
        "goal-nearly-reached",
        "Goal nearly reached",
        "Two days before the end a short list of names is worth more than any reminder.",
        {
            "if": {
                "all": [
                    fact("goal_percent", "at_least", 80, metric="", period="week"),
                    fact("goal_percent", "less_than", 100, metric="", period="week"),
                    fact("goal_days_left", "at_most", 2, metric="", period="week"),
                ]
            },
            "then": [
                trigger("close-the-gap-list", HER, 2),
                notice(
                    HER, 2,
                    {
                        "en": "Your goal of the week is close[: {goal_left} to go]",
                        "de": "Dein Wochenziel ist nah[: noch {goal_left}]",
                        "es": "Tu meta de la semana está cerca[: faltan {goal_left}]",
                    },
                    WHAT_IS_LEFT,
                ),
            ],
            "priority": 55, "cooldown_days": 7,
        },
    ),
    Signal(
        "reached-goal",
        "Reached the goal of the week",
        "A reached goal is reached: nothing presses any further, and there is room for what pays off later.",
        {
            # That it is reached every notification centre says already; what follows from it is said here.
            "if": fact("goal_percent", "at_least", 100, metric="", period="week"),
            "then": [
                {"effect": "suppress", "target": {"activity": "close-the-gap-list"}},
                trigger("add-someone-you-met", HER, 3),
            ],
            "priority": 35, "cooldown_days": 7,
        },
    ),
    Signal(
        "missed-goal-month",
        "Missed last month’s goal",
        "After a month below the goal one small step gets the new one going, while there is time to go on from it.",
        {
            # Who has begun this month needs no smaller step; a week into it that can be said.
            "if": {
                "all": [
                    fact("last_goal_percent", "less_than", 100, metric="", period="month"),
                    fact("goal_percent", "less_than", 10, metric="", period="month"),
                    fact("goal_days_left", "between", [14, 25], metric="", period="month"),
                ]
            },
            "then": [eligible("one-step-this-week"), trigger("one-step-this-week", HER, 3)],
            "priority": 39, "cooldown_days": 28,
        },
    ),
    Signal(
        "goal-nearly-reached-month",
        "Goal of the month nearly reached",
        "Five days before the end there is still time for a few orders, when it is known from whom.",
        {
            "if": {
                "all": [
                    fact("goal_percent", "at_least", 80, metric="", period="month"),
                    fact("goal_percent", "less_than", 100, metric="", period="month"),
                    fact("goal_days_left", "at_most", 5, metric="", period="month"),
                ]
            },
            "then": [
                trigger("close-the-gap-list", HER, 3),
                notice(
                    HER, 3,
                    {
                        "en": "Your goal of the month is close[: {goal_left} to go]",
                        "de": "Dein Monatsziel ist nah[: noch {goal_left}]",
                        "es": "Tu meta del mes está cerca[: faltan {goal_left}]",
                    },
                    WHAT_IS_LEFT,
                ),
            ],
            "priority": 54, "cooldown_days": 28,
        },
    ),
    Signal(
        "reached-goal-month",
        "Reached the goal of the month",
        "Who has reached the month early has room for what pays off in the next one.",
        {
            "if": fact("goal_percent", "at_least", 100, metric="", period="month"),
            "then": [trigger("add-someone-you-met", HER, 3)],
            "priority": 34, "cooldown_days": 28,
        },
    ),
    Signal(
        "prize-within-reach",
        "Prize within reach",
        "Who knows how little is left can decide in time whether it is worth it.",
        {
            "if": {
                "all": [
                    fact("prize_percent", "at_least", 80, incentive=0),
                    fact("prize_days_left", "at_most", 28, incentive=0),
                ]
            },
            "then": [
                notice(
                    HER, 14,
                    {
                        "en": "Your next prize is within reach[: {prize_left} to go]",
                        "de": "Deine nächste Prämie ist in Reichweite[: noch {prize_left}]",
                        "es": "Tu próximo premio está a tu alcance[: faltan {prize_left}]",
                    },
                    {
                        "en": "Most of the way is done[: “{prize}” was at {prize_percent} on {day}, with {prize_left} to go until "
                        "{prize_until}]. How it stands today and the terms are on Today under “Within reach”.",
                        "de": "Der größte Teil ist geschafft[: „{prize}“ stand am {day} bei {prize_percent}, {prize_left} fehlten "
                        "noch, Zeit ist bis zum {prize_until}]. Den Stand von heute und die Bedingungen findest du auf "
                        "„Heute“ unter „In Reichweite“.",
                        "es": "Ya hiciste la mayor parte[: “{prize}” iba en {prize_percent} el {day}, faltaban {prize_left} y hay tiempo "
                        "hasta el {prize_until}]. Cómo va hoy y las condiciones están en “Hoy”, en “A tu alcance”.",
                    },
                ),
            ],
            "priority": 45, "cooldown_days": 60,
        },
    ),
)  # fmt: skip

PEOPLE = (
    Signal(
        "quiet",
        "Quiet for four weeks",
        "Who has neither sold for four weeks nor looked in for one is asked how she is before she is asked for an order.",
        {
            "if": {
                "all": [
                    fact("days_since", "between", [28, 60], metric="orders", line=""),
                    fact("days_since", "at_least", 7, metric="active_days", line=""),
                ]
            },
            "then": [trigger("quiet-recruit-call", LEADER, 7)],
            "priority": 50, "cooldown_days": 60, "held_back": 10,
        },
    ),
    Signal(
        "anniversary",
        "Anniversary",
        "A full year is worth a word, from the company and from the leader.",
        {
            "if": {"all": [fact("years", "at_least", 1), fact("anniversary_days", "equals", 0)]},
            "then": [
                notice(
                    HER, 7,
                    {
                        "en": "Another year, {name}",
                        "de": "Ein Jahr mehr, {name}",
                        "es": "Un año más, {name}",
                    },
                    {
                        "en": "Today is the anniversary of your start[, number {years}]. Thank you for looking after your customers and your team.",
                        "de": "Heute jährt sich dein Start[ zum {years}. Mal]. Danke, dass du für deine Kundschaft und dein Team da bist.",
                        "es": "Hoy es el aniversario[ número {years}] de tu comienzo. Gracias por cuidar a tus clientes y a tu equipo.",
                    },
                ),
                notice(
                    LEADER, 7,
                    {
                        "en": "It is the anniversary of {name}",
                        "de": "{name} hat Jubiläum",
                        "es": "Es el aniversario de {name}",
                    },
                    {
                        "en": "Two lines from you make the day a good one[: it is number {years}].",
                        "de": "Zwei Zeilen von dir machen den Tag schön[: Es ist Jubiläum Nummer {years}].",
                        "es": "Dos líneas tuyas le alegran el día[: es el número {years}].",
                    },
                ),
            ],
            "priority": 30, "cooldown_days": 300,
        },
    ),
)  # fmt: skip

SIGNALS: tuple[Signal, ...] = FALLING_SALES + BEGINNINGS + GOALS + PEOPLE


def missing() -> list[Signal]:
    """Those from which no rule was made yet. One that HQ discarded or renamed comes again; one that ended does not."""
    there = set(Rule.objects.exclude(signal="").values_list("signal", flat=True))
    return [signal for signal in SIGNALS if signal.key not in there]


@transaction.atomic
def add_missing(by: User, as_of: datetime, *, publish: bool = False, approved_by: User | None = None) -> list[Rule]:
    """Each as a rule with a draft to look at; with `publish` live at once, as `release` does it."""
    taken = set(Rule.objects.values_list("name", flat=True))
    added = [
        (
            rule_drafts.make(
                name=free(signal.name, taken), definition=signal.definition, by=by, as_of=as_of, signal=signal.key
            ),
            signal,
        )
        for signal in missing()
    ]
    if publish:
        for rule, _signal in added:
            release(rule, by=by, approved_by=approved_by, as_of=as_of)
    return [rule for rule, _signal in added]


def release(rule: Rule, *, by: User, as_of: datetime, approved_by: User | None = None) -> Rule:
    """Publish the draft of a ready-made rule with the signal's own reason; by a second person if one is given.

    Nobody has counted for whom it holds: it is taken to reach everybody, which asks for approval rather than not.
    """
    reason = next(signal.reason for signal in SIGNALS if signal.key == rule.signal)
    if approved_by is not None:
        rule_drafts.ask(rule=rule, seen=rule_drafts.seen(rule), by=by, as_of=as_of, reason=reason)
    version = rule_drafts.publish(
        rule=rule, seen=rule_drafts.seen(rule), by=approved_by or by, as_of=as_of, reason=reason,
        reach=Distributor.objects.active().count(),
    )  # fmt: skip
    return version.rule
