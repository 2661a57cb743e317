from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ..audit import audited
from ..marks import versioned


@versioned("kpis")
@audited()
class Segment(models.Model):
    """A part of the field by what everybody's row says: how long she has been with the company, and whether she leads.

    Whoever fits belongs to it, from the day she does (segments.py). Nothing about it is stored a person.
    """

    class Team(models.TextChoices):
        ANY = "", _("with or without a team")
        LEADS = "leads", _("with a team")
        ALONE = "alone", _("without a team")

    name = models.CharField(_("name"), max_length=80, unique=True)
    days_from = models.PositiveSmallIntegerField(
        _("joined at least"), null=True, blank=True, help_text=_("Days ago. Empty: no limit.")
    )
    days_to = models.PositiveSmallIntegerField(
        _("joined at most"), null=True, blank=True, help_text=_("Days ago. Empty: no limit.")
    )
    team = models.CharField(_("team"), max_length=5, choices=Team, default=Team.ANY, blank=True)

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(days_from__isnull=True) | Q(days_to__isnull=True) | Q(days_to__gte=F("days_from")),
                name="segment_days_are_a_span",
            ),
            models.CheckConstraint(condition=Q(team__in=["", "leads", "alone"]), name="segment_team_is_known"),
        ]

    def __str__(self) -> str:
        return self.name
