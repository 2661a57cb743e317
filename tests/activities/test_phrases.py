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
from activities.messages import phrases, starter_texts, text_desk
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
    ("earn $*", "you earn $1,000 and earn $ 500 or earn 5", ["earn $1,000", "earn $ 500"]),
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
    ("6 figure*", "6figures, 60 figs", ["6figures"]),
    # Capitals for blanks, and words in one.
    ("quit your job", "#QuitYourJob, #quityourjob, #QUITYOURJOB, quityour job", ["QuitYourJob", "quityourjob", "QUITYOURJOB"]),
    ("quit 9 to 5", "#Quit9To5 #quit9to5", ["Quit9To5", "quit9to5"]),
    ("#QuitYourJob", "quit your job", ["quit your job"]),
    ("passive income", "#MyPassiveIncomeStory", ["PassiveIncome"]),
    ("fda approved", "FDAApproved", ["FDAApproved"]),
    ("anti inflammat*", "antiinflammatory, AntiInflammatory", ["antiinflammatory", "AntiInflammatory"]),
    ("no fee", "nofee", []),  # short ones are other words too easily
    ("earn *", "earnest earnings", []),
    # Dots on either side.
    ("Millionär*", "Millionaer, MILLIONÄRE, Millionar", ["Millionaer", "MILLIONÄRE", "Millionar"]),
    ("Aerzte fuer dich", "Ärzte für dich, A\u0308rzte fu\u0308r dich", ["Ärzte für dich", "A\u0308rzte fu\u0308r dich"]),
    ("neu", "ne", []),
    # Amounts, however they are written.
    ("earn $*", "earn 500$, earn US$500, earn USD 500, earn 500 dollars, earn $5k, earn 5 thousand dollars, earn €500, earn 500",
     ["earn 500$", "earn US$500", "earn USD 500", "earn 500 dollars", "earn $5k", "earn 5 thousand dollars"]),
    ("$5000", "5,000.00 USD, 5k dollars, US$ 5 000, $5000 MXN; $500, 5000, €5000",
     ["5,000.00 USD", "5k dollars", "US$ 5 000", "$5000 MXN"]),
    ("* € im Monat", "€5000 im Monat, 5.000,- € im Monat, 5000 EUR im Monat, 5000 Euro im Monat, 10k€/Monat, 5000 $ im Monat",
     ["€5000 im Monat", "5.000,- € im Monat", "5000 EUR im Monat", "5000 Euro im Monat", "10k€/Monat"]),
    ("* Euro im Monat", "zweitausend Euro im Monat, 2000€ pro Monat", ["zweitausend Euro im Monat", "2000€ pro Monat"]),
    ("$* a month", "$5/month, $5 / mo, $5 each month, $5 every month, 5 $ a\nmonth; $5 this month, $5 a week, $5, month",
     ["$5/month", "$5 / mo", "$5 each month", "$5 every month", "5 $ a\nmonth"]),
    ("$* a month", "$5 every single month; $5 a month ago, $5 a month later", ["$5 every single month"]),
    ("$100+ a month", "$100 a month, $5,000/month, 10k$ a month; $99.99 a month, $31.50 a month, 5000 a month",
     ["$100 a month", "$5,000/month", "10k$ a month"]),
    ("make 100+ a month", "make 10k a month, make 5 000 € a month, make 100/month; make 10 a month, make it a month",
     ["make 10k a month", "make 5 000 € a month", "make 100/month"]),
    ("$* a la semana", "$500 a la semana, 500 pesos/semana, $500 por semana",
     ["$500 a la semana", "500 pesos/semana", "$500 por semana"]),
    ("500 ml", "500 ml, 500ml, 500$ ml", ["500 ml"]),
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
           "boosts your immune system", "Financial-freedom for you", "a six-figure business", "it heals corona", "it k1lls\ncorona",
           "#FinancialFreedom is waiting for you", "You can make 5000$ a month", "earn US$500 a week", "$5000/month with us",
           "I make 10k a month", "I made 10k last month", "#PassiveIncome", "#QuitYourJob", "earn 500$ a week", "6figure income",
           "antiinflammatory", "guaranteed monthly income", "QUIT YOUR 9 to 5", "quit your 9-5", "make 5000 a month",
           "I earn 2k monthly", "$500/wk easy", "make an extra $500", "over $5000 every single month", "$5000 in your first month",
           "$60k/yr", "replace your 9-5", "kills 99% of bacteria", "boost your immunity", "lose 10 pounds", "five thousand dollars a month", "$5000 monthly", "10K/mo from home"],
    "de": ["verdiene 2.000 Euro im Monat", "ein passives Einkommen", "die Creme heilt", "hilft gegen Akne", "finanziell frei",
           "stärkt das Immunsystem", "kündige deinen Job", "gegen Corona", "schützt vor Corona", "das Corona-Virus",
           "5000€ im Monat sind drin", "fuenfstelliges Einkommen", "#finanzielleFreiheit", "€5000 im Monat", "5000 EUR im Monat",
           "5000 €/Monat", "5.000,- € im Monat", "stärkt das Immun-System", "Millionaer", "staerkt das Immunsystem",
           "Hilft gegen Deine Akne", "Ohne Nebenwirkung", "verdiene 3000 im Monat", "3.000€ monatlich", "2000 Euro nebenbei", "3000€ mtl.",
           "500€ die Woche", "verdien 500 €", "passiv Geld verdienen", "4-stellig verdienen", "60.000 € im Jahr", "CHF 5000 im Monat"],
    "es": ["gana $5,000 al mes", "ingresos pasivos", "la crema cura", "libertad financiera", "DESINTOXICA tu cuerpo",
           "deja tu trabajo", "contra el acné", "mata el corona", "protege del coronavirus", "gana 500$ al mes", "1500€ al mes",
           "#libertadFinanciera", "#dinerofácil", "gano 5000 al mes", "gana más de $500 hoy", "elimina tu acné", "baja 5 kilos",
           "5 mil pesos al mes", "gana 2 mil a la semana", "5000€/mes"],
}  # fmt: skip
FINE = {
    "en": ["Your health matters to me", "a curious question", "Shall I post you a treat?", "It costs $34.00", "your skin feels soft",
           "hold the shoulder of the road", "Dear Mrs. Corona", "I met Ana Corona", "Your order of $62 is on its way.",
           "It comes in 500 ml and 50ml.", "Shall I put the $31 refill aside each month?", "The refill is $31 a month.",
           "It is 29.50 € per month with free delivery.", "Two for $50 this week only.", "You save $12 on the set.",
           "It is 5 weeks since your last order.", "I can make 5 of these a week.", "I make one a month for my sister.",
           "I run 5k every Sunday.", "Only 2k steps today.", "Earn points with each order.", "Earn 200 points by Friday.",
           "I made 20 bags last week.", "We open from 9 to 5.", "She works 9-5 on weekdays.", "See you at 5/6 on Monday.",
           "Half a day, then a week off.", "Free shipping over $75.", "#NewIn #LumenLiner", "#MyLumen is here",
           "YouTube and WhatsApp both work.", "Ms. McDonald ordered the AirBrush2 set.", "50% off, 3 for 2", "Is it 6 or 7 pm?",
           "That is $500 of stock I have here.", "My income is my own business.", "The bottle lasts a month.",
           "$20 a bottle, $36 for two", "Order no. 5000 is in the month of May.",
           "You paid $150 a month ago.", "I bought it for $200 a week ago.", "It came from 5000 miles away in a day.",
           "You earn 10 points a month.", "Your balance is $1,000.00 today.", "Delivery on 5/6, a day later"],
    "de": ["heilige Nacht", "Es kostet 34 Euro", "Ich verdiene einen Kaffee", "gesunde Pause", "Liebe Frau Corona", "Grüße an Corona",
           "ab nehmen wir die Bahn", "wie vor Corona", "Deine Bestellung über 62 € ist unterwegs.", "Es gibt 500 ml und 50ml.",
           "Die Nachfüllung kostet 31 € im Monat.", "Das Abo ist 29,90 €/Monat.", "Soll ich dir die für 31 € jeden Monat mitbestellen?",
           "Ab 75 Euro ist der Versand frei.", "Du sparst 12,50 € beim Set.", "Zwei für 50 EUR, nur diese Woche.",
           "Du hast einen Kaffee verdient.", "Ich habe von 9 bis 5 Zeit.", "#NeuImKatalog", "Neue Farben für schöne Lippen",
           "Das reicht etwa einen Monat.", "Ich war 5 Tage im Monat Mai weg.", "Einmal am Tag auftragen.", "Treue zahlt sich aus.",
           "Die Dose 20 €, zwei 36 €", "Ich laufe 5k in der Woche.", "Größe 38, Übergröße auf Anfrage", "3 Stück à 8 Franken",
           "Es kostet 120 € am Tag der Lieferung.", "Die 150 € im Monat Mai waren viel.", "Sie bekommen 10 % auf alles.",
           "Du bekommst 50 Punkte pro Woche.", "Ich melde mich die Woche.", "Bestellnummer 5000, vierstellig"],
    "es": ["una piel sana y suave", "un procura de algo", "cuesta $340", "ganas de verte", "Hola Sra. Corona", "Hola Corona, 3 por 2",
           "Tu pedido de $620 va en camino.", "Viene en 500 ml y 50ml.", "El repuesto cuesta $310 al mes.", "Son 29,90 € al mes.",
           "Son 600 pesos al mes con envío.", "Envío gratis desde 75 euros.", "Ahorras $120 con el juego.", "Te dura un mes.",
           "Dos por $500, solo esta semana.", "Tengo ganas de un café.", "Una vez al día, por la noche.", "#NuevoCatálogo",
           "Abro de 9 a 5.", "Corro 5k a la semana.", "¿Te lo llevo el día 5 por la tarde?", "Ganga de la semana: $99",
           "Te aparto uno cada mes.", "Pide 2 y llévate 3 este mes.", "Mil gracias por tu pedido", "Son mil pesos por las dos.",
           "Pedí uno de $1500 al mes siguiente.", "Ganas 200 puntos al mes.", "Baja por la crema cuando quieras."],
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


def test_each_phrase_to_begin_with_could_be_written_by_hq() -> None:
    assert [one.phrase for one in starter_texts.read().phrases if text_desk.wrong_with_phrase(one.phrase)] == []


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
