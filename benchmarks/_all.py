"""Every benchmark one after the other, and one table of targets at the end (performance.md).

    python benchmarks/_all.py [--distributors 1000000] [--only recalculation pages]

The ones on a population share one, in a folder that is removed at the end (or kept, when PEP_DATA is set).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import _house

HERE = Path(__file__).resolve().parent
#: Name -> whether it runs on the population.
SCRIPTS = {
    "recalculation": True,
    "steering": True,
    "preview": True,
    "pages": False,
    "ingest": False,
    "off_policy": False,
    "rules": False,
    "decline": False,
    "reorder": False,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    others = sorted(path.stem for path in HERE.glob("[!_]*.py") if path.stem not in {*SCRIPTS, "shards"})
    names = [*SCRIPTS, *others]
    parser.add_argument("--distributors", type=int, default=1_000_000, help="size of the population (1,000,000)")
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="some of them")
    options = parser.parse_args()
    with _house.folder() as data_dir, tempfile.NamedTemporaryFile(suffix=".jsonl") as collected:
        failed = []
        for name in options.only:
            print(f"\n== {name}", flush=True)
            env = os.environ | {_house.COLLECT: collected.name, "PEP_DATA": str(data_dir)}
            command = [sys.executable, str(HERE / f"{name}.py")]
            if SCRIPTS.get(name):
                command += ["--distributors", str(options.distributors)]
            if subprocess.run(command, env=env, check=False).returncode:
                failed.append(name)
        targets = _house.collected(Path(collected.name))
    print("\n== targets")
    _house.table(targets)
    if failed:
        raise SystemExit(f"Failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
