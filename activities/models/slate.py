from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from distributors.marks import marking, versioned


@versioned("scales")
class ScaleSet(models.Model):
    """Frozen 95th percentiles that make scores compare across days (ranking.md 2). The newest one counts.

    values: {"own": s_U, "kpi": {"<metric>[:<line>]": s_k}}; money scales by market: "sales@us".
    """

    version = models.PositiveIntegerField(unique=True)
    values = models.JSONField(default=dict)
    people = models.PositiveIntegerField(default=0)
    frozen_at = models.DateTimeField()

    class Meta:
        verbose_name = _("scale set")
        verbose_name_plural = _("scale sets")
        ordering = ["-version"]

    def __str__(self) -> str:
        return f"v{self.version}"


class Slate(models.Model):
    """What she was shown, once per different list: the log for audit and off-policy estimates, not the source.

    cards: the shown cards in order: activity id, customer id, recruit id, slot, propensity, score, terms.
    eligible: every candidate that could have been shown, with its component vector.
    """

    distributor = models.ForeignKey("distributors.Distributor", on_delete=models.CASCADE, related_name="slates")
    day = models.DateField()
    shown_at = models.DateTimeField()
    seed = models.BigIntegerField()
    versions = models.JSONField(default=dict)
    cards = models.JSONField(default=list)
    eligible = models.JSONField(default=list)
    # SHA-256 of what was shown: a reload of the same list writes nothing.
    digest = models.BinaryField(max_length=32)

    class Meta:
        verbose_name = _("slate")
        verbose_name_plural = _("slates")
        constraints = [
            models.UniqueConstraint(fields=["distributor", "day", "digest"], name="slate_once_per_different_list"),
        ]
        triggers = marking("activities_memorymark", "SELECT distributor_id FROM {rows}")

    def __str__(self) -> str:
        return f"{self.distributor_id} {self.day}"
