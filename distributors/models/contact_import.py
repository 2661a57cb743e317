from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class ContactImport(models.Model):
    """A file of contacts that a distributor brought: read, shown to her, and added when she says so. Gone after a day."""

    class State(models.TextChoices):
        READ = "read", _("Read")
        ADDED = "added", _("Added")

    distributor = models.ForeignKey("distributors.Distributor", on_delete=models.CASCADE, related_name="+")
    file_name = models.CharField(max_length=120)
    at = models.DateTimeField()
    state = models.CharField(max_length=6, choices=State, default=State.READ)
    # One a row of the file: {"row": n, "name": ..., "phone": ..., ..., "problem": sentence, "known": customer id}.
    rows = models.JSONField(default=list)

    class Meta:
        verbose_name = _("import of contacts")
        verbose_name_plural = _("imports of contacts")
        constraints = [
            models.CheckConstraint(condition=Q(state__in=["read", "added"]), name="contactimport_state_is_known")
        ]

    def __str__(self) -> str:
        return self.file_name


class NotTheSame(models.Model):
    """Two of her contacts who look alike, and whom she said to be two people."""

    one = models.ForeignKey("distributors.Customer", on_delete=models.CASCADE, related_name="+")
    other = models.ForeignKey("distributors.Customer", on_delete=models.CASCADE, related_name="+")

    class Meta:
        verbose_name = _("not the same person")
        verbose_name_plural = _("not the same person")
        constraints = [
            models.UniqueConstraint(fields=["one", "other"], name="notthesame_once"),
            models.CheckConstraint(condition=Q(one__lt=F("other")), name="notthesame_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.one_id} {self.other_id}"
