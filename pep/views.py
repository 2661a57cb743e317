"""Is it alive, can it serve: for load balancers, containers and people."""

from __future__ import annotations

from datetime import timedelta
from functools import cache

from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from distributors.access import public

from . import supervision

SILENT = timedelta(seconds=supervision.SILENT_SECONDS)


@public
@never_cache
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """This process answers. Asks nothing of anybody else."""
    return JsonResponse({"status": "ok"})


@public
@never_cache
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """The database answers, has this release's tables, and the worker turns; 503 names what does not."""
    checks = {"database": "ok", "migrations": "unknown", "worker": "unknown"}
    try:
        checks["migrations"] = "ok" if migrated() else "unapplied"
        if checks["migrations"] == "ok":
            checks["worker"] = worker()
    except DatabaseError:
        checks["database"] = "unreachable"
    sound = all(said == "ok" for said in checks.values())
    return JsonResponse({"status": "ok" if sound else "failing", "checks": checks}, status=200 if sound else 503)


def worker() -> str:
    quiet = supervision.silence()
    if quiet is None:
        return "never seen"
    return "silent" if quiet > SILENT else "ok"


def migrated() -> bool:
    """Asked of the database until it is so; after that this process need not ask again."""
    try:
        return _migrated()
    except LookupError:
        return False


@cache
def _migrated() -> bool:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise LookupError  # an exception is not cached
    return True
