"""What a rule tells somebody: once, in her words, with the reason, about whom she may know, and never too much a week."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from distributors.models import Distributor
from kpis.models import Call, Firing, Rule, RuleVersion
from notifications import inbox, ruled
from notifications.models import Notice
from tests import factories as make
from tests.pages import now, signed_in, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now

#: Begins the line below a notice.
WHY = '<span class="why">Why</span>'
FALLING = {"fact": "change", "of": {"metric": "sales", "line": "", "days": 28}, "is": "at_most", "value": -50}
GOAL = {"fact": "goal_percent", "of": {"metric": "", "period": "week"}, "is": "at_least", "value": 80}
LAPSED = {"fact": "customers", "of": {"reason": "lapsed"}, "is": "at_least", "value": 1}


def tell(
    to: str = "her", title: str = "A good day to write", text: str = "Somebody is on your list.", **more: Any
) -> Any:
    return {"effect": "notice", "for": to, "days": 7, "title": {"en": title}, "text": {"en": text}} | more


def rule(*then: Any, when: Any = FALLING, priority: int = 50, **fields: Any) -> RuleVersion:
    made = Rule.objects.create(name=f"Rule {make.number()}", state=Rule.State.LIVE, created_at=make.NOW, **fields)
    definition = {"if": when, "then": list(then) or [tell()], "priority": priority}
    return RuleVersion.objects.create(
        rule=made, number=1, definition=definition, reason="Sales fall", published_at=make.NOW
    )


def fired(
    version: RuleVersion, whom: Distributor, *to: Distributor, facts: Any = None, days: int = 7, **fields: Any
) -> Firing:
    """The firing with a call for each notice among the effects, to herself unless told otherwise."""
    firing = Firing.objects.create(
        rule=version.rule, version=version, distributor=whom, at=make.NOW,
        **{"day": make.TODAY, "facts": [["", -62.0]] if facts is None else facts} | fields,
    )  # fmt: skip
    for place, effect in enumerate(version.definition["then"]):
        for reader in to or (whom,):
            Call.objects.create(
                firing=firing, to=reader, place=place, since=firing.day, until=firing.day + timedelta(days=days - 1),
                what="notice" if effect["effect"] == "notice" else "activity", activity=effect.get("activity", ""),
            )  # fmt: skip
    return firing


@pytest.fixture
def dora() -> Iterator[Distributor]:
    with translation.override("en"):
        yield make.distributor(name="Dora Number")


def page(one: Distributor) -> str:
    """Without the forms' random tokens: a number looked for might stand in one."""
    return re.sub(r"[A-Za-z0-9]{64}", "", words(signed_in(one).get(reverse("notices"))))


def pulled(one: Distributor, **later: int) -> list[str]:
    """Keys of her notices from rules after a look."""
    inbox.pull(one, as_of=make.NOW + timedelta(**later))
    return sorted(Notice.objects.of(one.pk).filter(kind="rule").values_list("key", flat=True))


def test_it_works(dora: Distributor) -> None:
    fired(rule(tell(text="Somebody who knows you is on your list, {name}.")), dora)
    client = signed_in(dora)
    assert "Notices, 1 new" in words(client.get(reverse("notices_bell")))
    text = words(client.get(reverse("notices")))
    assert "A good day to write" in text
    assert "Somebody who knows you is on your list, Dora." in text
    assert WHY in text and "62" in text
    assert "Open Today" not in text


def test_again_changes_nothing(dora: Distributor) -> None:
    fired(rule(), dora)
    assert pulled(dora) == pulled(dora) == [f"call-{Call.objects.get().pk}"]


def test_the_reason_is_in_the_text_or_below_it_and_not_twice(dora: Distributor) -> None:
    fired(rule(tell(text="Your list begins with a name. {reason}")), dora)
    text = page(dora)
    assert text.count("62") == 1
    assert WHY not in text


def test_in_her_language(dora: Distributor) -> None:
    anna = make.distributor(market=make.market("de", language="de", currency="EUR"))
    said = tell(title="Good day", text="A name.") | {"title": {"en": "Good day", "de": "Guter Tag"}}
    version = rule(said)
    fired(version, anna)
    fired(version, dora)
    assert "Guter Tag" in page(anna)
    assert "A name." in page(anna), "what is not written in her language she reads in English"
    assert "Good day" in page(dora)


