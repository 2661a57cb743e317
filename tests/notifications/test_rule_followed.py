"""Of the notices that were due by a rule: how many were told, and how many were read."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from distributors.models import Distributor, Role
from kpis.models import Rule
from notifications import followed, inbox
from notifications.followed import Followed
from notifications.models import Notice
from tests import factories as make
from tests.notifications.test_rule_notices import fired, rule
from tests.pages import now, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now


def plain(answer: HttpResponse) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", words(answer)).split())


def opens(person: Distributor) -> None:
    inbox.pull(person, as_of=make.NOW)


def found(of: Rule) -> Followed:
    return followed.of(of, make.NOW)


def test_it_works() -> None:
    version = rule()
    dora, nele, idle, late = (make.distributor() for _n in range(4))
    for one in (dora, nele, idle):
        fired(version, one)
    fired(version, late, day=make.TODAY - timedelta(days=20))
    assert found(version.rule) == Followed(due=4, told=0, read=0, open=3)
    opens(dora)
    opens(nele)
    inbox.mark_all_read(distributor=nele, as_of=make.NOW)
    assert found(version.rule) == Followed(due=4, told=2, read=1, open=1)


def test_a_firing_is_told_once_to_whomever() -> None:
    """Her leader was told, she was not: one firing of one."""
    leader = make.distributor()
    version, dora = rule(), make.distributor(sponsor=leader)
    fired(version, dora, dora, leader)
    opens(leader)
    assert found(version.rule) == Followed(due=1, told=1, read=0, open=0)


def test_of_other_rules_and_of_who_was_held_back_nothing_counts() -> None:
    version, dora = rule(), make.distributor()
    fired(rule(), dora)
    opens(dora)
    fired(version, make.distributor(), held_back=True)
    assert found(version.rule) == Followed(0, 0, 0, 0)
    # A key that only looks like it, of somebody else.
    call = fired(version, make.distributor()).calls.get()
    Notice.objects.create(distributor=dora, key=f"call-{call.pk}", kind="rule", at=make.NOW)
    assert found(version.rule).told == 0


def test_it_is_two_queries_however_many_people() -> None:
    version = rule()
    for n in (1, 9):
        for _n in range(n):
            fired(version, make.distributor())
        with CaptureQueriesContext(connection) as seen:
            found(version.rule)
        assert len(seen) == 2


def test_the_page_says_due_told_and_read() -> None:
    version, dora = rule(), make.distributor()
    fired(version, dora)
    fired(version, make.distributor())
    opens(dora)
    client = Client()
    client.force_login(make.user(Role.HQ_VIEWER))
    outcome = client.get(reverse("rule_outcome", args=[version.rule_id]), headers={"HX-Request": "true"})
    assert "A notice was due 2" in plain(outcome) and "Sent" not in plain(outcome)
    assert reverse("rule_notices", args=[version.rule_id]) in outcome.content.decode()
    part = client.get(reverse("rule_notices", args=[version.rule_id]), headers={"HX-Request": "true"})
    assert "Told 1 50%, 1 still has time Read 0 0%" in plain(part) and "<html" not in part.content.decode()
    alone = client.get(reverse("rule_notices", args=[version.rule_id])).content.decode()
    assert "<h1>" in alone and "Back to the rule" in alone
