from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from distributors.audit import audited
from distributors.marks import versioned
from distributors.metrics import metric_key

#: Rates of the whole field, and the metric of one person that moves each; how they are computed: figures.py.
RATES = {
    "repeat_rate": "repeat_orders",
    "customer_retention": "repeat_orders",
    "distributor_retention": "retained_recruits",
    "adoption": "active_days",
    "compliance": "lessons_done",
    "recruiting": "enrolments",
    "first_orders": "retained_recruits",
}


@versioned("kpis")
@audited()
class KPI(models.Model):
    """A figure HQ wants to move: a metric, a direction, and where it counts.

    `metric` is one of the vocabulary (metrics.py) or a rate of the whole field (figures.py). No market or segment named
    means all of them.
    """

    class Direction(models.IntegerChoices):
        UP = 1, _("up")
        DOWN = -1, _("down")

    name = models.CharField(_("name"), max_length=80, unique=True)
    metric = models.CharField(_("metric"), max_length=32)
    scope = models.CharField(_("product line"), max_length=40, default="", blank=True)
    direction = models.SmallIntegerField(_("should go"), choices=Direction, default=Direction.UP)
    market = models.ForeignKey(
        "distributors.Market",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("market"),
    )
    segment = models.ForeignKey(
        "distributors.Segment",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("segment"),
    )
    target = models.DecimalField(_("target"), max_digits=14, decimal_places=2, null=True, blank=True)
    # How the reader is told what the company prioritises: "repeat orders of the eye line".
    focus = models.CharField(_("in the field's words"), max_length=120)
    focus_by_language = models.JSONField(_("the same in other languages"), default=dict, blank=True)
    owner = models.CharField(_("owner"), max_length=80, blank=True)

    class Meta:
        verbose_name = _("KPI")
        verbose_name_plural = _("KPIs")
        constraints = [
            models.CheckConstraint(condition=models.Q(direction__in=[1, -1]), name="kpi_direction_is_up_or_down")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def key(self) -> str:
        """What the ranking steers by to move it: `repeat_orders:eye`. A rate is moved by what it counts."""
        return metric_key(RATES.get(self.metric, self.metric), self.scope)


class KPIWeek(models.Model):
    """A KPI's figure in one week of one market, computed from what events left (trends.py); rebuilt from it at any time.

    A rate is numerator / denominator, so weeks of several markets add up; a sum has no denominator. Money is the market's.
    """

    kpi = models.ForeignKey(KPI, on_delete=models.CASCADE, related_name="weeks", db_index=False)
    market = models.ForeignKey("distributors.Market", on_delete=models.CASCADE, related_name="+")
    first = models.DateField(_("week from"))  # a first day of the market's week
    numerator = models.DecimalField(max_digits=20, decimal_places=2)
    denominator = models.DecimalField(max_digits=20, decimal_places=2, null=True)
    computed_at = models.DateTimeField(_("computed"))

    class Meta:
        verbose_name = _("week of a KPI")
        verbose_name_plural = _("weeks of KPIs")
        constraints = [models.UniqueConstraint(fields=["kpi", "market", "first"], name="kpiweek_once")]

    def __str__(self) -> str:
        return f"{self.kpi_id} {self.market_id} {self.first}"
