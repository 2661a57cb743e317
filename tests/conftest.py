"""The cast and the stage of every test: embedded PostgreSQL when DATABASE_URL is unset."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

#: Pages are rendered from the sources in static/, not from what was last collected.
PLAIN_FILES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}


def pytest_configure() -> None:
    from pep import postgres

    if not os.environ.get("DATABASE_URL"):
        postgres.ensure_running(Path(os.environ.get("PEP_DATA", ".data")).resolve())


def pytest_itemcollected(item: pytest.Item) -> None:
    """Whatever the number of workers, all journeys are one worker's: they share a running product."""
    if item.get_closest_marker("journey"):
        item.add_marker(pytest.mark.xdist_group("journeys"))


@pytest.fixture(autouse=True)
def plain_files(settings: Any) -> None:
    settings.STORAGES = PLAIN_FILES


@pytest.fixture(autouse=True)
def empty_cache(settings: Any, worker_id: str) -> None:
    """What one test's processes kept for some minutes is nothing to the next, nor to another worker's."""
    from django.core.cache import cache

    if worker_id != "master":
        own = settings.DATA_DIR / "cache" / worker_id
        settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": own}}
    cache.clear()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """No autovacuum while tests run: of rows that a test rolled back it would tell the planner that tables are empty."""
    from django.db import connection

    with django_db_blocker.unblock(), connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'ALTER TABLE "{table}" SET (autovacuum_enabled = false)')
