"""The cast and the stage of every test: embedded PostgreSQL when DATABASE_URL is unset."""

from __future__ import annotations

import os
from pathlib import Path


def pytest_configure() -> None:
    from pep import postgres

    if not os.environ.get("DATABASE_URL"):
        postgres.ensure_running(Path(os.environ.get("PEP_DATA", ".data")).resolve())
