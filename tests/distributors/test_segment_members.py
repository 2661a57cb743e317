"""Members of a segment by rules: the compact row and the database say the same of every day."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from django.db import IntegrityError, transaction

from distributors import features, segments
from distributors.models import Distributor, Segment, SegmentMember
from distributors.records import day_number
from tests import factories as make
from tests.factories import TODAY

pytestmark = pytest.mark.django_db


def belongs(person: Distributor, segment: Segment, day: date) -> bool:
    row = features.of([person.pk])[person.pk]
    one = np.array([day_number(day)], np.int64)
    at = np.array([0, len(row.tags)], np.int64)
    joined = np.array([day_number(person.joined_on)], np.int64)
    return bool(segments.bits([segment], joined, np.zeros(2, np.int64), one, row.tags, at)[0])


def asked(person: Distributor, segment: Segment, day: date) -> bool:
    return Distributor.objects.filter(segments.condition(segment, day), pk=person.pk).exists()


def test_it_works() -> None:
    jenna, other = make.distributor(joined_on=TODAY - timedelta(days=90)), make.distributor()
    fell = Segment.objects.create(name="Fell", by_rules=True)
    stays = [(-20, -10), (-3, 5), (30, None)]
    for since, until in stays:
        last = None if until is None else TODAY + timedelta(days=until)
        SegmentMember.objects.create(
            segment=fell, distributor=jenna, since=TODAY + timedelta(days=since), until=last
        )  # fmt: skip
    for ago in range(-25, 40):
        day, inside = TODAY + timedelta(days=ago), any(a <= ago and (b is None or ago <= b) for a, b in stays)
        assert belongs(jenna, fell, day) == asked(jenna, fell, day) == inside, ago
        assert not belongs(other, fell, day) and not asked(other, fell, day)


def test_its_other_limits_hold_as_well() -> None:
    new, old = (make.distributor(joined_on=TODAY - timedelta(days=days)) for days in (5, 50))
    fell = Segment.objects.create(name="Fell and new", by_rules=True, days_to=30)
    for person in (new, old):
        SegmentMember.objects.create(segment=fell, distributor=person, since=TODAY)
    assert belongs(new, fell, TODAY) and asked(new, fell, TODAY)
    assert not belongs(old, fell, TODAY) and not asked(old, fell, TODAY)


def test_a_stay_is_a_span_and_begins_once_a_day() -> None:
    jenna, fell = make.distributor(), Segment.objects.create(name="Fell", by_rules=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        SegmentMember.objects.create(segment=fell, distributor=jenna, since=TODAY, until=TODAY - timedelta(days=1))
    SegmentMember.objects.create(segment=fell, distributor=jenna, since=TODAY)
    with pytest.raises(IntegrityError), transaction.atomic():
        SegmentMember.objects.create(segment=fell, distributor=jenna, since=TODAY)
