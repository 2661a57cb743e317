"""Every URL the resolver knows, and a path for each that points at somebody else's data."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.urls import URLPattern, URLResolver, get_resolver

from activities.models import Action, Activity, Outreach
from distributors.models import ContactImport, Customer, Distributor, Goal, Role, User
from notifications.models import Notice

from . import factories as make

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
MISSING = 999_999_999
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True)
class Route:
    pattern: str
    name: str  # with its namespace: "admin:kpis_kpi_add"; empty without one
    view: Callable[..., Any]

    @property
    def parameters(self) -> list[str]:
        return PARAMETER.findall(self.pattern)

    @property
    def declared(self) -> bool:
        """A project view that says who may open it."""
        return hasattr(self.view, "access")

    @property
    def label(self) -> str:
        return self.name or self.pattern

    def path(self, **values: object) -> str:
        return "/" + PARAMETER.sub(lambda found: str(values[found[1]]), self.pattern)


def routes() -> list[Route]:
    return list(walk(get_resolver()))


def walk(resolver: URLResolver, prefix: str = "", space: str = "") -> Iterator[Route]:
    for entry in resolver.url_patterns:
        pattern = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            name = f"{space}:{entry.name}" if space and entry.name else entry.name or ""
            yield Route(pattern, name, entry.callback)
        else:
            yield from walk(entry, pattern, entry.namespace or space)


@dataclass
class Person:
    """A distributor with one of everything that a URL can name."""

    user: User
    distributor: Distributor
    customer: Customer
    goal: Goal
    notice: Notice
    action: Action
    activity: Activity
    brought: ContactImport
    message: Outreach


def person(activity: Activity, **fields: Any) -> Person:
    user = fields.pop("user", None) or make.user(fields.pop("role", Role.DISTRIBUTOR))
    canary = fields.pop("canary", "")
    distributor = make.distributor(user=user, **fields)
    named = {
        "name": f"{canary} Person", "phone": f"+1 {canary}", "email": f"{canary}@example.com".lower(),
        "external_id": f"ext-{canary}-{make.number()}",
    } if canary else {}  # fmt: skip
    customer = make.customer(distributor, **named)
    if canary:
        make.note(customer, text=f"A note about {canary}")
    action = Action.objects.create(
        distributor=distributor, activity=activity, customer=customer, about_key=f"c{customer.pk}",
        kind=Action.Kind.DONE, day=make.TODAY, at=make.NOW,
    )  # fmt: skip
    return Person(
        user=user,
        distributor=distributor,
        customer=customer,
        goal=make.goal(distributor),
        notice=Notice.objects.create(
            distributor=distributor, key="n", kind=Notice.Kind.CLOSED, facts={"action": action.pk}, at=make.NOW
        ),
        action=action,
        activity=activity,
        brought=ContactImport.objects.create(
            distributor=distributor, file_name=f"{canary} contacts.csv", at=make.NOW,
            rows=[{"row": 0}, {"row": 1, "name": f"{canary} Brought", "problem": "", "left_out": []}],
        ),
        message=make.outreach(customer, text=f"Dear {canary}"),
    )  # fmt: skip


def admin_pages() -> dict[str, Any]:
    """The admin's pages by model label."""
    return {page.model._meta.label: page for page in admin.site._registry.values()}
