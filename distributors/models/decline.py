from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from ..marks import versioned


@versioned("rules")
class DeclineFit(models.Model):
    """What the field's own past says about who will sell half as much (decline.py). The newest one counts; none is changed."""

    fitted_at = models.DateTimeField(_("fitted"))
    # {"features": [...], "weights": [...], "means": [...], "spreads": [...]}; how well it told them apart on weeks it had not seen.
    values = models.JSONField(default=dict)
    people = models.PositiveIntegerField(_("people"))
    auc = models.FloatField(_("AUC"), null=True)
    baseline_auc = models.FloatField(_("AUC of the trailing ratio"), null=True)

    class Meta:
        verbose_name = _("fit of the decline model")
        verbose_name_plural = _("fits of the decline model")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.fitted_at:%Y-%m-%d}"
