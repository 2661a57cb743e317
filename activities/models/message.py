from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from distributors.audit import audited

from .activity import Activity


class MessageTemplateQuerySet(models.QuerySet["MessageTemplate"]):
    def published(self) -> MessageTemplateQuerySet:
        return self.filter(status=MessageTemplate.Status.PUBLISHED)


@audited(exclude=["updated_at"])
class MessageTemplate(models.Model):
    """A message that HQ or a trainer wrote for a kind of reason to be in touch. Its words are in MessageTemplateText."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", _("Published")
        RETIRED = "retired", _("Retired")

    #: Reasons about customers; a template without one fits every message to a customer.
    ABOUT = [
        (value, label)
        for value, label in Activity.About.choices
        if value not in {"nobody", "new_recruit", "quiet_recruit"}
    ]

    name = models.CharField(_("name"), max_length=80, unique=True)
    about = models.CharField(_("for"), max_length=14, choices=ABOUT, blank=True)
    line = models.ForeignKey(
        "distributors.ProductLine", on_delete=models.PROTECT, null=True, blank=True, verbose_name=_("product line")
    )
    asset = models.ForeignKey(
        "activities.Asset", on_delete=models.SET_NULL, null=True, blank=True, related_name="templates",
        verbose_name=_("library item"),
    )  # fmt: skip
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    objects = MessageTemplateQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")

    def __str__(self) -> str:
        return self.name


@audited()
class MessageTemplateText(models.Model):
    """A message in one language. Fields in braces; what stands in [brackets] is left out where a field of it is not known."""

    template = models.ForeignKey(MessageTemplate, on_delete=models.CASCADE, related_name="texts")
    language = models.CharField(_("language"), max_length=12)
    title = models.CharField(
        _("title"), max_length=80, blank=True, help_text=_("What she chooses it by. Empty: the name of the message.")
    )
    subject = models.CharField(_("subject of an e-mail"), max_length=120, blank=True)
    body = models.TextField(_("message"), max_length=1000)

    class Meta:
        verbose_name = _("text")
        verbose_name_plural = _("texts")
        constraints = [
            models.UniqueConstraint(fields=["template", "language"], name="messagetemplatetext_one_per_language")
        ]

    def __str__(self) -> str:
        return f"{self.template} ({self.language})"


@audited()
class BlockedPhrase(models.Model):
    """What no message may say: a claim about income or health, or another that HQ does not want. Marked before sending."""

    class Kind(models.TextChoices):
        INCOME = "income", _("Income claim")
        HEALTH = "health", _("Health claim")
        OTHER = "other", _("Other")

    phrase = models.CharField(
        _("phrase"),
        max_length=120,
        help_text=_("Whole words, any case. A * at the end of a word stands for any ending."),
    )
    language = models.CharField(
        _("language"),
        max_length=12,
        blank=True,
        help_text=_("Of these words. Every message is checked against the phrases of all languages."),
    )
    kind = models.CharField(_("kind"), max_length=6, choices=Kind)
    instead = models.CharField(_("say instead"), max_length=200, blank=True)
    is_active = models.BooleanField(_("in force"), default=True)

    class Meta:
        verbose_name = _("blocked phrase")
        verbose_name_plural = _("blocked phrases")
        constraints = [
            models.UniqueConstraint(fields=["language", "phrase"], name="blockedphrase_once"),
            models.CheckConstraint(condition=~Q(phrase=""), name="blockedphrase_not_empty"),
        ]

    def __str__(self) -> str:
        return self.phrase


class OutreachQuerySet(models.QuerySet["Outreach"]):
    def of(self, distributor_id: int) -> OutreachQuerySet:
        return self.filter(distributor_id=distributor_id)

    def sent(self) -> OutreachQuerySet:
        return self.filter(state=Outreach.State.SENT)


class Outreach(models.Model):
    """A message of hers to a customer: opened in her phone's app, sent by her own word, and what came of it.

    Nothing is sent by us. `waits_until` is the last day on which a result counts as come of it.
    """

    class State(models.TextChoices):
        OPENED = "opened", _("Opened")
        SENT = "sent", _("Sent")
        DROPPED = "dropped", _("Not sent")

    distributor = models.ForeignKey("distributors.Distributor", on_delete=models.CASCADE, related_name="outreach")
    customer = models.ForeignKey("distributors.Customer", on_delete=models.CASCADE, related_name="outreach")
    activity = models.ForeignKey(
        "activities.Activity", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    template = models.ForeignKey(MessageTemplate, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    link = models.ForeignKey(
        "activities.ShareLink", on_delete=models.SET_NULL, null=True, blank=True, related_name="outreach"
    )
    channel = models.CharField(_("by"), max_length=10)
    language = models.CharField(_("language"), max_length=12)
    subject = models.CharField(max_length=120, blank=True)
    text = models.TextField(_("text"), max_length=2000)
    state = models.CharField(_("state"), max_length=7, choices=State, default=State.OPENED)
    opened_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    waits_until = models.DateField(null=True, blank=True)
    # The completion of the card it was written from; taken back with it.
    action = models.OneToOneField(
        "activities.Action", on_delete=models.SET_NULL, null=True, blank=True, related_name="outreach"
    )

    objects = OutreachQuerySet.as_manager()

    class Meta:
        verbose_name = _("message sent")
        verbose_name_plural = _("messages sent")
        constraints = [
            # The one that the sheet asks about: "Sent it?"
            models.UniqueConstraint(
                fields=["distributor", "customer", "activity"], condition=Q(state="opened"), nulls_distinct=False,
                name="outreach_one_open",
            ),
            models.CheckConstraint(
                condition=~Q(state="sent") | Q(sent_at__isnull=False, waits_until__isnull=False),
                name="outreach_sent_has_a_time",
            ),
            models.CheckConstraint(condition=Q(state__in=["opened", "sent", "dropped"]), name="outreach_state_is_known"),
        ]  # fmt: skip
        indexes = [models.Index(fields=["distributor", "customer", "sent_at"], name="outreach_by_customer")]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.state}"


class Credit(models.Model):
    """A result and what of hers came last before it (last touch): a completed card about the person, or a message.

    An event is credited once or not at all. It says what followed, never what was caused: that is measured by lot (evidence/effects.py).
    """

    class Kind(models.TextChoices):
        ORDER = "order", _("Order")
        REPLY = "reply", _("Reply")
        ENROLMENT = "enrolment", _("Enrolment")

    distributor = models.ForeignKey("distributors.Distributor", on_delete=models.CASCADE, related_name="credits")
    event = models.OneToOneField("distributors.Event", on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=9, choices=Kind)
    action = models.ForeignKey(
        "activities.Action", on_delete=models.CASCADE, null=True, blank=True, related_name="credits"
    )
    outreach = models.ForeignKey(Outreach, on_delete=models.CASCADE, null=True, blank=True, related_name="credits")
    touched_at = models.DateTimeField()
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("credit")
        verbose_name_plural = _("credits")
        constraints = [
            models.CheckConstraint(
                condition=Q(action__isnull=False) | Q(outreach__isnull=False), name="credit_has_a_touch"
            ),
            models.CheckConstraint(condition=Q(at__gte=models.F("touched_at")), name="credit_touch_came_first"),
        ]
        indexes = [models.Index(fields=["distributor", "at"], name="credit_by_distributor")]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"
