from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ..audit import audited
from ..marks import marking, versioned


@versioned("kpis")
@audited()
class Segment(models.Model):
    """A part of the field by what everybody's row says: how long she has been with the company, and whether she leads.

    Whoever fits belongs to it, from the day she does (segments.py). Of one that is `by_rules` only those fit whom a rule made
    a member, for as long as it said (SegmentMember); of any other nothing is stored a person.
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
    by_rules = models.BooleanField(
        _("members by rules"), default=False, help_text=_("Only those whom a rule added, for as long as it says.")
    )

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(days_from__isnull=True) | Q(days_to__isnull=True) | Q(days_to__gte=F("days_from")),
                name="segment_days_are_a_span",
                violation_error_message=_("At most is fewer days than at least, so nobody would fit."),
            ),
            models.CheckConstraint(condition=Q(team__in=["", "leads", "alone"]), name="segment_team_is_known"),
        ]

    def __str__(self) -> str:
        return self.name


class SegmentMember(models.Model):
    """A stay in a segment that is `by_rules`: from `since` to `until` inclusive, without an end when that is empty.

    A stay that is over is kept: it says who belonged when. Her compact row holds them too (features.py).
    """

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="members", db_index=False)
    distributor = models.ForeignKey("distributors.Distributor", on_delete=models.CASCADE, related_name="segments")
    since = models.DateField(_("since"))
    until = models.DateField(_("until"), null=True, blank=True)

    class Meta:
        verbose_name = _("member of a segment")
        verbose_name_plural = _("members of segments")
        constraints = [
            models.UniqueConstraint(fields=["segment", "distributor", "since"], name="segmentmember_once"),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gte=F("since")), name="segmentmember_is_a_span"
            ),
        ]
        triggers = marking("distributors_featuremark", "SELECT distributor_id FROM {rows}")

    def __str__(self) -> str:
        return f"{self.segment_id} {self.distributor_id} {self.since}"
