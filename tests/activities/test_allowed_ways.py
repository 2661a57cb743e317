"""A card asks only for what its customer agrees to: no message to who allows calls alone, and the other way round."""

from __future__ import annotations

from datetime import timedelta

import pytest

from activities.ranking.person import rank
from distributors.models import CHANNELS, Customer
from tests import factories as make
from tests.distributors.orders import order

pytestmark = pytest.mark.django_db

CALL, TEXT, EMAIL = CHANNELS["call"], CHANNELS["text"], CHANNELS["email"]


def cards(*, consent_required: bool, **given: int) -> set[str]:
    """Of a message, a call and a to-do for who ordered six days ago, those that she could be shown."""
    for form in ("message", "call", "todo"):
        make.activity(form, about="check_in", form=form)
    me = make.distributor(market=make.market("xx", consent_required=consent_required))
    anna = make.customer(me)
    order(anna, make.TODAY - timedelta(days=6), make.product())
    Customer.objects.filter(pk=anna.pk).update(**given)
    return {key.partition(".")[0] for key in rank(me, as_of=make.NOW).keys}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, set()),
        ({"allowed": CALL}, {"call", "todo"}),
        ({"allowed": EMAIL}, {"message", "todo"}),
        ({"allowed": TEXT | CALL}, {"message", "call", "todo"}),
        ({"allowed": TEXT, "refused": CALL}, {"message", "todo"}),
    ],
)
def test_where_consent_is_required(given: dict[str, int], found: set[str]) -> None:
    assert cards(consent_required=True, **given) == found


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, {"message", "call", "todo"}),
        ({"refused": CALL}, {"message", "todo"}),
        ({"refused": 15 - CALL}, {"call", "todo"}),
        ({"refused": 15}, set()),
    ],
)
def test_where_it_is_not(given: dict[str, int], found: set[str]) -> None:
    assert cards(consent_required=False, **given) == found
