"""What rules say, in the kernel: calls add a card about one recruit, pins stand on top, bars are never drawn."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from activities import actions, recommend
from activities.ranking import kernel
from activities.ranking.blocks import CALL, Rules, no_calls
from activities.ranking.person import RECRUIT
from distributors.models import Distributor
from tests import factories as f
from tests.activities.stage import stage
from tests.activities.test_kernel import block

pytestmark = pytest.mark.django_db


@pytest.fixture
def jenna() -> Distributor:
    return stage()


def ruled(given, shelf, *, calls=(), pin="", about=0, barred=""):
    n, a = len(given[0].ids), len(shelf.activities)
    place = {one.key: at for at, one in enumerate(shelf.activities)}
    found, at = no_calls(n)
    if calls:
        found = np.array([(place[key], recruit) for key, recruit in calls], CALL)
        at = np.full(n + 1, len(calls))
        at[0] = 0
    pins = np.full(n, place[pin] if pin else -1)
    bars = np.zeros((n, a), np.uint8)
    if barred:
        bars[:, place[barred]] = 1
    return Rules(np.zeros((n, a)), bars, pins, np.full(n, about), found, at)


def shown(given, shelf, rules: Rules) -> list[str]:
    cards, counts = kernel.slates(*given[:6], rules)
    keys = []
    for card in cards[0, : counts[0]]:
        about = f".{'cr'[card['kind'] - 1]}{card['about']}" if card["kind"] else ""
        keys.append(shelf.activities[shelf.index[int(card["activity"])]].key + about)
    return keys


def recruits_in(found: kernel.Ranked) -> list[int]:
    """Whom the cards are about that are about recruits; a customer may have the same id."""
    cards = found.room.cards.card[: found.cards]
    return cards["about"][cards["kind"] == RECRUIT].tolist()


def old_recruit(jenna: Distributor) -> Distributor:
    """Nothing else finds her: she joined long ago and never ordered."""
    return f.distributor(sponsor=jenna, joined_on=f.TODAY - timedelta(days=300))


def test_it_works(jenna: Distributor) -> None:
    ida = old_recruit(jenna)
    shelf, given = block([jenna])
    key = f"check-recruit.r{ida.pk}"
    plain = kernel.ranked(*given)
    assert ida.pk not in recruits_in(plain)
    rules = ruled(given, shelf, calls=[("check-recruit", ida.pk)])
    called = kernel.ranked(*given[:6], rules)
    cards = called.room.cards.card[: called.cards]
    assert [int(c["due"]) >= called.dues for c in cards if c["kind"] == RECRUIT and c["about"] == ida.pk] == [True]
    pinned = ruled(given, shelf, calls=[("check-recruit", ida.pk)], pin="check-recruit", about=ida.pk)
    assert shown(given, shelf, pinned)[0] == key


def test_a_pin_without_a_person_takes_the_best_card_of_the_activity(jenna: Distributor) -> None:
    shelf, given = block([jenna])
    assert shown(given, shelf, ruled(given, shelf, pin="nurture"))[0].startswith("nurture.c")


def test_a_call_about_who_is_found_anyway_adds_no_second_card(jenna: Distributor) -> None:
    new = f.distributor(sponsor=jenna, joined_on=f.TODAY - timedelta(days=12))
    shelf, given = block([jenna])
    found = kernel.ranked(*given[:6], ruled(given, shelf, calls=[("check-recruit", new.pk)]))
    assert recruits_in(found).count(new.pk) == 1


def test_what_she_put_off_is_not_called_again(jenna: Distributor) -> None:
    new = f.distributor(sponsor=jenna, joined_on=f.TODAY - timedelta(days=12))
    recommend.feed(jenna, as_of=f.NOW)
    actions.complete(distributor=jenna, card_key=f"check-recruit.r{new.pk}", as_of=f.NOW, by=None)
    shelf, given = block([jenna])
    found = kernel.ranked(*given[:6], ruled(given, shelf, calls=[("check-recruit", new.pk)]))
    assert new.pk not in recruits_in(found)


def test_what_is_barred_is_never_pinned(jenna: Distributor) -> None:
    shelf, given = block([jenna])
    keys = shown(given, shelf, ruled(given, shelf, pin="nurture", barred="nurture"))
    assert keys and not any(key.startswith("nurture") for key in keys)


def test_calls_of_one_person_are_not_anothers(jenna: Distributor) -> None:
    ida, other = old_recruit(jenna), f.distributor()
    shelf, given = block([jenna, other])
    people = given[0]
    place = {one.key: at for at, one in enumerate(shelf.activities)}["check-recruit"]
    calls_at = np.concatenate([[0], (people.ids == jenna.pk).cumsum()])
    rules = ruled(given, shelf)._replace(calls=np.array([(place, ida.pk)], CALL), calls_at=calls_at)
    for i, pk in enumerate(people.ids.tolist()):
        found = kernel.ranked(*given[:6], rules, i)
        assert (ida.pk in recruits_in(found)) == (pk == jenna.pk)
