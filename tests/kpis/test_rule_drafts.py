"""One draft a rule: kept, asked about, published; two editors never overwrite each other without knowing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction

from distributors import versions
from distributors.models import Role, User
from kpis import definitions, rule_drafts, rules
from kpis.drafts import DraftConflict, NotAllowed, Seen
from kpis.models import Policy, Rule, RuleDraft, RuleVersion
from kpis.priorities import EditConflict
from tests import factories as make

from .rules import ASK, FELL, GOLD, KNOWN, definition, team

pytestmark = pytest.mark.django_db

THURSDAY = datetime(2026, 8, 27, 15, 0, tzinfo=UTC)
LATER = THURSDAY + timedelta(minutes=5)
MANY = 1001  # one above the limit
UNFINISHED: dict[str, Any] = {"if": FELL, "then": []}
OTHER = definition(priority=70)


@pytest.fixture
def kim() -> User:
    return make.user(Role.HQ_EDITOR, name="Kim Ito")


@pytest.fixture
def lee() -> User:
    return make.user(Role.HQ_EDITOR, name="Lee Park")


@pytest.fixture
def ada() -> User:
    return make.user(Role.HQ_APPROVER, name="Ada Roth")


def begin(by: User, said: dict[str, Any] | None = None, **fields: Any) -> Rule:
    defaults = {"name": f"Rule {make.number()}", "definition": said or definition(), "as_of": THURSDAY}
    return rule_drafts.make(by=by, **defaults | fields)


def save(rule: Rule, by: User, said: dict[str, Any] | None = None, **fields: Any) -> RuleDraft:
    defaults = {"definition": said or definition(), "reason": "Sales fall", "as_of": THURSDAY}
    return rule_drafts.save(rule=rule, by=by, **{"seen": rule_drafts.seen(rule)} | defaults | fields)


def ask(rule: Rule, by: User, **fields: Any) -> RuleDraft:
    defaults = {"seen": rule_drafts.seen(rule), "as_of": THURSDAY, "known": KNOWN, "reason": "Sales fall"}
    return rule_drafts.ask(rule=rule, by=by, **defaults | fields)


def publish(rule: Rule, by: User, **fields: Any) -> RuleVersion:
    defaults = {"seen": rule_drafts.seen(rule), "as_of": THURSDAY, "known": KNOWN, "reach": 5, "reason": "Sales fall"}
    return rule_drafts.publish(rule=rule, by=by, **defaults | fields)


def published(by: User, said: dict[str, Any] | None = None, **fields: Any) -> Rule:
    rule = begin(by, said, **fields)
    publish(rule, by)
    return now(rule)


def next_version(rule: Rule, by: User, said: dict[str, Any], **fields: Any) -> RuleVersion:
    save(rule, by, said)
    return publish(rule, by, **fields)


def send_back(rule: Rule, by: User, note: str) -> RuleDraft:
    return rule_drafts.send_back(rule=rule, seen=rule_drafts.seen(rule), note=note, by=by, as_of=LATER)


def discard(rule: Rule, by: User, seen: Seen | None = None) -> None:
    rule_drafts.discard(rule=rule, seen=seen or rule_drafts.seen(rule), by=by)


def restore(rule: Rule, number: int, by: User, **fields: Any) -> RuleVersion:
    defaults = {
        "reason": "It sold more", "as_of": LATER, "seen": rule_drafts.seen(rule), "reach": 5, "known": KNOWN,
    }  # fmt: skip
    return rule_drafts.restore(rule=rule, number=number, by=by, **defaults | fields)


def switch(step: str, rule: Rule, by: User, **fields: Any) -> Rule:
    if step == "resume":
        fields = {"reach": 5} | fields
    return getattr(rule_drafts, step)(rule=rule, by=by, as_of=LATER, **fields)


def now(rule: Rule) -> Rule:
    return Rule.objects.get(pk=rule.pk)


@contextmanager
def refused(sentence: str, kind: type[ValidationError] = ValidationError) -> Iterator[None]:
    """Refused in this one sentence, and nothing is different afterwards."""
    before = everything()
    with pytest.raises(kind) as found:
        yield
    assert found.value.messages == [sentence]
    assert everything() == before


def everything() -> list[Any]:
    return [list(model.objects.order_by("pk").values()) for model in (Rule, RuleDraft, RuleVersion)]


# On its way


def test_it_works(kim: User, lee: User) -> None:
    rule = begin(kim, UNFINISHED, name=" Half of  it ", signal="decline")
    assert (rule.name, rule.state, rule.signal, rule.created_at) == ("Half of it", "draft", "decline", THURSDAY)
    draft = rule_drafts.of(rule)
    assert (draft.definition, draft.reason, draft.state) == (UNFINISHED, "", "draft")
    assert (draft.revision, draft.based_on, draft.by, draft.saved_at) == (1, 0, kim, THURSDAY)

    draft = save(rule, lee, reason=" Sales fall ", as_of=LATER)
    assert (draft.revision, draft.by, draft.reason, draft.saved_at) == (2, lee, "Sales fall", LATER)
    assert rules.book(versions.current()).rules == ()
    version = publish(rule, lee, as_of=LATER, reason="")
    assert (version.number, version.by, version.approved_by, version.published_at) == (1, lee, None, LATER)
    assert (version.reason, version.restores) == ("Sales fall", None)
    assert version.definition == definitions.written(definitions.read(definition()))
    assert (now(rule).state, rule_drafts.of(rule), rule_drafts.seen(rule)) == ("live", None, Seen(0, 1))
    assert [one.version for one in rules.book(versions.current()).rules] == [version]


def test_what_counts_stays_until_the_next_is_published(kim: User) -> None:
    rule = published(kim)
    save(rule, kim, OTHER)
    [one] = rules.book(versions.current()).rules
    assert (one.version.number, one.definition.priority) == (1, 50)
    publish(rule, kim)
    [one] = rules.book(versions.current()).rules
    assert (one.version.number, one.definition.priority) == (2, 70)
    assert [version.number for version in rule.versions.all()] == [2, 1]


def test_incomplete_may_be_saved_and_not_published(kim: User) -> None:
    rule = begin(kim, UNFINISHED)
    for act in (ask, publish):
        with refused("Say what happens: add an effect."):
            act(rule, kim)
    save(rule, kim, reason="")
    for act in (ask, publish):
        with refused("Say in a sentence why the rule changes."):
            act(rule, kim, reason=" ")
        with refused("Keep it within 300 characters."):
            act(rule, kim, reason="x" * 301)
    assert publish(rule, kim).reason == "Sales fall"


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (definition(ASK | {"activity": "gone"}), "There is no activity gone."),
        (definition(when={"all": [team("at_least", 5), team("at_most", 3)]}),
         "What it asks of “direct recruits” cannot be, so it holds for nobody."),
        (definition({"effect": "pin", "target": {"activity": "tips"}, "until": "2026-09-28"}),
         "Choose a day within the next 31 days."),
        (definition(to="2026-08-26"), "That day has passed. Choose a later one."),
        (definition({"effect": "segment", "segment": 7}), "It names a segment that no longer exists."),
    ],
)  # fmt: skip
def test_what_cannot_be_is_not_published(kim: User, said: dict[str, Any], sentence: str) -> None:
    rule = begin(kim, said)
    for act in (ask, publish):
        with refused(sentence):
            act(rule, kim)


def test_it_adds_to_segments_by_rules_only(kim: User) -> None:
    segment = make.segment(name="Comeback")
    rule = begin(kim, definition({"effect": "segment", "segment": segment.pk}))
    with refused("It adds people to a segment whose members are not by rules."):
        publish(rule, kim, known=None)
    segment.by_rules = True
    segment.save()
    assert publish(rule, kim, known=None).number == 1


@pytest.mark.parametrize(
    ("said", "reason", "sentence"),
    [
        ([], "", "This is not a rule that can be read."),
        ({"if": float("nan")}, "", "This is not a rule that can be read."),
        ({"if": "\0"}, "", "This is not a rule that can be read."),
        ({"if": "x" * 20_001}, "", "A rule has at most 20,000 characters, and this one 20,010. Split it in two."),
        ({}, "x" * 301, "Keep it within 300 characters."),
    ],
)
def test_nonsense_is_not_saved(kim: User, said: Any, reason: str, sentence: str) -> None:
    rule = begin(kim)
    with refused(sentence):
        rule_drafts.save(rule=rule, definition=said, reason=reason, seen=rule_drafts.seen(rule), by=kim, as_of=THURSDAY)
    if not reason:
        with refused(sentence):
            rule_drafts.make(name="New", definition=said, by=kim, as_of=THURSDAY)


def test_nothing_to_publish(kim: User, ada: User) -> None:
    rule = published(kim)
    nothing = "There is no draft. Change something and save it first."
    for act in (ask, publish):
        with refused(nothing):
            act(rule, kim)
    with refused(nothing):
        send_back(rule, ada, "No")
    discard(rule, kim)
    assert now(rule).state == "live"


@pytest.mark.parametrize("role", [Role.HQ_VIEWER, Role.TRAINER, Role.OPERATOR, Role.DISTRIBUTOR])
def test_only_editors_write(kim: User, role: Role) -> None:
    rule, other = published(kim), make.user(role)
    next_version(rule, kim, OTHER)
    save(rule, kim)
    steps: list[Callable[[], object]] = [
        lambda: begin(other),
        lambda: save(rule, other),
        lambda: discard(rule, other),
        lambda: ask(rule, other),
        lambda: restore(rule, 1, other),
        lambda: switch("pause", rule, other),
        lambda: switch("end", rule, other),
    ]
    for step in steps:
        with refused("Only editors and approvers of HQ change rules.", NotAllowed):
            step()
    with refused("Only editors and approvers of HQ publish rules.", NotAllowed):
        publish(rule, other)
    switch("pause", rule, kim)
    with refused("Only editors and approvers of HQ resume rules.", NotAllowed):
        switch("resume", rule, other)


# Names


def test_names_are_its_own(kim: User) -> None:
    begin(kim, name="Comeback")
    with refused("There is a rule “Comeback” already. Choose another name."):
        begin(kim, name=" Comeback ")
    with refused("Give the rule a name."):
        begin(kim, name="  ")
    with refused("Keep the name within 80 characters."):
        begin(kim, name="x" * 81)
    begin(kim, signal="decline")
    with refused("There is a rule from this signal already."):
        begin(kim, signal="decline")


def test_a_rule_gets_another_name_until_it_is_published(kim: User) -> None:
    rule, taken = begin(kim), begin(kim)
    save(rule, kim, name="Comeback")
    assert now(rule).name == "Comeback"
    with refused(f"There is a rule “{taken.name}” already. Choose another name."):
        save(now(rule), kim, name=taken.name)
    publish(rule, kim)
    with refused("A rule that was published keeps its name."):
        save(now(rule), kim, name="Other")
    save(now(rule), kim, name="Comeback")


def test_an_unpublished_rule_goes_with_its_draft_and_its_name_is_free(kim: User, lee: User) -> None:
    rule = begin(kim, name="Comeback", signal="decline")
    discard(rule, lee)
    assert everything() == [[], [], []]
    begin(kim, name="Comeback", signal="decline")


def test_a_published_rule_only_loses_its_draft(kim: User) -> None:
    rule = published(kim)
    save(rule, kim, OTHER)
    discard(rule, kim)
    assert (rule_drafts.of(rule), now(rule).state, rule.versions.count()) == (None, "live", 1)


# Approval


def test_above_the_limit_two_people_publish(kim: User, ada: User) -> None:
    rule = begin(kim)
    save(rule, kim)
    first = "It reaches 1,001 people. Above 1,000 a second person approves it: ask for approval first."
    for who in (kim, ada):
        with refused(first, NotAllowed):
            publish(rule, who, reach=MANY)
    draft = ask(rule, kim)
    assert (draft.state, draft.by, draft.revision, now(rule).state) == ("in_review", kim, 3, "draft")
    an_approver = "It reaches 1,001 people. Above 1,000 an approver publishes it."
    assert rule_drafts.may_publish(draft, kim, THURSDAY, MANY) == an_approver
    with refused(an_approver, NotAllowed):
        publish(rule, kim, reach=MANY)
    assert rule_drafts.may_publish(draft, ada, THURSDAY, MANY) == ""
    version = publish(rule, ada, reach=MANY, reason="", as_of=LATER)
    assert (version.by, version.approved_by, version.reason, version.published_at) == (kim, ada, "Sales fall", LATER)
    assert (rule_drafts.of(rule), now(rule).state) == (None, "live")


def test_nobody_approves_her_own(kim: User, ada: User) -> None:
    rule = begin(kim)
    draft = ask(rule, ada)
    own = "It reaches 1,001 people. Above 1,000 somebody else than the one who asked approves it."
    assert rule_drafts.may_publish(draft, ada, THURSDAY, MANY) == own
    with refused(own, NotAllowed):
        publish(rule, ada, reach=MANY)
    bea = make.user(Role.HQ_APPROVER)
    assert publish(rule, bea, reach=MANY).approved_by == bea


def test_whoever_wrote_the_rule_does_not_approve_it_whoever_asks(kim: User, ada: User) -> None:
    rule = begin(ada)
    draft = ask(rule, kim)
    assert (draft.by, rule_drafts.asked_by(draft)) == (ada, kim)
    own = "It reaches 1,001 people. Above 1,000 somebody else than the one who wrote it approves it."
    with refused(own, NotAllowed):
        publish(rule, ada, reach=MANY)
    save(rule, kim, reason="Kim's")
    assert ask(rule, kim).by == ada
    with refused(own, NotAllowed):
        publish(rule, ada, reach=MANY)
    version = publish(rule, make.user(Role.HQ_APPROVER, name="Bea Lund"), reach=MANY)
    assert (version.by, version.approved_by.name) == (ada, "Bea Lund")
    # And she who wrote what counts now does not resume it either.
    switch("pause", rule, kim)
    assert "the one who wrote it resumes it" in rule_drafts.may_resume(now(rule), ada, THURSDAY, MANY)


def test_whoever_changes_the_rule_of_another_answers_for_it(kim: User, ada: User) -> None:
    rule = begin(ada)
    assert save(rule, kim, OTHER).by == kim
    ask(rule, kim)
    version = publish(rule, ada, reach=MANY)
    assert (version.by, version.approved_by) == (kim, ada)


def test_what_is_approved_is_what_was_handed_in(kim: User, ada: User) -> None:
    rule = begin(kim)
    ask(rule, kim)
    with refused("Approve it with the reason it was handed in with, or send it back.", NotAllowed):
        publish(rule, ada, reach=MANY, reason="Something else")
    save(rule, ada, OTHER)
    assert rule_drafts.of(rule).state == "draft"
    with refused(
        "It reaches 1,001 people. Above 1,000 a second person approves it: ask for approval first.", NotAllowed
    ):
        publish(rule, ada, reach=MANY)


@pytest.mark.parametrize(("reach", "needed"), [(0, False), (1000, False), (1001, True)])
def test_the_limit_itself_needs_nobody_else(kim: User, reach: int, needed: bool) -> None:
    assert rule_drafts.needs_approval(reach, THURSDAY) is needed
    draft = rule_drafts.of(begin(kim))
    assert bool(rule_drafts.may_publish(draft, kim, THURSDAY, reach)) is needed


def test_the_limit_is_the_companys_and_a_raised_one_holds_from_the_next_day(kim: User) -> None:
    Policy.objects.create(approval_above=0)
    at = datetime.now(UTC)
    assert rule_drafts.needs_approval(1, at)
    Policy.objects.update(approval_above=5000)
    assert rule_drafts.needs_approval(1, at)
    assert not rule_drafts.needs_approval(5000, at + timedelta(days=1, minutes=1))


def test_sent_back_with_a_note(kim: User, ada: User) -> None:
    rule = begin(kim)
    with refused("Nobody has asked for approval of this draft."):
        send_back(rule, ada, "Too much")
    ask(rule, kim)
    with refused("Only an approver sends a draft back.", NotAllowed):
        send_back(rule, kim, "Too much")
    with refused("Say in a sentence what should change."):
        send_back(rule, ada, "  ")
    with refused("Keep it within 300 characters."):
        send_back(rule, ada, "x" * 301)
    draft = send_back(rule, ada, " Too much ")
    assert (draft.state, draft.note, draft.by, draft.revision) == ("draft", "Too much", kim, 3)
    assert save(rule, kim).note == ""


def test_a_save_takes_it_out_of_review(kim: User, lee: User) -> None:
    rule = begin(kim)
    ask(rule, kim)
    draft = save(rule, lee, OTHER)
    assert (draft.state, draft.by) == ("draft", lee)


# Two editors


def test_the_second_to_save_is_told_who_saved_when(kim: User, lee: User) -> None:
    rule = begin(kim)
    both = rule_drafts.seen(rule)
    save(rule, kim, OTHER, seen=both)
    told = "Kim Ito saved the draft on 27 August 2026, 15:00 UTC. Look at it, then save yours again."
    with refused(told, DraftConflict):
        save(rule, lee, seen=both)
    with refused(told, EditConflict):
        discard(rule, lee, both)
    both = rule_drafts.seen(rule)
    ask(rule, kim, seen=both)
    told = "Kim Ito asked for approval on 27 August 2026, 15:00 UTC. Look at it, then save yours again."
    for step in (save, ask, publish):
        with refused(told, DraftConflict):
            step(rule, lee, seen=both)
    assert save(rule, lee).by == lee


def test_the_second_to_publish_is_told_who_published_what_when(kim: User, lee: User) -> None:
    rule = begin(kim)
    both = rule_drafts.seen(rule)
    publish(rule, kim, seen=both)
    told = (
        "Kim Ito published version 1 on 27 August 2026, 15:00 UTC: “Sales fall”. Look at it, then publish yours again."
    )
    for step in (save, ask, publish):
        with refused(told, DraftConflict):
            step(rule, lee, seen=both)
    with refused(told, DraftConflict):
        restore(rule, 1, lee, seen=both)


def test_a_draft_that_was_discarded_or_sent_back_meanwhile(kim: User, lee: User, ada: User) -> None:
    rule = published(kim)
    save(rule, kim)
    both = rule_drafts.seen(rule)
    discard(rule, kim, both)
    with pytest.raises(DraftConflict, match="Kim Ito discarded the draft on .*save it to begin a new one"):
        save(rule, lee, seen=both)
    save(rule, lee)
    assert rule_drafts.seen(rule) != both
    ask(rule, lee)
    both = rule_drafts.seen(rule)
    rule_drafts.send_back(rule=rule, seen=both, note="Too much", by=ada, as_of=THURSDAY)
    with pytest.raises(DraftConflict, match="Ada Roth sent the draft back on .*: “Too much”"):
        save(rule, lee, seen=both)


def test_a_rule_that_was_discarded_meanwhile(kim: User, lee: User) -> None:
    rule = begin(kim)
    both = rule_drafts.seen(rule)
    discard(Rule.objects.get(pk=rule.pk), kim, both)
    for step in (save, ask, publish):
        with pytest.raises(DraftConflict, match="Kim Ito discarded this rule on .* Make a new one to keep yours."):
            step(rule, lee, seen=both)
    with pytest.raises(DraftConflict, match="Kim Ito discarded this rule"):
        switch("pause", rule, lee)


@contextmanager
def at_once(count: int, act: Callable[[int], object]) -> Iterator[list[object]]:
    """What `count` threads got, an exception included, that all began together."""
    outcomes: list[object] = []
    start = Barrier(count)

    def run(i: int) -> None:
        try:
            start.wait()
            outcomes.append(act(i))
        except ValidationError as problem:
            outcomes.append(problem)
        finally:
            connection.close()

    threads = [Thread(target=run, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    yield outcomes


@pytest.mark.django_db(transaction=True)
def test_ten_editors_publish_at_once_and_one_version_is_made() -> None:
    editors = [make.user(Role.HQ_EDITOR) for _ in range(10)]
    rule = begin(editors[0])
    seen = rule_drafts.seen(rule)
    with at_once(10, lambda i: publish(rule, editors[i], seen=seen)) as outcomes:
        made = [one for one in outcomes if isinstance(one, RuleVersion)]
        told = [one.messages[0] for one in outcomes if isinstance(one, DraftConflict)]
    assert [version.number for version in rule.versions.all()] == [1] == [version.number for version in made]
    assert len(told) == 9
    assert all(sentence.startswith(f"{made[0].by} published version 1 on") for sentence in told)


@pytest.mark.django_db(transaction=True)
def test_ten_editors_save_at_once_and_nobody_overwrites_the_first() -> None:
    editors = [make.user(Role.HQ_EDITOR) for _ in range(10)]
    rule = published(editors[0])
    for _round in range(2):  # the first begins a draft, the second changes it
        seen = rule_drafts.seen(rule)
        with at_once(10, lambda i, seen=seen: save(rule, editors[i], definition(priority=10 + i), seen=seen)) as found:
            [saved] = [one for one in found if isinstance(one, RuleDraft)]
            assert sum(isinstance(one, DraftConflict) for one in found) == 9
        draft = rule_drafts.of(rule)
        assert (draft.by, draft.definition["priority"]) == (saved.by, 10 + editors.index(saved.by))


@pytest.mark.django_db(transaction=True)
def test_ten_editors_make_one_of_a_name_at_once() -> None:
    editors = [make.user(Role.HQ_EDITOR) for _ in range(10)]
    with at_once(10, lambda i: begin(editors[i], name="Comeback")) as outcomes:
        told = {one.messages[0] for one in outcomes if isinstance(one, ValidationError)}
    assert told == {"There is a rule “Comeback” already. Choose another name."}
    assert (Rule.objects.count(), RuleDraft.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_one_publishes_while_the_other_discards() -> None:
    kim, lee = make.user(Role.HQ_EDITOR), make.user(Role.HQ_EDITOR)
    rule = begin(kim)
    seen = rule_drafts.seen(rule)
    with at_once(2, lambda i: publish(rule, kim, seen=seen) if i else discard(rule, lee, seen)) as outcomes:
        assert sum(isinstance(one, DraftConflict) for one in outcomes) == 1
    assert (Rule.objects.count(), RuleVersion.objects.count(), RuleDraft.objects.count()) in {(1, 1, 0), (0, 0, 0)}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("breaks", [(RuleVersion.objects, "create"), (RuleDraft, "delete"), (rule_drafts, "set_state")])
def test_publishing_is_one_transaction(breaks: tuple[Any, str], monkeypatch: pytest.MonkeyPatch) -> None:
    kim = make.user(Role.HQ_EDITOR)
    rule = begin(kim)
    before = everything()

    def fail(*args: object, **fields: object) -> None:
        raise DatabaseError("the connection is gone")

    monkeypatch.setattr(*breaks, fail)
    with pytest.raises(DatabaseError):
        publish(rule, kim)
    assert everything() == before
    monkeypatch.undo()
    assert publish(rule, kim).number == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["put_rule", "put"])
def test_making_is_one_transaction(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kim, real = make.user(Role.HQ_EDITOR), getattr(rule_drafts, name)

    def fail(*args: object, **fields: object) -> None:
        real(*args, **fields)
        raise DatabaseError("the connection is gone")

    monkeypatch.setattr(rule_drafts, name, fail)
    with pytest.raises(DatabaseError):
        begin(kim)
    assert everything() == [[], [], []]


# Whether it counts


def test_paused_it_does_nothing_until_it_is_resumed(kim: User, lee: User) -> None:
    rule = published(kim)
    assert switch("pause", rule, lee).state == "paused"
    assert rules.book(versions.current()).rules == ()
    with refused(f"“{rule}” is paused."):
        switch("pause", rule, lee)
    assert switch("resume", rule, lee).state == "live"
    assert len(rules.book(versions.current()).rules) == 1
    with refused(f"“{rule}” is live."):
        switch("resume", rule, lee)


def test_a_new_version_of_a_paused_rule_counts(kim: User) -> None:
    rule = published(kim)
    switch("pause", rule, kim)
    next_version(rule, kim, OTHER)
    assert now(rule).state == "live"


def test_of_a_rule_that_reaches_many_somebody_else_resumes_it(kim: User, lee: User, ada: User) -> None:
    bea = make.user(Role.HQ_APPROVER)
    rule = begin(ada)
    ask(rule, kim)
    publish(rule, bea, reach=MANY)
    switch("pause", rule, kim)
    for who, sentence in (
        (lee, "It reaches 1,001 people. Above 1,000 an approver resumes it."),
        (ada, "It reaches 1,001 people. Above 1,000 somebody else than the one who wrote it resumes it."),
    ):
        assert rule_drafts.may_resume(now(rule), who, LATER, MANY) == sentence
        with refused(sentence, NotAllowed):
            switch("resume", rule, who, reach=MANY)
    assert rule_drafts.may_resume(now(rule), lee, LATER, 1000) == ""
    assert switch("resume", rule, bea, reach=MANY).state == "live"


def test_what_is_resumed_is_what_was_counted(kim: User, ada: User) -> None:
    """Somebody brings another version back between the count and the lock."""
    rule = published(kim)
    next_version(rule, kim, OTHER)
    switch("pause", rule, kim)
    restore(rule, 1, ada, as_of=THURSDAY)
    with pytest.raises(DraftConflict) as found:
        switch("resume", rule, kim, counted=2)
    assert str(ada) in found.value.messages[0]
    assert "published version 3" in found.value.messages[0]
    assert now(rule).state == "paused"
    assert switch("resume", rule, kim, counted=3).state == "live"


def test_what_is_published_is_what_was_counted(kim: User, lee: User) -> None:
    """Somebody saves between the count and the lock, and the form says she has seen that."""
    rule = begin(kim)
    counted = rule_drafts.seen(rule).revision
    save(rule, lee, OTHER)
    with pytest.raises(DraftConflict) as found:
        publish(rule, kim, counted=counted)
    assert "Lee Park saved the draft on" in found.value.messages[0]
    assert not rule.versions.exists()
    with pytest.raises(DraftConflict):
        publish(rule, kim, counted=0)
    assert publish(rule, kim, counted=counted + 1).number == 1


def test_ended_is_for_good(kim: User, ada: User) -> None:
    rule = published(kim, name="Spring")
    save(rule, kim, OTHER)
    switch("end", rule, kim)
    assert (now(rule).state, rules.book(versions.current()).rules) == ("ended", ())
    over = "“Spring” has ended. Make a new rule."
    steps: list[Callable[[], object]] = [
        lambda: save(rule, kim),
        lambda: ask(rule, kim),
        lambda: publish(rule, ada),
        lambda: restore(rule, 1, kim),
        lambda: switch("pause", rule, kim),
        lambda: switch("resume", rule, kim),
        lambda: switch("end", rule, kim),
    ]
    for step in steps:
        with refused(over):
            step()
    with refused("There is a rule “Spring” already. Choose another name."):
        begin(kim, name="Spring")
    discard(rule, kim)
    assert (now(rule).state, rule_drafts.of(rule), rule.versions.count()) == ("ended", None, 1)


def test_what_was_never_published_is_neither_paused_nor_ended(kim: User) -> None:
    rule = begin(kim)
    for step in ("pause", "resume", "end"):
        with refused(f"“{rule}” was never published."):
            switch(step, rule, kim)


def test_a_paused_rule_may_end(kim: User) -> None:
    rule = published(kim)
    switch("pause", rule, kim)
    assert switch("end", rule, kim).state == "ended"


# Back


def test_back_in_one_step(kim: User, lee: User, ada: User) -> None:
    rule = begin(kim)
    ask(rule, kim)
    first = publish(rule, ada, reach=MANY)
    next_version(rule, kim, OTHER)
    next_version(rule, kim, definition(when=GOLD))
    told = "Nobody approved version 2 for so many people. Enter it as a draft and ask for approval."
    with refused(told, NotAllowed):
        restore(rule, 2, lee, reach=MANY)
    mine = save(rule, kim)
    version = restore(rule, 1, lee, reach=MANY)
    assert (version.number, version.restores, version.by, version.approved_by) == (4, first, lee, None)
    assert (version.reason, version.definition) == ("It sold more", first.definition)
    [one] = rules.book(versions.current()).rules
    assert one.version == version
    assert rule_drafts.of(rule) == mine
    next_version(rule, kim, OTHER)
    assert restore(rule, 4, lee, reach=MANY).number == 6  # what was approved once, by way of another


def test_what_cannot_be_brought_back(kim: User) -> None:
    pinned = definition({"effect": "pin", "target": {"activity": "tips"}, "until": "2026-09-01"})
    rule = published(kim, pinned, name="Autumn")
    with refused("This is what version 1 says already."):
        restore(rule, 1, kim)
    with refused("“Autumn” has no version 7."):
        restore(rule, 7, kim)
    next_version(rule, kim, OTHER)
    with refused("That day has passed. Choose a later one."):
        restore(rule, 1, kim, as_of=THURSDAY + timedelta(days=10))
    with refused("There is no activity tips."):
        restore(rule, 1, kim, known=KNOWN._replace(activities={"win-back": ""}))
    with refused("Say in a sentence why the rule changes."):
        restore(rule, 1, kim, reason=" ")
    assert restore(rule, 1, kim).number == 3


def test_what_is_brought_back_to_a_paused_rule_waits_with_it(kim: User) -> None:
    rule = published(kim)
    next_version(rule, kim, OTHER)
    switch("pause", rule, kim)
    restore(rule, 1, kim)
    assert now(rule).state == "paused"


# The record


def test_every_step_is_in_the_audit(kim: User, lee: User, ada: User) -> None:
    rule = begin(kim)
    ask(rule, lee)
    send_back(rule, ada, "No")
    ask(rule, lee)
    publish(rule, ada)
    switch("pause", rule, kim)
    switch("resume", rule, lee)
    switch("end", rule, ada)
    steps = [(one.pgh_label, one.state, one.pgh_context["user"]) for one in rule_drafts.changes("RuleDraft")]
    assert steps == [
        ("insert", "draft", kim.pk), ("update", "in_review", lee.pk), ("update", "draft", ada.pk),
        ("update", "in_review", lee.pk), ("delete", "in_review", ada.pk),
    ]  # fmt: skip
    states = [(one.pgh_label, one.state, one.pgh_context["user"]) for one in rule_drafts.changes("Rule")]
    assert states == [
        ("insert", "draft", kim.pk), ("update", "live", ada.pk), ("update", "paused", kim.pk),
        ("update", "live", lee.pk), ("update", "ended", ada.pk),
    ]  # fmt: skip
    [version] = rule_drafts.changes("RuleVersion")
    assert version.pgh_context["user"] == ada.pk


def test_versions_never_change_and_a_published_rule_is_never_deleted(kim: User) -> None:
    rule = published(kim)
    for act in (
        lambda: RuleVersion.objects.update(reason="x"),
        lambda: RuleVersion.objects.all().delete(),
        lambda: now(rule).delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            act()
    kim.delete()
    assert rule.versions.get().by is None


def test_the_approver_check_is_also_the_databases(ada: User) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        make.rule_version(make.rule(), by=ada, approved_by=ada)
