from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from ..audit import immutable


class Look(models.Model):
    """Somebody at HQ looked at one person's own pages. Hers to read (You), nobody's to change."""

    class Page(models.TextChoices):
        TODAY = "today", _("Your Today")
        WHY = "why", _("Why your list is as it is")
        PREVIEW = "preview", _("Your list, in a preview of priorities")
        RULE = "rule", _("Your figures, to see what a rule does for you")

    distributor = models.ForeignKey(
        "distributors.Distributor", on_delete=models.CASCADE, related_name="looks", db_index=False
    )
    viewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    page = models.CharField(_("page"), max_length=8, choices=Page)
    at = models.DateTimeField(_("when"))

    class Meta:
        verbose_name = _("look")
        verbose_name_plural = _("looks")
        ordering = ["-at"]
        triggers = immutable("viewer")
        indexes = [models.Index(fields=["distributor", "at"], name="look_by_distributor")]

    def __str__(self) -> str:
        return f"{self.viewer_id} {self.page} {self.distributor_id}"
