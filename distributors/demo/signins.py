"""Sign-ins of the demo: HQ's, and those of some of the field. One password for all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import or_

from django.contrib.auth.hashers import make_password
from django.db.models import Count, Q, Sum
from django.utils.text import slugify

from ..complete_journey import DOMAIN as JOURNEY_DOMAIN
from ..models import Distributor, Role, User
from .company import DOMAIN

#: Distributors beside Jenna and her sponsor who can sign in: so many leaders and so many others of each market.
LEADERS, OTHERS = 2, 2


@dataclass(frozen=True)
class SignIn:
    email: str
    name: str
    role: Role
    distributor: Distributor | None = None


APPROVER = SignIn(f"approver@{DOMAIN}", "Arun Prakash", Role.HQ_APPROVER)
EDITOR = SignIn(f"hq@{DOMAIN}", "Harriet Quist", Role.HQ_EDITOR)
HQ = (
    EDITOR,
    APPROVER,
    SignIn(f"hq-viewer@{DOMAIN}", "Vivian Holt", Role.HQ_VIEWER),
    SignIn(f"trainer@{DOMAIN}", "Teresa Ngo", Role.TRAINER),
    SignIn(f"integrator@{DOMAIN}", "Ingmar Falk", Role.INTEGRATOR),
    SignIn(f"operator@{DOMAIN}", "Otis Perry", Role.OPERATOR),
)


def of_the_field() -> list[SignIn]:
    """Jenna, her sponsor, a recruit of hers, and the largest teams and some others of each market."""
    people = Distributor.objects.active().annotate(team=Count("recruits")).order_by("pk")
    cast = sorted(
        people.filter(external_id__in=["jenna", "grace", "bea", "rosa"]), key=lambda d: d.external_id != "jenna"
    )
    rest = list(people.exclude(pk__in=[one.pk for one in cast]).exclude(sponsor__external_id__in=["jenna", "bea"]))
    found = cast
    for market in sorted({one.market_id for one in rest}):
        here = [one for one in rest if one.market_id == market]
        found += sorted((one for one in here if one.team), key=lambda one: -one.team)[:LEADERS]
        found += [one for one in here if not one.team][:OTHERS]
    return [field_sign_in(one, address(one), leads=bool(one.team)) for one in found]


def address(distributor: Distributor) -> str:
    """jenna@…, and denise6@… from there on: given names repeat in a large field."""
    number = distributor.external_id.rpartition("-")[2]
    return f"{slugify(distributor.given_name)}{int(number) if number.isdigit() else ''}@{DOMAIN}"


def field_sign_in(distributor: Distributor, email: str, *, leads: bool) -> SignIn:
    return SignIn(email, distributor.name, Role.LEADER if leads else Role.DISTRIBUTOR, distributor)


def make(sign_ins: Iterable[SignIn], *, password: str) -> int:
    """Create those that are missing; an existing one keeps its password. Returns how many were made."""
    wanted = list(sign_ins)
    known = set(User.objects.filter(email__in=[one.email for one in wanted]).values_list("email", flat=True))
    # Hashed once for all: it is the same password, and hashing is slow on purpose.
    hashed = make_password(password)
    missing = [one for one in wanted if one.email not in known]
    for one in missing:
        user = User.objects.create(email=one.email, name=one.name, role=one.role, password=hashed)
        if one.distributor is not None:
            Distributor.objects.filter(pk=one.distributor.pk, user=None).update(user=user)
    return len(missing)


def set_password(domains: Iterable[str], password: str) -> int:
    """Give every sign-in of the demo this password; returns how many."""
    mine = reduce(or_, (Q(email__endswith=f"@{domain}") for domain in domains))
    return User.objects.filter(mine).update(password=make_password(password))


def of_stores(many: int, *, since: date) -> list[SignIn]:
    """The stores of the Complete Journey data with the most sales since a day."""
    sold = Sum("measures__value", filter=Q(measures__metric="sales", measures__scope="", measures__day__gte=since))
    stores = Distributor.objects.active().annotate(sold=sold).exclude(sold=None).order_by("-sold")[:many]
    return [field_sign_in(one, f"{one.external_id}@{JOURNEY_DOMAIN}", leads=False) for one in stores]