def test_a_to_do_of_the_same_rule_is_linked_as_long_as_it_is_asked_for(dora: Distributor) -> None:
    version = rule(tell(), {"effect": "trigger", "activity": "win-back", "for": "her", "days": 7})
    fired(version, dora)
    assert "Open Today" in page(dora)
    Call.objects.filter(what="activity").update(
        since=make.TODAY - timedelta(days=9), until=make.TODAY - timedelta(days=1)
    )
    assert "Open Today" not in page(dora)


def test_of_one_firing_one_notice(dora: Distributor) -> None:
    fired(rule(tell(title="First"), tell(title="Second")), dora)
    assert len(pulled(dora)) == 1
    assert "First" in page(dora)
    assert "Second" not in page(dora)


# About a recruit


@pytest.fixture
def leader(dora: Distributor) -> Distributor:
    """Dora's."""
    ada = make.distributor(name="Ada Leader")
    dora.sponsor = ada
    dora.save()
    return ada


def test_her_leader_reads_whom_it_is_about(dora: Distributor, leader: Distributor) -> None:
    fired(rule(tell("leader", title="A word to {name}", text="It would help {name}.")), dora, leader)
    text = page(leader)
    assert "A word to Dora" in text and WHY in text and "62" in text
    assert pulled(dora) == []


def test_a_leader_is_told_no_customers_goals_or_deeds(dora: Distributor, leader: Distributor) -> None:
    when = {"all": [GOAL, LAPSED, FALLING]}
    facts = [["all.0", 87.0], ["all.1", 13.0], ["all.2", -62.0]]
    fired(rule(tell("leader", text="{reason}"), when=when), dora, leader, facts=facts)
    text = page(leader)
    assert "62" in text
    assert "87" not in text and "13" not in text
    fired(rule(tell("leader"), when=GOAL), dora, leader, facts=[["", 87.0]])
    assert "A word from you would help Dora now." in page(leader)
    assert "87" not in page(leader)


def test_a_leader_is_not_told_how_she_works(dora: Distributor, leader: Distributor) -> None:
    when = {
        "fact": "measured",
        "of": {"metric": "contacts_added", "line": "", "days": 28},
        "is": "at_most",
        "value": 90,
    }
    fired(rule(tell("leader", text="{reason}"), when=when), dora, leader, facts=[["", 73.0]])
    assert "A word from you would help Dora now." in page(leader)
    assert "73" not in page(leader)


def test_who_has_left_or_moved_is_left_out(dora: Distributor, leader: Distributor) -> None:
    fired(rule(tell("leader", title="A word to {name}")), dora, leader)
    assert "A word to Dora" in page(leader)
    Distributor.objects.filter(pk=dora.pk).update(sponsor=make.distributor())
    assert "A word to Dora" not in page(leader)
    Distributor.objects.filter(pk=dora.pk).update(sponsor=leader, left_on=make.TODAY)
    assert "A word to Dora" not in page(leader)
    Notice.objects.all().delete()
    assert pulled(leader) == []


# What is gone, and what is not news


def test_a_firing_that_is_gone_leaves_no_line(dora: Distributor) -> None:
    version = rule()
    fired(version, dora)
    assert "A good day to write" in page(dora)
    Firing.objects.all().delete()
    assert signed_in(dora).get(reverse("notices")).status_code == 200
    assert "A good day to write" not in page(dora)


@pytest.mark.parametrize("definition", [{}, {"if": FALLING, "then": []}, {"if": {"fact": "gone"}, "then": [tell()]}])
def test_words_that_no_longer_read_are_no_news(dora: Distributor, definition: Any) -> None:
    version = rule()
    broken = RuleVersion.objects.create(
        rule=version.rule, number=2, definition=definition, reason="x", published_at=make.NOW
    )
    firing = fired(version, dora)
    Firing.objects.filter(pk=firing.pk).update(version=broken)
    assert pulled(dora) == []
    Notice.objects.create(
        distributor=dora, key="call-x", kind="rule", facts={"call": Call.objects.get().pk}, at=make.NOW
    )
    assert "A good day to write" not in page(dora)


def test_what_is_over_is_no_news(dora: Distributor) -> None:
    fired(rule(), dora, days=3)
    assert pulled(dora, days=3) == []
    assert len(pulled(dora, days=2)) == 1
    assert "A good day to write" in page(dora)


