from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from distributors.marks import marking


class ActionQuerySet(models.QuerySet["Action"]):
    def standing(self) -> ActionQuerySet:
        """Not taken back."""
        return self.filter(undone_at__isnull=True)

    def of(self, distributor_id: int) -> ActionQuerySet:
        return self.filter(distributor_id=distributor_id)


class Action(models.Model):
    """What she did about a card. Each one is also an event; undo keeps the row and says when it was taken back."""

    class Kind(models.TextChoices):
        START = "start", _("Started")
        DONE = "done", _("Done")
        SNOOZE = "snooze", _("Later")
        DISMISS = "dismiss", _("Dismissed")

    class Reason(models.TextChoices):
        """Why a card was dismissed; recommend.py learns from it."""

        NOT_NOW = "not_now", _("Not this week")
        FEWER = "fewer", _("Fewer like this")
        KNOWN = "known", _("I know this already")
        WRONG_PERSON = "wrong_person", _("Not right for this person")

    distributor = models.ForeignKey("distributors.Distributor", on_delete=models.CASCADE, related_name="actions")
    activity = models.ForeignKey("activities.Activity", on_delete=models.PROTECT, related_name="actions")
    customer = models.ForeignKey(
        "distributors.Customer", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    recruit = models.ForeignKey(
        "distributors.Distributor", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    # "c12", "r5" or "": never null, so that the unique constraint below holds on every PostgreSQL.
    about_key = models.CharField(max_length=24, default="", blank=True)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    day = models.DateField()
    at = models.DateTimeField()
    until = models.DateField(_("until"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=14, choices=Reason, blank=True)
    # The action's own event, and the event that closed the to-do when its result arrived by itself.
    event = models.OneToOneField("distributors.Event", on_delete=models.SET_NULL, null=True, related_name="+")
    closed_by = models.ForeignKey(
        "distributors.Event", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    undone_at = models.DateTimeField(null=True, blank=True)

    objects = ActionQuerySet.as_manager()

    class Meta:
        verbose_name = _("action")
        verbose_name_plural = _("actions")
        constraints = [
            models.UniqueConstraint(
                fields=["distributor", "activity", "about_key", "kind", "day"],
                condition=Q(undone_at__isnull=True),
                name="action_once_a_day",
            ),
            models.CheckConstraint(
                condition=Q(customer__isnull=True) | Q(recruit__isnull=True), name="action_about_one"
            ),
            models.CheckConstraint(
                condition=~Q(kind="snooze") | Q(until__isnull=False), name="action_snooze_has_an_end"
            ),
        ]
        indexes = [models.Index(fields=["distributor", "at"], name="action_by_distributor")]
        triggers = marking("activities_memorymark", "SELECT distributor_id FROM {rows}")

    def __str__(self) -> str:
        return f"{self.kind} {self.activity_id} {self.about_key}"
