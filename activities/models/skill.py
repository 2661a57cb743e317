from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from distributors.audit import audited
from distributors.marks import marking, versioned


@versioned("catalogue")
@audited()
class Skill(models.Model):
    key = models.SlugField(_("key"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=80)
    name_by_language = models.JSONField(_("the same in other languages"), default=dict, blank=True)
    # m* of the score: the mastery worth having.
    wanted = models.FloatField(_("mastery wanted"), default=0.8)

    class Meta:
        verbose_name = _("skill")
        verbose_name_plural = _("skills")
        constraints = [
            models.CheckConstraint(
                condition=Q(wanted__gt=0, wanted__lte=1),
                name="skill_wanted_within_0_1",
                violation_error_message=_("Enter a share above 0 and up to 1."),
            )
        ]

    def __str__(self) -> str:
        return self.name


class Mastery(models.Model):
    """What she remembers of a skill: FSRS memory state and the last score (learning.py turns it into m_s)."""

    distributor = models.ForeignKey("distributors.Distributor", on_delete=models.CASCADE, related_name="masteries")
    skill = models.ForeignKey(Skill, on_delete=models.CASCADE, related_name="masteries")
    score = models.FloatField(default=0)
    # fsrs.Card.to_dict(): stability, difficulty, last review.
    memory = models.JSONField(default=dict)
    reviewed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("mastery")
        verbose_name_plural = _("masteries")
        constraints = [
            models.UniqueConstraint(fields=["distributor", "skill"], name="mastery_one_per_skill"),
            models.CheckConstraint(condition=Q(score__gte=0, score__lte=1), name="mastery_score_within_0_1"),
        ]
        triggers = marking("activities_memorymark", "SELECT distributor_id FROM {rows}")

    def __str__(self) -> str:
        return f"{self.skill_id}: {self.score}"
