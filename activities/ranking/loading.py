"""Blocks of people from their compact rows, as the kernel takes them.

The database puts everything about a block into one value (headers with lengths, each followed by its records), which costs
it and the driver a fraction of what so many rows would; here it is taken apart again by compiled loops.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import psycopg
from django.db import connection

from distributors.blocks import Ints
from distributors.compiling import kernel
from distributors.models import Distributor
from distributors.records import (
    CUSTOMER,
    DAY,
    EPOCH,
    GOAL,
    HIDE,
    LINE,
    RECRUIT,
    SHOWN,
    SKILL,
    TAG,
    Records,
    day_number,
    native,
)

from .blocks import People
from .shelf import Shelf

if TYPE_CHECKING:
    from distributors.features import Row as FeatureRow

    from .memory import Row as MemoryRow

Raw = npt.NDArray[np.uint8]

FEATURES = {"goals": GOAL, "days": DAY, "customers": CUSTOMER, "lines": LINE, "recruits": RECRUIT, "tags": TAG}
MEMORY = {"hides": HIDE, "shown": SHOWN, "skills": SKILL}
RECORDS = FEATURES | MEMORY
NATIVE = {name: native(dtype) for name, dtype in RECORDS.items()}

#: What precedes a person's records; `bytes` are the lengths of what follows: her own language, then RECORDS.
HEAD = np.dtype(
    [("id", ">i8"), ("identity", ">i8"), ("market", ">i8"), ("joined", ">i8"), ("own_share", ">f8"), ("features", ">i8"),
     ("memory", ">i8"), ("bytes", ">i4", (1 + len(RECORDS),))]
)  # fmt: skip
LENGTHS = HEAD.fields["bytes"][1]  # type: ignore[index]

PARTS = (
    "convert_to(d.language, 'UTF8')",
    *(f"f.{name}" for name in FEATURES),
    *(f"coalesce(m.{name}, '')" for name in MEMORY),
)
HEADER = (
    "int8send(d.id)", "int8send(f.identity)", "int8send(d.market_id)", f"int8send(d.joined_on - DATE '{EPOCH}')",
    "float8send(coalesce(d.own_goal_share, 0)::float8)", "int8send(f.changed)", "int8send(coalesce(m.changed, 0))",
    *(f"int4send(octet_length({part}))" for part in PARTS),
)  # fmt: skip
# The range is said of each table, so that each is read once in the order of its key.
BLOCK = f"""
SELECT count(*), string_agg({" || ".join((*HEADER, *PARTS))}, ''::bytea)
FROM distributors_distributor d
JOIN distributors_feature f ON f.distributor_id = d.id AND {{whose_features}}
LEFT JOIN activities_memory m ON m.distributor_id = d.id AND {{whose_memory}}
WHERE {{who}} AND d.left_on IS NULL AND (%(market)s::bigint IS NULL OR d.market_id = %(market)s::bigint)
"""  # noqa: S608
RANGE, CHOSEN = "{} BETWEEN %(first)s AND %(last)s", "{} = ANY(%(ids)s::bigint[])"


def block(condition: str) -> str:
    return BLOCK.format(
        who=condition.format("d.id"),
        whose_features=condition.format("f.distributor_id"),
        whose_memory=condition.format("m.distributor_id"),
    )


IN_RANGE, AMONG = block(RANGE), block(CHOSEN)


def people_between(
    first: int, last: int, shelf: Shelf, *, market: int | None = None, ids: Sequence[int] | None = None
) -> tuple[People, Ints, Ints]:
    """Active distributors with an id in first..last (inclusive), or only `ids` of them, of one market (its id) or of all.

    With them the `changed` numbers of their feature and memory rows; 0 without a memory row, which is an empty memory.
    Who has no feature row is left out: refresh first. A block of 5,000 is a good size; nothing is cut by itself.
    """
    asked: dict[str, object] = {"first": first, "last": last, "market": market}
    if ids is not None:
        asked["ids"] = [pk for pk in ids if first <= pk <= last]
    connection.ensure_connection()
    # A cursor of the driver's own: the value comes as bytes, where Django's would have it written as text.
    with psycopg.Cursor(connection.connection) as cursor:
        row = cursor.execute(IN_RANGE if ids is None else AMONG, asked, binary=True).fetchone()
    n, packed = row or (0, None)
    return taken_apart(np.frombuffer(packed or b"", np.uint8), n, shelf)


def taken_apart(raw: Raw, n: int, shelf: Shelf) -> tuple[People, Ints, Ints]:
    """The block's one value, of `n` people."""
    starts = starts_of(raw, n, HEAD.itemsize, LENGTHS, 1 + len(RECORDS))
    at = np.arange(n) * HEAD.itemsize
    heads = gathered(raw, starts, at, np.full(n, HEAD.itemsize)).view(HEAD).astype(native(HEAD))
    lengths = heads["bytes"].astype(np.int64)
    begin = starts + HEAD.itemsize
    languages = own_languages(raw, begin, lengths[:, 0])
    begin += lengths[:, 0]
    records: dict[str, Records] = {}
    offsets: dict[str, Ints] = {}
    for place, (name, dtype) in enumerate(RECORDS.items(), start=1):
        size = lengths[:, place]
        into = np.concatenate([[0], np.cumsum(size)])
        records[name] = gathered(raw, begin, into, size).view(dtype).astype(NATIVE[name])
        offsets[f"{name}_at"] = into // dtype.itemsize
        begin += size
    market = market_places(heads["market"], shelf)
    people = People(
        ids=column(heads, "id"),
        identity=column(heads, "identity"),
        market=market,
        language=language_places(languages, market, shelf),
        own_share=np.ascontiguousarray(heads["own_share"]),
        joined=column(heads, "joined"),
        **records,
        **offsets,
    )
    return people, column(heads, "features"), column(heads, "memory")


