"""Facts for conditions that only campaigns and awards know: a column each for a block of people (distributors/conditions/facts.py)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from distributors import segments
from distributors.blocks import Floats, Ints
from distributors.conditions import Fact, windows
from distributors.conditions.checks import Column
from distributors.conditions.facts import Block, team
from distributors.conditions.vocabulary import VOCABULARY, Source
from distributors.conditions.windows import Read, Reading, Series, series_of
from distributors.records import day_number, day_of

from . import board as boards
from .board import Board
from .models import Incentive

CAMPAIGNS, PRIZES = ("campaign_days_run", "campaign_days_left"), ("prize_percent", "prize_days_left")


def columns(asked: Iterable[Fact], block: Block, board: Board | None = None) -> dict[Fact, Column]:
    """Facts of this app; others are left out. Four queries for campaigns (none with the `board` of the block's instant at
    hand), and at most four for awards; none for what nobody asks."""
    mine = [fact for fact in dict.fromkeys(asked) if VOCABULARY[fact.name].source is Source.KPIS]
    return campaigns([fact for fact in mine if fact.name in CAMPAIGNS], block, board) | prizes(
        [fact for fact in mine if fact.name in PRIZES], block
    )


# The campaign that counts for her


def campaigns(asked: Collection[Fact], block: Block, board: Board | None) -> dict[Fact, Column]:
    """Both ends are days of her market's clock: 0 on the first day, and on the last one."""
    if not asked:
        return {}
    board = board or boards.current()
    counting = counts_for(board, block)
    dates = {plan.campaign.pk: plan.campaign for plan in board.plans}
    run, left = np.full((2, len(block)), np.nan)
    for pk in np.unique(counting[counting > 0]).tolist():
        hers = counting == pk
        run[hers] = block.today[hers] - day_number(dates[pk].starts_on)
        left[hers] = day_number(dates[pk].ends_on) - block.today[hers]
    days = dict(zip(CAMPAIGNS, (run, left), strict=True))
    return {
        fact: Column(np.where((counting == fact["campaign"]) | (fact["campaign"] == 0), days[fact.name], np.nan))
        for fact in asked
    }


def counts_for(board: Board, block: Block) -> Ints:
    """The id of each person's campaign; 0 for none."""
    sets = sets_of_segments(board, block)
    found = np.zeros(len(block), np.int64)
    for m, _today in block.todays:
        of_market = block.people.market == m
        for bits in np.unique(sets[of_market]).tolist():
            named = frozenset(one.pk for i, one in enumerate(board.segments) if bits >> i & 1)
            weighed = board.counting(block.markets[m], block.as_of, named)
            found[of_market & (sets == bits)] = weighed[0].version.campaign_id if weighed else 0
    return found


def sets_of_segments(board: Board, block: Block) -> Ints:
    """Bit i for who belongs to the i-th of the board's segments."""
    people = block.people
    teams = np.concatenate([[0], np.cumsum(team(block))])
    return segments.bits(board.segments, people.joined, teams, block.today, people.tags, people.tags_at)


# Awards


class Tier(NamedTuple):
    """The next tier of an award, for each of the people; `left` in days, today included. NaN for who has none."""

    percent: Floats  # floored
    left: Floats


def prizes(asked: Collection[Fact], block: Block) -> dict[Fact, Column]:
    """The nearest award is the one with the most percent; of equal ones the one that ends first, then the older one."""
    if not asked or not len(block):
        return {fact: Column(np.zeros(0)) for fact in asked}
    named = {fact["incentive"] for fact in asked}
    awards = running(block, named)
    tiers = dict(zip((one.pk for one in awards), next_tiers(awards, block), strict=True))
    nobody = Tier(*np.full((2, len(block)), np.nan))
    tiers[0] = nearest([tiers[one.pk] for one in awards], nobody)
    return {fact: Column(getattr(tiers.get(fact["incentive"], nobody), FIELDS[fact.name])) for fact in asked}


FIELDS = dict(zip(PRIZES, Tier._fields, strict=True))


def running(block: Block, named: Collection[int]) -> list[Incentive]:
    """Awards that run today where the block's people are, those that end first in front; only `named` ones (ids) unless 0 is
    among them. With their tiers: two queries."""
    today = {block.markets[m].pk: day_of(number) for m, number in block.todays}
    awards = Incentive.objects.filter(
        form=Incentive.Form.AWARD,
        market__in=today,
        starts_on__lte=max(today.values()),
        ends_on__gte=min(today.values()),
    )
    if 0 not in named:
        awards = awards.filter(pk__in=named)
    found = awards.order_by("ends_on", "pk").prefetch_related("tiers")
    return [one for one in found if one.starts_on <= today[one.market_id] <= one.ends_on]


def next_tiers(awards: Collection[Incentive], block: Block) -> list[Tier]:
    """incentives.next_tier of each award, for the people of its market."""
    places = {market.pk: place for place, market in enumerate(block.markets)}
    since: dict[tuple[Series, int], int] = {}
    for award in awards:
        for series in series_of(award.metric, award.scope):
            key = series, places[award.market_id]
            since[key] = min(day_number(award.starts_on), since.get(key, day_number(award.starts_on)))
    todays = dict(block.todays)
    read = windows.read([Reading(series, m, first, todays[m]) for (series, m), first in since.items()], block)
    return [next_tier(award, places[award.market_id], read, block) for award in awards]


def next_tier(award: Incentive, m: int, read: Read, block: Block) -> Tier:
    """Of the lowest tier not reached yet."""
    today = int(block.calendar.today[m])
    made, _defined = read.made(award.metric, award.scope, today - day_number(award.starts_on) + 1)
    tiers = np.array([hundredths(tier.threshold) for tier in award.tiers.all()], np.int64)
    place = np.searchsorted(tiers, made[:, 0], side="right")
    there = (block.people.market == m) & (place < len(tiers))
    threshold = np.append(tiers, 1)[place]
    percent = np.maximum(0, made[:, 0] * 100 // threshold)
    days = day_number(award.ends_on) - today + 1
    return Tier(np.where(there, percent, np.nan), np.where(there, days, np.nan))


def nearest(tiers: Collection[Tier], nobody: Tier) -> Tier:
    found = nobody
    for tier in tiers:
        nearer = ~(tier.percent <= found.percent) & ~np.isnan(tier.percent)
        found = Tier(*(np.where(nearer, one, other) for one, other in zip(tier, found, strict=True)))
    return found


def hundredths(amount: Decimal) -> int:
    return int(amount * 100)
