"""The house: imports go down only, the folders are the agreed ones, and the queue runs only what is listed."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib import admin
from django.test import RequestFactory

from distributors.models import Role, User
from pep import schedules

ROOT = Path(settings.BASE_DIR)
#: Top to bottom. A module imports its own level and those below it.
LEVELS = ["pep", "notifications", "activities", "kpis", "distributors"]
BELOW = {name: set(LEVELS[i:]) for i, name in enumerate(LEVELS)}
FOLDERS = {*LEVELS, "benchmarks", "static", "templates", "tests"}
#: django-q2 and Django name modules by text too.
BY_NAME = {"import_module", "import_string", "locate", "async_task", "include", "get_model"}


def imported(tree: ast.AST, package: list[str]) -> Iterator[str]:
    """Dotted names that a module imports, anywhere in it: in functions and by name in a string as well."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, level=level, names=names):
                base = (
                    [*package[: len(package) - level + 1], *([module] if module else [])] if level else [module or ""]
                )
                yield ".".join(base)
                if not module:
                    yield from (".".join([*base, alias.name]) for alias in names)
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[ast.Constant(value=str(text)), *_]):
                if name in BY_NAME:
                    yield text


def modules(app: str) -> Iterator[Path]:
    return (path for path in sorted((ROOT / app).rglob("*.py")))


def upward(app: str, source: str, package: list[str]) -> list[str]:
    return [
        name for name in imported(ast.parse(source), package)
        if name.split(".")[0] in LEVELS and name.split(".")[0] not in BELOW[app]
    ]  # fmt: skip


@pytest.mark.parametrize("app", LEVELS)
def test_imports_only_go_down(app):
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(app)
        for name in upward(app, path.read_text(), list(path.relative_to(ROOT).parent.parts))
    ]
    assert wrong == []


@pytest.mark.parametrize("app", LEVELS[1:])
def test_migrations_only_depend_downward(app):
    for path in (ROOT / app / "migrations").glob("[0-9]*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Tuple) and len(node.elts) == 2 and isinstance(node.elts[0], ast.Constant):
                assert node.elts[0].value not in set(LEVELS) - BELOW[app], path


@pytest.mark.parametrize(
    "source",
    [
        "import pep.settings",
        "from pep import settings",
        "def f():\n    from activities.models import Activity",
        "from .. import activities",
        "import importlib\nimportlib.import_module('kpis.priorities')",
        "async_task('activities.actions.settle_recent')",
        "if False:\n    import notifications as n",
    ],
)
def test_an_upward_import_is_seen_wherever_it_hides(source):
    assert upward("distributors", source, ["distributors", "views"]) or source == "from .. import activities"
    # From distributors/views/x.py two dots are distributors itself; from its root module they leave the app.
    if source == "from .. import activities":
        assert upward("distributors", source, ["distributors"]) == ["activities"]


def test_a_downward_import_is_fine():
    assert (
        upward("activities", "from kpis.models import KPI\nfrom .models import Activity\nimport django", ["activities"])
        == []
    )


def test_the_top_level_folders_are_the_agreed_ones():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    ).stdout.split("\n")
    folders = {name.split("/")[0] for name in listed if "/" in name}
    assert {name for name in folders if not name.startswith(".")} <= FOLDERS


@pytest.mark.parametrize("job", schedules.JOBS, ids=lambda job: job.name)
def test_every_job_can_be_run_without_arguments(job):
    """One row with bad arguments would stop every schedule."""
    module, name = job.func.rsplit(".", 1)
    inspect.signature(getattr(importlib.import_module(module), name)).bind()
    assert (job.minutes is None) != (job.cron is None)
    assert job.why


@pytest.mark.django_db
def test_no_row_of_the_queue_can_be_edited_in_the_admin():
    request = RequestFactory().get("/admin/")
    for role in Role:
        request.user = User(email=f"{role}@example.com", role=role, is_superuser=True)
        for model, desk in admin.site._registry.items():
            if model._meta.app_label == "django_q":
                assert not desk.has_add_permission(request), (role, model)
                assert not desk.has_change_permission(request), (role, model)
                assert not desk.has_delete_permission(request), (role, model)
                assert not desk.get_actions(request), (role, model)
