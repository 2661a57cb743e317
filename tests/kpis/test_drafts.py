"""One draft a campaign: kept, asked about, published; two editors never overwrite each other without knowing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from threading import Barrier, Thread
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction

from distributors.models import Market, Role, User
from kpis import campaigns, drafts, priorities
from kpis.board import current
from kpis.drafts import DraftConflict, NotAllowed, Seen
from kpis.models import KPI, Campaign, Policy, Priority, PriorityDraft, PriorityVersion, Turn
from kpis.priorities import EditConflict, weights_of
from kpis.proposals import Proposal
from tests import factories as make

pytestmark = pytest.mark.django_db

THURSDAY = datetime(2026, 8, 27, 15, 0, tzinfo=UTC)
LATER = THURSDAY + timedelta(minutes=5)
MONDAY_AT_NINE = (date(2026, 8, 31), time(9))
NOBODY = Seen(0, 0)


@pytest.fixture(autouse=True)
def market() -> Market:
    return make.market()


@pytest.fixture
def repeat() -> KPI:
    return make.kpi(name="Repeat", metric="repeat_orders", scope="eye")


@pytest.fixture
def size() -> KPI:
    return make.kpi(name="Order size", metric="order_size")


@pytest.fixture
def kim() -> User:
    return make.user(Role.HQ_EDITOR, name="Kim Ito")


@pytest.fixture
def lee() -> User:
    return make.user(Role.HQ_EDITOR, name="Lee Park")


@pytest.fixture
def ada() -> User:
    return make.user(Role.HQ_APPROVER, name="Ada Roth")


def save(
    campaign: Campaign, by: User, weights: dict[KPI, int], seen: Seen | None = None, **fields: Any
) -> PriorityDraft:
    defaults = {"locked": [], "reason": "", "starts": None, "as_of": THURSDAY}
    share = fields.pop("share", Decimal("0.60"))
    proposal = Proposal(campaign, {kpi.pk: points for kpi, points in weights.items()}, share)
    return drafts.save(proposal=proposal, seen=seen or drafts.seen(campaign), by=by, **defaults | fields)


def ask(campaign: Campaign, by: User, **fields: Any) -> PriorityDraft:
    defaults = {"reason": "Eye line", "starts": None, "seen": drafts.seen(campaign), "as_of": THURSDAY}
    return drafts.ask(campaign=campaign, by=by, **defaults | fields)


def publish(campaign: Campaign, by: User, **fields: Any) -> PriorityVersion:
    defaults = {"reason": "Eye line", "starts": None, "seen": drafts.seen(campaign), "as_of": THURSDAY}
    return drafts.publish(campaign=campaign, by=by, **defaults | fields)


def published(campaign: Campaign, by: User, weights: dict[KPI, int], **fields: Any) -> PriorityVersion:
    save(campaign, by, weights)
    return publish(campaign, by, **fields)


def restore(campaign: Campaign, number: int, by: User, **fields: Any) -> PriorityVersion:
    return drafts.restore(
        campaign=campaign,
        number=number,
        by=by,
        **{"reason": "It sold more", "as_of": LATER, "seen": drafts.seen(campaign)} | fields,
    )


def withdraw(campaign: Campaign, number: int, by: User, as_of: datetime = LATER) -> None:
    drafts.withdraw(campaign=campaign, number=number, by=by, as_of=as_of)


def status(campaign: Campaign) -> str:
    return Campaign.objects.get(pk=campaign.pk).status


def everybody_needs_approval(people: int = 1) -> None:
    Policy.objects.create(approval_above=people - 1)
    for _ in range(people):
        make.distributor()


@contextmanager
def refused(sentence: str, kind: type[ValidationError] = ValidationError) -> Iterator[None]:
    """Refused in this one sentence, and nothing is different afterwards."""
    before = everything()
    with pytest.raises(kind) as found:
        yield
    assert found.value.messages == [sentence]
    assert everything() == before


def everything() -> list[Any]:
    models = (Campaign, PriorityDraft, PriorityVersion, Priority, Turn)
    return [list(model.objects.order_by("pk").values()) for model in models]


# On its way


def test_it_works(repeat: KPI, size: KPI, kim: User, lee: User) -> None:
    campaign = make.campaign(status=Campaign.Status.DRAFT)
    draft = save(campaign, kim, {repeat: 60, size: 20}, locked=[repeat.pk], share=Decimal("0.7"))
    assert (draft.revision, draft.based_on, draft.by, draft.saved_at, draft.state) == (1, 0, kim, THURSDAY, "draft")
    assert drafts.of(campaign) == draft
    found = drafts.proposal(drafts.of(campaign))
    assert (found.campaign, found.weights) == (campaign, {repeat.pk: 60, size.pk: 20})
    assert (found.own_goal_share, drafts.of(campaign).locked) == (Decimal("0.7"), [repeat.pk])

    assert save(campaign, lee, {repeat: 60, size: 40}, as_of=LATER).revision == 2
    version = publish(campaign, lee, as_of=LATER)
    assert (version.number, version.by, version.approved_by, version.reason) == (1, lee, None, "Eye line")
    assert (version.published_at, version.own_goal_share) == (LATER, Decimal("0.60"))
    assert weights_of(version) == {repeat.pk: 60, size.pk: 40}
    assert drafts.of(campaign) is None
    assert drafts.seen(campaign) == Seen(0, 1)
    assert status(campaign) == "live"


def test_a_draft_counts_for_nobody(market: Market, repeat: KPI, kim: User) -> None:
    campaign = make.campaign()
    published(campaign, kim, {repeat: 100})
    before = current().counting(market, LATER)
    save(campaign, kim, {make.kpi(metric="sales"): 100})
    assert current().counting(market, LATER) == before


def test_a_scheduled_one_keeps_its_start(repeat: KPI, kim: User) -> None:
    campaign = make.campaign()
    draft = save(campaign, kim, {repeat: 100}, reason=" Monday ", starts=MONDAY_AT_NINE)
    assert (drafts.starts_of(draft), draft.reason) == (MONDAY_AT_NINE, "Monday")
    version = publish(campaign, kim, reason="Monday", starts=MONDAY_AT_NINE)
    assert (version.starts_on, version.starts_time) == MONDAY_AT_NINE


def test_incomplete_may_be_saved_and_not_published(repeat: KPI, kim: User) -> None:
    campaign = make.campaign()
    save(campaign, kim, {repeat: 60})
    for act in (ask, publish):
        with refused("The weights add up to 60. They must add up to 100."):
            act(campaign, kim)
    save(campaign, kim, {repeat: 100})
    for act in (ask, publish):
        with refused("Say in a sentence why the priorities change."):
            act(campaign, kim, reason=" ")
        with refused("That time has passed in US already. Choose a later one."):
            act(campaign, kim, starts=(date(2026, 8, 27), time(11)))
        with refused("The campaign has ended by then in US."):
            act(campaign, kim, starts=(date(2026, 10, 1), time(0)))
    assert publish(campaign, kim, starts=(date(2026, 8, 27), time(11, 1))).number == 1


@pytest.mark.parametrize(
    ("weight", "fields", "sentence"),
    [
        (101, {}, "Each weight is a whole number from 0 to 100."),
        (60, {"share": Decimal("0.49")}, "Own goals keep between half and all of the ranking."),
        (60, {"share": Decimal("NaN")}, "Own goals keep between half and all of the ranking."),
        (60, {"reason": "x" * 301}, "Keep it within 300 characters."),
    ],
)
def test_nonsense_is_not_saved(repeat: KPI, kim: User, weight: int, fields: dict, sentence: str) -> None:
    campaign = make.campaign()
    with refused(sentence):
        save(campaign, kim, {repeat: weight}, **fields)


def test_an_ended_campaign_is_over(repeat: KPI, kim: User, ada: User) -> None:
    campaign = make.campaign(name="Spring")
    save(campaign, kim, {repeat: 100})
    campaigns.end(campaign, by=kim, as_of=THURSDAY)
    over = "Spring has ended. Start a new campaign to set priorities."
    with refused(over):
        save(campaign, kim, {repeat: 100})
    for act in (ask, publish):
        with refused(over):
            act(campaign, ada)
    drafts.discard(campaign=campaign, seen=drafts.seen(campaign), by=kim)
    assert (drafts.of(campaign), status(campaign)) == (None, "ended")


def test_a_removed_kpi_is_left_out_of_the_draft(repeat: KPI, size: KPI, kim: User) -> None:
    campaign = make.campaign()
    draft = save(campaign, kim, {repeat: 60, size: 40})
    size.delete()
    assert drafts.proposal(draft).weights == {repeat.pk: 60}
    with refused("The weights add up to 60. They must add up to 100."):
        publish(campaign, kim)


def test_nothing_to_publish(kim: User, ada: User) -> None:
    campaign = make.campaign()
    nothing = "There is no draft. Move a weight and save it first."
    for act in (ask, publish):
        with refused(nothing):
            act(campaign, kim)
    with refused(nothing):
        drafts.send_back(campaign=campaign, seen=NOBODY, note="No", by=ada, as_of=THURSDAY)
    drafts.discard(campaign=campaign, seen=NOBODY, by=kim)


@pytest.mark.parametrize("role", [Role.HQ_VIEWER, Role.TRAINER, Role.OPERATOR, Role.DISTRIBUTOR])
def test_only_editors_write(repeat: KPI, kim: User, role: Role) -> None:
    campaign, other = make.campaign(), make.user(role)
    published(campaign, kim, {repeat: 100})
    published(campaign, kim, {repeat: 100}, starts=MONDAY_AT_NINE)
    save(campaign, kim, {repeat: 100})
    no = "Only editors and approvers of HQ change priorities."
    with refused(no, NotAllowed):
        save(campaign, other, {repeat: 50})
    with refused(no, NotAllowed):
        drafts.discard(campaign=campaign, seen=drafts.seen(campaign), by=other)
    with refused(no, NotAllowed):
        ask(campaign, other)
    with refused(no, NotAllowed):
        restore(campaign, 1, other)
    with refused(no, NotAllowed):
        withdraw(campaign, 2, other)
    with refused("Only editors and approvers of HQ publish priorities.", NotAllowed):
        publish(campaign, other)


# Approval


def test_above_the_limit_two_people_publish(repeat: KPI, kim: User, ada: User) -> None:
    everybody_needs_approval(3)
    campaign = make.campaign(status=Campaign.Status.DRAFT)
    assert drafts.needs_approval(campaign, THURSDAY)
    save(campaign, kim, {repeat: 100})
    assert status(campaign) == "draft"
    first = "It reaches 3 people. Above 2 a second person approves it: ask for approval first."
    for who in (kim, ada):
        with refused(first, NotAllowed):
            publish(campaign, who)
    draft = ask(campaign, kim, starts=MONDAY_AT_NINE)
    assert (draft.state, draft.by, draft.revision, status(campaign)) == ("in_review", kim, 2, "in_review")
    assert drafts.may_publish(draft, kim, THURSDAY) == "It reaches 3 people. Above 2 an approver publishes it."
    with refused("It reaches 3 people. Above 2 an approver publishes it.", NotAllowed):
        publish(campaign, kim, starts=MONDAY_AT_NINE)
    assert drafts.may_publish(draft, ada, THURSDAY) == ""
    version = publish(campaign, ada, reason="", as_of=LATER)
    assert (version.by, version.approved_by, version.reason) == (kim, ada, "Eye line")
    assert (version.starts_on, version.starts_time, version.published_at) == (*MONDAY_AT_NINE, LATER)
    assert (drafts.of(campaign), status(campaign)) == (None, "live")


def test_nobody_approves_her_own(repeat: KPI, kim: User, ada: User) -> None:
    everybody_needs_approval()
    campaign = make.campaign()
    save(campaign, kim, {repeat: 100})
    draft = ask(campaign, ada)
    own = "It reaches 1 person. Above 0 somebody else than the one who asked approves it."
    assert drafts.may_publish(draft, ada, THURSDAY) == own
    with refused(own, NotAllowed):
        publish(campaign, ada)
    bea = make.user(Role.HQ_APPROVER)
    assert publish(campaign, bea).approved_by == bea


def test_whoever_wrote_the_weights_does_not_approve_them_whoever_asks(repeat: KPI, kim: User, ada: User) -> None:
    everybody_needs_approval()
    campaign = make.campaign()
    save(campaign, ada, {repeat: 100})
    draft = ask(campaign, kim)
    assert (draft.by, drafts.asked_by(draft)) == (ada, kim)
    own = "It reaches 1 person. Above 0 somebody else than the one who wrote it approves it."
    with refused(own, NotAllowed):
        publish(campaign, ada)
    # A colleague who saves them once more, with another start, has not written them either.
    save(campaign, kim, {repeat: 100}, reason="Kim's", starts=MONDAY_AT_NINE)
    assert ask(campaign, kim).by == ada
    with refused(own, NotAllowed):
        publish(campaign, ada)
    version = publish(campaign, make.user(Role.HQ_APPROVER, name="Bea Lund"))
    assert (version.by, version.approved_by.name) == (ada, "Bea Lund")


def test_whoever_changes_the_weights_of_another_answers_for_them(repeat: KPI, size: KPI, kim: User, ada: User) -> None:
    everybody_needs_approval()
    campaign = make.campaign()
    save(campaign, ada, {repeat: 100})
    assert save(campaign, kim, {repeat: 90, size: 10}).by == kim
    assert save(campaign, ada, {repeat: 90, size: 10}, share=Decimal("0.70")).by == ada
    save(campaign, kim, {repeat: 100})
    ask(campaign, kim)
    version = publish(campaign, ada)
    assert (version.by, version.approved_by) == (kim, ada)


def test_what_is_approved_is_what_was_handed_in(repeat: KPI, size: KPI, kim: User, ada: User) -> None:
    everybody_needs_approval()
    campaign = make.campaign()
    save(campaign, kim, {repeat: 100})
    ask(campaign, kim)
    other = "Approve it with the reason and start it was handed in with, or send it back."
    with refused(other, NotAllowed):
        publish(campaign, ada, reason="Something else")
    with refused(other, NotAllowed):
        publish(campaign, ada, starts=MONDAY_AT_NINE)
    # Other weights are a draft again, and hers.
    save(campaign, ada, {size: 100})
    assert drafts.of(campaign).state == "draft"
    with refused("It reaches 1 person. Above 0 a second person approves it: ask for approval first.", NotAllowed):
        publish(campaign, ada)


@pytest.mark.parametrize(("people", "needed"), [(2, False), (3, True)])
def test_the_limit_itself_needs_nobody_else(repeat: KPI, kim: User, people: int, needed: bool) -> None:
    Policy.objects.create(approval_above=2)
    for _ in range(people):
        make.distributor()
    make.distributor(left_on=date(2026, 1, 1))
    make.distributor(market=make.market("de", currency="EUR"))
    campaign = make.campaign()
    campaign.markets.add(make.market())
    assert drafts.needs_approval(campaign, THURSDAY) is needed
    draft = save(campaign, kim, {repeat: 100})
    assert bool(drafts.may_publish(draft, kim, THURSDAY)) is needed


def test_who_will_belong_to_a_segment_counts_from_the_beginning(repeat: KPI, kim: User) -> None:
    Policy.objects.create(approval_above=0)
    campaign = make.campaign(segment=make.segment(days_from=30))
    make.distributor(joined_on=date(2026, 8, 20))
    assert drafts.needs_approval(campaign, THURSDAY)
    assert not drafts.needs_approval(make.campaign(segment=make.segment(name="New", days_to=3)), THURSDAY)


def test_a_raised_limit_holds_from_the_next_day(repeat: KPI, kim: User) -> None:
    """Nobody raises it, publishes alone and puts it back."""
    policy, campaign = Policy.objects.create(approval_above=0), make.campaign()
    make.distributor()
    Policy.objects.filter(pk=policy.pk).update(approval_above=1_000_000)
    now = datetime.now(UTC)
    assert Policy.limit(now) == 0
    assert drafts.needs_approval(campaign, now)
    assert Policy.limit(now + timedelta(days=1, minutes=1)) == 1_000_000
    Policy.objects.filter(pk=policy.pk).update(approval_above=5)
    assert Policy.limit(now + timedelta(days=1, minutes=-1)) == 0


def test_an_approval_that_was_not_needed_is_kept_all_the_same(repeat: KPI, kim: User, ada: User) -> None:
    campaign = make.campaign()
    save(campaign, kim, {repeat: 100})
    ask(campaign, kim)
    version = publish(campaign, ada)
    assert (version.by, version.approved_by) == (kim, ada)
    save(campaign, kim, {repeat: 100})
    ask(campaign, kim)
    version = publish(campaign, kim, reason="Not waiting")
    assert (version.by, version.approved_by, version.reason) == (kim, None, "Not waiting")


def test_sent_back_with_a_note(repeat: KPI, kim: User, ada: User) -> None:
    campaign = make.campaign(status=Campaign.Status.DRAFT)
    save(campaign, kim, {repeat: 100})
    ask(campaign, kim)

    def send_back(by: User, note: str) -> PriorityDraft:
        return drafts.send_back(campaign=campaign, seen=drafts.seen(campaign), note=note, by=by, as_of=LATER)

    with refused("Only an approver sends a draft back.", NotAllowed):
        send_back(kim, "Too much")
    with refused("Say in a sentence what should change."):
        send_back(ada, "  ")
    with refused("Keep it within 300 characters."):
        send_back(ada, "x" * 301)
    draft = send_back(ada, " Too much ")
    assert (draft.state, draft.note, draft.by, draft.revision) == ("draft", "Too much", kim, 3)
    assert status(campaign) == "draft"
    with refused("Nobody has asked for approval of this draft."):
        send_back(ada, "Again")
    assert save(campaign, kim, {repeat: 90}).note == ""


def test_a_save_or_discard_takes_it_out_of_review(repeat: KPI, kim: User, lee: User) -> None:
    campaign = make.campaign(status=Campaign.Status.DRAFT)
    save(campaign, kim, {repeat: 100})
    ask(campaign, kim)
    draft = save(campaign, lee, {repeat: 60})
    assert (draft.state, draft.by, status(campaign)) == ("draft", lee, "draft")
    save(campaign, lee, {repeat: 100})
    ask(campaign, kim)
    drafts.discard(campaign=campaign, seen=drafts.seen(campaign), by=lee)
    assert (drafts.of(campaign), status(campaign)) == (None, "draft")


def test_a_campaign_that_counts_stays_live_while_its_next_version_is_looked_at(repeat: KPI, kim: User) -> None:
    campaign = make.campaign(status=Campaign.Status.DRAFT)
    published(campaign, kim, {repeat: 100})
    save(campaign, kim, {repeat: 100})
    ask(campaign, kim)
    assert status(campaign) == "live"
    save(campaign, kim, {repeat: 100})
    assert status(campaign) == "live"


# Two editors


def test_the_second_to_save_is_told_who_saved_what_when(repeat: KPI, size: KPI, kim: User, lee: User) -> None:
    campaign = make.campaign()
    both = drafts.seen(campaign)
    save(campaign, kim, {repeat: 40, size: 60}, both)
    told = "on 27 August 2026, 15:00 UTC: Order size 60, Repeat 40. Look at it, then save yours again."
    with refused(f"Kim Ito saved the draft {told}", DraftConflict):
        save(campaign, lee, {repeat: 100}, both)
    with refused(f"Kim Ito saved the draft {told}", DraftConflict):
        drafts.discard(campaign=campaign, seen=both, by=lee)

    both = drafts.seen(campaign)
    ask(campaign, kim, seen=both)
    with refused(f"Kim Ito asked for approval {told}", DraftConflict):
        save(campaign, lee, {repeat: 100}, both)
    with refused(f"Kim Ito asked for approval {told}", DraftConflict):
        publish(campaign, lee, seen=both)
    # Having looked, hers is the next.
    assert save(campaign, lee, {repeat: 100}).by == lee


def test_the_second_to_publish_is_told_who_published_what_when(repeat: KPI, kim: User, lee: User) -> None:
    campaign = make.campaign()
    save(campaign, kim, {repeat: 100})
    both = drafts.seen(campaign)
    publish(campaign, kim, seen=both)
    told = "Kim Ito published version 1 on 27 August 2026, 15:00 UTC: “Eye line”. Look at it, then publish yours again."
    with refused(told, DraftConflict):
        publish(campaign, lee, seen=both)
    with refused(told, EditConflict):
        save(campaign, lee, {repeat: 50}, both)
    with refused(told, DraftConflict):
        restore(campaign, 1, lee, seen=both)


def test_a_draft_that_was_discarded_or_sent_back_meanwhile(repeat: KPI, kim: User, lee: User, ada: User) -> None:
    campaign = make.campaign()
    save(campaign, kim, {repeat: 60})
    both = drafts.seen(campaign)
    drafts.discard(campaign=campaign, seen=both, by=kim)
    with pytest.raises(DraftConflict, match="Kim Ito discarded the draft on .*save it to begin a new one"):
        save(campaign, lee, {repeat: 70}, both)
    save(campaign, lee, {repeat: 100})
    ask(campaign, lee)
    both = drafts.seen(campaign)
    drafts.send_back(campaign=campaign, seen=both, note="Too much", by=ada, as_of=THURSDAY)
    with pytest.raises(DraftConflict, match="Ada Roth sent the draft back on .*: “Too much”"):
        save(campaign, lee, {repeat: 70}, both)


def test_a_new_draft_is_not_taken_for_the_one_before(repeat: KPI, size: KPI, kim: User, lee: User) -> None:
    campaign = make.campaign()
    save(campaign, kim, {repeat: 60})
    both = drafts.seen(campaign)
    drafts.discard(campaign=campaign, seen=both, by=lee)
    save(campaign, lee, {size: 60})
    assert drafts.seen(campaign) != both
    with pytest.raises(DraftConflict, match="Lee Park saved the draft"):
        save(campaign, kim, {repeat: 70}, both)
    assert drafts.proposal(drafts.of(campaign)).weights == {size.pk: 60}


def test_somebody_who_left_is_somebody(repeat: KPI, kim: User, lee: User) -> None:
    campaign = make.campaign()
    save(campaign, kim, {})
    kim.delete()
    with pytest.raises(DraftConflict, match="Somebody saved the draft on .*: no weights yet"):
        save(campaign, lee, {repeat: 50}, NOBODY)


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
    campaign, kpi, editors = make.campaign(), make.kpi(), [make.user(Role.HQ_EDITOR) for _ in range(10)]
    save(campaign, editors[0], {kpi: 100})
    seen = drafts.seen(campaign)
    with at_once(10, lambda i: publish(campaign, editors[i], seen=seen)) as outcomes:
        made = [one for one in outcomes if isinstance(one, PriorityVersion)]
        told = [one.messages[0] for one in outcomes if isinstance(one, DraftConflict)]
    assert [version.number for version in campaign.versions.all()] == [1] == [version.number for version in made]
    assert len(told) == 9
    assert all(sentence.startswith(f"{made[0].by} published version 1 on") for sentence in told)


@pytest.mark.django_db(transaction=True)
def test_ten_editors_save_at_once_and_nobody_overwrites_the_first() -> None:
    campaign, kpi, editors = make.campaign(), make.kpi(), [make.user(Role.HQ_EDITOR) for _ in range(10)]
    for seen in (drafts.seen(campaign), None):
        seen = seen or drafts.seen(campaign)
        with at_once(10, lambda i, seen=seen: save(campaign, editors[i], {kpi: 10 + i}, seen)) as outcomes:
            [saved] = [one for one in outcomes if isinstance(one, PriorityDraft)]
            told = [one for one in outcomes if isinstance(one, DraftConflict)]
        assert len(told) == 9
        draft = drafts.of(campaign)
        assert (draft.by, draft.weights) == (saved.by, {str(kpi.pk): 10 + editors.index(saved.by)})
        assert drafts.seen(campaign).revision == seen.revision + 1


# One transaction


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "breaks", [(Priority.objects, "bulk_create"), (campaigns, "approve"), (PriorityDraft, "delete")]
)
def test_publishing_is_one_transaction(breaks: tuple[Any, str], monkeypatch: pytest.MonkeyPatch) -> None:
    campaign, kpi, kim = make.campaign(status=Campaign.Status.DRAFT), make.kpi(), make.user(Role.HQ_EDITOR)
    save(campaign, kim, {kpi: 100})
    before = everything()

    def fail(*args: object, **fields: object) -> None:
        raise DatabaseError("the connection is gone")

    monkeypatch.setattr(*breaks, fail)
    with pytest.raises(DatabaseError):
        publish(campaign, kim)
    assert everything() == before
    monkeypatch.undo()
    assert publish(campaign, kim).number == 1


@pytest.mark.django_db(transaction=True)
def test_nobody_sees_half_of_it(market: Market) -> None:
    """Until the transaction is over another reader has what was before, then all of the new one."""
    campaign, kim = make.campaign(), make.user(Role.HQ_EDITOR)
    old, new = make.kpi(metric="sales"), make.kpi(metric="orders")
    published(campaign, kim, {old: 100})
    save(campaign, kim, {new: 50, old: 50})

    def read() -> list[tuple[int, int]]:
        with at_once(1, lambda _: current().counting(market, LATER)) as [found]:
            return [(one.kpi_id, one.weight) for one in found]

    with transaction.atomic():
        publish(campaign, kim)
        assert read() == [(old.pk, 100)]
    assert sorted(read()) == sorted([(old.pk, 50), (new.pk, 50)])


# Back, and called off


def test_back_in_one_step(market: Market, repeat: KPI, size: KPI, kim: User, lee: User) -> None:
    campaign = make.campaign()
    save(campaign, kim, {repeat: 100}, share=Decimal("0.75"))
    ask(campaign, kim)
    first = publish(campaign, make.user(Role.HQ_APPROVER))
    published(campaign, kim, {size: 100})
    published(campaign, kim, {repeat: 50, size: 50})
    everybody_needs_approval()
    told = "Nobody approved version 2 for so many people. Enter its weights as a draft and ask for approval."
    with refused(told, drafts.NotAllowed):
        restore(campaign, 2, lee)
    mine = save(campaign, kim, {repeat: 30})
    version = restore(campaign, 1, lee)
    assert (version.number, version.restores, version.by, version.approved_by) == (4, first, lee, None)
    assert (version.reason, version.own_goal_share) == ("It sold more", Decimal("0.75"))
    assert weights_of(version) == {repeat.pk: 100}
    assert [one.version for one in current().counting(market, LATER)] == [version]
    # The open draft is still there and tells that it was begun before.
    assert (drafts.of(campaign), drafts.of(campaign).based_on, drafts.seen(campaign)) == (
        mine,
        3,
        Seen(mine.revision, 4),
    )


def test_what_cannot_be_brought_back(repeat: KPI, size: KPI, kim: User) -> None:
    campaign = make.campaign(name="Autumn")
    published(campaign, kim, {repeat: 100})
    with refused("Version 1 counts already."):
        restore(campaign, 1, kim)
    with refused("Autumn has no version 7."):
        restore(campaign, 7, kim)
    published(campaign, kim, {size: 100}, starts=MONDAY_AT_NINE)
    with refused("Version 2 has not begun yet, so there is nothing to go back to."):
        restore(campaign, 2, kim)
    withdraw(campaign, 2, kim)
    with refused("Version 2 was withdrawn on 27 August 2026, 15:05 UTC by Kim Ito."):
        restore(campaign, 2, kim)
    published(campaign, kim, {size: 100})
    campaigns.end(campaign, by=kim, as_of=LATER)
    with refused("Autumn has ended. Start a new campaign to set priorities."):
        restore(campaign, 1, kim)


def test_a_scheduled_version_is_called_off(market: Market, repeat: KPI, size: KPI, kim: User) -> None:
    campaign = make.campaign()
    first = published(campaign, kim, {repeat: 100})
    with refused("Version 1 counted at once."):
        withdraw(campaign, 1, kim)
    published(campaign, kim, {size: 100}, starts=MONDAY_AT_NINE)
    monday = datetime(2026, 8, 31, 13, 0, tzinfo=UTC)  # nine in New York
    with refused("Version 2 counts already. Go back to an earlier one instead."):
        withdraw(campaign, 2, kim, monday)
    withdraw(campaign, 2, kim, monday - timedelta(minutes=1))
    assert [one.version for one in current().counting(market, monday)] == [first]
    with refused("Version 2 was withdrawn on 31 August 2026, 12:59 UTC by Kim Ito."):
        withdraw(campaign, 2, kim)
    # Its number is not used again.
    assert published(campaign, kim, {size: 100}).number == 3


def test_one_that_has_begun_somewhere_is_not_called_off(repeat: KPI, kim: User) -> None:
    make.market("jp", currency="JPY", time_zone="Asia/Tokyo")
    campaign = make.campaign()
    published(campaign, kim, {repeat: 100}, starts=MONDAY_AT_NINE)
    tokyo = datetime(2026, 8, 31, 0, 0, tzinfo=UTC)
    with refused("Version 1 counts already. Go back to an earlier one instead."):
        withdraw(campaign, 1, kim, tokyo)
    withdraw(campaign, 1, kim, tokyo - timedelta(minutes=1))


def test_without_its_only_version_a_campaign_is_a_draft_again(repeat: KPI, kim: User) -> None:
    campaign = make.campaign(status=Campaign.Status.DRAFT)
    published(campaign, kim, {repeat: 100}, starts=MONDAY_AT_NINE)
    save(campaign, kim, {repeat: 100})
    ask(campaign, kim)
    assert status(campaign) == "live"
    withdraw(campaign, 1, kim)
    assert status(campaign) == "in_review"
    assert publish(campaign, kim).number == 2
    assert status(campaign) == "live"


def test_one_that_is_ahead_is_scheduled(repeat: KPI, kim: User) -> None:
    campaign = make.campaign(status=Campaign.Status.DRAFT, starts_on=date(2026, 8, 28))
    published(campaign, kim, {repeat: 100})
    assert status(campaign) == "scheduled"


def test_every_step_is_in_the_audit(repeat: KPI, kim: User, lee: User, ada: User) -> None:
    campaign = make.campaign()
    save(campaign, kim, {repeat: 100})
    ask(campaign, lee)
    drafts.send_back(campaign=campaign, seen=drafts.seen(campaign), note="No", by=ada, as_of=LATER)
    drafts.discard(campaign=campaign, seen=drafts.seen(campaign), by=kim)
    found = [(one.pgh_label, one.state, one.pgh_context["user"]) for one in drafts.changes(campaign)]
    assert found == [
        ("insert", "draft", kim.pk), ("update", "in_review", lee.pk), ("update", "draft", ada.pk),
        ("delete", "draft", kim.pk),
    ]  # fmt: skip


def test_the_approver_check_is_also_the_databases() -> None:
    kim = make.user(Role.HQ_APPROVER)
    with pytest.raises(DatabaseError), transaction.atomic():
        make.priority_version(make.campaign(), {make.kpi(): 100}, by=kim, approved_by=kim)
    assert priorities.EditConflict in DraftConflict.__mro__