def test_nobody_is_told_by_a_rule_that_is_not_live_or_holds_her_back(dora: Distributor) -> None:
    fired(rule(), dora, held_back=True)
    version = rule()
    fired(version, dora)
    Rule.objects.filter(pk=version.rule_id).update(state=Rule.State.PAUSED)
    assert pulled(dora) == []
    Rule.objects.filter(pk=version.rule_id).update(state=Rule.State.LIVE)
    assert len(pulled(dora)) == 1


def newer(version: RuleVersion, *then: Any, **fields: Any) -> None:
    number = RuleVersion.objects.filter(rule=version.rule).count() + 1
    definition = {"if": FALLING, "then": list(then), **fields}
    RuleVersion.objects.create(
        rule=version.rule, number=number, definition=definition, reason="x", published_at=make.NOW
    )


@pytest.mark.parametrize(
    ("then", "fields"),
    [
        ({"effect": "trigger", "activity": "win-back", "for": "her", "days": 7}, {}),
        (tell("leader"), {}),
        (tell(text="Other words."), {}),
        (tell(), {"to": str(make.TODAY - timedelta(days=1))}),
    ],
)
def test_what_its_rule_does_not_say_any_more_is_not_told(dora: Distributor, then: Any, fields: dict[str, str]) -> None:
    version = rule()
    fired(version, dora)
    newer(version, then, **fields)
    assert pulled(dora) == []


def test_what_is_told_stays_and_what_is_said_still_is_told(dora: Distributor) -> None:
    version = rule(tell())
    fired(version, dora)
    newer(version, tell(title="More"), tell(text="Somebody is on your list.", days=3), to=str(make.TODAY))
    assert len(pulled(dora)) == 1
    newer(version, tell("leader"))
    assert "A good day to write" in page(dora)


def test_nobody_elses(dora: Distributor) -> None:
    fired(rule(), dora)
    assert pulled(make.distributor()) == []


# At most four a week


def test_the_most_important_four_of_a_week(dora: Distributor) -> None:
    made = [rule(tell(title=f"Priority {n}"), priority=n) for n in (10, 60, 20, 50, 40, 30)]
    for version in made:
        fired(version, dora, days=10)
    assert len(pulled(dora)) == ruled.MOST == 4
    text = page(dora)
    assert all(f"Priority {n}" in text for n in (60, 50, 40, 30))
    assert "Priority 20" not in text


def test_the_others_wait_and_lapse(dora: Distributor) -> None:
    for n in (10, 60, 20, 50, 40, 30):
        fired(rule(tell(title=f"Priority {n}"), priority=n), dora, days=10 if n != 20 else 5)
    assert len(pulled(dora)) == 4
    assert len(pulled(dora, days=6, hours=23)) == 4
    late = pulled(dora, days=7, minutes=1)
    assert len(late) == 5, "10 has waited for a place, 20 was over by then"
    assert Notice.objects.filter(key=late[0]).exists()


def test_what_is_read_counts_as_told(dora: Distributor) -> None:
    for _again in range(4):
        fired(rule(), dora)
    pulled(dora)
    inbox.mark_all_read(distributor=dora, as_of=make.NOW)
    fired(rule(priority=99), dora)
    assert len(pulled(dora, days=1)) == 4


def test_goals_and_to_dos_are_not_counted(dora: Distributor) -> None:
    for n in range(6):
        Notice.objects.create(distributor=dora, key=f"closed-{n}", kind="closed", at=make.NOW)
    fired(rule(), dora)
    assert len(pulled(dora)) == 1


# What it costs


def test_queries_do_not_grow_with_notices(dora: Distributor) -> None:
    client = signed_in(dora)
    client.get(reverse("notices"))

    def queries(url: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            client.get(reverse(url))
        return len(caught)

    without = queries("notices_bell")
    fired(rule(), dora)
    page(dora)
    one = queries("notices")
    for _again in range(3):
        fired(rule(), dora)
    page(dora)
    assert queries("notices") == one
    assert queries("notices_bell") == without + 1, "and nothing is locked again"


def test_her_figures_are_those_it_fired_with(dora: Distributor) -> None:
    prize = {
        "award": "Hundred days", "prize": "A watch", "metric": "sales", "left": "180.00", "percent": 82,
        "last": "2026-09-20", "days": 25,
    }  # fmt: skip
    told = tell(text="Go on[: {prize_left} to go until {prize_until}].")
    fired(rule(told), dora, facts=[["", -62.0], ["{prize}", prize]])
    assert "Go on: $180 to go until 20 September." in page(dora)
    fired(rule(told), dora)
    assert "Go on." in page(dora), "without figures it is whole as well"
