from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from distributors.audit import audited
from distributors.marks import versioned


@versioned("kpis")
@audited()
class KPI(models.Model):
    """A figure HQ wants to move: a metric, a direction, and where it counts."""

    class Direction(models.IntegerChoices):
        UP = 1, _("up")
        DOWN = -1, _("down")

    name = models.CharField(_("name"), max_length=80, unique=True)
    metric = models.CharField(_("metric"), max_length=32)
    scope = models.CharField(_("product line"), max_length=40, default="", blank=True)
    direction = models.SmallIntegerField(_("should go"), choices=Direction, default=Direction.UP)
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
