"""Template tags of the look: icons, bars, money and days in the reader's language."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django import template
from django.conf import settings
from django.template.context import Context
from django.templatetags.static import static
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, pgettext

from distributors import wording, zones
from distributors.metrics import METRICS
from distributors.money import format_money

register = template.Library()

THEMES = ("light", "dark")


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """One symbol of the sprite, hidden from screen readers: the words beside it say the same."""
    return format_html(
        '<svg class="i{}{}" aria-hidden="true"><use href="{}#{}"/></svg>',
        " " if css else "", css, static("icons/sprite.svg"), name,
    )  # fmt: skip


@register.simple_tag
def company() -> str:
    """What the company calls its app."""
    return str(getattr(settings, "COMPANY_NAME", "YouSystem"))


@register.simple_tag(takes_context=True)
def theme(context: Context) -> str:
    """light or dark when she chose one; empty follows the device."""
    request = context.get("request")
    chosen = request.COOKIES.get("theme", "") if request is not None else ""
    return chosen if chosen in THEMES else ""


@register.inclusion_tag("distributors/_pace.html")
def pace(bar: Any, height: int = 8) -> dict[str, Any]:
    return {"bar": bar, "height": height, "y": (16 - height) // 2, "radius": height // 2}


@register.filter
def money(amount: Decimal | float, currency: str) -> str:
    return format_money(Decimal(amount), currency, get_language() or "en")


@register.filter
def day_long(day: date) -> str:
    return wording.day_long(day)


@register.filter
def day_short(day: date) -> str:
    return wording.day_short(day)


@register.filter(expects_localtime=True)
def said_day(day: date) -> str:
    return wording.said_day(day)


@register.filter(expects_localtime=True)
def said_at(at: datetime) -> str:
    return wording.said_at(at) if at else ""


@register.filter(expects_localtime=True)
def said_short(at: datetime) -> str:
    return wording.said_short(at) if at else ""


@register.filter
def desk_at(at: datetime) -> str:
    """27 August 2026, 14:05 CEST, on the clock of who reads the desk."""
    return zones.said_at(at) if at else ""


@register.filter
def desk_short(at: datetime) -> str:
    """27 August, 14:05 CEST, likewise."""
    return zones.said_short(at) if at else ""


@register.filter(expects_localtime=True)
def zone(at: datetime) -> str:
    """CEST: of the clock of who reads."""
    return zones.label(at)


@register.filter
def percent(floored: int) -> str:
    return wording.percent(floored)


@register.filter
def clock(at: datetime) -> str:
    """10:42 in the active time zone."""
    from django.utils.timezone import localtime

    return date_format(localtime(at), pgettext("time format", "H:i"))


@register.filter
def metric_label(name: str) -> str:
    return str(METRICS[name].label)
