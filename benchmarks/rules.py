"""200 rules asked of a million people: the product's compiled checks beside what one would use instead, on one core each.

    [RULE_ENGINES=/folder/with/the/packages] python benchmarks/rules.py [--distributors 1000000] [--rules 200] [--seed 7]

Made up: 20 facts a person (a quarter of them unknown for some), and rules of two to five conditions in nested all / any / none
groups. Each peer is a process of its own with one thread, so that its peak memory is its own, and answers the same rules about
the same people; the answers of those that all of them reached are compared bit by bit.

- `distributors.checks`: compiled once, then run over columns. Peak memory is of the process, the columns and the answers
  (200 bytes a person) included.
- polars: 200 expressions over a frame, in one `select`.
- PostgreSQL: one scan of a table of the same facts a rule, as a query per rule would be; it hands over the ids it found.
- zen-engine (written in Rust) and rule-engine (Python), one person after the other, as rule engines work: as many people as
  they manage in --seconds. zen-engine twice: a decision of 200 expressions, as its editor stores one, and the quickest form
  that it has, one compiled expression that lists all 200 answers.

The packages are installed from PyPI into a folder of the run and nowhere else.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import _house
import numpy as np
from _house import Target

PACKAGES = ("zen-engine==2.1.3", "rule-engine==5.1.0", "polars==2.1.0")
PEERS = ("checks", "polars", "postgres", "zen", "zen_compiled", "rule_engine")
ONE_THREAD = {
    "NUMBA_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1",
    "TOKIO_WORKER_THREADS": "1", "RAYON_NUM_THREADS": "1",
}  # fmt: skip
FULL, SECONDS_A_CORE, SCANS, ENGINES = 1_000_000, 0.2, 50, 1000
#: People asked at once by engines that take them one by one.
STRETCH = 100

Facts = dict[str, np.ndarray]  # floats with NaN; of names places in NAMES, and NaN

#: name of the vocabulary, its parameters, and how people's values are drawn: share unknown, and a draw of n.
Draw = Callable[[np.random.Generator, int], np.ndarray]
FACTS: dict[str, tuple[str, dict[str, str | int], float, Draw]] = {
    "sales_7": ("measured", {"metric": "sales", "line": "", "days": 7}, 0.0, lambda d, n: d.gamma(0.7, 90, n).round(2)),
    "sales_28": ("measured", {"metric": "sales", "line": "", "days": 28}, 0.0, lambda d, n: d.gamma(1.5, 160, n).round(2)),
    "orders_28": ("measured", {"metric": "orders", "line": "", "days": 28}, 0.0, lambda d, n: d.poisson(4, n)),
    "sales_change": ("change", {"metric": "sales", "line": "", "days": 28}, 0.2, lambda d, n: d.normal(0, 60, n).round(1)),
    "since_order": ("days_since", {"metric": "orders", "line": ""}, 0.1, lambda d, n: d.exponential(25, n).round()),
    "decline": ("decline", {}, 0.3, lambda d, n: d.uniform(0, 100, n)),
    "goal_percent": ("goal_percent", {"metric": "", "period": "week"}, 0.3, lambda d, n: d.gamma(2, 30, n)),
    "goal_pace": ("goal_pace", {"metric": "", "period": "month"}, 0.3, lambda d, n: d.normal(0, 25, n)),
    "goal_chance": ("goal_chance", {"metric": "", "period": "week"}, 0.3, lambda d, n: d.uniform(0, 100, n)),
    "market": ("market", {}, 0.0, lambda d, n: d.integers(0, 12, n)),
    "language": ("language", {}, 0.0, lambda d, n: d.integers(0, 5, n)),
    "rank": ("rank", {}, 0.2, lambda d, n: d.integers(0, 6, n)),
    "joined": ("joined_days", {}, 0.0, lambda d, n: d.integers(0, 4000, n)),
    "anniversary": ("anniversary_days", {}, 0.0, lambda d, n: d.integers(0, 366, n)),
    "team": ("team_size", {}, 0.0, lambda d, n: d.geometric(0.4, n) - 1),
    "segment": ("in_segment", {"segment": 1}, 0.0, lambda d, n: d.integers(0, 2, n)),
    "done_28": ("done", {"activity": "", "days": 28}, 0.0, lambda d, n: d.poisson(6, n)),
    "reorder_due": ("customers", {"reason": "reorder_due"}, 0.0, lambda d, n: d.poisson(2, n)),
    "prize": ("prize_percent", {"incentive": 0}, 0.5, lambda d, n: d.gamma(2, 30, n)),
    "campaign_left": ("campaign_days_left", {"campaign": 0}, 0.4, lambda d, n: d.integers(0, 90, n)),
}  # fmt: skip
NAMES = {
    "market": ["us", "mx", "de", "fr", "es", "it", "pl", "br", "ca", "jp", "kr", "au"],
    "language": ["en", "es", "de", "fr", "ja"],
    "rank": ["Bronze", "Silver", "Gold", "Ruby", "Emerald", "Diamond"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--distributors", type=int, default=FULL, help=f"people ({FULL:,})")
    parser.add_argument("--rules", type=int, default=200, help="rules (200)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=20, help="for each engine that asks one by one (20)")
    parser.add_argument("--peer", choices=PEERS, help=argparse.SUPPRESS)
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        answer(options)
        return
    with _house.folder() as data_dir, tempfile.TemporaryDirectory(prefix="pep-rules-") as folder:
        _house.report(run(options, data_dir, Path(folder)))


def run(options: argparse.Namespace, data_dir: Path, folder: Path) -> list[Target]:
    told = {peer: ask(peer, options, data_dir, folder, engines(folder)) for peer in PEERS}
    agreed = [Target(f"  answers of {peer} equal to ours", "all", *same(peer, folder, told)) for peer in PEERS[1:]]
    return [*targets(options, told), *agreed]


def engines(folder: Path) -> Path:
    if given := os.environ.get("RULE_ENGINES"):
        return Path(given)
    into = folder / "engines"
    if not into.exists():
        pip = shutil.which("pip") or shutil.which("pip3")
        if pip is None:
            raise SystemExit(
                f"No pip to install {', '.join(PACKAGES)} with; name a folder that has them in RULE_ENGINES."
            )
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        subprocess.run(
            [pip, "install", "--quiet", "--target", str(into), "--python-version", python, "--only-binary", ":all:", *PACKAGES],
            check=True,
        )  # fmt: skip
    return into


def ask(peer: str, options: argparse.Namespace, data_dir: Path, folder: Path, packages: Path) -> dict[str, Any]:
    """In a process of its own with one thread."""
    env = os.environ | ONE_THREAD | {"PEP_DATA": str(data_dir), "PYTHONPATH": str(packages)}
    asked = {name: str(getattr(options, name)) for name in ("distributors", "rules", "seed", "seconds")}
    command = [sys.executable, __file__, "--peer", peer, "--into", str(folder)]
    for name, value in asked.items():
        command += [f"--{name}", value]
    done = subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True)
    told = _house.last_json(done.stdout)
    print(
        f"{peer:<13}{told['people']:>10,} people in {told['seconds']:9.3f} s = {told['people'] / told['seconds']:>12,.0f}/s, "
        f"peak {told['peak_mb']:,.0f} MB ({told['before_mb']:,.0f} before it began){told.get('said', '')}",
        flush=True,
    )  # fmt: skip
    return told


def targets(options: argparse.Namespace, told: dict[str, dict[str, Any]]) -> list[Target]:
    """Seconds for everybody; what did not reach everybody in its time is scaled up."""
    full = options.distributors >= FULL and options.rules >= 200
    ours = told["checks"]
    whole = {peer: one["seconds"] * options.distributors / one["people"] for peer, one in told.items()}
    mine = whole["checks"]
    times = {peer: seconds / mine for peer, seconds in whole.items()}

    def beside(peer: str, name: str, least: int | None) -> Target:
        asked = f">= {least:,} x" if least else ""
        met = times[peer] >= least if least and full else None
        reached = "" if told[peer]["people"] == options.distributors else f", from {told[peer]['people']:,} people"
        return Target(f"  x {name}", asked, f"{times[peer]:,.1f} x ({whole[peer]:,.2f} s{reached})", met)

    return [
        Target(
            f"{options.rules} rules x {options.distributors:,} people, one core", f"<= {SECONDS_A_CORE} s",
            f"{mine:.3f} s, {ours['encoding']:.3f} s of it encoding; peak {ours['peak_mb']:,.0f} MB",
            mine <= SECONDS_A_CORE if full else None,
        ),
        beside("postgres", "one SQL scan a rule, PostgreSQL", SCANS),
        beside("polars", "polars, one select", None),
        beside("zen", "zen-engine, a decision", ENGINES),
        beside("zen_compiled", "zen-engine, one compiled expression", None),
        beside("rule_engine", "rule-engine", ENGINES),
    ]  # fmt: skip


def same(peer: str, folder: Path, told: dict[str, dict[str, Any]]) -> tuple[str, bool]:
    mine, theirs = (np.load(folder / f"{name}.npy") for name in ("checks", peer))
    n = told[peer]["people"]
    equal = np.unpackbits(mine, axis=1)[:, :n] == np.unpackbits(theirs, axis=1)[:, :n]
    return f"{int(equal.sum()):,} of {equal.size:,}", bool(equal.all())


# People and rules


def people(n: int, seed: int) -> Facts:
    dice = np.random.default_rng(seed)
    found = {}
    for name, (_fact, _of, unknown, draw) in FACTS.items():
        values = draw(dice, n).astype(np.float64)
        values[dice.random(n) < unknown] = np.nan
        found[name] = values
    return found


def some_rules(many: int, seed: int, known: Facts) -> list[Any]:
    """Trees of two to five leaves, three on average; numbers are quantiles of what people have."""
    dice = random.Random(seed)
    return [tree(dice, known) for _ in range(many)]


def tree(dice: random.Random, known: Facts) -> Any:
    from distributors.conditions import Group, How

    leaves = [leaf(dice, name, known) for name in dice.sample(list(FACTS), dice.choice([2, 2, 3, 3, 3, 4, 5]))]
    if len(leaves) == 2:
        return Group(dice.choice([How.ALL, How.ALL, How.ANY]), tuple(leaves))
    inner = Group(dice.choice([How.ANY, How.NONE, How.NONE, How.ALL]), tuple(leaves[2:]))
    outer = How.ANY if inner.how is How.ALL else How.ALL
    return Group(outer, (*leaves[:2], inner))


def leaf(dice: random.Random, name: str, known: Facts) -> Any:
    from distributors.conditions import Fact, Leaf
    from distributors.conditions.vocabulary import OPERATORS, VOCABULARY, Kind, Op

    fact_name, of, unknown, _draw = FACTS[name]
    fact, kind = Fact(fact_name, tuple(of.items())), VOCABULARY[fact_name].kind
    op = dice.choice([one for one in OPERATORS[kind] if unknown or one not in {Op.UNKNOWN, Op.KNOWN}])
    if kind is Kind.FLAG or op in {Op.UNKNOWN, Op.KNOWN}:
        return Leaf(fact, op)
    if kind is Kind.CHOICE:
        return Leaf(fact, op, tuple(dice.sample(NAMES[name], dice.randint(1, 3))))
    ends = sorted(float(round(np.nanquantile(known[name][:100_000], dice.uniform(0.05, 0.95)), 1)) for _ in range(2))
    return Leaf(fact, op, tuple(ends) if op is Op.BETWEEN else (ends[0],))


def name_of(fact: Any) -> str:
    return next(
        name
        for name, (fact_name, of, *_rest) in FACTS.items()
        if (fact_name, tuple(of.items())) == (fact.name, fact.of)
    )


# Answering, in a process of its own


def answer(options: argparse.Namespace) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pep.settings")
    sys.path.insert(0, str(_house.ROOT))
    if options.peer == "postgres":
        _house.import_the_product(Path(os.environ["PEP_DATA"]))
    else:
        import django

        django.setup()
    facts = people(options.distributors, options.seed)
    trees = some_rules(options.rules, options.seed, facts)
    before = peak_mb()
    found, told = globals()[f"by_{options.peer}"](trees, facts, options)
    np.save(options.into / f"{options.peer}.npy", np.packbits(found, axis=1))
    print(json.dumps(told | {"people": found.shape[1], "before_mb": before, "peak_mb": told.get("peak_mb", peak_mb())}))


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed(work: Callable[[], Any], times: int = 5) -> tuple[float, Any]:
    """Seconds, the median of several, and the last answer."""
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        found = work()
        seconds.append(time.perf_counter() - began)
        if times > 1 and len(seconds) < times:
            del found
    return _house.median(seconds), found


def by_checks(trees: list[Any], facts: Facts, options: argparse.Namespace) -> tuple[np.ndarray, dict[str, Any]]:
    """Columns as facts.py hands them over; encoding them is part of each run, and measured once more alone."""
    from distributors.conditions import checks

    n = options.distributors
    columns = {fact_of(name): checks.Column(values, codes_of(name)) for name, values in facts.items()}
    began = time.perf_counter()
    compiled = checks.compiled(trees)
    compiling = time.perf_counter() - began
    first = min(n, 1000)
    compiled.run({fact: checks.Column(one.values[:first].copy(), one.codes) for fact, one in columns.items()}, first)
    seconds, found = timed(lambda: compiled.run(columns, n))
    peak = peak_mb()

    def encode() -> None:
        out = np.empty(checks.ENCODED, np.uint8)
        for first in range(0, n, checks.ENCODED):
            size = min(checks.ENCODED, n - first)
            for column in compiled.columns:
                one = columns[column.fact]
                column.encode(one.values[first : first + size], one.codes, out[:size])

    encoding, _none = timed(encode)
    said = f"; compiled in {1000 * compiling:.0f} ms, encoding {encoding:.3f} s, {int(found.sum()):,} matches"
    return found, {"seconds": seconds, "encoding": encoding, "peak_mb": peak, "said": said}


def fact_of(name: str) -> Any:
    from distributors.conditions import Fact

    fact_name, of, *_rest = FACTS[name]
    return Fact(fact_name, tuple(of.items()))


def codes_of(name: str) -> dict[str, float]:
    return {one: float(place) for place, one in enumerate(NAMES.get(name, []))}


def by_polars(trees: list[Any], facts: Facts, options: argparse.Namespace) -> tuple[np.ndarray, dict[str, Any]]:
    import polars as pl

    frame = pl.DataFrame(
        {
            name: pl.Series(values).fill_nan(None).cast(pl.Int8 if name in NAMES else pl.Float64)
            for name, values in facts.items()
        }
    )
    frame = frame.with_columns(
        pl.col(name).replace_strict(dict(enumerate(names)), return_dtype=pl.Enum(names))
        for name, names in NAMES.items()
    )
    asked = [in_polars(one, pl).fill_null(value=False).alias(f"r{n}") for n, one in enumerate(trees)]
    frame.head(1000).select(asked)
    seconds, found = timed(lambda: frame.select(asked), times=3)
    peak = peak_mb()
    return np.stack([found[f"r{n}"].to_numpy() for n in range(len(trees))]), {"seconds": seconds, "peak_mb": peak}


def in_polars(node: Any, pl: Any) -> Any:
    """Null where something is unknown; of `none` an unknown part is false."""
    if parts := getattr(node, "parts", None):
        each = [in_polars(part, pl) for part in parts]
        if node.how == "all":
            return pl.all_horizontal(each)
        found = pl.any_horizontal(each)
        return ~found.fill_null(value=False) if node.how == "none" else found
    column, values = pl.col(name_of(node.fact)), node.values
    return {
        "at_least": lambda: column >= values[0], "at_most": lambda: column <= values[0],
        "more_than": lambda: column > values[0], "less_than": lambda: column < values[0],
        "equals": lambda: column == values[0], "between": lambda: column.is_between(*values),
        "one_of": lambda: column.is_in(list(values)), "not_one_of": lambda: ~column.is_in(list(values)),
        "yes": lambda: column >= 1, "no": lambda: column < 1,
        "unknown": column.is_null, "known": column.is_not_null,
    }[node.op]()  # fmt: skip


def by_postgres(trees: list[Any], facts: Facts, options: argparse.Namespace) -> tuple[np.ndarray, dict[str, Any]]:
    """On one core: no parallel workers, no JIT (which costs more than it saves here). The table fits into the cache."""
    from django.db import connection

    kinds = ", ".join(f"{name} {'text' if name in NAMES else 'float8'}" for name in FACTS)
    n = options.distributors
    found = np.zeros((len(trees), n), np.uint8)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_facts")
        cursor.execute(f"CREATE UNLOGGED TABLE bench_facts (id int4, {kinds})")
        with cursor.copy(f"COPY bench_facts (id, {', '.join(FACTS)}) FROM STDIN") as copy:
            for row in zip(range(n), *(words(name, values) for name, values in facts.items()), strict=True):
                copy.write_row(row)
        for setting in ("max_parallel_workers_per_gather = 0", "jit = off"):
            cursor.execute(f"SET {setting}")
        cursor.execute("VACUUM ANALYZE bench_facts")
        cursor.execute("SELECT count(*) FROM bench_facts")
        seconds = 0.0
        for place, one in enumerate(trees):
            # As one packed answer: handing rows over one by one would measure the driver.
            asked = f"SELECT string_agg(int4send(id), ''::bytea) FROM bench_facts WHERE {in_sql(one)}"
            began = time.perf_counter()
            cursor.execute(asked)
            packed = cursor.fetchone()[0]
            seconds += time.perf_counter() - began
            found[place, np.frombuffer(packed or b"", ">i4")] = 1
        cursor.execute("DROP TABLE bench_facts")
    return found, {"seconds": seconds, "said": " (of the client)"}


def in_sql(node: Any) -> str:
    if parts := getattr(node, "parts", None):
        said = f" {'AND' if node.how == 'all' else 'OR'} ".join(in_sql(part) for part in parts)
        return f"(({said}) IS NOT TRUE)" if node.how == "none" else f"({said})"
    name = name_of(node.fact)
    given = ", ".join(f"'{value}'" if isinstance(value, str) else repr(value) for value in node.values)
    return {
        "at_least": f"{name} >= {given}", "at_most": f"{name} <= {given}", "more_than": f"{name} > {given}",
        "less_than": f"{name} < {given}", "equals": f"{name} = {given}",
        "between": f"{name} BETWEEN {given.replace(',', ' AND')}", "one_of": f"{name} IN ({given})",
        "not_one_of": f"{name} NOT IN ({given})", "yes": f"{name} >= 1", "no": f"{name} < 1",
        "unknown": f"{name} IS NULL", "known": f"{name} IS NOT NULL",
    }[node.op]  # fmt: skip


def by_zen(trees: list[Any], facts: Facts, options: argparse.Namespace) -> tuple[np.ndarray, dict[str, Any]]:
    """A decision as its editor stores one: an input, a node of 200 expressions, an output."""
    import zen

    asked = [{"id": str(n), "key": f"r{n}", "value": in_words(one)} for n, one in enumerate(trees)]
    nodes = [
        {"id": "in", "type": "inputNode", "name": "in", "content": {}},
        {"id": "rules", "type": "expressionNode", "name": "rules", "content": {"expressions": asked}},
        {"id": "out", "type": "outputNode", "name": "out", "content": {}},
    ]
    edges = [
        {"id": f"{a}-{b}", "sourceId": a, "targetId": b, "type": "edge"} for a, b in (("in", "rules"), ("rules", "out"))
    ]
    decision = zen.ZenEngine().create_decision(json.dumps({"nodes": nodes, "edges": edges}))
    keys = [f"r{n}" for n in range(len(trees))]

    def of(person: dict[str, Any]) -> list[bool]:
        found = decision.evaluate(person)["result"]
        return [found[key] for key in keys]

    return one_by_one(of, facts, options)


def by_zen_compiled(trees: list[Any], facts: Facts, options: argparse.Namespace) -> tuple[np.ndarray, dict[str, Any]]:
    import zen

    return one_by_one(zen.compile_expression(f"[{', '.join(in_words(one) for one in trees)}]").evaluate, facts, options)


def by_rule_engine(trees: list[Any], facts: Facts, options: argparse.Namespace) -> tuple[np.ndarray, dict[str, Any]]:
    import rule_engine

    context = rule_engine.Context(default_value=None)
    asked = [rule_engine.Rule(in_words(one), context=context) for one in trees]
    return one_by_one(lambda person: [rule.matches(person) for rule in asked], facts, options)


def one_by_one(
    of: Callable[[dict[str, Any]], list[bool]], facts: Facts, options: argparse.Namespace
) -> tuple[np.ndarray, dict[str, Any]]:
    """As many people as there is time for; making their dictionaries is not counted."""
    answers, seconds = [], 0.0
    for some in stretches(facts, options.distributors):
        began = time.perf_counter()
        answers += [of(person) for person in some]
        seconds += time.perf_counter() - began
        if seconds > options.seconds:
            break
    return np.array(answers, np.uint8).T, {"seconds": seconds}


def stretches(facts: Facts, n: int) -> Iterator[list[dict[str, Any]]]:
    for first in range(0, n, STRETCH):
        columns = [words(name, values[first : min(n, first + STRETCH)]) for name, values in facts.items()]
        yield [dict(zip(facts, row, strict=True)) for row in zip(*columns, strict=True)]


def words(name: str, values: np.ndarray) -> Iterator[Any]:
    """None for what is unknown, and names as such."""
    for value in values.tolist():
        yield None if value != value else NAMES[name][int(value)] if name in NAMES else value


def in_words(node: Any) -> str:
    """The common language of both engines: what is unknown may not be compared with anything, so it is asked for first."""
    if parts := getattr(node, "parts", None):
        said = f" {'and' if node.how == 'all' else 'or'} ".join(in_words(part) for part in parts)
        return f"(not ({said}))" if node.how == "none" else f"({said})"
    name = name_of(node.fact)
    given = [f"'{value}'" if isinstance(value, str) else repr(value) for value in node.values]
    first, last = (given[0], given[-1]) if given else ("", "")
    said = {
        "at_least": f"{name} >= {first}", "at_most": f"{name} <= {first}", "more_than": f"{name} > {first}",
        "less_than": f"{name} < {first}", "equals": f"{name} == {first}",
        "between": f"{name} >= {first} and {name} <= {last}", "one_of": f"{name} in [{', '.join(given)}]",
        "not_one_of": f"not ({name} in [{', '.join(given)}])", "yes": f"{name} >= 1", "no": f"{name} < 1",
    }.get(node.op)  # fmt: skip
    if said is None:
        return f"({name} {'==' if node.op == 'unknown' else '!='} null)"
    return f"({name} != null and {said})"


if __name__ == "__main__":
    main()
