"""When the number of the rules is new: whoever holds a book, a slate or a sweep by it begins again then, and only then."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from distributors import versions
from kpis.models import Rule
from tests import factories as make

pytestmark = pytest.mark.django_db


def number() -> int:
    return versions.current()["rules"]


def begun(name: str = "Fell") -> Rule:
    return Rule.objects.create(name=name, created_at=make.NOW)


def test_it_works() -> None:
    rule = make.rule()
    before = number()
    make.rule_version(rule)
    published = number()
    assert published > before
    Rule.objects.filter(pk=rule.pk).update(state="paused")
    assert number() > published


SAYS_NOTHING: dict[str, Callable[[], object]] = {
    "a rule begun": lambda: begun("Another"),
    "a rule renamed": lambda: Rule.objects.update(name="Other"),
    "a rule never published that is discarded": lambda: Rule.objects.all().delete(),
}


@pytest.mark.parametrize("change", SAYS_NOTHING)
def test_what_says_nothing_to_anybody_leaves_it(change: str) -> None:
    begun()
    before = number()
    SAYS_NOTHING[change]()
    assert number() == before
