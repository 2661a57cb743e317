from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from distributors.audit import audited, audited_links
from distributors.marks import BOTH, bumping, statement, versioned


class ActivityQuerySet(models.QuerySet["Activity"]):
    def published(self) -> ActivityQuerySet:
        return self.filter(status=Activity.Status.PUBLISHED)


#: How soon an activity comes again, and its kind, are in what people's rows remember (ranking/memory.py): no other change makes them new.
SPACED = """
    IF EXISTS (
        SELECT FROM new_rows n JOIN old_rows o USING (id)
        WHERE (n.again_after_days, n.kind) IS DISTINCT FROM (o.again_after_days, o.kind)
    ) THEN
        {bump}
    END IF;
    RETURN NULL;
"""


@versioned("catalogue")
@audited(exclude=["updated_at"])
class Activity(models.Model):
    """One thing a distributor can do or learn, with its author's stated impact. Its words are in ActivityText."""

    class Kind(models.TextChoices):
        BUILD_TEAM = "build_team", _("Build your team")
        REINFORCE_KNOWLEDGE = "reinforce_knowledge", _("Reinforce knowledge")
        DEVELOP_PITCH = "develop_pitch", _("Develop your pitch")
        REACH_OUT = "reach_out", _("Reach out")
        REFOCUS = "refocus", _("Refocus")
        INCENTIVISE = "incentivise", _("Incentivise")

    class Form(models.TextChoices):
        TODO = "todo", _("To-do")
        MESSAGE = "message", _("Message")
        CALL = "call", _("Call")
        LESSON = "lesson", _("Lesson")

    class About(models.TextChoices):
        """Whom a card is about; candidates.py finds the people."""

        NOBODY = "nobody", _("nobody in particular")
        REORDER_DUE = "reorder_due", _("a customer due for a reorder")
        ONE_TIME = "one_time", _("a customer who bought the line once")
        OPEN_BASKET = "open_basket", _("a customer with an open basket")
        CHECK_IN = "check_in", _("a customer who ordered 6 days ago")
        CONNECT = "connect", _("a customer who ordered 21 days ago")
        LAPSED = "lapsed", _("a customer without an order for 120 days")
        BIRTHDAY = "birthday", _("a customer with a birthday this week")
        PROSPECT = "prospect", _("a prospect whose next contact is due")
        NEW_RECRUIT = "new_recruit", _("a recruit in her first 30 days without an order")
        QUIET_RECRUIT = "quiet_recruit", _("a recruit whose orders have stopped")

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", _("Published")
        RETIRED = "retired", _("Retired")

    key = models.SlugField(_("key"), max_length=60, unique=True)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    form = models.CharField(_("form"), max_length=8, choices=Form, default=Form.TODO)
    about = models.CharField(_("about"), max_length=14, choices=About, default=About.NOBODY)
    line = models.ForeignKey(
        "distributors.ProductLine",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        verbose_name=_("product line"),
        help_text=_("Limits the customers and the closing order to this line."),
    )
    minutes = models.PositiveSmallIntegerField(_("minutes"), default=2)
    # p: how often it is done once shown, the author's estimate.
    p_done = models.FloatField(_("done when shown"), default=0.3)
    # e: what doing it changes over the horizon, in natural units by metric name, money in base currency:
    # {"sales": 18, "repeat_orders:eye": 0.22}.
    impacts = models.JSONField(_("stated impact"), default=dict, blank=True)
    skill = models.ForeignKey(
        "activities.Skill", on_delete=models.PROTECT, null=True, blank=True, verbose_name=_("skill")
    )
    # iota: how much of the missing mastery it gives.
    skill_gain = models.FloatField(_("skill gain"), default=0)
    # The event type that shows the result arrived; the to-do then closes itself.
    closes_on = models.CharField(_("closed by event"), max_length=64, blank=True)
    asset = models.ForeignKey(
        "activities.Asset", on_delete=models.SET_NULL, null=True, blank=True, related_name="activities",
        verbose_name=_("library item"), help_text=_("Goes with the message, as a link of her own."),
    )  # fmt: skip
    credit_days = models.PositiveSmallIntegerField(
        _("result within (days)"),
        default=14,
        help_text=_("An order, a reply or an enrolment within so many days is credited to what came last before it."),
    )
    again_after_days = models.PositiveSmallIntegerField(_("again after (days)"), default=14)
    markets = models.ManyToManyField("distributors.Market", blank=True, related_name="+", verbose_name=_("markets"))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    objects = ActivityQuerySet.as_manager()

    class Meta:
        verbose_name = _("activity")
        verbose_name_plural = _("activities")
        triggers = [statement("version_spacing", pgtrigger.Update, BOTH, SPACED.format(bump=bumping("spacing")))]
        constraints = [
            models.CheckConstraint(
                condition=Q(p_done__gt=0, p_done__lte=1),
                name="activity_p_done_within_0_1",
                violation_error_message=_("Enter a share above 0 and up to 1."),
            ),
            models.CheckConstraint(
                condition=Q(skill_gain__gte=0, skill_gain__lte=1),
                name="activity_skill_gain_within_0_1",
                violation_error_message=_("Enter a share from 0 to 1."),
            ),
            models.CheckConstraint(
                condition=Q(credit_days__gte=1, credit_days__lte=90),
                name="activity_credit_days_sensible",
                violation_error_message=_("Enter 1 to 90 days."),
            ),
            models.CheckConstraint(
                condition=Q(minutes__gte=1, minutes__lte=120),
                name="activity_minutes_sensible",
                violation_error_message=_("Enter 1 to 120 minutes."),
            ),
            models.CheckConstraint(
                condition=Q(skill__isnull=False) | Q(skill_gain=0),
                name="activity_skill_gain_needs_a_skill",
                violation_error_message=_("A skill gain needs the skill it is of."),
            ),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def is_learning(self) -> bool:
        return self.form == self.Form.LESSON

    @property
    def is_about_recruit(self) -> bool:
        return self.about in {self.About.NEW_RECRUIT, self.About.QUIET_RECRUIT}


versioned("catalogue")(audited_links(Activity.markets.through, "ActivityMarket"))


@versioned("catalogue")
@audited()
class ActivityText(models.Model):
    """An activity's words in one language. Fields: {name} customer or recruit, {product}, {line}, {me}."""

    activity = models.ForeignKey(Activity, on_delete=models.CASCADE, related_name="texts")
    language = models.CharField(_("language"), max_length=12)
    title = models.CharField(_("title"), max_length=120)
    summary = models.CharField(_("summary"), max_length=240, blank=True)
    body = models.TextField(_("body"), blank=True, max_length=20_000, help_text=_("Markdown."))
    message = models.TextField(_("message to send"), blank=True)

    class Meta:
        verbose_name = _("text")
        verbose_name_plural = _("texts")
        constraints = [models.UniqueConstraint(fields=["activity", "language"], name="activitytext_one_per_language")]

    def __str__(self) -> str:
        return f"{self.title} ({self.language})"
