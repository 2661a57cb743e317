"""People are found however their names are spelled: case, accents, ß, umlauts as one letter or two."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distributors import spelling
from distributors.models import Customer, Distributor
from distributors.people_list import found_by, snippet
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def dora() -> Distributor:
    return make.distributor()


def found(dora: Distributor, q: str) -> list[str]:
    return sorted(found_by(Customer.objects.of(dora.pk), q).values_list("name", flat=True))


MUESSIG = (
    "Müßig",
    "MÜSSIG",
    "müssig",
    "mussig",
    "Mussig",
    "Muessig",
    "MUESSIG",
    "mueßig",
    "üß",
    "ssig",
    "Muess",
    "sig",
    "mus",
)


@pytest.mark.parametrize("q", MUESSIG)
def test_it_works(dora: Distributor, q: str) -> None:
    make.customer(dora, name="Rita Müßig")
    make.customer(dora, name="Carla Musick")
    assert "Rita Müßig" in found(dora, q)
    assert ("Carla Musick" in found(dora, q)) == (q == "mus")


@pytest.mark.parametrize(
    ("name", "q"),
    [("Weiß", "WEISS"), ("Weiß", "weis"), ("WEISS", "weiß"), ("Muessig", "mussig"), ("Muessig", "Müßig"), ("José", "jose"),
     ("Jose", "JOSÉ"), ("Zoë", "zoe"), ("Zoe", "zoë"), ("Noëlle", "noelle"), ("Chloé Łukasz", "chloe lukasz"),
     ("Søren", "soren"), ("Michael", "micha"), ("Michael", "el"), ("Mia-Größer", "a-gross"), ("Ångström", "angstroem"),
     ("100% (Ana)", "% (a"), ("Иван", "иван"), ("Nguyễn", "nguyen"), ("Ñandú", "nandu"), ("Ærø", "aero"), ("a.b", "a.b"),
     ("Straßer", "strasser"), ("Strasser", "straßer"), ("Ünal", "uenal"), ("Suárez", "SUAREZ")],
)  # fmt: skip
def test_found(dora: Distributor, name: str, q: str) -> None:
    make.customer(dora, name=name)
    make.customer(dora, name=unicodedata.normalize("NFD", name))
    assert len(found(dora, q)) == 2


@pytest.mark.parametrize(
    ("name", "q"), [("Susan", "sue"), ("Noll", "noell"), ("axb", "a.b"), ("Ana", "a*"), ("Ana", "[a]"), ("Mas", "mass")]
)  # fmt: skip
def test_not_found(dora: Distributor, name: str, q: str) -> None:
    make.customer(dora, name=name)
    assert found(dora, q) == []


def test_a_note_is_found_and_shown_at_its_place(dora: Distributor) -> None:
    maya = make.customer(dora, name="Maya")
    make.note(maya, text="Am liebsten morgens, und immer zu zweit. Trägt weiß am liebsten, nie Schwarz.")
    make.note(make.customer(make.distributor(), name="Stranger"), text="weiß")
    assert found(dora, "WEISS") == ["Maya"]
    [one] = found_by(Customer.objects.of(dora.pk), "WEISS")
    assert "weiß" in snippet(one.noted, "WEISS") and snippet(one.noted, "WEISS").startswith("Note: … ")


LETTERS = st.text(st.sampled_from("aeouäöüßsSÄÜ éñø.%\\[](){}*+?^$|-'\"x1́"), min_size=1, max_size=8)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=LETTERS, q=LETTERS)
def test_whoever_is_named_so_is_found(dora: Distributor, before: str, q: str) -> None:
    """Whatever is typed: the very same text is found, and PostgreSQL and Python agree where they could differ."""
    dora.customers.all().delete()
    name = unicodedata.normalize("NFC", f"x{before}{q}x")
    make.customer(dora, name=name)
    typed = unicodedata.normalize("NFC", q)
    there = bool(found(dora, typed))
    assert there == (spelling.find(name, typed) != (0, 0))
    if typed in name and not unicodedata.combining(q[0]):
        assert there
