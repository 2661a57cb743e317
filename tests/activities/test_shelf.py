"""The catalogue as it is kept between requests: columns, words, and that no change is ever missed."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from activities import lookup
from activities.models import Activity, ActivityText, EffectVersion, Skill
from activities.ranking import shelf
from activities.ranking.blocks import ACTIVITY, KEY
from activities.ranking.shelf import Shelf
from distributors import versions
from distributors.blocks import REASONS
from distributors.metrics import METRICS
from distributors.models import Market, ProductLine
from tests import factories as f
from tests.activities.stage import catalogue

pytestmark = pytest.mark.django_db


def effects(found: Shelf, key: str) -> dict[str, float]:
    """What an activity moves, by metric key."""
    row = found.arrays.effects[place(found, key)]
    return {name: float(value) for name, value in zip(found.keys, row, strict=True) if value}


def place(found: Shelf, key: str) -> int:
    return [activity.key for activity in found.activities].index(key)


def text(key: str, language: str, title: str) -> None:
    ActivityText.objects.create(activity=Activity.objects.get(key=key), language=language, title=title)


def learned(values: dict[str, Any]) -> EffectVersion:
    number = EffectVersion.objects.count() + 1
    return EffectVersion.objects.create(version=number, values=values, until=f.TODAY, made_at=f.NOW)


def test_it_works() -> None:
    market, made = f.market(), catalogue()
    found = shelf.current()
    arrays, at = found.arrays, place(found, "eye-refill-video")
    assert [activity.key for activity in found.activities] == sorted(made)
    assert found.index[made["eye-refill-video"].pk] == at and arrays.activity["id"][at] == made["eye-refill-video"].pk
    assert (
        REASONS[arrays.activity["about"][at]] == "one_time"
        and arrays.activity["line"][at] == ProductLine.objects.get().pk
    )
    assert Activity.Kind.values[arrays.activity["kind"][at]] == "reach_out" and not arrays.activity["learning"][at]
    assert (
        arrays.activity["p"][at],
        arrays.activity["skill"][at],
        arrays.activity["wanted"][at],
        arrays.activity["gain"][at],
    ) == (0.46, 0, 1.0, 0.0)
    lesson = place(found, "reorder-talk")
    assert (arrays.activity["about"][lesson], arrays.activity["line"][lesson], arrays.activity["learning"][lesson]) == (
        -1,
        0,
        1,
    )
    assert (arrays.activity["skill"][lesson], arrays.activity["wanted"][lesson], arrays.activity["gain"][lesson]) == (
        Skill.objects.get().pk,
        0.8,
        0.45,
    )
    assert found.markets == [market] and found.market_index == {market.pk: 0} and arrays.sold.all()
    assert found.line_names == {arrays.activity["line"][at]: "Eye line"} and found.line_ids == {
        "eye": arrays.activity["line"][at]
    }
    assert found.text(at, "de").title == "Send {name} the {product} refill video"
    assert arrays.effects.shape == (len(made), len(found.keys)) and arrays.effects.flags.c_contiguous
    assert (arrays.activity.dtype, arrays.key.dtype) == (ACTIVITY, KEY)


def test_stated_impacts_are_completed() -> None:
    f.market(price_level=2)  # effects stay in base currency: the kernel multiplies
    catalogue()
    found = shelf.current()
    assert effects(found, "eye-refill-video") == {
        "sales": 18, "sales:eye": 18, "repeat_orders": 0.22, "repeat_orders:eye": 0.22,
        "order_size": 1, "order_size:eye": 1, "activities_done": 1,
    }  # fmt: skip
    assert effects(found, "reorder-talk") == {"sales": 3, "activities_done": 1, "lessons_done": 1}
    assert found.arrays.price.tolist() == [2]


def test_keys_say_what_they_are() -> None:
    catalogue()
    f.activity("odd", impacts={"sales:gone": 5, "nonsense": 1})
    found = shelf.current()
    told = {
        key: (list(METRICS)[found.arrays.key["metric"][k]], found.arrays.key["line"][k], found.arrays.key["money"][k],
              found.arrays.key["sales"][k])
        for k, key in enumerate(found.keys)
    }  # fmt: skip
    eye = ProductLine.objects.get().pk
    assert found.key_index == {key: k for k, key in enumerate(found.keys)} and "nonsense" not in told
    assert told["sales"] == ("sales", 0, 1, 1)
    assert told["sales:eye"] == ("sales", eye, 1, 1)
    assert told["sales:gone"] == ("sales", shelf.NO_SUCH_LINE, 1, 1)  # never the same as all lines
    assert told["order_size:eye"] == ("order_size", eye, 1, 0)
    assert told["repeat_orders:eye"] == ("repeat_orders", eye, 0, 0)
    assert effects(found, "odd") == {"sales:gone": 5, "sales": 5, "activities_done": 1}


def test_what_was_learned_stands_in_for_what_was_stated() -> None:
    catalogue()
    learned({"eye-refill-video": {"p": [0.9, 10], "e": {"sales": [99, 10]}}})
    learned({
        "eye-refill-video": {"p": [0.3, 412], "e": {"sales": [7.5, 100], "repeat_orders:eye": [0.1, 90]}},
        "win-back": {"e": {"sales": [-1, 3]}}, "long-gone": {"p": [0.5, 9]},
    })  # fmt: skip
    found = shelf.current()
    at, other = place(found, "eye-refill-video"), place(found, "win-back")
    assert found.effects_version == 2
    assert found.arrays.activity["p"][at] == 0.3
    assert found.arrays.activity["p"][other] == 0.3
    assert effects(found, "eye-refill-video") == {
        "sales": 7.5, "sales:eye": 7.5, "repeat_orders": 0.1, "repeat_orders:eye": 0.1,
        "order_size": 1, "order_size:eye": 1, "activities_done": 1,
    }  # fmt: skip
    assert effects(found, "win-back") == {"sales": -1, "activities_done": 1}


def test_words_in_the_readers_language_else_in_english() -> None:
    f.market("br", language="pt-br")
    catalogue()
    text("nurture", "pt", "Ligar")
    text("win-back", "fr", "Reconquérir")
    ActivityText.objects.filter(activity__key="win-back", language="en").delete()
    found = shelf.current()
    nurture, french = place(found, "nurture"), place(found, "win-back")
    assert found.languages == ("de", "en", "es", "fr", "pt", "pt-br")
    assert [found.text(nurture, code).title for code in ("pt", "pt-br", "pt-pt", "de")] == ["Ligar"] * 3 + [
        "Call {name}"
    ]
    assert [found.text(french, code) is not None for code in ("fr", "fr-ch", "en", "pt-br")] == [
        True,
        True,
        False,
        False,
    ]
    spoken = [found.languages[found.language_of(code)] for code in ("pt-br", "pt-pt", "fr-ch", "ja", "")]
    assert spoken == ["pt-br", "pt", "fr", "en", "en"]
    for code in ("de", "pt-br", "fr", "fr-ch", "ja"):
        column = [found.text(at, code) is not None for at in range(len(found.activities))]
        assert found.arrays.readable[found.language_of(code)].tolist() == column


def test_only_what_is_published_in_her_market_and_in_words_she_reads() -> None:
    us, de = f.market(), f.market("de", currency="EUR", language="de")
    made = catalogue()
    made["nurture"].markets.add(de)
    f.activity("draft", status=Activity.Status.DRAFT)
    f.activity("retired", status=Activity.Status.RETIRED)
    ActivityText.objects.filter(activity__key="win-back").update(language="de")
    offered = {
        market.code: {activity.key for activity, _text in shelf.current().offered(f.distributor(market=market))}
        for market in (us, de)
    }
    assert offered == {"us": set(made) - {"nurture", "win-back"}, "de": set(made)}


def test_an_empty_catalogue() -> None:
    f.market()
    found = shelf.current()
    assert (found.activities, found.keys) == ([], [])
    assert found.arrays.effects.shape == (0, 0) and found.arrays.sold.shape == (1, 0)
    assert found.arrays.readable.shape == (len(found.languages), 0)


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


CHANGES: dict[str, Callable[[], object]] = {
    "update": lambda: Activity.objects.filter(key="nurture").update(p_done=0.7),
    "save": lambda: Activity.objects.get(key="nurture").save(),
    "retired": lambda: Activity.objects.filter(key="nurture").update(status="retired"),
    "added": lambda: f.activity("new-one"),
    "added in bulk": lambda: Activity.objects.bulk_create(
        [Activity(key="new-one", kind="refocus", status="published")]
    ),
    "deleted": lambda: Activity.objects.get(key="nurture").delete(),
    "market added": lambda: Activity.objects.get(key="nurture").markets.add(Market.objects.first()),
    "plain SQL": lambda: sql("UPDATE activities_activity SET p_done = 0.7 WHERE key = 'nurture'"),
    "words": lambda: text("nurture", "de", "Anrufen"),
    "corrected words": lambda: ActivityText.objects.filter(activity__key="nurture").update(title="Ring"),
    "skill": lambda: Skill.objects.update(wanted=0.9),
    "line": lambda: ProductLine.objects.update(name="Eyes"),
    "price level": lambda: Market.objects.update(price_level=3),
    "another market": lambda: f.market("fr"),
    "effects": lambda: learned({"nurture": {"p": [0.2, 5]}}),
}


def said(found: Shelf) -> str:
    """All of a shelf, so that two can be compared."""
    words = [{code: text.title for code, text in texts.items()} for texts in found.words]
    arrays = [column.tolist() for column in found.arrays]
    updated = [(activity.key, activity.updated_at) for activity in found.activities]
    return repr((arrays, words, updated, found.line_names, found.market_index, found.effects_version))


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_every_change_is_seen_at_once_and_gone_when_rolled_back(change: Callable[[], object]) -> None:
    f.market()
    f.market("de")
    catalogue()
    numbers, before = versions.current(), said(shelf.current())
    with transaction.atomic():
        change()
        assert said(shelf.current()) != before
        shelf.KEPT.results.clear()
        shelf.of(numbers)  # read before the change: what is returned may be newer, but is not to be kept
        transaction.set_rollback(True)
    assert said(shelf.current()) == before
    assert said(shelf.of(numbers)) == before


def test_what_is_asked_for_by_older_numbers_is_not_kept_under_them() -> None:
    """The numbers were read, then somebody changed the catalogue, then the shelf was built."""
    f.market()
    catalogue()
    numbers = versions.current()
    Activity.objects.filter(key="nurture").update(p_done=0.7)
    newer = shelf.of(numbers)
    assert newer.arrays.activity["p"][place(newer, "nurture")] == 0.7
    assert shelf.of(numbers) is not newer and shelf.current() is shelf.current()


def test_one_query_when_nothing_changed(django_assert_num_queries: Any) -> None:
    dora = f.distributor()
    catalogue()
    found = shelf.current()
    with django_assert_num_queries(1):
        assert shelf.current() is found
    with django_assert_num_queries(1):
        assert [one.key for one in lookup.found_by_title(dora, "TALK")] == ["reorder-talk"]
    with django_assert_num_queries(0):
        for activity, text in found.offered(dora):
            assert activity.pk and text.title and text.body == ""
            assert activity.line is None or activity.line.name
            assert activity.skill is None or activity.skill.name


def test_as_many_queries_for_any_catalogue() -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            shelf.current()
        return len(asked)

    f.market()
    f.activity("one")
    few = queries()
    catalogue()
    for n in range(20):
        f.activity(f"more-{n}").markets.add(f.market(f"m{n}"))
    assert few == queries() == 8  # numbers before and after; activities, words, markets and theirs, lines, effects


def test_the_last_two_are_kept(django_assert_num_queries: Any) -> None:
    f.market()
    catalogue()
    shelves = []
    for title in ("One", "Two", "Three"):
        ActivityText.objects.filter(activity__key="nurture").update(title=title)
        shelves.append(shelf.current())
    with django_assert_num_queries(0):
        assert shelf.of(shelves[1].versions) is shelves[1] and shelf.of(shelves[2].versions) is shelves[2]
    assert len(shelf.KEPT.results) == 2


@pytest.mark.django_db(transaction=True)
def test_threads_share_one_build_and_do_not_see_what_is_not_committed() -> None:
    f.market()
    catalogue()
    together, found = Barrier(8), []

    def ask() -> None:
        try:
            together.wait()
            found.append(shelf.current())
        finally:
            connection.close()

    def all_ask() -> list[Shelf]:
        found.clear()
        threads = [Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return found

    first = all_ask()[0]
    assert all(one is first for one in found) and len(found) == 8
    with transaction.atomic():
        Activity.objects.filter(key="nurture").update(p_done=0.7)
        mine = shelf.current()
        assert mine.arrays.activity["p"][place(mine, "nurture")] == 0.7
        assert all(one is first for one in all_ask())
        transaction.set_rollback(True)
    assert shelf.current() is first
