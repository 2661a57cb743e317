"""A KPI's line as SVG attributes: across in per cent of the width, down in pixels, so that it fits any screen unscaled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import dropwhile, pairwise

from distributors.wording import day_short

from .trends import Line, Point

#: A line that hardly moves is not drawn as if it did: the picture spans at least this share of the largest value.
LEAST_SPAN = 0.2
#: Free on the left and on the right, in per cent.
SIDE = 1.5


@dataclass(frozen=True)
class Dot:
    x: float  # per cent of the width
    y: float  # pixels from the top
    day: date
    said: str

    @property
    def when(self) -> str:
        return day_short(self.day)


@dataclass(frozen=True)
class Picture:
    height: int
    starts: date  # of the picture: there may be nothing to show before `first`
    ends: date
    dots: tuple[Dot, ...]  # weeks with a value, oldest first
    strokes: tuple[tuple[Dot, Dot], ...]  # from week to week; one without a value leaves a gap
    target_y: float | None

    @property
    def first(self) -> Dot:
        return self.dots[0]

    @property
    def last(self) -> Dot:
        return self.dots[-1]

    @property
    def alone(self) -> list[Dot]:
        """Weeks that no stroke leads to or from."""
        joined = {dot for stroke in self.strokes for dot in stroke}
        return [dot for dot in self.dots if dot not in joined]

    @property
    def first_label_y(self) -> float:
        return label_y(self.first, self.dots[1:2], self.height)

    @property
    def last_label_y(self) -> float:
        return label_y(self.last, self.dots[-2:-1], self.height)

    @property
    def target_at(self) -> tuple[str, str]:
        """Where the target's words stand (across, text-anchor): in the third where the line leaves them most room."""
        return max(PLACES, key=self.room)

    def room(self, place: tuple[str, str]) -> float:
        third = PLACES.index(place)
        words = (self.target_y or 0) - 9
        return min(
            (abs(dot.y - words) for dot in self.dots if third <= dot.x * 3 / 100 < third + 1), default=self.height
        )


#: The thirds of a picture: where words begin, stand in the middle, or end.
PLACES = (("0", "start"), ("50%", "middle"), ("100%", "end"))


def label_y(dot: Dot, neighbour: Sequence[Dot], height: int) -> float:
    """Above the dot, or below it when the line goes up from there."""
    below = bool(neighbour) and neighbour[0].y < dot.y and dot.y + 18 <= height
    return dot.y + 18 if below else max(dot.y - 9, 12)


@dataclass(frozen=True)
class Scale:
    low: float
    high: float
    height: int
    above: int
    below: int

    def y(self, value: Decimal | float) -> float:
        free = self.height - self.above - self.below
        return round(self.above + (self.high - float(value)) / (self.high - self.low) * free, 1)


def chart(line: Line, target: Decimal | None) -> Picture | None:
    """The large one, with room for its labels, from the first week with a value on. None when no week has one."""
    points = tuple(dropwhile(lambda point: point.value is None, line.points))
    return picture(replace(line, points=points), target, height=176, above=26, below=22)


def sparkline(line: Line) -> Picture | None:
    return picture(line, None, height=24, above=3, below=3)


def picture(line: Line, target: Decimal | None, *, height: int, above: int, below: int) -> Picture | None:
    values = [float(point.value) for point in line.points if point.value is not None]
    if not values:
        return None
    low, high = span(values if target is None else [*values, float(target)])
    scale = Scale(low, high, height, above, below)
    dots = across(line, scale)
    strokes = tuple((a, b) for a, b in pairwise(dots) if a and b)
    aim = None if target is None else scale.y(target)
    return Picture(height, line.points[0].day, line.points[-1].day, tuple(dot for dot in dots if dot), strokes, aim)


def span(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    least = max(LEAST_SPAN * max(abs(low), abs(high)), 1e-6)
    missing = max(0.0, least - (high - low)) / 2
    return low - missing, high + missing


def across(line: Line, scale: Scale) -> list[Dot | None]:
    """The newest at the right edge, also when it is the only one."""
    last = len(line.points) - 1
    step = (100 - 2 * SIDE) / max(1, last)

    def dot(n: int, point: Point) -> Dot | None:
        if point.value is None:
            return None
        return Dot(round(100 - SIDE - (last - n) * step, 2), scale.y(point.value), point.day, line.said(point.value))

    return [dot(n, point) for n, point in enumerate(line.points)]
