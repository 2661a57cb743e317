from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ..audit import audited
from ..marks import marking


class GoalQuerySet(models.QuerySet["Goal"]):
    def running(self) -> GoalQuerySet:
        return self.filter(ended_at__isnull=True)

    def of(self, distributor_id: int) -> GoalQuerySet:
        return self.filter(distributor_id=distributor_id)


@audited()
class Goal(models.Model):
    """What she wants, in one metric, every week or month, or between two dates."""

    class Period(models.TextChoices):
        WEEK = "week", _("each week")
        MONTH = "month", _("each month")
        CAMPAIGN = "campaign", _("between two dates")

    distributor = models.ForeignKey("distributors.Distributor", on_delete=models.CASCADE, related_name="goals")
    metric = models.CharField(_("metric"), max_length=32)
    scope = models.CharField(_("product line"), max_length=40, default="", blank=True)
    period = models.CharField(_("period"), max_length=10, choices=Period, default=Period.WEEK)
    starts_on = models.DateField(_("from"), null=True, blank=True)
    ends_on = models.DateField(_("to"), null=True, blank=True)
    target = models.DecimalField(_("target"), max_digits=14, decimal_places=2)
    # Relative; the weights of her running goals are normalised to 1 where they are used.
    weight = models.DecimalField(_("importance"), max_digits=5, decimal_places=2, default=1)
    created_at = models.DateTimeField(_("set"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    objects = GoalQuerySet.as_manager()

    class Meta:
        verbose_name = _("goal")
        verbose_name_plural = _("goals")
        constraints = [
            models.CheckConstraint(condition=Q(target__gt=0), name="goal_target_positive"),
            models.CheckConstraint(condition=Q(weight__gt=0), name="goal_weight_positive"),
            models.CheckConstraint(
                condition=Q(period="campaign", starts_on__isnull=False, ends_on__gte=F("starts_on"))
                | (Q(period__in=["week", "month"], starts_on__isnull=True, ends_on__isnull=True)),
                name="goal_dates_fit_its_period",
            ),
            models.UniqueConstraint(
                fields=["distributor", "metric", "scope", "period"],
                condition=Q(ended_at__isnull=True),
                name="goal_one_running_of_a_kind",
            ),
        ]
        triggers = marking("distributors_featuremark", "SELECT distributor_id FROM {rows}")

    def __str__(self) -> str:
        return f"{self.metric} {self.target} {self.get_period_display()}"


class ForecastPool(models.Model):
    """How remainders spread in a market, relative to each person's own mean: the prior of every chance.

    `quantiles` holds 65 evenly spaced quantiles of remainder / own mean; `mean` the market's mean remainder.
    """

    market = models.ForeignKey("distributors.Market", on_delete=models.CASCADE, related_name="pools")
    metric = models.CharField(max_length=32)
    scope = models.CharField(max_length=40, default="", blank=True)
    days = models.PositiveSmallIntegerField()
    day = models.DateField()
    mean = models.FloatField()
    people = models.PositiveIntegerField()
    quantiles = ArrayField(models.FloatField(), default=list)

    class Meta:
        verbose_name = _("forecast pool")
        verbose_name_plural = _("forecast pools")
        constraints = [
            models.UniqueConstraint(fields=["market", "metric", "scope", "days", "day"], name="pool_one_of_a_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.market_id} {self.metric} {self.days}d {self.day}"
