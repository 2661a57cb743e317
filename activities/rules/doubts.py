"""What HQ should know before it publishes a rule, in sentences about the people whom it holds for today."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from distributors.blocks import Ints
from distributors.conditions.worded import Names
from distributors.records import day_number, day_of
from distributors.wording import number, said_day
from kpis import conflicts, rules
from kpis.definitions import Definition
from kpis.models import Call, Rule
from kpis.rule_effects import HER, LEADER, Effect, Eligible, Offer, OnTarget, Pin, Tell, ToSomebody, Trigger
from kpis.rules import Book, Ruled

from ..evidence.slate_table import FIELD
from ..models import Activity
from ..preview.concerns import language_name, written_in
from ..preview.trial import Mask
from ..ranking import kernel, steering
from ..ranking.blocks import Rules, no_calls
from ..ranking.shelf import FALLBACK_LANGUAGE, Shelf
from . import counting, decisions, tried_on
from .counting import Count, Counts, said_count
from .tried_on import Crowd, Sponsors

#: Of the field; a rule for more people than that is rather a priority.
MOST_OF_THE_FIELD = 0.5
#: To-dos on top of a list at a time, and notices a week, that one person reads gladly.
MOST_ON_TOP, MOST_NOTICES = 1, 2
#: A pin that ends within so many days is told.
SOON = timedelta(days=2)
WEEK = 7


@dataclass(frozen=True)
class Warned:
    """A sentence, and the live rule that it is about if it is about one."""

    sentence: str
    rule: Rule | None = None


@dataclass(frozen=True, eq=False)
class Given:
    """A definition that reads, for whom of the crowd it holds, and what is live beside it."""

    definition: Definition
    crowd: Crowd
    matched: Mask
    rule: Rule | None
    book: Book  # the live rules, this one too when it is
    names: Names

    @property
    def shelf(self) -> Shelf:
        return self.crowd.shelf

    @cached_property
    def offer(self) -> Offer:
        return decisions.offer_of(self.shelf)

    @property
    def today(self) -> date:
        """Where the day begins first."""
        return day_of(max(self.crowd.block.calendar.today.tolist(), default=0))

    @cached_property
    def sponsors(self) -> Sponsors:
        """One query."""
        return tried_on.sponsors(self.crowd)

    @property
    def others(self) -> list[Ruled]:
        """The other rules that are live."""
        return [one for one in self.book.rules if one.rule != self.rule]

    def holding(self, effect: type[Effect]) -> list[tuple[Ruled, Mask]]:
        """Those of them with such an effect, and for whom of the crowd each holds today: no other facts are asked for."""
        book = rules.book_of(
            one for one in self.others if any(isinstance(each, effect) for each in one.definition.then)
        )
        columns = self.crowd.columns(book.facts)
        holds = rules.matches(book, columns, self.crowd.seen, self.crowd.days).astype(bool)
        return list(zip(book.rules, holds, strict=True))

    def scaled(self, held: Mask) -> Count:
        return counting.scaled(held, self.crowd.total)

    def title(self, key: str) -> str:
        return FIELD.sub("…", self.names.activities.get(key, key))


def of(counts: Counts, crowd: Crowd, rule: Rule | None, names: Names) -> list[Warned]:
    """The gravest first; nothing while the definition does not read. `counts` are of the same crowd."""
    definition = counts.parts.definition
    if definition is None or counts.matched is None:
        return []
    given = Given(
        definition=definition,
        crowd=crowd,
        matched=counting.matched_of(counts.parts, crowd),
        rule=rule,
        book=rules.book(crowd.numbers),
        names=names,
    )
    return [
        *map(warned, reach(counts)),
        *conflicting(given),
        *map(warned, taken_away(given)),
        *map(warned, activities(given)),
        *map(warned, leaders(given)),
        *map(warned, on_top(given)),
        *map(warned, notices(given)),
        *map(warned, ends(given)),
        *map(warned, segments(given)),
    ]


def warned(sentence: str) -> Warned:
    return Warned(capfirst(sentence))


# Whom


def reach(counts: Counts) -> Iterator[str]:
    matched = counts.matched
    if matched is None or not counts.total:
        return
    if not matched.people:
        if counts.whole:
            yield _("It holds for nobody today.")
        else:
            yield _("It holds for nobody of the %(seen)s people looked at.") % {"seen": number(counts.seen)}
    elif matched.people > MOST_OF_THE_FIELD * counts.total:
        yield _("It holds for more than half of the field. What is for nearly everybody is better set as a priority.")


def conflicting(given: Given) -> Iterator[Warned]:
    found = conflicts.conflicts(given.definition, given.others, offer=given.offer, names=given.names)
    return (Warned(FIELD.sub("…", one.sentence), one.rule) for one in found)


# What is shown


def activities(given: Given) -> Iterator[str]:
    places = {one.key: place for place, one in enumerate(given.shelf.activities)}
    for effect in given.definition.then:
        if isinstance(effect, Trigger | Pin):
            place = places.get(effect.activity)
            if place is None:
                yield _("“%(activity)s” is not published, so nobody would see it.") % {
                    "activity": given.title(effect.activity)
                }
                continue
            to_leader = isinstance(effect, Trigger) and effect.to == LEADER
            if not to_leader:
                yield from shown_to(given, place)
            yield from languages(given, place, leader=to_leader)
        elif isinstance(effect, OnTarget) and not len(effect.target.places(given.offer)):
            yield _("None of the published activities is meant by: %(what)s.") % {
                "what": FIELD.sub("…", effect.target.said(given.names))
            }
        elif isinstance(effect, Tell):
            yield from unwritten(given, effect)


def taken_away(given: Given) -> Iterator[str]:
    """Only 13 people then see “A tip”; 9,987 other people no longer do."""
    sold, markets = given.shelf.arrays.sold.astype(bool), given.crowd.people.market
    for effect in given.definition.then:
        if not isinstance(effect, Eligible):
            continue
        could: Mask = np.any(sold[:, effect.target.places(given.offer)], axis=1)[markets]
        left, others = given.scaled(could & given.matched), given.scaled(could & ~given.matched)
        if not others.people:
            continue
        no_longer = ngettext("%(n)s other person no longer does", "%(n)s other people no longer do", others.people)
        yield ngettext(
            "Only %(n)s person then sees %(what)s; %(others)s.",
            "Only %(n)s people then see %(what)s; %(others)s.",
            left.people,
        ) % {
            "n": said_count(left),
            "what": FIELD.sub("…", effect.target.said(given.names)),
            "others": no_longer % {"n": said_count(others)},
        }


def shown_to(given: Given, place: int) -> Iterator[str]:
    """“Win … back” can be shown to 310 of these 412 people today."""
    everybody, could = given.scaled(given.matched), given.scaled(could_show(given, place))
    if could.people >= everybody.people:
        return
    said = {
        "activity": given.title(given.shelf.activities[place].key),
        "n": said_count(could),
        "all": said_count(everybody),
    }
    is_about = given.shelf.activities[place].about != Activity.About.NOBODY
    if not could.people and not could.error:
        nobody = (
            _("“%(activity)s” can be shown to nobody today: none of these people has anybody it is about.")
            if is_about
            else _("“%(activity)s” can be shown to nobody today: these people did it, waved it off or cannot read it.")
        )
        yield nobody % said
    elif is_about:
        yield (
            ngettext(
                "“%(activity)s” can be shown to %(n)s of %(all)s people today: the others have nobody it is about.",
                "“%(activity)s” can be shown to %(n)s of %(all)s people today: the others have nobody it is about.",
                could.people,
            )
            % said
        )
    else:
        yield (
            ngettext(
                "“%(activity)s” can be shown to %(n)s of %(all)s people today: the others did it, waved it off or cannot"
                " read it.",
                "“%(activity)s” can be shown to %(n)s of %(all)s people today: the others did it, waved it off or cannot"
                " read it.",
                could.people,
            )
            % said
        )


def could_show(given: Given, place: int) -> Mask:
    """Asked of the ranking itself: whose list would begin with it, were it pinned for her now."""
    found = np.zeros(given.crowd.seen, bool)
    chosen = np.flatnonzero(given.matched)
    if not len(chosen):
        return found
    people, shelf, block = tried_on.among(given.crowd.people, chosen), given.shelf, given.crowd.block
    course = steering.of(given.crowd.numbers, shelf, block.calendar)
    calls, calls_at = no_calls(len(chosen))
    asked = Rules(
        boost=np.zeros((len(chosen), len(shelf.activities))),
        barred=np.zeros((len(chosen), len(shelf.activities)), np.uint8),
        pin=np.full(len(chosen), place, np.int64),
        pin_about=np.zeros(len(chosen), np.int64),
        calls=calls,
        calls_at=calls_at,
    )
    arrays = course.arrays_for(people, block.calendar)
    cards, many = kernel.slates(people, block.calendar, block.spread, block.buying, shelf.arrays, arrays, asked, size=1)
    found[chosen] = (many > 0) & (cards[:, 0]["activity"] == shelf.activities[place].pk)
    return found


def languages(given: Given, place: int, *, leader: bool) -> Iterator[str]:
    """“Win … back” has no words in Spanish: 120 people would read it in English."""
    for code, people in readers(given, leader=leader):
        if not written_in(given.shelf, code)[place]:
            said = {
                "activity": given.title(given.shelf.activities[place].key),
                "language": language_name(code),
                "n": said_count(people),
            }
            if given.shelf.arrays.readable[given.shelf.language_index[code], place]:
                yield (
                    ngettext(
                        "“%(activity)s” has no words in %(language)s: %(n)s person would read it in English.",
                        "“%(activity)s” has no words in %(language)s: %(n)s people would read it in English.",
                        people.people,
                    )
                    % said
                )
            else:
                yield (
                    ngettext(
                        "“%(activity)s” has no words in %(language)s nor in English: %(n)s person would not see it.",
                        "“%(activity)s” has no words in %(language)s nor in English: %(n)s people would not see it.",
                        people.people,
                    )
                    % said
                )


def unwritten(given: Given, notice: Tell) -> Iterator[str]:
    for code, people in readers(given, leader=notice.to == LEADER):
        if not {code, code.split("-")[0]} & notice.title.keys() & notice.text.keys():
            said = {
                "title": FIELD.sub("…", notice.headline),
                "language": language_name(code),
                "n": said_count(people),
            }
            yield (
                ngettext(
                    "The notice “%(title)s” has no words in %(language)s: %(n)s person would read it in English.",
                    "The notice “%(title)s” has no words in %(language)s: %(n)s people would read it in English.",
                    people.people,
                )
                % said
            )


def readers(given: Given, *, leader: bool) -> list[tuple[str, Count]]:
    """Languages other than English, by code, and how many of those who would get it read them."""
    if leader:
        spoken = given.sponsors.languages[given.matched & given.sponsors.active]
    else:
        spoken = given.crowd.people.language[given.matched]
    counts = np.bincount(spoken, minlength=len(given.shelf.languages))
    return [
        (code, counting.estimated(n, given.crowd.seen, given.crowd.total))
        for code, n in zip(given.shelf.languages, counts.tolist(), strict=True)
        if n and code != FALLBACK_LANGUAGE
    ]


# How much of it


def leaders(given: Given) -> Iterator[str]:
    if not any(isinstance(effect, ToSomebody) and effect.to == LEADER for effect in given.definition.then):
        return
    without = given.scaled(given.matched & ~given.sponsors.active)
    if without.people:
        yield (
            ngettext(
                "%(n)s person has no active leader, so nobody is asked about her.",
                "%(n)s people have no active leader, so nobody is asked about them.",
                without.people,
            )
            % {"n": said_count(without)}
        )


def on_top(given: Given) -> Iterator[str]:
    """More than one to-do of a rule on top of one list at a time: pins, and calls that are open."""
    own = sum(on_her_top(effect, day_number(given.today)) for effect in given.definition.then)
    many = given.scaled(given.matched & (own + others_on_top(given) > MOST_ON_TOP)) if own else Count(0)
    if many.people:
        yield (
            ngettext(
                "%(n)s person would have more than one to-do of a rule at a time. Only the first is on top.",
                "%(n)s people would have more than one to-do of a rule at a time. Only the first is on top.",
                many.people,
            )
            % {"n": said_count(many)}
        )
    asks = sum(isinstance(effect, Trigger) and effect.to == LEADER for effect in given.definition.then)
    most = asks * most_of_a_team(given)
    if most > MOST_ON_TOP:
        said = _("One leader would get %(n)s to-dos of this rule at a time.")
        at_least = _("One leader would get %(n)s to-dos of this rule at a time, or more.")
        yield (said if given.crowd.whole else at_least) % {"n": number(most)}


def on_her_top(effect: object, today: int) -> bool:
    if isinstance(effect, Trigger):
        return effect.to == HER
    return isinstance(effect, Pin) and today <= day_number(effect.until)


def others_on_top(given: Given) -> Ints:
    """n: pins of other rules that hold today, and their calls that are open. One query."""
    found = np.zeros(given.crowd.seen, np.int64)
    for one, holds in given.holding(Pin):
        pins = [effect for effect in one.definition.then if isinstance(effect, Pin)]
        found += holds * sum(on_her_top(effect, day_number(given.today)) for effect in pins)
    calls = Call.objects.open_on(given.today).filter(what=Call.What.ACTIVITY)
    if given.rule is not None:
        calls = calls.exclude(firing__rule=given.rule)
    for pk in tried_on.of_people(calls, given.crowd.people.ids, "to_id").values_list("to_id", flat=True):
        if (place := given.crowd.place(pk)) is not None:
            found[place] += 1
    return found


def most_of_a_team(given: Given) -> int:
    """For how many of her recruits, of those looked at, the leader with most of them would be asked."""
    teams = given.sponsors.ids[given.matched & given.sponsors.active]
    return int(np.unique(teams, return_counts=True)[1].max(initial=0))


def notices(given: Given) -> Iterator[str]:
    """The most that rules would tell one person in a week, this rule included."""
    to_her, to_leader = a_week(given.definition, HER), a_week(given.definition, LEADER)
    if not to_her and not to_leader:
        return
    told = given.matched * to_her
    about = given.matched * to_leader
    for one, holds in given.holding(Tell):
        told = told + holds * a_week(one.definition, HER)
        about = about + holds * a_week(one.definition, LEADER)
    if to_her and (most := int(told[given.matched].max(initial=0))) > MOST_NOTICES:
        yield _("Rules would send one person up to %(n)s notices a week, this one included.") % {"n": number(most)}
    if to_leader:
        active = given.sponsors.active
        _ids, team = np.unique(given.sponsors.ids[active], return_inverse=True)
        asked = np.bincount(team, weights=about[active]) * (np.bincount(team, weights=given.matched[active]) > 0)
        if (most := int(asked.max(initial=0))) > MOST_NOTICES:
            said = _("Rules would send one leader up to %(n)s notices a week, this one included.")
            at_least = _("Rules would send one leader up to %(n)s notices a week or more, this one included.")
            yield (said if given.crowd.whole else at_least) % {"n": number(most)}


def a_week(definition: Definition, to: str) -> int:
    """Notices that it sends one person within seven days at most."""
    times = -(-WEEK // definition.cooldown_days)
    return times * sum(isinstance(effect, Tell) and effect.to == to for effect in definition.then)


# Until when


def ends(given: Given) -> Iterator[str]:
    for effect in given.definition.then:
        if isinstance(effect, Pin) and effect.until <= given.today + SOON:
            said = {"activity": given.title(effect.activity), "day": said_day(effect.until)}
            if effect.until < given.today:
                yield _("“%(activity)s” is on top no longer: that ended on %(day)s.") % said
            else:
                yield _("“%(activity)s” stays on top until %(day)s only.") % said
    if given.definition.ends_on is not None and given.definition.ends_on < given.today:
        yield _("The rule ended on %(day)s.") % {"day": said_day(given.definition.ends_on)}


def segments(given: Given) -> Iterator[str]:
    """A rule that names a segment which is gone, or adds people to one of another kind, is left out. At most one query."""
    if why := rules.problem_with_segments(given.definition, rules.segments_there([given.definition])):
        yield why
