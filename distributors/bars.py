"""Geometry of the small charts, in percent or viewBox units, as strings: SVG attributes ignore the reader's locale."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

#: Counts up to this many are drawn as segments.
SEGMENTS = 8
GAP = 1.2


@dataclass(frozen=True)
class Piece:
    css: str  # v value, t track, b the gap to today's pace
    x: str
    width: str


@dataclass(frozen=True)
class PaceBar:
    pieces: list[Piece]
    tick: str  # where an even pace would be; empty without one or once reached


def pace_bar(value: Decimal, target: Decimal, expected: Decimal | None, *, discrete: bool) -> PaceBar:
    """Value against target, with a tick for today's pace and an amber gap up to it when behind."""
    at = share(value, target)
    reached = value >= target
    pace = None if expected is None or reached else share(expected, target)
    pieces = segments(int(value), int(target)) if discrete else [piece("t", 0, 100), piece("v", 0, at)]
    if pace is not None:
        start = edge(int(value), int(target)) if discrete else at
        if pace > start:
            pieces.append(piece("b", start, pace - start))
    return PaceBar(pieces, f"{pace:.2f}%" if pace is not None else "")


def share(value: Decimal, target: Decimal) -> float:
    return min(100.0, max(0.0, float(value / target) * 100))


def piece(css: str, x: float, width: float) -> Piece:
    return Piece(css, f"{x:.2f}%", f"{width:.2f}%")


def segments(value: int, target: int) -> list[Piece]:
    width = segment_width(target)
    return [piece("v" if n < value else "t", n * (width + GAP), width) for n in range(target)]


def segment_width(target: int) -> float:
    return (100 - GAP * (target - 1)) / target


def edge(value: int, target: int) -> float:
    """Where the first open segment begins."""
    return min(100.0, max(0, value) * (segment_width(target) + GAP))


@dataclass(frozen=True)
class Rhythm:
    """Last order at the left edge, the window in which the next one is likely, and today."""

    window: str
    window_width: str
    now: str
    orders: list[str]


def rhythm(last: date, start: date, end: date, today: date, *, width: float = 52, orders: list[date] = []) -> Rhythm:  # noqa: B006
    """`orders` are earlier order days to mark; without them the line begins at `last`."""
    first = min([*orders, last])
    days = max((max(end, today) - first) / timedelta(days=1), 1.0)

    def at(day: date) -> float:
        return 1 + (width - 2) * min(1.0, max(0.0, (day - first) / timedelta(days=1) / days))

    left = min(at(start), width - 7)
    right = max(at(end), left + 6)
    return Rhythm(
        f"{left:.1f}", f"{right - left:.1f}", f"{min(at(today), width - 3):.1f}", [f"{at(d):.1f}" for d in orders]
    )


@dataclass(frozen=True)
class HistoryBar:
    css: str  # v reached, n not reached, t nothing
    x: str
    y: str
    height: str
    width: str


def history_bars(values: list[Decimal], target: Decimal, *, height: float = 72) -> tuple[list[HistoryBar], str]:
    """Bars oldest first and the y of the target line, on a height of 72 and a width of 100 %."""
    top = max([target, *values]) or Decimal(1)
    step = 100 / max(1, len(values))
    bars = []
    for n, value in enumerate(values):
        tall = max(2.0, float(max(value, Decimal(0)) / top) * (height - 2))
        css = "v" if value >= target else ("n" if value > 0 else "t")
        bars.append(
            HistoryBar(
                css, f"{n * step + step * 0.14:.2f}%", f"{height - tall:.1f}", f"{tall:.1f}", f"{step * 0.72:.2f}%"
            )
        )
    return bars, f"{height - float(target / top) * (height - 2):.1f}"
