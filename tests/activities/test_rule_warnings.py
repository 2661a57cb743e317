"""What HQ is told before it publishes a rule."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from activities.models import Activity, ActivityText
from activities.rules import counting, doubts, naming, tried_on
from distributors.models import Customer, Distributor
from kpis.models import Call, Rule
from tests import factories as f
from tests.pages import now

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now

Json = dict[str, Any]
SOME: Json = {"fact": "joined_days", "is": "at_most", "value": 40}
HERS: Json = {"effect": "trigger", "activity": "tip", "for": "her", "days": 7}
LEADERS: Json = {"effect": "trigger", "activity": "check", "for": "leader", "days": 7}
UNTIL = (f.TODAY + timedelta(days=20)).isoformat()
PIN: Json = {"effect": "pin", "target": {"activity": "tip"}, "until": UNTIL}


def notice(to: str = "her", **words: str) -> Json:
    return {
        "effect": "notice",
        "for": to,
        "days": 7,
        "title": {"en": "Hello", **words},
        "text": {"en": "Look", **words},
    }


@pytest.fixture(autouse=True)
def field() -> list[Distributor]:
    """Four newcomers and six others, and something to ask them for."""
    f.activity("tip", "A tip for you")
    f.activity("check", "Check in with {name}", about=Activity.About.NEW_RECRUIT)
    for _ in range(6):
        f.distributor()
    return [f.distributor(joined_on=f.TODAY - timedelta(days=5)) for _ in range(4)]


def told(said: Json, rule: Rule | None = None) -> list[doubts.Warned]:
    tried_on.KEPT.results.clear()
    crowd = tried_on.of(f.NOW)
    names = naming.of("en", crowd.shelf)
    counts = counting.of_crowd(counting.parts_of({"if": SOME, "then": [HERS], **said}, names), crowd)
    assert counts.parts.problems == []
    return doubts.of(counts, crowd, rule, names)


def sentences(said: Json, rule: Rule | None = None) -> list[str]:
    return [one.sentence for one in told(said, rule)]


def test_it_works() -> None:
    """Nothing to say of a rule that is well; several things of one that is not."""
    assert sentences({}) == []
    assert len(sentences({"then": [PIN, LEADERS, {**HERS, "days": 3}]})) >= 2


def test_nobody_and_nearly_everybody() -> None:
    assert sentences({"if": {**SOME, "value": 1}}) == ["It holds for nobody today."]
    [said] = sentences({"if": {**SOME, "value": 2000}})
    assert said.startswith("It holds for more than half of the field.")
    assert sentences({"if": {"fact": "joined_days", "is": "at_least", "value": 6}})[0].startswith("It holds for more")


def test_a_definition_that_does_not_read_is_not_warned_of() -> None:
    crowd = tried_on.of(f.NOW)
    counts = counting.of_crowd(counting.parts_of({"if": SOME, "then": []}), crowd)
    assert doubts.of(counts, crowd, None, naming.of("en")) == []


# Beside other rules


def test_a_conflict_names_the_other_rule() -> None:
    other = f.rule({"if": SOME, "then": [{"effect": "suppress", "target": {"activity": "tip"}}]}, name="Quiet")
    f.rule({"if": SOME, "then": [{"effect": "suppress", "target": {"activity": "tip"}}]}, name="Paused", state="paused")
    found = [one for one in told({"then": [PIN]}) if one.rule is not None]
    assert {one.rule for one in found} == {other}
    assert any("“Quiet” says: do not show “A tip for you”" in one.sentence for one in found)
    assert [one for one in told({"then": [PIN]}, other) if one.rule is not None] == []


def test_kinds_and_lines_conflict_by_what_is_published() -> None:
    f.rule({"if": SOME, "then": [{"effect": "suppress", "target": {"kind": "reach_out"}}]}, name="No calls")
    assert any("“No calls” says" in one for one in sentences({"then": [PIN]}))


def test_more_than_one_on_top(field: list[Distributor]) -> None:
    """Its own, pins of other rules that hold, and calls that are open."""
    one, other, *_rest = field
    said = "%s would have more than one to-do of a rule at a time. Only the first is on top."
    assert sentences({"then": [HERS, PIN]}) == [said % "4 people"]
    firing = f.firing(f.rule(name="Other"), one)
    call = {"to": one, "what": "activity", "place": 0, "activity": "tip", "since": f.TODAY}
    Call.objects.create(firing=firing, until=f.TODAY, **call)
    assert sentences({}) == [said % "1 person"]
    Call.objects.update(until=f.TODAY - timedelta(days=1), since=f.TODAY - timedelta(days=2))
    assert sentences({}) == []
    Call.objects.update(until=f.TODAY, activity="", what="notice")
    assert sentences({}) == []
    Call.objects.update(what="activity", activity="tip")
    assert sentences({}, firing.rule) == []  # the same rule will not ask twice
    f.goal(other)
    has_goal: Json = {"fact": "goal_percent", "of": {"metric": "", "period": ""}, "is": "known"}
    f.rule({"if": has_goal, "then": [PIN]}, name="For those with a goal")
    assert sentences({}) == [said % "2 people"]
    f.rule({"if": SOME, "then": [PIN], "to": "2026-08-01"}, name="Over")
    assert sentences({})[-1] == said % "2 people"


def test_leaders_may_get_many() -> None:
    leader = f.distributor()
    Distributor.objects.filter(joined_on__gte=f.TODAY - timedelta(days=40)).update(sponsor=leader)
    assert sentences({"then": [LEADERS]}) == ["One leader would get 4 to-dos of this rule at a time."]


def test_notices_a_week() -> None:
    a_day = {"cooldown_days": 1}
    assert sentences({"then": [notice()]}) == []
    assert sentences({"then": [notice()], **a_day}) == [
        "Rules would send one person up to 7 notices a week, this one included."
    ]
    other = f.rule({"if": {"all": [SOME]}, "then": [notice()], "cooldown_days": 4}, name="Other")
    found = sentences({"then": [notice()]})
    assert "Rules would send one person up to 3 notices a week, this one included." in found
    Rule.objects.filter(pk=other.pk).update(state="paused")
    assert sentences({"then": [notice()]}) == []
    Distributor.objects.filter(joined_on__gte=f.TODAY - timedelta(days=40)).update(sponsor=f.distributor())
    assert sentences({"then": [notice("leader")]}) == [
        "Rules would send one leader up to 4 notices a week, this one included."
    ]


# What is shown


def test_an_activity_that_fits_nobody(field: list[Distributor]) -> None:
    """Counted by the ranking itself: who has such a customer today."""
    f.activity("win-back", "Win {name} back", about=Activity.About.LAPSED)
    asks = {"then": [{**HERS, "activity": "win-back"}]}
    said = "“Win … back” can be shown to %s of 4 people today: the others have nobody it is about."
    nobody = "“Win … back” can be shown to nobody today: none of these people has anybody it is about."
    assert sentences(asks) == [nobody]
    for person in field[:3]:
        f.customer(person, orders=3, spent=90, last_order_on=f.TODAY - timedelta(days=150))
    assert sentences(asks) == [said % 3]
    f.customer(field[3], orders=3, spent=90, last_order_on=f.TODAY - timedelta(days=150))
    assert sentences(asks) == []
    Customer.objects.update(last_contact_at=f.NOW)
    assert sentences(asks) == [nobody]


def test_an_activity_of_another_market() -> None:
    Activity.objects.get(key="tip").markets.add(f.market("de"))
    [said] = sentences({})
    assert said == "“A tip for you” can be shown to nobody today: these people did it, waved it off or cannot read it."


def test_an_activity_that_is_not_published() -> None:
    crowd = tried_on.of(f.NOW)
    names = naming.of("en", crowd.shelf)
    Activity.objects.filter(key="tip").update(status="retired")
    tried_on.KEPT.results.clear()
    crowd = tried_on.of(f.NOW)
    counts = counting.of_crowd(counting.parts_of({"if": SOME, "then": [HERS, PIN]}), crowd)
    found = [one.sentence for one in doubts.of(counts, crowd, None, names)]
    assert found.count("“A tip for you” is not published, so nobody would see it.") == 2


def test_what_others_no_longer_see() -> None:
    only: Json = {"effect": "eligible", "target": {"activity": "tip"}}
    assert sentences({"then": [only]}) == [
        "Only 4 people then see “A tip for you”; 6 other people no longer do."
    ]  # fmt: skip
    Activity.objects.get(key="tip").markets.add(f.market("nz"))
    f.distributor(market=f.market("nz"))
    assert sentences({"then": [only]}) == ["Only 0 people then see “A tip for you”; 1 other person no longer does."]


def test_a_kind_of_which_nothing_is_published() -> None:
    [said] = sentences({"then": [{"effect": "boost", "target": {"kind": "incentivise"}, "by": 0.05}]})
    assert said == "None of the published activities is meant by: activities of the kind “Incentivise”."


def test_words_in_the_languages_they_read(field: list[Distributor]) -> None:
    Distributor.objects.filter(pk__in=[one.pk for one in field[:3]]).update(language="es")
    assert sentences({}) == ["“A tip for you” has no words in Spanish: 3 people would read it in English."]
    ActivityText.objects.create(activity=Activity.objects.get(key="tip"), language="es", title="Un consejo")
    assert sentences({}) == []
    ActivityText.objects.filter(language="en", activity__key="tip").delete()
    Distributor.objects.filter(pk=field[0].pk).update(language="de")
    found = sentences({})
    assert "“Un consejo” has no words in German nor in English: 1 person would not see it." in found


def test_words_of_a_notice(field: list[Distributor]) -> None:
    Distributor.objects.filter(pk=field[0].pk).update(language="de")
    said = "The notice “Hello” has no words in German: 1 person would read it in English."
    assert sentences({"then": [notice()]}) == [said]
    assert sentences({"then": [notice(de="Hallo")]}) == []
    # Of a notice for leaders it is theirs that counts.
    Distributor.objects.filter(pk=field[1].pk).update(sponsor=f.distributor(language="es"))
    found = sentences({"then": [notice("leader", de="Hallo")]})
    assert "The notice “Hello” has no words in Spanish: 1 person would read it in English." in found


# Whom, and until when


def test_who_has_no_leader(field: list[Distributor]) -> None:
    leader, gone = f.distributor(), f.distributor(left_on=f.TODAY)
    Distributor.objects.filter(pk=field[0].pk).update(sponsor=leader)
    Distributor.objects.filter(pk=field[1].pk).update(sponsor=gone)
    assert sentences({"then": [LEADERS]}) == ["3 people have no active leader, so nobody is asked about them."]


@pytest.mark.parametrize(("days", "said"), [
    (-1, "“A tip for you” is on top no longer: that ended on 26 August 2026."),
    (0, "“A tip for you” stays on top until 27 August 2026 only."),
    (2, "“A tip for you” stays on top until 29 August 2026 only."),
    (3, ""),
])  # fmt: skip
def test_a_pin_that_ends_soon(days: int, said: str) -> None:
    until = (f.TODAY + timedelta(days=days)).isoformat()
    assert sentences({"then": [{**PIN, "until": until}]}) == ([said] if said else [])


def test_a_rule_that_has_ended() -> None:
    assert sentences({"to": "2026-08-01"}) == ["The rule ended on 1 August 2026."]


def test_a_segment_of_another_kind() -> None:
    own, by_rules = f.segment(name="Starters"), f.segment(name="Called", by_rules=True)
    [said] = sentences({"then": [{"effect": "segment", "segment": own.pk}]})
    assert "segment" in said
    assert sentences({"then": [{"effect": "segment", "segment": by_rules.pk}]}) == []