@kernel
def starts_of(raw: Raw, n: int, head: int, lengths: int, parts: int) -> Ints:
    """Where each person's header starts. `lengths` is where its `parts` big-endian lengths do within it."""
    starts = np.empty(n, np.int64)
    at = 0
    for i in range(n):
        starts[i] = at
        after = at + head
        for part in range(parts):
            p = at + lengths + 4 * part
            after += (raw[p] << 24) | (raw[p + 1] << 16) | (raw[p + 2] << 8) | raw[p + 3]
        at = after
    return starts


@kernel
def gathered(raw: Raw, begin: Ints, into: Ints, size: Ints) -> Raw:
    """Pieces of `raw`, one after the other. `into[i]` is where piece i comes to lie."""
    n = len(begin)
    out = np.empty(into[n - 1] + size[n - 1] if n else 0, np.uint8)
    for i in range(n):
        out[into[i] : into[i] + size[i]] = raw[begin[i] : begin[i] + size[i]]
    return out


def column(heads: Records, name: str) -> Ints:
    return np.ascontiguousarray(heads[name], dtype=np.int64)


def own_languages(raw: Raw, begin: Ints, size: Ints) -> dict[int, str]:
    """By place in the block, of those who chose one; the others read their market's."""
    return {int(i): raw[begin[i] : begin[i] + size[i]].tobytes().decode() for i in np.flatnonzero(size)}


def market_places(markets: Ints, shelf: Shelf) -> Ints:
    """Market ids -> places on the shelf, whose markets are in the order of their ids."""
    known = np.array([market.pk for market in shelf.markets], np.int64)
    return np.searchsorted(known, markets).astype(np.int64)


def language_places(own: Mapping[int, str], market: Ints, shelf: Shelf) -> Ints:
    places = np.array([shelf.language_of(one.language) for one in shelf.markets], np.int64)[market]
    known: dict[str, int] = {}
    for i, code in own.items():
        if code not in known:
            known[code] = shelf.language_of(code)
        places[i] = known[code]
    return places


def people_of(
    distributors: Sequence[Distributor],
    feature_rows: Mapping[int, FeatureRow],
    memory_rows: Mapping[int, MemoryRow],
    shelf: Shelf,
) -> People:
    """The same from rows that were read already, by distributor id (features.of, memory.of); in the order given."""
    rows = [feature_rows[one.pk] for one in distributors]
    hers = [memory_rows.get(one.pk) for one in distributors]
    market = [shelf.market_index[one.market_id] for one in distributors]
    parts = {name: [getattr(row, name) for row in rows] for name in FEATURES}
    parts |= {name: [getattr(row, name) if row else NOTHING[name] for row in hers] for name in MEMORY}
    return People(
        ids=np.array([one.pk for one in distributors], np.int64),
        identity=np.array([row.identity for row in rows], np.int64),
        market=np.array(market, np.int64),
        language=np.array(
            [
                shelf.language_of(one.language or shelf.markets[place].language)
                for one, place in zip(distributors, market, strict=True)
            ],
            np.int64,
        ),
        own_share=np.array([float(one.own_goal_share or 0) for one in distributors]),
        joined=np.array([day_number(one.joined_on) for one in distributors], np.int64),
        **{name: together(name, each) for name, each in parts.items()},
        **{f"{name}_at": ends(each) for name, each in parts.items()},
    )


NOTHING: dict[str, Records] = {name: np.zeros(0, dtype) for name, dtype in NATIVE.items()}


def together(name: str, each: Sequence[Records]) -> Records:
    if len(each) == 1:
        return each[0]
    return np.concatenate(each) if each else NOTHING[name]


def ends(each: Sequence[Records]) -> Ints:
    """Where each one's records start when they lie one after the other, and where the last one's end."""
    at = np.zeros(len(each) + 1, np.int64)
    for i, one in enumerate(each):
        at[i + 1] = at[i] + len(one)
    return at
