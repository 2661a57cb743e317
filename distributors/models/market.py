from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from ..audit import audited
from ..marks import versioned


def validate_time_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValidationError(_("%(name)s is not a time zone name."), params={"name": name}) from error


def installed(language: str) -> str:
    """The code itself where its language is one of the product's (`de-AT` for `de`); for any other, or none, English."""
    code = language.lower()
    known = next((one for one, _name in settings.LANGUAGES if f"{code}-".startswith(f"{one}-")), "")
    return known + language[len(known) :] if known else settings.LANGUAGE_CODE


@versioned("reference")
@audited()
class Market(models.Model):
    """A country or region: its money, its clock, its week and its language."""

    class Weekday(models.IntegerChoices):
        MONDAY = 0, _("Monday")
        TUESDAY = 1, _("Tuesday")
        WEDNESDAY = 2, _("Wednesday")
        THURSDAY = 3, _("Thursday")
        FRIDAY = 4, _("Friday")
        SATURDAY = 5, _("Saturday")
        SUNDAY = 6, _("Sunday")

    code = models.SlugField(_("code"), max_length=12, unique=True)
    name = models.CharField(_("name"), max_length=80)
    currency = models.CharField(_("currency"), max_length=3, help_text=_("ISO 4217, such as USD."))
    time_zone = models.CharField(_("time zone"), max_length=64, validators=[validate_time_zone])
    week_start = models.PositiveSmallIntegerField(_("week starts on"), choices=Weekday, default=Weekday.MONDAY)
    language = models.CharField(_("language"), max_length=12, default="en")
    # Turns authors' estimates, stated in the company's base money, into local money. Never used to add amounts.
    price_level = models.DecimalField(
        _("price level"),
        max_digits=8,
        decimal_places=3,
        default=1,
        help_text=_("What costs 1 in the company's base currency costs this much here."),
    )

    consent_required = models.BooleanField(
        _("consent required"),
        default=False,
        help_text=_("Customers are contacted only by channels they agreed to, with consent on record."),
    )
    quiet_days = models.PositiveSmallIntegerField(
        _("days between contacts"),
        default=5,
        help_text=_(
            "Nobody who heard from her distributor this recently comes up again, unless she left a basket open."
        ),
    )
    contacts_a_month = models.PositiveSmallIntegerField(
        _("contacts in 28 days"), default=4, help_text=_("A customer comes up no more than so often: 1 to 4.")
    )

    class Meta:
        verbose_name = _("market")
        verbose_name_plural = _("markets")
        constraints = [
            models.CheckConstraint(condition=models.Q(week_start__lte=6), name="market_week_start_is_a_weekday"),
            models.CheckConstraint(
                condition=models.Q(currency__regex=r"^[A-Z]{3}$"),
                name="market_currency_is_iso4217",
                violation_error_message=_("A currency is three capital letters, such as USD."),
            ),
            models.CheckConstraint(
                condition=models.Q(price_level__gt=0),
                name="market_price_level_positive",
                violation_error_message=_("Enter a number above 0."),
            ),
            models.CheckConstraint(
                condition=models.Q(quiet_days__lte=60),
                name="market_quiet_days_sensible",
                violation_error_message=_("Enter 0 to 60 days."),
            ),
            models.CheckConstraint(
                condition=models.Q(contacts_a_month__gte=1, contacts_a_month__lte=4),
                name="market_contacts_1_to_4",
                violation_error_message=_("Enter 1 to 4."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def local_day(self, as_of: datetime) -> date:
        """The calendar day in this market at the instant `as_of` (aware)."""
        return as_of.astimezone(self.zone).date()

    def week_of(self, day: date) -> tuple[date, date]:
        """First and last day (inclusive) of the market's week that holds `day`."""
        first = day - timedelta(days=(day.weekday() - self.week_start) % 7)
        return first, first + timedelta(days=6)
