"""The cast and the stage of every test: embedded PostgreSQL when DATABASE_URL is unset."""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

#: Pages are rendered from the sources in static/, not from what was last collected.
PLAIN_FILES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}


def pytest_configure() -> None:
    from pep import postgres

    if not os.environ.get("DATABASE_URL"):
        postgres.ensure_running(Path(os.environ.get("PEP_DATA", ".data")).resolve())


class JourneysTogether(LoadScopeScheduling):
    """One test at a time to whoever is free; but all journeys, in their order, to one: they share a running product."""

    def _split_scope(self, nodeid: str) -> str:
        return "journeys" if nodeid.startswith("tests/journeys/") else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> JourneysTogether:
    return JourneysTogether(config, log)


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
        cursor.execute(OWN_IDS)
        NEXT_IDS.update({name: last + 100 * (1 + zlib.crc32(name.encode()) % 900) for name, last in cursor.fetchall()})


#: The sequences behind ids. Numbers of versions and of audited changes only ever grow: processes keep what they read by them.
OWN_IDS = """
SELECT quote_ident(s.sequencename), coalesce(s.last_value, 0) FROM pg_sequences s
JOIN pg_depend d ON d.objid = quote_ident(s.sequencename)::regclass AND d.deptype IN ('a', 'i')
JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid AND a.attname <> 'pgh_id'
"""

#: Where each table's ids begin in every test, away from one another's.
NEXT_IDS: dict[str, int] = {}


@pytest.fixture(autouse=True)
def same_ids(request: pytest.FixtureRequest, django_db_blocker: Any) -> None:
    """The same ids whatever ran before and on which worker: cards are drawn by lot, and the lot is cast by ids."""
    from django.db import connection

    if not request.node.get_closest_marker("django_db") and not {"db", "transactional_db"} & set(request.fixturenames):
        return
    request.getfixturevalue("django_db_setup")
    restart = ", ".join(f"setval('{name}', {last})" for name, last in NEXT_IDS.items())
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(f"SELECT {restart}")
