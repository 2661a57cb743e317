from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from distributors.audit import immutable
from distributors.marks import versioned


@versioned("effects")
class EffectVersion(models.Model):
    """What showing and doing each activity was learned to change, up to a day (evidence/effects.py). The newest version counts.

    values: {"<activity key>": {"p": [mean, exposures], "e": {"<metric key>": [mean, weight of the exposures]}}}, means
    in base money and natural units; an activity or metric that is absent stands at its author's estimate. Versions are
    never changed; going back to an older one is a new version with its values.
    """

    version = models.PositiveIntegerField(_("version"), unique=True)
    values = models.JSONField(_("values"), default=dict)
    until = models.DateField(_("learned up to"))
    exposures = models.PositiveIntegerField(_("exposures"), default=0)
    made_at = models.DateTimeField(_("made"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )
    # Set when somebody went back: whose values these are, and why.
    back_to = models.PositiveIntegerField(_("back to version"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("version of the effects")
        verbose_name_plural = _("versions of the effects")
        ordering = ["-version"]
        triggers = immutable("by")

    def __str__(self) -> str:
        return f"v{self.version}"
