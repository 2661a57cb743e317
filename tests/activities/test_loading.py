"""Blocks of people as the database packs them are what the rows say, person by person."""

from __future__ import annotations

import numpy as np
import pytest

from activities.ranking import loading, memory, shelf
from activities.ranking.blocks import People
from distributors import features
from distributors.models import Distributor, Feature
from tests import factories as make

from . import stage

pytestmark = pytest.mark.django_db


def field():
    """Jenna with everything, and people with next to nothing, of two markets and several languages."""
    stage.stage()
    east = make.market("de", language="de", currency="EUR", time_zone="Europe/Berlin")
    make.distributor(language="es", own_goal_share="0.75")
    make.distributor(market=east, language="pt-br")
    make.distributor(market=east)
    make.goal(make.distributor())
    return refreshed()


def refreshed():
    people = list(Distributor.objects.active().with_market().order_by("pk"))
    ids = [one.pk for one in people]
    return people, features.of(ids), memory.of(ids, make.NOW)


def same(a: People, b: People):
    for name, left, right in zip(People._fields, a, b, strict=True):
        assert left.dtype == right.dtype, name
        np.testing.assert_array_equal(left, right, err_msg=name)
        assert left.flags.c_contiguous, name


def test_it_works():
    people, rows, held = field()
    block, made_from, remembered = loading.people_between(0, people[-1].pk, shelf.current())
    same(block, loading.people_of(people, rows, held, shelf.current()))
    assert made_from.tolist() == [rows[one.pk].changed for one in people]
    assert remembered.tolist() == [held[one.pk].changed for one in people]
    assert len(block.customers) > 3
    assert len(block.days) > 1


def test_languages_and_markets_by_their_place_on_the_shelf():
    people, _rows, _held = field()
    known = shelf.current()
    block = loading.people_between(0, people[-1].pk, known)[0]
    assert [known.languages[place] for place in block.language][-4:] == ["es", "en", "de", "en"]
    assert [known.markets[place] for place in block.market] == [one.market for one in people]
    assert block.own_share.tolist()[-4:] == [0.75, 0.0, 0.0, 0.0]


def test_only_some():
    people, _rows, _held = field()
    known, (first, last) = shelf.current(), (people[1].pk, people[-2].pk)

    def ids(*given, **options):
        return loading.people_between(*given, known, **options)[0].ids.tolist()

    assert ids(first, last) == [one.pk for one in people[1:-1]]
    assert sorted(ids(first, last, ids=[people[0].pk, people[2].pk])) == [people[2].pk]
    germany = people[-2].market
    assert ids(first, last, market=germany.pk) == [one.pk for one in people if one.market == germany]
    Distributor.objects.filter(pk=people[2].pk).update(left_on=make.TODAY)
    assert people[2].pk not in ids(first, last)
    assert ids(last + 10**6, last + 10**7) == []


def test_one_or_the_other_row_missing():
    one, other = make.distributor(), make.distributor()
    features.of([one.pk, other.pk])
    Feature.objects.filter(pk=other.pk).delete()
    block, _made_from, remembered = loading.people_between(one.pk, other.pk, shelf.current())
    assert block.ids.tolist() == [one.pk]
    assert remembered.tolist() == [0]
    assert len(block.hides) == len(block.shown) == 0


def test_one_query(django_assert_num_queries):
    people, _rows, _held = field()
    known = shelf.current()
    with django_assert_num_queries(0):  # Django counts its own cursors; the block has one of the driver's
        loading.people_between(0, people[-1].pk, known)
