from __future__ import annotations

from datetime import date

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from distributors.audit import audited, immutable
from distributors.marks import bumping, versioned


class RuleQuerySet(models.QuerySet["Rule"]):
    def live(self) -> RuleQuerySet:
        return self.filter(state=Rule.State.LIVE)


@audited()
class Rule(models.Model):
    """If these facts hold for somebody, then this happens for her (rules.py). What it says is in its newest version."""

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        LIVE = "live", _("Live")
        PAUSED = "paused", _("Paused")
        ENDED = "ended", _("Ended")

    name = models.CharField(_("name"), max_length=80, unique=True)
    state = models.CharField(_("state"), max_length=6, choices=State, default=State.DRAFT)
    # The ready-made signal it was made from (signals.py); empty for one that HQ began itself.
    signal = models.SlugField(_("signal"), max_length=40, blank=True)
    created_at = models.DateTimeField(_("made"))

    objects = RuleQuerySet.as_manager()

    class Meta:
        verbose_name = _("rule")
        verbose_name_plural = _("rules")
        ordering = ["name"]
        # What is live changes with a state, or with a new version; a name or a draft says nothing to anybody yet.
        triggers = [
            pgtrigger.Trigger(
                name="version_state",
                when=pgtrigger.After,
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("state"),
                func=f"{bumping('rules')} RETURN NULL;",
            )
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["draft", "live", "paused", "ended"]), name="rule_state_is_known"
            ),
            models.UniqueConstraint(fields=["signal"], condition=~Q(signal=""), name="rule_one_per_signal"),
        ]

    def __str__(self) -> str:
        return self.name


@versioned("rules")
@audited()
class RuleVersion(models.Model):
    """One published form of a rule: never changed, only followed by the next."""

    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(_("version"))
    # If, but not, then, when: definitions.py says what is in it.
    definition = models.JSONField(_("definition"))
    reason = models.CharField(_("reason"), max_length=300)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    published_at = models.DateTimeField(_("published"))
    # The version that it brings back.
    restores = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("version of a rule")
        verbose_name_plural = _("versions of rules")
        triggers = immutable("by", "approved_by")
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["rule", "number"], name="ruleversion_number_unique"),
            models.CheckConstraint(condition=~Q(reason=""), name="ruleversion_has_a_reason"),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | Q(by__isnull=True) | ~Q(approved_by=F("by")),
                name="ruleversion_approved_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule} v{self.number}"

    @property
    def why(self) -> str:
        """The reason; of a roll back first where it went back to, in the reader's language."""
        if self.restores is None:
            return self.reason
        back = gettext("Back to version %(number)d.") % {"number": self.restores.number}
        return f"{back} {self.reason}" if self.reason != back else back


@audited()
class RuleDraft(models.Model):
    """The one next version of a rule that HQ works on together. Publishing or discarding it takes it away."""

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        IN_REVIEW = "in_review", _("Waiting for approval")

    rule = models.OneToOneField(Rule, on_delete=models.CASCADE, related_name="draft")
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    # As RuleVersion's, not necessarily complete yet.
    definition = models.JSONField(_("definition"), default=dict)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    # The newest version when it was begun, and how often it was saved: what two editors are told apart by.
    based_on = models.PositiveIntegerField(default=0)
    revision = models.PositiveIntegerField(default=1)
    # Who saved it last answers for it: nobody else's approval may be her own.
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    saved_at = models.DateTimeField(_("saved"))
    # What the approver said when she sent it back.
    note = models.CharField(_("note"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("draft of a rule")
        verbose_name_plural = _("drafts of rules")
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="in_review") | ~Q(reason=""), name="ruledraft_in_review_has_a_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule} draft {self.revision}"


class Firing(models.Model):
    """A rule began to hold for somebody, and not within its cooldown before: the decision, with the facts it was made on.

    `held_back`: she is among those for whom the rule does nothing, so that what it changes can be told (outcomes.py).
    """

    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, related_name="firings", db_index=False)
    version = models.ForeignKey(RuleVersion, on_delete=models.CASCADE, related_name="firings")
    distributor = models.ForeignKey("distributors.Distributor", on_delete=models.CASCADE, related_name="firings")
    day = models.DateField(_("day"))  # hers
    at = models.DateTimeField(_("at"))
    # The conditions that made it so, as conditions.reasons gives them: [[path, value], ...]; then her figures (rule_figures.py).
    facts = models.JSONField(_("facts"), default=list)
    held_back = models.BooleanField(_("held back"), default=False)

    class Meta:
        verbose_name = _("firing of a rule")
        verbose_name_plural = _("firings of rules")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["rule", "distributor", "day"], name="firing_once_a_day"),
        ]
        indexes = [models.Index(fields=["rule", "at"], name="firing_by_rule")]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.distributor_id} {self.day}"


class CallQuerySet(models.QuerySet["Call"]):
    def open_on(self, day: date) -> CallQuerySet:
        return self.filter(since__lte=day, until__gte=day)


class Call(models.Model):
    """What a firing asks of somebody, herself or her leader: an activity for some days, or a notice to read."""

    class What(models.TextChoices):
        ACTIVITY = "activity", _("Activity")
        NOTICE = "notice", _("Notice")

    firing = models.ForeignKey(Firing, on_delete=models.CASCADE, related_name="calls")
    to = models.ForeignKey("distributors.Distributor", on_delete=models.CASCADE, related_name="calls", db_index=False)
    what = models.CharField(max_length=8, choices=What)
    # Which effect of the version's definition.
    place = models.PositiveSmallIntegerField()
    # Of an activity its key; kpis does not know activities.
    activity = models.SlugField(max_length=60, blank=True)
    since = models.DateField()  # of `to`'s market, inclusive
    until = models.DateField()

    objects = CallQuerySet.as_manager()

    class Meta:
        verbose_name = _("call")
        verbose_name_plural = _("calls")
        constraints = [
            models.UniqueConstraint(fields=["firing", "place", "to"], name="call_once"),
            models.CheckConstraint(condition=Q(until__gte=F("since")), name="call_is_a_span"),
            models.CheckConstraint(
                condition=Q(what="activity") & ~Q(activity="") | Q(what="notice", activity=""),
                name="call_names_its_activity",
            ),
        ]
        indexes = [models.Index(fields=["to", "until"], name="call_by_reader")]

    def __str__(self) -> str:
        return f"{self.firing_id} {self.to_id} {self.what}"


class RuleDay(models.Model):
    """What a full sweep found on a day: of how many people it was asked, for how many it held, how many it fired for."""

    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, related_name="days", db_index=False)
    market = models.ForeignKey("distributors.Market", on_delete=models.CASCADE, related_name="+")
    day = models.DateField()  # of the market
    people = models.PositiveIntegerField()
    matched = models.PositiveIntegerField()

    class Meta:
        verbose_name = _("day of a rule")
        verbose_name_plural = _("days of rules")
        constraints = [models.UniqueConstraint(fields=["rule", "market", "day"], name="ruleday_once")]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.day}: {self.matched}"
