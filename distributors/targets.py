"""Which goals make sense: the figures behind a suggestion, and the sentences that refuse the rest."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from django.core.exceptions import ValidationError
from django.utils.formats import number_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from .metrics import METRICS, Unit, totals
from .models import Distributor, Goal, ProductLine
from .money import format_money
from .periods import previous_periods, running_period
from .remainders import Ask, values

#: Periods looked back at for a suggestion and for bounds.
PERIODS = 4
#: A target is between a tenth of her usual and ten times her best.
STRETCH = 10
#: Bounds when neither she nor her market has a history.
OPEN_BOUNDS = {Unit.MONEY: (Decimal(1), Decimal(1_000_000)), Unit.COUNT: (Decimal(1), Decimal(1000))}
LONGEST_DAYS = 366
MAX_WEIGHT = 10


def past_values(
    distributor: Distributor, metric: str, scope: str, period: str, first: date, last: date
) -> list[Decimal]:
    """What she made in each of the last four whole periods, newest first; those before she joined are left out."""
    periods = [
        (start, end)
        for start, end in previous_periods(distributor.market, period, first, last, PERIODS)
        if end >= distributor.joined_on
    ]
    return values([Ask(distributor.pk, metric, scope, start, end) for start, end in periods])


def market_mean(distributor: Distributor, metric: str, scope: str, first: date, last: date) -> Decimal:
    """Mean of first..last over the active people of her market who made anything; 0 when nobody did."""
    people = Distributor.objects.active().filter(market_id=distributor.market_id).values_list("pk", flat=True)
    made = [value for value in totals(people, metric, scope, first, last).values() if value > 0]
    return sum(made, Decimal(0)) / len(made) if made else Decimal(0)


def within_reach(past: list[Decimal]) -> Decimal | None:
    """Reached in two of the last four periods, rounded down to a number people say; None without two such periods."""
    best = sorted(past, reverse=True)
    return round_number(best[1], ROUND_FLOOR) if len(best) > 1 and best[1] >= 1 else None


def round_number(value: Decimal, rounding: str) -> Decimal:
    """Two leading digits, the second 0 or 5 from 100 on: 187.50 -> 180, 1234 -> 1200, 7.4 -> 7."""
    digits = max(0, value.adjusted() - 1)
    return value.scaleb(-digits).quantize(Decimal(1), rounding=rounding).scaleb(digits).quantize(Decimal(1))


def bounds(
    distributor: Distributor, metric: str, scope: str, period: str, first: date, last: date
) -> tuple[Decimal, Decimal]:
    """Lowest and highest target accepted, from her own last four periods, or her market's when she has none."""
    unit = METRICS[metric].unit
    past = [value for value in past_values(distributor, metric, scope, period, first, last) if value > 0]
    if past:
        usual, best = sum(past, Decimal(0)) / len(past), max(past)
    else:
        before = previous_periods(distributor.market, period, first, last, 1)[0]
        usual = best = market_mean(distributor, metric, scope, *before)
    if best <= 0:
        return OPEN_BOUNDS[unit]
    low = max(Decimal(1), round_number(usual / STRETCH, ROUND_FLOOR))
    return low, max(low, Decimal(10), round_number(best * STRETCH, ROUND_CEILING))


def checked_period(
    distributor: Distributor, period: str, starts_on: date | None, ends_on: date | None, today: date
) -> tuple[date, date]:
    """First and last day of the period as it runs or will run first; ValidationError for dates that make no sense."""
    if period not in Goal.Period.values:
        raise ValidationError({"period": _("Choose each week, each month or two dates.")})
    if period != Goal.Period.CAMPAIGN:
        if starts_on or ends_on:
            raise ValidationError({"starts_on": _("Weekly and monthly goals have no dates of their own.")})
        running = running_period(distributor.market, period, today)
        assert running is not None
        return running
    if starts_on is None or ends_on is None:
        raise ValidationError({"ends_on": _("Enter the first and the last day.")})
    if ends_on < starts_on:
        raise ValidationError({"ends_on": _("The last day is before the first.")})
    if ends_on < today:
        raise ValidationError({"ends_on": _("These dates are over. Choose a last day from today on.")})
    if (ends_on - starts_on).days >= LONGEST_DAYS:
        raise ValidationError({"ends_on": _("A goal runs for a year at most.")})
    return starts_on, ends_on


def check_metric(metric: str, scope: str) -> None:
    if metric not in METRICS:
        raise ValidationError({"metric": _("This cannot be measured. Choose one of the list.")})
    if not scope:
        return
    if not METRICS[metric].scoped:
        raise ValidationError(
            {"scope": _("%(metric)s cannot be limited to a product line.") % {"metric": METRICS[metric].label}}
        )
    if not ProductLine.objects.filter(code=scope).exists():
        raise ValidationError({"scope": _("There is no such product line.")})


def check_weight(weight: Decimal) -> None:
    if not weight.is_finite() or not Decimal("0.01") <= weight <= MAX_WEIGHT:
        raise ValidationError(
            {"weight": _("Importance is a number above 0 and up to %(most)d.") % {"most": MAX_WEIGHT}}
        )


def check_target(target: Decimal, metric: str, low: Decimal, high: Decimal, currency: str) -> None:
    counts = METRICS[metric].unit is Unit.COUNT
    if counts and target.is_finite() and target != target.to_integral_value():
        raise ValidationError({"target": _("Enter a whole number.")})
    if not target.is_finite() or not low <= target <= high:
        said = {"low": spoken(low, counts, currency), "high": spoken(high, counts, currency)}
        raise ValidationError({"target": _("Enter a goal between %(low)s and %(high)s.") % said})


def spoken(value: Decimal, counts: bool, currency: str) -> str:
    return (
        number_format(int(value), force_grouping=True)
        if counts
        else format_money(value, currency, get_language() or "en")
    )
