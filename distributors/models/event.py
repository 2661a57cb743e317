from __future__ import annotations

import hashlib
import secrets

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KeyTextTransform
from django.utils.translation import gettext_lazy as _

from ..audit import audited
from ..marks import marking

#: An open basket is read from the log; every other event reaches the features by what is folded from it.
BASKETS = "SELECT distributor_id FROM {rows} WHERE type = 'basket.opened'"


#: What an event says is never changed, with two exceptions, both of them recorded as events themselves. When two contacts
#: turn out to be one person, the link follows the merge. When a person is erased, what names her goes: amounts and days stay.
KEPT = """
    IF (NEW.id, NEW.source, NEW.external_id, NEW.type, NEW.distributor_id, NEW.time, NEW.day, NEW.digest, NEW.received_at)
        IS DISTINCT FROM
       (OLD.id, OLD.source, OLD.external_id, OLD.type, OLD.distributor_id, OLD.time, OLD.day, OLD.digest, OLD.received_at)
       OR NEW.customer_id IS DISTINCT FROM OLD.customer_id AND NEW.customer_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM distributors_customer c WHERE c.id = OLD.customer_id AND c.merged_into_id = NEW.customer_id)
       OR NEW.data IS DISTINCT FROM OLD.data AND NOT EXISTS (
            SELECT FROM distributors_customer c WHERE c.id = OLD.customer_id AND c.erased_at IS NOT NULL)
    THEN
        RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;
    END IF;
    RETURN NEW;
"""


class Event(models.Model):
    """What happened: append-only, unique for ever by (source, external_id), the only truth.

    Written by ingest.py alone. Everything else (orders, measures, customers' order columns) can be rebuilt
    from here. `day` is the local calendar day in the distributor's market, fixed when the event is stored.
    """

    source = models.CharField(_("source"), max_length=64)
    external_id = models.CharField(_("id"), max_length=128)
    type = models.CharField(_("type"), max_length=64)
    # db_index=False: the indexes below begin with these columns.
    distributor = models.ForeignKey(
        "distributors.Distributor", on_delete=models.PROTECT, related_name="events", db_index=False
    )
    customer = models.ForeignKey(
        "distributors.Customer",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="events",
        db_index=False,
    )
    time = models.DateTimeField(_("time"))
    day = models.DateField(_("local day"))
    data = models.JSONField(_("data"), default=dict)
    # SHA-256 of the canonical event: the same id with another body is a conflict.
    digest = models.BinaryField(max_length=32)
    received_at = models.DateTimeField(_("received"))

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        triggers = [
            pgtrigger.Trigger(name="no_update", when=pgtrigger.Before, operation=pgtrigger.Update, func=KEPT),
            pgtrigger.Protect(name="no_delete", operation=pgtrigger.Delete),
            *marking("distributors_featuremark", BASKETS, inserts_only=True),
        ]
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="event_unique_for_ever"),
            models.CheckConstraint(condition=~Q(source="") & ~Q(external_id=""), name="event_has_source_and_id"),
        ]
        indexes = [
            models.Index(fields=["distributor", "time"], name="event_by_distributor"),
            models.Index(fields=["customer", "time"], name="event_by_customer", condition=Q(customer__isnull=False)),
            # What an undo takes back may arrive after it.
            models.Index(
                "distributor",
                KeyTextTransform("undoes", "data"),
                name="event_by_what_it_undoes",
                condition=Q(type="activity.undone"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.source}/{self.external_id}"


@audited(exclude=["secret_hash"])
class ApiKey(models.Model):
    """A machine's key. The secret is shown once; only its hash is stored."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    prefix = models.CharField(max_length=12, unique=True)
    secret_hash = models.CharField(max_length=64)
    scopes = ArrayField(models.CharField(max_length=32), default=list)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    SCOPES = ("events:write", "feed:read")

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def hash(secret: str) -> str:
        # 256 bits of randomness: a plain hash cannot be guessed back, and is cheap at each request.
        return hashlib.sha256(secret.encode()).hexdigest()

    @classmethod
    def issue(cls, *, name: str, scopes: list[str]) -> tuple[ApiKey, str]:
        """A new key and its whole text `pep_<prefix>_<secret>`, which cannot be read again."""
        prefix, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
        key = cls.objects.create(name=name, prefix=prefix, secret_hash=cls.hash(secret), scopes=scopes)
        return key, f"pep_{prefix}_{secret}"
