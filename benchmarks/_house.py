"""What the benchmarks share: a data folder, the product's own commands, waiting, the table of targets."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: Where a run of all benchmarks collects their lines (see the Makefile); unset in a run of one.
COLLECT = "PEP_BENCH_TARGETS"

Environment = dict[str, str]


def import_the_product(data_dir: Path | None = None) -> None:
    """Make this process a Django one, on the database of PEP_DATA (or `data_dir`), started if need be."""
    sys.path.insert(0, str(ROOT))
    if data_dir is not None:
        os.environ["PEP_DATA"] = str(data_dir)
        os.environ.pop("DATABASE_URL", None)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pep.settings")
    os.environ.setdefault("PEP_LOG", "json")
    from django.conf import settings

    from pep import postgres

    if settings.LOCAL:
        postgres.ensure_running(settings.DATA_DIR)
    import django

    django.setup()


@contextmanager
def folder() -> Iterator[Path]:
    """PEP_DATA when it is set, and kept; else one of its own that is removed at the end.

    Never the project's own data: a benchmark writes a million people into it.
    """
    if given := os.environ.get("PEP_DATA"):
        yield Path(given).resolve()
        return
    made = Path(tempfile.mkdtemp(prefix="pep-bench-"))
    try:
        yield made
    finally:
        remove(made)


def remove(data_dir: Path) -> None:
    """Stop the server of a folder and delete it."""
    sys.path.insert(0, str(ROOT))
    from pep import postgres

    postgres.release(data_dir)
    postgres.stop(data_dir)
    shutil.rmtree(data_dir, ignore_errors=True)


def environment(data_dir: Path, **more: str) -> Environment:
    """For a process of the product on the embedded server of that folder."""
    outer = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "PEP_HOSTS"}}
    return outer | {"PEP_DATA": str(data_dir), "PEP_LOG": "json", "OPENBLAS_NUM_THREADS": "1"} | more


def manage(env: Environment, *args: str) -> str:
    """What a command of the product prints; its complaint when it fails."""
    done = subprocess.run(
        [sys.executable, "manage.py", *args], cwd=ROOT, env=env, check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"manage.py {' '.join(args)} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout


def last_json(printed: str) -> dict[str, object]:
    """The summary line of a command."""
    lines = [line for line in printed.splitlines() if line.startswith("{")]
    if not lines:
        raise SystemExit(f"No summary line in:\n{printed[-2000:]}")
    found: dict[str, object] = json.loads(lines[-1])
    return found


@contextmanager
def process(env: Environment, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server of the run, in a group of its own, ended in order at the end."""
    with tempfile.TemporaryFile() as out:
        # To a file and not a pipe: nobody reads while we measure.
        started = subprocess.Popen(
            command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        try:
            yield started
        except BaseException:
            out.seek(0)
            sys.stderr.write(out.read().decode(errors="replace")[-4000:])
            raise
        finally:
            end(started)


def end(started: subprocess.Popen[bytes]) -> None:
    started.terminate()
    try:
        started.wait(60)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(started.pid, 9)
        started.wait()


def wait_for(url: str, seconds: float = 180) -> None:
    """Until it answers well."""
    deadline, said = time.monotonic() + seconds, "nothing"
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=2)
            return
        except OSError as problem:
            said = str(problem)
        time.sleep(0.1)
    raise SystemExit(f"{url} did not answer in {seconds:.0f} s: {said}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Target:
    """One line of the table in performance.md: what was asked for and what came out."""

    what: str
    asked: str
    found: str
    met: bool | None  # None: measured, but smaller or slower than the target's terms allow to say


def report(targets: Sequence[Target]) -> None:
    """Print them, and hand them to the run of all benchmarks if this is part of one."""
    table(targets)
    if path := os.environ.get(COLLECT):
        with Path(path).open("a") as file:
            file.writelines(json.dumps(asdict(target)) + "\n" for target in targets)


def table(targets: Sequence[Target]) -> None:
    wide = max([len(target.what) for target in targets] + [4])
    mid = max([len(target.asked) for target in targets] + [6])
    print(f"\n{'what':<{wide}}  {'target':<{mid}}  {'met':<6}  found")
    for target in targets:
        met = {True: "yes", False: "NO", None: "-"}[target.met]
        print(f"{target.what:<{wide}}  {target.asked:<{mid}}  {met:<6}  {target.found}")


def collected(path: Path) -> list[Target]:
    return [Target(**json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []


def median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def p95(values: Sequence[float]) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.95))]
