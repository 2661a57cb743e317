"""Blocked phrases: found as whole words however they are written, marked where they stand, read again when the list changes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from activities import catalogue
from activities.messages import phrases, starter_texts
from activities.models import BlockedPhrase
from tests import factories as make


def index(*wanted: str, language: str = "", kind: str = "income", instead: str = "") -> phrases.Index:
    return phrases.Index.of(BlockedPhrase(phrase=one, language=language, kind=kind, instead=instead) for one in wanted)


def claims(text: str, *wanted: str) -> list[str]:
    return [claim.text for claim in phrases.search(index(*wanted), text, "en")]


@pytest.mark.django_db
def test_it_works() -> None:
    make.blocked_phrase("guaranteed income", language="en", instead="Say what the work is.")
    text = "Hello. It is a Guaranteed\n Income!"
    (claim,) = phrases.found(text, "en")
    assert (claim.text, claim.kind, claim.instead) == ("Guaranteed\n Income", "income", "Say what the work is.")
    assert text[claim.start : claim.end] == claim.text


@pytest.mark.parametrize(("phrase", "text", "found"), [
    ("quit your job", "So: QUIT  your—job now", ["QUIT  your—job"]),
    ("quit your job", "quit your jobs", []),
    ("quit your job", "quite your job", []),
    ("cure*", "It cures. A cure, cured", ["cures", "cure", "cured"]),
    ("cure*", "secure manicure", []),
    ("earn $*", "you earn $1,000 and earn $ 500 or earn 5", ["earn $1,000", "earn $"]),
    ("$* a month", "it is $2,000.50 a month", ["$2,000.50 a month"]),
    ("* Euro im Monat", "Verdiene 3.000 Euro im Monat", ["3.000 Euro im Monat"]),
    ("anti cancer", "anti-cancer and Anti Cancer", ["anti-cancer", "Anti Cancer"]),
    ("anti-cancer", "anti cancer", ["anti cancer"]),
    ("dont work", "don’t work", ["don’t work"]),
    # Written to slip through: a soft hyphen, a blank of no width, letters of full width, accents.
    ("cures", "It cu\u00adres, cu\u200bres, ｃｕｒｅｓ, cùres", ["cu\u00adres", "cu\u200bres", "ｃｕｒｅｓ", "cùres"]),
    # Letters of another alphabet that look the same, and letters apart.
    ("cures", "It сurеs, CURΕS, \u0441\u03c5res", ["сurеs", "CURΕS", "\u0441\u03c5res"]),
    ("лечит", "Крем ЛЕЧИТ", ["ЛЕЧИТ"]),
    ("θεραπεύει", "ΘΕΡΑΠΕΎΕΙ όλα", ["ΘΕΡΑΠΕΎΕΙ"]),
    ("cures acne", "It c u r e s  a c n e, c.u.r.e.s a.c.n.e or c-u-r-e-s acne",
     ["c u r e s  a c n e", "c.u.r.e.s a.c.n.e", "c-u-r-e-s acne"]),
    ("fda approved", "F.D.A. approved", ["F.D.A. approved"]),
    ("plan b now", "plan B now", ["plan B now"]),
    ("cures", "c u r e, c u. r e s, a b c d, z. B. i. d. R.", []),
    ("cures acne", "cures 💊 acne, cu💊res acne, cures\nacne, cu-\nres acne, cu\u00ad\nres acne",
     ["cures 💊 acne", "cu💊res acne", "cures\nacne", "cu-\nres acne"]),
    # Digits and signs for letters, and pieces of a word.
    ("cures", "cur3s, CUR35, cure$, c u r 3 s, ©ur€s", ["cur3s", "CUR35", "cure$", "c u r 3 s"]),
    ("miracle*", "m1racle, mirac1es, m!racle, mir@cle", ["m1racle", "mirac1es", "m!racle", "mir@cle"]),
    ("gegen Corona", "gegen C0rona, gegen C\u03bfrona", ["gegen C0rona", "gegen C\u03bfrona"]),
    ("cures", "cu res, cure s, c ures, cu.res, cu-res, cu_r_es",
     ["cu res", "cure s", "c ures", "cu.res", "cu-res", "cu_r_es"]),
    ("cures", "cu  res, cu, res, cur e s, 5, 3s, c3s", []),
    ("abnehmen", "ab nehmen wir", []),
    ("cura", "a cura, cu ra, c. ura", ["cura"]),
    ("6 figure*", "6figures, 60 figs", []),
    ("heals", "\u0397eals, \u0397\u0395ALS", ["\u0397eals", "\u0397\u0395ALS"]),  # a Greek eta
    ("fácil", "dinero facil, fa\u0301cil", ["facil", "fa\u0301cil"]),
    ("große Gewinne", "GROSSE GEWINNE", ["GROSSE GEWINNE"]),
    ("6 figure*", "six or 6-figures", ["6-figures"]),
    ("*", "anything at all", []),
    ("* *", "anything at all", []),
    ("...", "anything at all...", []),
])  # fmt: skip
def test_how_it_is_written_does_not_matter(phrase: str, text: str, found: list[str]) -> None:
    assert claims(text, phrase) == found


def test_an_accent_of_its_own_is_marked_with_its_letter() -> None:
    text = "cure\u0301 now"
    assert [text[one.start : one.end] for one in phrases.search(index("cure"), text, "")] == ["cure\u0301"]


def test_overlapping_claims_are_one() -> None:
    text = "guaranteed passive income stream for you and passive income"
    assert claims(text, "guaranteed passive", "passive income stream", "income") == [
        "guaranteed passive income stream", "income",
    ]  # fmt: skip
    found = phrases.Index.of(
        [
            BlockedPhrase(phrase="passive income", kind="income", instead="A"),
            BlockedPhrase(phrase="income that heals you", kind="health", instead="B"),
        ]
    )
    (claim,) = phrases.search(found, "passive income that heals you", "")
    assert (claim.kind, claim.instead) == ("health", "B")  # the longest says what to do


def test_a_phrase_counts_in_its_language_or_in_all() -> None:
    found = phrases.Index.of([
        BlockedPhrase(phrase="cura", language="es", kind="health"), BlockedPhrase(phrase="detox", language="", kind="health"),
    ])  # fmt: skip
    text = "cura y detox"
    said = {code: [one.text for one in phrases.search(found, text, code)] for code in ("es", "es-mx", "en", "")}
    assert said == {"es": ["cura", "detox"], "es-mx": ["cura", "detox"], "en": ["detox"], "": ["cura", "detox"]}


# The list


@pytest.mark.django_db
def test_a_change_counts_at_once_however_it_is_made(django_assert_num_queries: Any) -> None:
    one = make.blocked_phrase("quit your job")
    assert phrases.found("quit your job", "en")
    with django_assert_num_queries(1):
        phrases.found("quit your job", "en")
    BlockedPhrase.objects.filter(pk=one.pk).update(is_active=False)
    assert phrases.found("quit your job", "en") == []
    with connection.cursor() as cursor:
        cursor.execute("UPDATE activities_blockedphrase SET is_active = true, phrase = 'easy money'")
    assert [claim.text for claim in phrases.found("quit your job, easy money", "en")] == ["easy money"]
    one.delete()
    assert phrases.found("easy money", "en") == []


# For any text


words = st.sampled_from(
    ["earn", "$500", "a", "c u r e s", "с", "u", "r.e", "Guaranteed", "income", "ñ", "e\u0301", "-", "'", "1,000", "\u00ad", "ß", ".", "\n", "👩‍🔬"]
)  # fmt: skip
texts = st.one_of(
    st.text(max_size=200), st.lists(words, max_size=30).map(" ".join), st.lists(words, max_size=30).map("".join)
)
LIST = ("cures", "earn $*", "guaranteed income", "a*", "* income", "n", "1000", "ss")


@settings(max_examples=300, deadline=None)
@given(texts)
def test_claims_stand_where_they_say_in_order_and_apart(text: str) -> None:
    found = phrases.search(index(*LIST), text, "")
    assert all(text[one.start : one.end] == one.text and one.text == one.text.strip() != "" for one in found)
    assert all(before.end <= after.start for before, after in zip(found, found[1:], strict=False))
    # What was marked is a claim on its own, too.
    assert all(phrases.search(index(*LIST), one.text, "") for one in found)


@settings(max_examples=300, deadline=None)
@given(texts, st.sampled_from(["quit your job", "verdiene € viel", "¡ingresos fáciles!"]), texts)
def test_a_phrase_is_found_within_any_text(before: str, phrase: str, after: str) -> None:
    found = phrases.search(index(phrase), f"{before} | {phrase.upper()} | {after}", "")
    assert found


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_phrase_is_harmless(phrase: str, text: str) -> None:
    phrases.search(index(phrase), text, "")


def test_the_longest_message_against_a_long_list_ends() -> None:
    """A backtracking search of this would not."""
    many = index(
        *(f"{'a ' * 20}{n}" for n in range(250)),
        *(f"{'a' * n}*b" for n in range(1, 30)),
        *(f"* a* {n}" for n in range(200)),
    )
    assert phrases.search(many, "a " * 1000, "") == []
    assert phrases.search(many, "a" * 2000, "") == []


# The list to begin with

FLAGGED = {
    "en": ["You can earn $3,000 a month", "it’s GUARANTEED income", "then I quit my job", "this serum heals", "it’s anti-cancer",
           "boosts your immune system", "Financial-freedom for you", "a six-figure business", "it heals corona", "it k1lls\ncorona"],
    "de": ["verdiene 2.000 Euro im Monat", "ein passives Einkommen", "die Creme heilt", "hilft gegen Akne", "finanziell frei",
           "stärkt das Immunsystem", "kündige deinen Job", "gegen Corona", "schützt vor Corona", "das Corona-Virus"],
    "es": ["gana $5,000 al mes", "ingresos pasivos", "la crema cura", "libertad financiera", "DESINTOXICA tu cuerpo",
           "deja tu trabajo", "contra el acné", "mata el corona", "protege del coronavirus"],
}  # fmt: skip
FINE = {
    "en": ["Your health matters to me", "a curious question", "Shall I post you a treat?", "It costs $34.00", "your skin feels soft",
           "hold the shoulder of the road", "Dear Mrs. Corona", "I met Ana Corona"],
    "de": ["heilige Nacht", "Es kostet 34 Euro", "Ich verdiene einen Kaffee", "gesunde Pause", "Liebe Frau Corona", "Grüße an Corona",
           "ab nehmen wir die Bahn", "wie vor Corona"],
    "es": ["una piel sana y suave", "un procura de algo", "cuesta $340", "ganas de verte", "Hola Sra. Corona", "Hola Corona, 3 por 2"],
}  # fmt: skip


@pytest.fixture(scope="module")
def begun_with() -> phrases.Index:
    return phrases.Index.of(starter_texts.read().phrases)


@pytest.mark.parametrize(("language", "text"), [(code, text) for code, texts in FLAGGED.items() for text in texts])
def test_claims_are_found_from_the_first_day(begun_with: phrases.Index, language: str, text: str) -> None:
    (claim,) = phrases.search(begun_with, text, language)
    assert claim.instead.endswith(".")


@pytest.mark.parametrize(("language", "text"), [(code, text) for code, texts in FINE.items() for text in texts])
def test_what_is_no_claim_is_left_alone(begun_with: phrases.Index, language: str, text: str) -> None:
    assert phrases.search(begun_with, text, language) == []
    # All languages count when a message is sent: a claim in one is no word of another.
    assert phrases.search(begun_with, text, "") == []


def said_by_the_product() -> list[str]:
    """Every sentence of the product in its languages: so much ordinary text, and no claim."""
    files = Path(django_settings.BASE_DIR).glob("pep/locale/**/*.po")
    return [one.replace('"\n"', "") for file in files for one in SAID.findall(file.read_text(encoding="utf-8"))]


SAID = re.compile(r'"((?:[^"]|"\n")+)"')


def test_no_text_that_comes_with_it_is_a_claim_in_any_language(begun_with: phrases.Index) -> None:
    files = [one for one in Path(catalogue.__file__).parent.glob("**/*.toml") if one.name != "phrases.toml"]
    contents = [one.read_text(encoding="utf-8") for one in files]
    texts = [text for one in contents for text in [*re.findall(r'"([^"]+)"', one), *one.split('"""')]]
    texts += said_by_the_product()
    assert len(texts) > 10_000
    assert [claim.text for text in texts for claim in phrases.search(begun_with, text, "")] == []
