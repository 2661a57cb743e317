from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class DaySlate(models.Model):
    """The slate of a day written ahead, for digests, notices and previews. Pages never read it: they rank at read.

    `cards` are records.SLATE_CARD. `features`, `memory` and `versions` say what it was made from, so that a
    recalculation of what changed can tell who is up to date.
    """

    distributor = models.OneToOneField(
        "distributors.Distributor", on_delete=models.CASCADE, primary_key=True, related_name="day_slate"
    )
    day = models.DateField()
    cards = models.BinaryField()
    features = models.BigIntegerField()
    memory = models.BigIntegerField()
    versions = models.CharField(max_length=120)

    class Meta:
        verbose_name = _("slate of the day")
        verbose_name_plural = _("slates of the day")

    def __str__(self) -> str:
        return f"{self.distributor_id} {self.day}"


class Recalculation(models.Model):
    """One run over the field: what time alone changes, or what changed since. Its work list are its chunks."""

    class Scope(models.TextChoices):
        ALL = "all", _("everybody")
        CHANGED = "changed", _("who changed")

    scope = models.CharField(_("of"), max_length=8, choices=Scope)
    # Of one market (its morning); all markets without one.
    market = models.ForeignKey(
        "distributors.Market",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("market"),
    )
    # The local day of a market's morning, so that each is worked once; null for a run somebody asked for.
    morning = models.DateField(_("morning"), null=True, blank=True)
    as_of = models.DateTimeField(_("as of"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )
    # What it was started for, as DaySlate.versions has it.
    versions = models.CharField(max_length=120, default="", blank=True)
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("recalculation")
        verbose_name_plural = _("recalculations")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["market", "morning"], condition=Q(morning__isnull=False), name="recalculation_once_a_morning"
            ),
            models.CheckConstraint(
                condition=Q(morning__isnull=True) | Q(market__isnull=False), name="recalculation_morning_of_a_market"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.get_scope_display()}"


class Chunk(models.Model):
    """A block of distributors of one run, by id: claimed, worked and counted. Attempts are counted when it is claimed."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        CLAIMED = "claimed", _("being worked")
        DONE = "done", _("done")
        PARKED = "parked", _("parked")

    recalculation = models.ForeignKey(Recalculation, on_delete=models.CASCADE, related_name="chunks")
    first = models.BigIntegerField(_("from"))
    last = models.BigIntegerField(_("to"))
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    claimed_at = models.DateTimeField(_("claimed"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    people = models.PositiveIntegerField(_("people"), default=0)
    changed = models.PositiveIntegerField(_("changed"), default=0)
    seconds = models.FloatField(_("seconds"), default=0)
    memory_mb = models.PositiveIntegerField(_("peak memory (MB)"), default=0)
    problem = models.CharField(_("problem"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("chunk")
        verbose_name_plural = _("chunks")
        ordering = ["first"]
        constraints = [
            models.UniqueConstraint(fields=["recalculation", "first"], name="chunk_once"),
            models.CheckConstraint(condition=Q(last__gte=models.F("first")), name="chunk_has_a_range"),
            models.CheckConstraint(
                condition=~Q(state="done") | Q(finished_at__isnull=False), name="chunk_done_has_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"
