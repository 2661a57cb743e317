"""Emptying a database that holds nothing but demo data."""

from __future__ import annotations

from django.apps import apps
from django.db import connection, transaction

from distributors import complete_journey, demo
from distributors.models import ApiKey, Distributor, Event, User

#: Our own apps' sources beside the demo's: what demo people did in the product.
SOURCES = {demo.SOURCE, complete_journey.SOURCE, "pep"}
DOMAINS = (demo.DOMAIN, complete_journey.DOMAIN)

EMPTIED = {"distributors", "kpis", "activities", "notifications", "account", "mfa", "admin", "sessions"}
#: Keys of machines go on working; they say nothing about the data.
KEPT = {ApiKey}


def what_is_not_demo() -> str | None:
    """The first thing found that the demo did not bring, in words that end a sentence; None when there is none."""
    source = Event.objects.exclude(source__in=SOURCES).values_list("source", flat=True).first()
    if source is not None:
        return f"events from {source}"
    stranger = Distributor.objects.exclude(enrolled_by__source__in=SOURCES).first()
    if stranger is not None:
        return f"the distributor {stranger.external_id}"
    for email in User.objects.values_list("email", flat=True):
        if not email.endswith(tuple(f"@{domain}" for domain in DOMAINS)):
            return f"the sign-in {email}"
    return None


@transaction.atomic
def empty() -> None:
    """All rows of our apps, their change history, sign-ins and sessions. Ask `what_is_not_demo` first."""
    tables = sorted(
        {
            model._meta.db_table
            for model in apps.get_models(include_auto_created=True)
            if model._meta.app_label in EMPTIED and model._meta.managed and model not in KEPT
        }
    )
    names = ", ".join(connection.ops.quote_name(table) for table in tables)
    with connection.cursor() as cursor:
        # Checks that still wait in this transaction would refuse it.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        # No CASCADE: a table that this list does not know and that refers to one of these must be an error.
        cursor.execute(f"TRUNCATE {names} RESTART IDENTITY")
