"""`distributor.enrolled` -> distributors (and their sign-ins), sponsors before those they sponsor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import connection
from django.db.models.functions import Lower

from .cloudevents import EventError, Item
from .models import Market, Role, User


@dataclass(frozen=True, slots=True)
class Place:
    """A distributor as ingest needs her: her row (0 until inserted) and her market."""

    id: int
    market_id: int
    market: str
    currency: str


def check_enrolments(items: list[Item], known: dict[str, Place], invalid: dict[int, str]) -> list[Item]:
    """Those who can join, in an order in which sponsors come first; they are added to `known`. Others: `invalid`."""
    if not items:
        return []
    markets = {market.code: market for market in Market.objects.all()}
    emails = taken_emails(items)
    joining: list[Item] = []
    waiting = items
    while waiting:
        later = []
        for item in waiting:
            sponsor = item.data.get("sponsor")
            if sponsor and sponsor not in known and any(other.subject == sponsor for other in waiting):
                later.append(item)
                continue
            try:
                known[item.subject] = place_of(item, known, markets, emails)
                joining.append(item)
            except EventError as problem:
                for row in (item.row, *item.twins):
                    invalid[row] = str(problem)
        if len(later) == len(waiting):
            for item in later:
                invalid[item.row] = f"data.sponsor {item.data['sponsor']} is sponsored by the one who enrols."
            break
        waiting = later
    return joining


def place_of(item: Item, known: dict[str, Place], markets: dict[str, Market], emails: set[str]) -> Place:
    data = item.data
    if item.subject in known:
        raise EventError(f"subject {item.subject} is enrolled already.")
    sponsor = data.get("sponsor")
    if sponsor and sponsor not in known:
        raise EventError(f"data.sponsor {sponsor} is not a known distributor.")
    code = data.get("market") or known[str(sponsor)].market
    if code not in markets:
        raise EventError(f"data.market {code} is not a known market.")
    email = (data.get("email") or "").lower()
    if email in emails:
        raise EventError("data.email is the sign-in of somebody else.")
    if email:
        emails.add(email)
    market = markets[code]
    return Place(0, market.pk, market.code, market.currency)


def taken_emails(items: list[Item]) -> set[str]:
    asked = {item.data["email"].lower() for item in items if item.data.get("email")}
    if not asked:
        return set()
    return set(User.objects.annotate(lower=Lower("email")).filter(lower__in=asked).values_list("lower", flat=True))


def enrol(items: list[Item], known: dict[str, Place]) -> bool:
    """Insert the people; false when somebody else just took one of their ids or e-mail addresses."""
    items = sorted(items, key=lambda item: item.subject)
    users = insert_users([item for item in items if item.data.get("email")])
    if users is None:
        return False
    with connection.cursor() as cursor:
        cursor.execute(INSERT, columns(items, known, users))
        ids = dict(cursor.fetchall())
        if len(ids) != len(items):
            return False
        sponsored = [(item.subject, item.data["sponsor"]) for item in items if item.data.get("sponsor")]
        if sponsored:
            cursor.execute(SPONSOR, [list(names) for names in zip(*sponsored, strict=True)])
    for item in items:
        place = known[item.subject]
        known[item.subject] = Place(ids[item.subject], place.market_id, place.market, place.currency)
    return True


INSERT = """
INSERT INTO distributors_distributor (external_id, market_id, name, language, joined_on, user_id)
SELECT n.external_id, n.market_id, n.name, n.language,
       coalesce(n.joined_on, (n.time AT TIME ZONE m.time_zone)::date), n.user_id
FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::text[], %s::date[], %s::timestamptz[], %s::bigint[])
    AS n(external_id, market_id, name, language, joined_on, time, user_id)
JOIN distributors_market m ON m.id = n.market_id ORDER BY n.external_id
ON CONFLICT DO NOTHING RETURNING external_id, id
"""

SPONSOR = """
UPDATE distributors_distributor d SET sponsor_id = s.id
FROM unnest(%s::text[], %s::text[]) AS n(external_id, sponsor)
JOIN distributors_distributor s ON s.external_id = n.sponsor WHERE d.external_id = n.external_id
"""


def columns(items: list[Item], known: dict[str, Place], users: dict[str, int]) -> list[list[Any]]:
    return [
        [item.subject for item in items],
        [known[item.subject].market_id for item in items],
        [item.data["name"].strip() for item in items],
        [item.data.get("language") or "" for item in items],
        [item.data.get("joined_on") or None for item in items],
        [item.time for item in items],
        [users.get((item.data.get("email") or "").lower()) for item in items],
    ]


def insert_users(items: list[Item]) -> dict[str, int] | None:
    """A sign-in without a password for each e-mail address: she sets one by the "forgotten" link. None on a race."""
    if not items:
        return {}
    made = [
        User(
            email=item.data["email"].lower(),
            name=item.data["name"].strip(),
            role=Role.DISTRIBUTOR,
            password=make_password(None),
        )
        for item in sorted(items, key=lambda item: item.data["email"].lower())
    ]
    User.objects.bulk_create(made, ignore_conflicts=True)
    found = dict(
        User.objects.filter(email__in=[user.email for user in made], distributor=None).values_list("email", "pk")
    )
    return found if len(found) == len(made) else None
