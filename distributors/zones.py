"""The clocks of the desk: who works there reads times in a zone of her own, or in that of the installation.

The field has nothing to do with it: it reads the clock of its market.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

if TYPE_CHECKING:
    from .models import User

#: Of the 600 names these are places; the others are kept for old data.
REGIONS = {
    "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific",
}  # fmt: skip
NOT_A_ZONE = _("%(name)s is not a time zone name.")


@cache
def names() -> frozenset[str]:
    """Every name that this machine knows; read from its files once."""
    return frozenset(available_timezones())


def validate(name: str) -> None:
    if name not in names():
        raise ValidationError(NOT_A_ZONE, code="time_zone", params={"name": name})


@cache
def offered() -> tuple[str, ...]:
    """What a select offers, by name."""
    return ("UTC", *sorted(name for name in names() if name.partition("/")[0] in REGIONS))


def by_region() -> list[tuple[str, list[tuple[str, str]]]]:
    """The places for a select: ("Europe", [("Europe/Berlin", "Europe/Berlin"), ...])."""
    grouped = groupby(offered()[1:], key=lambda name: name.partition("/")[0])
    return [(region, [(name, words(name)) for name in those]) for region, those in grouped]


def words(name: str) -> str:
    """America/New York."""
    return name.replace("_", " ")


def of(user: User) -> ZoneInfo:
    """Her own; the installation's when she chose none, or one that this machine no longer knows."""
    chosen = user.time_zone
    return ZoneInfo(chosen if chosen in names() else settings.DESK_TIME_ZONE)


def here() -> str:
    """The name of the zone that is active: Europe/Berlin."""
    return words(timezone.get_current_timezone_name())


def label(at: datetime) -> str:
    """The short name of the zone that `at` is in: UTC · CEST · UTC+05:45 where a zone has none."""
    name = at.tzname() or ""
    if name[:1] not in {"+", "-"}:
        return name
    offset = at.strftime("%z")
    return f"UTC{offset[:3]}:{offset[3:5]}"


def said_at(at: datetime) -> str:
    """27 August 2026, 14:05 CEST, on the reader's clock."""
    return labelled(at, pgettext("date and time format", "j F Y, H:i"))


def said_short(at: datetime) -> str:
    """27 August, 14:05 CEST, on the reader's clock."""
    return labelled(at, pgettext("date and time format", "j F, H:i"))


def labelled(at: datetime, form: str) -> str:
    local = timezone.localtime(at)
    return f"{date_format(local, form)} {label(local)}"
