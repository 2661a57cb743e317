from __future__ import annotations

from datetime import date, time

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from distributors.audit import audited, audited_links, immutable
from distributors.marks import versioned

#: Days that every clock can show: one nonsense date would stop whoever asks what counts.
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2199, 12, 31)


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def approved(self) -> CampaignQuerySet:
        """Those that count whenever their time has come: what the clock says is asked where it is read (board.py)."""
        return self.filter(status__in=[Campaign.Status.SCHEDULED, Campaign.Status.LIVE])


@versioned("kpis")
@audited()
class Campaign(models.Model):
    """A named period in which HQ prioritises some KPIs, for an audience. No markets named means all of them.

    It starts and ends on the minute of each market's own clock: nine in the morning is nine everywhere. `status` is where
    HQ's work on it stands; whether it counts for somebody now is read from the clock (board.py), never from a job.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        IN_REVIEW = "in_review", _("In review")
        SCHEDULED = "scheduled", _("Scheduled")
        LIVE = "live", _("Live")
        ENDED = "ended", _("Ended")

    name = models.CharField(_("name"), max_length=120, unique=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    starts_on = models.DateField(_("from"))
    starts_time = models.TimeField(_("at"), default=time(0), help_text=_("On each market's own clock."))
    ends_on = models.DateField(_("to"))
    ends_time = models.TimeField(
        _("until"), null=True, blank=True, help_text=_("On each market's own clock. Empty: the end of that day.")
    )
    markets = models.ManyToManyField(
        "distributors.Market", blank=True, related_name="campaigns", verbose_name=_("markets")
    )
    segment = models.ForeignKey(
        "distributors.Segment",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="campaigns",
        verbose_name=_("segment"),
        help_text=_("Only for these people. Empty: everybody in the markets."),
    )

    objects = CampaignQuerySet.as_manager()

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on__gt=F("starts_on"))
                | Q(ends_on=F("starts_on"), ends_time__isnull=True)
                | Q(ends_on=F("starts_on"), ends_time__gt=F("starts_time")),
                name="campaign_ends_after_it_starts",
                violation_error_message=_("It ends before it starts. Choose a later end."),
            ),
            models.CheckConstraint(
                condition=Q(starts_on__gte=FIRST_DAY, ends_on__lte=LAST_DAY),
                name="campaign_dates_are_sensible",
                violation_error_message=_("Choose days from 2000 to 2199."),
            ),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "in_review", "scheduled", "live", "ended"]),
                name="campaign_status_is_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name


versioned("kpis")(audited_links(Campaign.markets.through, "CampaignMarket"))


@versioned("kpis")
@audited()
class PriorityVersion(models.Model):
    """One published set of weights: never changed, only followed by the next. Which one counts when: board.py."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(_("version"))
    # The share of the ranking that a distributor's own goals keep (alpha in the score).
    own_goal_share = models.DecimalField(_("own goals' share"), max_digits=3, decimal_places=2, default="0.60")
    reason = models.CharField(_("reason"), max_length=300)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    published_at = models.DateTimeField(_("published"))
    # From when it counts, on each market's own clock; both empty: at once.
    starts_on = models.DateField(_("counts from"), null=True, blank=True)
    starts_time = models.TimeField(_("at"), null=True, blank=True)
    # The version whose weights it brings back.
    restores = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("priority version")
        verbose_name_plural = _("priority versions")
        triggers = immutable("by", "approved_by")
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "number"], name="priority_version_number_unique"),
            models.CheckConstraint(
                condition=Q(own_goal_share__gte=0.5, own_goal_share__lte=1), name="priority_own_goals_keep_half"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="priority_version_has_a_reason"),
            models.CheckConstraint(
                condition=Q(starts_on__isnull=True, starts_time__isnull=True)
                | Q(starts_on__isnull=False, starts_time__isnull=False),
                name="priority_version_starts_on_the_minute",
            ),
            models.CheckConstraint(
                condition=Q(starts_on__isnull=True) | Q(starts_on__range=(FIRST_DAY, LAST_DAY)),
                name="priority_version_start_is_sensible",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | Q(by__isnull=True) | ~Q(approved_by=F("by")),
                name="priority_version_approved_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign} v{self.number}"

    @property
    def why(self) -> str:
        """The reason; of a roll back first where it went back to, in the reader's language."""
        if self.restores is None:
            return self.reason
        back = gettext("Back to version %(number)d.") % {"number": self.restores.number}
        return f"{back} {self.reason}" if self.reason != back else back


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


@versioned("kpis")
@audited()
class Withdrawal(models.Model):
    """A scheduled version that was called off before it counted anywhere."""

    version = models.OneToOneField(PriorityVersion, on_delete=models.CASCADE, related_name="withdrawal")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(_("withdrawn"))

    class Meta:
        verbose_name = _("withdrawal")
        verbose_name_plural = _("withdrawals")
        triggers = immutable("by")

    def __str__(self) -> str:
        return f"{self.version_id}"


@audited()
class PriorityDraft(models.Model):
    """The one next version of a campaign that HQ works on together. Publishing or discarding it takes it away."""

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        IN_REVIEW = "in_review", _("Waiting for approval")

    campaign = models.OneToOneField(Campaign, on_delete=models.CASCADE, related_name="draft")
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    # {"<KPI id>": points}, not necessarily 100 yet; and the ids of those that a moved slider leaves alone.
    weights = models.JSONField(_("weights"), default=dict)
    locked = models.JSONField(_("locked"), default=list, blank=True)
    own_goal_share = models.DecimalField(_("own goals' share"), max_digits=3, decimal_places=2, default="0.60")
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    starts_on = models.DateField(_("counts from"), null=True, blank=True)
    starts_time = models.TimeField(_("at"), null=True, blank=True)
    # The newest version when it was begun, and how often it was saved: what two editors are told apart by.
    based_on = models.PositiveIntegerField(default=0)
    revision = models.PositiveIntegerField(default=1)
    # Who saved it last answers for it: nobody else's approval may be her own.
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    saved_at = models.DateTimeField(_("saved"))
    # What the approver said when she sent it back.
    note = models.CharField(_("note"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("draft")
        verbose_name_plural = _("drafts")
        constraints = [
            models.CheckConstraint(
                condition=Q(own_goal_share__gte=0.5, own_goal_share__lte=1), name="prioritydraft_own_goals_keep_half"
            ),
            models.CheckConstraint(
                condition=~Q(state="in_review") | ~Q(reason=""), name="prioritydraft_in_review_has_a_reason"
            ),
            models.CheckConstraint(
                condition=Q(starts_on__isnull=True, starts_time__isnull=True)
                | Q(starts_on__isnull=False, starts_time__isnull=False),
                name="prioritydraft_starts_on_the_minute",
            ),
            models.CheckConstraint(
                condition=Q(starts_on__isnull=True) | Q(starts_on__range=(FIRST_DAY, LAST_DAY)),
                name="prioritydraft_start_is_sensible",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign} draft {self.revision}"


@versioned("kpis")
class Turn(models.Model):
    """A start or an end that came in one market, noted once by the schedule (campaigns.turn): the log, not the cause.

    `what`: `start`, `end`, or `v5` for a scheduled version. Its insert is a new version of what HQ wants, so that slates
    written ahead are written again.
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="turns")
    market = models.ForeignKey("distributors.Market", on_delete=models.CASCADE, related_name="+")
    what = models.CharField(max_length=12)
    due_at = models.DateTimeField(_("due"))
    at = models.DateTimeField(_("noted"))

    class Meta:
        verbose_name = _("turn")
        verbose_name_plural = _("turns")
        triggers = immutable()
        constraints = [
            models.UniqueConstraint(fields=["campaign", "market", "what", "due_at"], name="turn_once"),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.market_id} {self.what}"
