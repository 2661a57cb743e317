from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class NoticeQuerySet(models.QuerySet["Notice"]):
    def of(self, distributor_id: int) -> NoticeQuerySet:
        return self.filter(distributor_id=distributor_id)

    def unread(self) -> NoticeQuerySet:
        return self.filter(read_at__isnull=True)


class Notice(models.Model):
    """A line in her notification centre. `key` makes the same news one notice, however often it is found."""

    class Kind(models.TextChoices):
        CLOSED = "closed", _("A to-do closed itself")
        GOAL = "goal", _("Goal")
        RULE = "rule", _("Rule")
        RESULT = "result", _("A message brought a result")

    distributor = models.ForeignKey("distributors.Distributor", on_delete=models.CASCADE, related_name="notices")
    key = models.CharField(max_length=120)
    kind = models.CharField(max_length=10, choices=Kind)
    # Facts for the sentence, rendered in her language when read (never a stored sentence).
    facts = models.JSONField(default=dict)
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ["-at"]
        constraints = [models.UniqueConstraint(fields=["distributor", "key"], name="notice_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
