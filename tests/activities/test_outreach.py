"""From an open message to a sent one and back: one row, one contact, one note, whatever is pressed how often."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from django.db import connection

from activities import actions, forgetting, joining
from activities.library import sharing
from activities.messages import outreach
from activities.models import Action, Asset, BlockedPhrase, Outreach, ShareLink
from distributors import outreach as reaching
from distributors.models import Customer, Event, Note
from tests import factories as make

pytestmark = pytest.mark.django_db

LATER = make.NOW + timedelta(minutes=5)
UNDONE = make.NOW + timedelta(minutes=6)
AGAIN = make.NOW + timedelta(minutes=7)


@pytest.fixture
def maya() -> Customer:
    return make.customer(make.distributor(), name="Maya Okafor", phone="+1 555 0100", email="maya@example.com")


def opened(to: Customer, activity=None, **fields) -> Outreach:
    given = {
        "channel": "whatsapp",
        "language": "en",
        "text": "Hi Maya, how is the liner?",
        "as_of": make.NOW,
        "by": None,
    }
    return outreach.opened(distributor=to.distributor, customer=to, activity=activity, **given | fields)


def sent(message: Outreach, as_of=LATER) -> Outreach:
    return outreach.sent(distributor=message.distributor, outreach_id=message.pk, as_of=as_of, by=None)


def undone(message: Outreach, as_of=UNDONE) -> Outreach:
    return outreach.undo(distributor=message.distributor, outreach_id=message.pk, as_of=as_of, by=None)


def not_sent(message: Outreach, as_of=LATER) -> Outreach:
    return outreach.not_sent(distributor=message.distributor, outreach_id=message.pk, as_of=as_of, by=None)


def refusal(**given) -> str:
    with pytest.raises(outreach.MessageError) as refused:
        opened(**given)
    return str(refused.value)


def contacts(customer: Customer) -> int:
    return len(Customer.objects.get(pk=customer.pk).recent_contacts)


def standing(kind: Action.Kind) -> int:
    return Action.objects.standing().filter(kind=kind).count()


def test_it_works(maya: Customer) -> None:
    card = make.activity("refill", "Send {name} the video", form="message", about="check_in", credit_days=9)
    message = opened(maya, card)
    assert (message.state, message.sent_at, standing(Action.Kind.START)) == ("opened", None, 1)
    done = sent(message)
    assert (done.state, done.sent_at, done.waits_until) == ("sent", LATER, date(2026, 9, 5))
    assert done.action is not None and done.action.kind == Action.Kind.DONE
    assert maya.notes.get().text == "Sent by WhatsApp: Hi Maya, how is the liner?"
    assert Customer.objects.get(pk=maya.pk).last_contact_at == LATER


def test_without_a_card_it_is_a_contact_of_its_own(maya: Customer) -> None:
    done = sent(opened(maya, channel="email"))
    assert done.waits_until == date(2026, 9, 10) and done.action is None
    assert Event.objects.get(type="contact.made").data["outreach"] == done.pk
    assert Customer.objects.get(pk=maya.pk).last_contact_at == LATER
    assert maya.notes.get().text.startswith("Sent by e-mail: Hi Maya")


@pytest.mark.parametrize("with_card", [True, False])
def test_twice_is_once(maya: Customer, with_card: bool) -> None:
    card = make.activity("refill", form="message", about="check_in") if with_card else None
    first, second = opened(maya, card), opened(maya, card, text="Hi Maya, and how is it now?", as_of=LATER)
    assert first.pk == second.pk and Outreach.objects.get().text == "Hi Maya, and how is it now?"
    sent(second)
    again = sent(first, AGAIN)
    assert again.sent_at == LATER and maya.notes.count() == contacts(maya) == 1
    assert standing(Action.Kind.DONE) == int(with_card)


@pytest.mark.parametrize("with_card", [True, False])
def test_undo_takes_everything_back_and_it_can_be_sent_again(maya: Customer, with_card: bool) -> None:
    card = make.activity("refill", form="message", about="check_in") if with_card else None
    message = sent(opened(maya, card))
    back = undone(message)
    assert (back.state, back.sent_at, back.waits_until, back.action) == ("opened", None, None, None)
    assert undone(message).state == "opened"
    assert maya.notes.count() == contacts(maya) == standing(Action.Kind.DONE) == 0
    assert sent(message, AGAIN).sent_at == AGAIN
    assert maya.notes.count() == contacts(maya) == Outreach.objects.count() == 1


def test_done_on_todays_list_says_that_it_was_sent(maya: Customer) -> None:
    """The same as "Yes": the tick, the key E and the sheet agree, and so do their undos."""
    card = make.activity("refill", form="message", about="check_in")
    message = opened(maya, card)
    whose = {"distributor": maya.distributor, "by": None}
    action = actions.complete(**whose, card_key=f"refill.c{maya.pk}", as_of=LATER)
    message.refresh_from_db()
    assert (message.state, message.action) == ("sent", action)
    assert maya.notes.get().text.startswith("Sent by WhatsApp")
    actions.undo(**whose, action_id=action.pk, as_of=UNDONE)
    message.refresh_from_db()
    assert (message.state, message.action) == ("opened", None)


def test_not_yet_keeps_the_text_and_the_card_is_not_begun(maya: Customer) -> None:
    card = make.activity("refill", form="message", about="check_in")
    message = opened(maya, card)
    assert not_sent(message).state == not_sent(message).state == "dropped"
    assert standing(Action.Kind.START) == 0
    draft = outreach.draft_of(maya.distributor, maya, card, AGAIN)
    assert draft is not None and draft.text == "Hi Maya, how is the liner?"
    assert outreach.draft_of(maya.distributor, maya, card, AGAIN + timedelta(days=15)) is None
    assert opened(maya, card, as_of=AGAIN).pk == message.pk and Outreach.objects.count() == 1


def test_yes_in_another_tab_after_not_yet_counts(maya: Customer) -> None:
    message = opened(maya, make.activity("refill", form="message", about="check_in"))
    not_sent(message)
    assert sent(message, AGAIN).state == "sent" and maya.notes.count() == 1


def test_a_second_message_of_a_day_is_a_contact_beside_the_card(maya: Customer) -> None:
    card = make.activity("refill", form="message", about="check_in")
    first = sent(opened(maya, card))
    second = sent(opened(maya, card, as_of=UNDONE, text="One more thing"), AGAIN)
    assert second.pk != first.pk and second.action is None and contacts(maya) == 2
    undone(second, AGAIN + timedelta(minutes=1))
    first.refresh_from_db()
    assert first.state == "sent" and contacts(maya) == 1


def test_whom_she_may_not_write_to(maya: Customer) -> None:
    Customer.objects.filter(pk=maya.pk).update(do_not_contact=True, refused=15)
    maya.refresh_from_db()
    assert "asked not to be contacted" in refusal(to=maya)
    assert not Outreach.objects.exists()


def test_a_way_without_consent_is_refused(maya: Customer) -> None:
    Customer.objects.filter(pk=maya.pk).update(refused=4)
    maya.refresh_from_db()
    assert "this way" in refusal(to=maya, channel="whatsapp")
    assert opened(maya, channel="text").channel == "text"


def test_consent_withdrawn_meanwhile_changes_nothing_that_happened(maya: Customer) -> None:
    message = opened(maya)
    Customer.objects.filter(pk=maya.pk).update(do_not_contact=True, refused=15)
    assert sent(message).state == "sent"


def test_a_claim_an_empty_and_a_long_text_are_refused(maya: Customer) -> None:
    BlockedPhrase.objects.create(phrase="cures acne", kind="health", instead="helps skin look clear")
    assert "marked" in refusal(to=maya, text="This cures acne.")
    assert "few words" in refusal(to=maya, text=" \n ")
    assert "1 letter over. 2000 fit." in refusal(to=maya, text="x" * 2001)
    assert "how you send" in refusal(to=maya, channel="pigeon")
    assert not Outreach.objects.exists() and not Action.objects.exists()


def test_somebody_elses_message_is_not_there(maya: Customer) -> None:
    message, other = opened(maya), make.distributor()
    for verb in (outreach.sent, outreach.not_sent, outreach.undo):
        with pytest.raises(Outreach.DoesNotExist):
            verb(distributor=other, outreach_id=message.pk, as_of=LATER, by=None)


def test_what_she_shared_may_have_gone_any_way(maya: Customer) -> None:
    sent(opened(maya, channel="share"))
    assert "channel" not in Event.objects.get(type="contact.made").data
    assert maya.notes.get().text.startswith("Sent: Hi Maya")


@pytest.mark.django_db(transaction=True)
def test_many_taps_at_once_are_one_message_and_one_contact(maya: Customer) -> None:
    card = make.activity("refill", form="message", about="check_in")

    def tapped(_n: int) -> int:
        try:
            return opened(maya, card).pk
        finally:
            connection.close()

    def said(pk: int) -> str:
        try:
            return outreach.sent(distributor=maya.distributor, outreach_id=pk, as_of=LATER, by=None).state
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        (pk,) = set(pool.map(tapped, range(6)))
        assert set(pool.map(said, [pk] * 6)) == {"sent"}
    assert Outreach.objects.count() == maya.notes.count() == standing(Action.Kind.START) == 1
    assert standing(Action.Kind.DONE) == contacts(maya) == 1


def test_refused_between_the_page_and_the_button(maya: Customer) -> None:
    read_before = Customer.objects.select_related("distributor__market").get(pk=maya.pk)
    reaching.set_do_not_contact(customer=maya, stop=True, as_of=make.NOW, by=None)
    assert "asked not to be contacted" in refusal(to=read_before)
    assert not Outreach.objects.exists()


@pytest.mark.parametrize("gone", ["erased", "merged"])
@pytest.mark.parametrize("verb", ["opened", "start", "complete", "snooze", "dismiss", "link"])
def test_nothing_is_written_about_who_was_erased_or_merged_meanwhile(
    maya: Customer, verb: str, gone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one who erases holds the lock; whoever waits for it has read the person before."""
    make.activity("refill", form="message", about="check_in")
    asset = Asset.objects.create(key="care", kind="article")
    twin = make.customer(maya.distributor)

    def go() -> None:
        if gone == "erased":
            forgetting.erase(customer=maya, as_of=make.NOW, by=None)
        else:
            joining.merge(survivor=twin, other=maya, as_of=make.NOW, by=None)

    whose = {"distributor": maya.distributor, "card_key": f"refill.c{maya.pk}", "as_of": make.NOW, "by": None}
    more = {"snooze": {"until": make.TODAY + timedelta(days=3)}, "dismiss": {"reason": "not_now"}}.get(verb, {})
    read_before = Customer.objects.get(pk=maya.pk)
    if verb in {"opened", "link"}:
        go()
    else:
        waits(monkeypatch, go)
    with pytest.raises(Customer.DoesNotExist):
        if verb == "opened":
            opened(read_before)
        elif verb == "link":
            sharing.link_for(
                distributor=maya.distributor, customer=read_before, asset=asset, language="en", as_of=make.NOW
            )
        else:
            getattr(actions, verb)(**whose, **more)
    assert not (Outreach.objects.exists() or Action.objects.exists() or ShareLink.objects.exists())
    assert not Note.objects.exists()


def waits(monkeypatch: pytest.MonkeyPatch, go: Callable[[], None]) -> None:
    """Whoever asks for the lock gets it after `go` was done."""
    turns, done = actions.take_turns, list[bool]()

    def take_turns(ids: Iterable[int]) -> None:
        turns(ids)
        if not done:
            done.append(True)
            go()

    monkeypatch.setattr(actions, "take_turns", take_turns)
