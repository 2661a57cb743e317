"""YouSystem: its markets and its products. The base currency is the dollar; each market has its own prices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from ..models import Market, Product, ProductLine

#: Where the demo company's events come from.
SOURCE = "yousystem"
DOMAIN = "yousystem.example"


@dataclass(frozen=True)
class Place:
    """A market as the generator needs it. `share` of the people; prices are base x `level`, in steps of `step`."""

    code: str
    name: str
    currency: str
    time_zone: str
    week_start: int
    language: str
    level: Decimal
    step: Decimal
    share: float
    consent_required: bool = False

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def today(self, as_of: datetime) -> date:
        return as_of.astimezone(self.zone).date()

    def price(self, base: Decimal) -> Decimal:
        return ((base * self.level / self.step).quantize(Decimal(1)) * self.step).quantize(Decimal("0.01"))


US = Place("us", "United States", "USD", "America/Chicago", 0, "en", Decimal(1), Decimal("0.01"), 0.5)
DE = Place(
    "de", "Deutschland", "EUR", "Europe/Berlin", 0, "de", Decimal("0.95"), Decimal("0.50"), 0.3, consent_required=True
)
MX = Place("mx", "México", "MXN", "America/Mexico_City", 6, "es", Decimal(18), Decimal(5), 0.2)
PLACES = (US, DE, MX)

LINES = {
    "eye": "Lumen eye make-up",
    "skin": "Skin care",
    "lip": "Lips",
    "body": "Body",
    "hair": "Hair",
    "fragrance": "Fragrance",
    "wellness": "Wellness",
    "sets": "Gift sets",
}


@dataclass(frozen=True)
class Item:
    sku: str
    name: str
    line: str
    price: Decimal  # in base currency
    lasts_days: int | None


def item(sku: str, name: str, price: str, lasts_days: int | None) -> Item:
    return Item(sku, name, sku.split("-")[0].lower(), Decimal(price), lasts_days)


ITEMS = {
    one.sku: one
    for one in (
        item("EYE-LINER", "Lumen Liner", "34.00", 56),
        item("EYE-PALETTE", "Lumen Palette", "48.00", 42),
        item("EYE-SERUM", "Lash serum", "39.00", 56),
        item("EYE-BROW", "Brow gel", "18.00", 60),
        item("EYE-MASCARA", "Lumen Mascara", "26.00", 70),
        item("SKIN-DAY", "Day cream", "42.00", 50),
        item("SKIN-NIGHT", "Night serum", "58.00", 60),
        item("SKIN-CLEANSER", "Gentle cleanser", "24.00", 45),
        item("SKIN-SUN", "Sun veil", "29.00", 40),
        item("LIP-TINT", "Lip tint", "19.00", 60),
        item("LIP-BALM", "Lip balm", "9.50", 30),
        item("BODY-OIL", "Body oil", "31.00", 60),
        item("BODY-HAND", "Hand cream", "14.00", 35),
        item("HAIR-SHAMPOO", "Silk shampoo", "22.00", 45),
        item("HAIR-MASK", "Repair mask", "27.00", 60),
        item("WELLNESS-COLLAGEN", "Collagen drink", "46.00", 30),
        item("WELLNESS-TEA", "Calm tea", "15.50", 30),
        item("FRAGRANCE-MIST", "Morning mist", "32.00", 90),
        item("SETS-TRAVEL", "Travel set", "62.50", None),
        item("SETS-GLOW", "Glow set", "89.00", None),
    )
}


def found() -> dict[str, Market]:
    """The company itself: markets by code; lines and products beside them. Harmless to repeat."""
    markets = {place.code: open_market(place) for place in PLACES}
    lines = {
        code: ProductLine.objects.get_or_create(code=code, defaults={"name": name})[0] for code, name in LINES.items()
    }
    Product.objects.bulk_create(
        (
            Product(sku=one.sku, name=one.name, line=lines[one.line], lasts_days=one.lasts_days)
            for one in ITEMS.values()
        ),
        ignore_conflicts=True,
    )
    return markets


def open_market(place: Place) -> Market:
    fields = {
        "name": place.name,
        "currency": place.currency,
        "time_zone": place.time_zone,
        "week_start": place.week_start,
        "language": place.language,
        "price_level": place.level,
        "consent_required": place.consent_required,
    }
    return Market.objects.get_or_create(code=place.code, defaults=fields)[0]
