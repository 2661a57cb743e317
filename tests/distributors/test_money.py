from __future__ import annotations

from decimal import Decimal

import pytest

from distributors.money import format_money

NBSP = "\u00a0"


def test_it_works() -> None:
    assert format_money(Decimal("62.50"), "USD", "en") == "$62.50"
    assert format_money(Decimal("250.00"), "USD", "en") == "$250"


@pytest.mark.parametrize(("amount", "currency", "language", "said"), [
    ("34", "EUR", "de", f"34{NBSP}€"),
    ("34.5", "EUR", "de", f"34,50{NBSP}€"),
    ("1250", "MXN", "es", "$1,250"),
    ("5", "USD", "es", "$5"),
    ("12", "GBP", "en", "£12"),
    ("-8", "USD", "en", "-$8"),
    ("0", "USD", "en", "$0"),
    ("1234567.891", "USD", "en", "$1,234,567.89"),
    ("3", "EUR", "en-gb", "€3"),
    ("3", "EUR", "xx", "€3"),
])  # fmt: skip
def test_as_people_there_write_it(amount: str, currency: str, language: str, said: str) -> None:
    assert format_money(Decimal(amount), currency, language) == said


@pytest.mark.parametrize(
    ("amount", "currency", "language", "said"),
    [
        ("754.53", "MXN", "es", "MXN\xa0754,53"),
        ("44.58", "USD", "es", "USD\xa044,58"),
        ("44.58", "USD", "en", "USD\xa044.58"),
        ("1250", "EUR", "de", "EUR\xa01.250"),
        ("-5", "EUR", "de", "-EUR\xa05"),
    ],
)
def test_beside_other_currencies_its_code_stands_in_front(amount: str, currency: str, language: str, said: str) -> None:
    assert format_money(Decimal(amount), currency, language, coded=True) == said


def test_a_currency_without_cents() -> None:
    assert format_money(Decimal("1200"), "JPY", "en") == "¥1,200"


def test_a_float_keeps_its_cents() -> None:
    assert format_money(62.5, "USD", "en") == "$62.50"
