#!/usr/bin/env python
"""Entry point of every command: `python manage.py help`."""

import os
import sys

#: Need neither settings nor database.
ONLY_WORDS = {"", "help", "version", "--help", "--version", "-h"}
#: Need no database; `up` starts it itself, with a line about it.
WITHOUT_DATABASE = {"up", "catalogues", "collectstatic", "makemessages", "compilemessages", "diffsettings"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pep.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit("Django is not installed here: run `make setup`, then .venv/bin/python manage.py ...")
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command not in ONLY_WORDS:
        prepare(database=command not in WITHOUT_DATABASE and not {"--help", "-h"} & set(sys.argv))
    execute_from_command_line(sys.argv)


def prepare(*, database: bool) -> None:
    """Settings, and the embedded PostgreSQL unless DATABASE_URL names another; a sentence, not a traceback, if not."""
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured

    from pep import postgres

    try:
        if settings.LOCAL and database:
            postgres.ensure_running(settings.DATA_DIR)
    except (ImproperlyConfigured, postgres.PostgresError) as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"The data folder cannot be used: {error}")


if __name__ == "__main__":
    main()
