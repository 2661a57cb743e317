from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from ..marks import versioned


@versioned("reorder")
class ReorderFit(models.Model):
    """What past orders say about who orders again, and when (reordering.py). The newest one counts; none is changed."""

    fitted_at = models.DateTimeField(_("fitted"))
    # BG/NBD parameters, and weights of the logistic, over all and by product line.
    values = models.JSONField(default=dict)
    customers = models.PositiveIntegerField(_("customers"))
    # How well it told apart, on weeks it had not seen, who would order; beside two simpler ways of ranking.
    auc = models.FloatField(_("AUC"), null=True)
    overdue_auc = models.FloatField(_("AUC of days since over own gap"), null=True)
    recency_auc = models.FloatField(_("AUC of recency"), null=True)

    class Meta:
        verbose_name = _("fit of the reorder model")
        verbose_name_plural = _("fits of the reorder model")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.fitted_at:%Y-%m-%d}"
