"""Amounts as people write them: $250, $62.50, 34 €."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency, get_currency_precision


def format_money(amount: Decimal | float, currency: str, language: str, *, coded: bool = False) -> str:
    """`$62.50` in the reader's language; a whole amount without its zeros, `$250`.

    Coded: `USD 62.50`, for amounts of several currencies side by side, some of which share a sign.

    Raises decimal.InvalidOperation for a float that is not a number.
    """
    value = Decimal(str(amount)) if isinstance(amount, float) else Decimal(amount)
    digits = get_currency_precision(currency)
    rounded = value.quantize(Decimal(1).scaleb(-digits))
    if rounded == rounded.to_integral_value():
        digits = 0
    if coded:
        locale = reader_locale(language, "")
        return str(
            format_currency(rounded, currency, coded_pattern(locale, digits), locale=locale, currency_digits=False)
        )
    locale = reader_locale(language, currency)
    return str(format_currency(rounded, currency, pattern(locale, digits), locale=locale, currency_digits=False))


@lru_cache(maxsize=256)
def reader_locale(language: str, currency: str) -> Locale:
    """The language as spoken where the currency is: es + MXN is Mexican Spanish, which writes $250 and not 250 MXN.

    ISO 4217 codes begin with their country's ISO 3166 code; shared ones (EUR) have none and leave the plain language.
    """
    spoken = language.replace("_", "-").split("-")
    for name in (f"{spoken[0]}-{currency[:2]}", "-".join(spoken[:2]), spoken[0]):
        try:
            return Locale.parse(name, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale("en")


@lru_cache(maxsize=256)
def pattern(locale: Locale, digits: int) -> str:
    """The locale's currency pattern with exactly so many decimals."""
    standard = str(locale.currency_formats["standard"].pattern)
    return ";".join(part.replace("0.00", f"0.{'0' * digits}" if digits else "0") for part in standard.split(";"))


@lru_cache(maxsize=256)
def coded_pattern(locale: Locale, digits: int) -> str:
    """The locale's digits after the currency's code, which stands in front in every language."""
    return f"¤¤\xa0{re.sub(r'[^#,.0]', '', pattern(locale, digits).split(';')[0])}"
