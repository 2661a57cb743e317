from __future__ import annotations

from datetime import date

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from distributors.audit import audited, audited_links, immutable
from distributors.marks import versioned


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def live_on(self, day: date) -> CampaignQuerySet:
        return self.filter(status=Campaign.Status.LIVE, starts_on__lte=day, ends_on__gte=day)


@versioned("kpis")
@audited()
class Campaign(models.Model):
    """A named period in which HQ prioritises some KPIs. No markets named means all of them."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        LIVE = "live", _("Live")
        ENDED = "ended", _("Ended")

    name = models.CharField(_("name"), max_length=120, unique=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("to"))
    markets = models.ManyToManyField(
        "distributors.Market", blank=True, related_name="campaigns", verbose_name=_("markets")
    )

    objects = CampaignQuerySet.as_manager()

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        constraints = [
            models.CheckConstraint(condition=Q(ends_on__gte=F("starts_on")), name="campaign_ends_after_it_starts"),
        ]

    def __str__(self) -> str:
        return self.name


versioned("kpis")(audited_links(Campaign.markets.through, "CampaignMarket"))


@versioned("kpis")
@audited()
class PriorityVersion(models.Model):
    """One published set of weights: never changed, only followed by the next. The newest one counts (priorities.py)."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(_("version"))
    # The share of the ranking that a distributor's own goals keep (alpha in the score).
    own_goal_share = models.DecimalField(_("own goals' share"), max_digits=3, decimal_places=2, default="0.60")
    reason = models.CharField(_("reason"), max_length=300)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    published_at = models.DateTimeField(_("published"))

    class Meta:
        verbose_name = _("priority version")
        verbose_name_plural = _("priority versions")
        triggers = immutable(may_forget="by")
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "number"], name="priority_version_number_unique"),
            models.CheckConstraint(
                condition=Q(own_goal_share__gte=0.5, own_goal_share__lte=1), name="priority_own_goals_keep_half"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="priority_version_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.campaign} v{self.number}"


@versioned("kpis")
@audited()
class Priority(models.Model):
    version = models.ForeignKey(PriorityVersion, on_delete=models.CASCADE, related_name="priorities")
    kpi = models.ForeignKey("kpis.KPI", on_delete=models.PROTECT, related_name="priorities")
    # Whole points out of 100, as HQ moves them; the engine normalises to 1.
    weight = models.PositiveSmallIntegerField(_("weight"))

    class Meta:
        verbose_name = _("priority")
        verbose_name_plural = _("priorities")
        triggers = immutable()
        constraints = [
            models.UniqueConstraint(fields=["version", "kpi"], name="priority_one_weight_per_kpi"),
            models.CheckConstraint(condition=Q(weight__lte=100), name="priority_weight_at_most_100"),
        ]

    def __str__(self) -> str:
        return f"{self.kpi} {self.weight}"
