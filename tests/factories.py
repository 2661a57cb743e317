"""Plain functions that make one saved row each, with sensible defaults for everything not named."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from activities.models import (
    Activity,
    ActivityText,
    Asset,
    AssetText,
    BlockedPhrase,
    MessageTemplate,
    MessageTemplateText,
    Outreach,
    Skill,
)
from distributors.models import (
    Customer,
    Distributor,
    Event,
    Goal,
    Market,
    Note,
    Product,
    ProductLine,
    Role,
    Segment,
    User,
)
from kpis.models import KPI, Campaign, Firing, Incentive, IncentiveTier, Priority, PriorityVersion, Rule, RuleVersion

NOW = datetime(2026, 8, 27, 15, 0, tzinfo=UTC)  # a Thursday
TODAY = date(2026, 8, 27)
PASSWORD = "a long pass phrase"

_numbers = itertools.count(1)


def number() -> int:
    """A number not used before in this process, for unique fields."""
    return next(_numbers)


def market(code: str = "us", **fields: Any) -> Market:
    defaults = {"name": code.upper(), "currency": "USD", "time_zone": "America/New_York", "language": "en"}
    return Market.objects.get_or_create(code=code, defaults=defaults | fields)[0]


def user(role: Role = Role.DISTRIBUTOR, password: str | None = None, **fields: Any) -> User:
    """A sign-in. Without a password (hashing one is slow), for `client.force_login`."""
    fields.setdefault("email", f"{role.value}{number()}@example.com")
    return User.objects.create_user(password=password, role=role, **fields)


def distributor(**fields: Any) -> Distributor:
    n = number()
    defaults: dict[str, Any] = {"external_id": f"d{n}", "name": f"Dora Number{n}", "joined_on": date(2025, 1, 6)}
    if "market" not in fields:
        defaults["market"] = market()
    return Distributor.objects.create(**defaults | fields)


def customer(of: Distributor, **fields: Any) -> Customer:
    n = number()
    defaults: dict[str, Any] = {"external_id": f"c{n}", "name": f"Carla Number{n}", "added_at": NOW}
    if fields.get("last_contact_at"):
        defaults["recent_contacts"] = [fields["last_contact_at"]]
    return Customer.objects.create(distributor=of, **defaults | fields)


def note(about: Customer, **fields: Any) -> Note:
    return Note.objects.create(customer=about, **{"text": "Likes to be called in the evening.", "at": NOW} | fields)


def product_line(code: str = "eye", **fields: Any) -> ProductLine:
    return ProductLine.objects.get_or_create(code=code, defaults={"name": code.title()} | fields)[0]


def product(sku: str = "EYE-1", **fields: Any) -> Product:
    if "line" not in fields:
        fields["line"] = product_line()
    return Product.objects.get_or_create(sku=sku, defaults={"name": sku} | fields)[0]


def event(of: Distributor, **fields: Any) -> Event:
    """A bare row in the log. What comes from events (orders, measures) is made by distributors.ingest, not here."""
    defaults: dict[str, Any] = {
        "source": "test", "external_id": f"e{number()}", "type": "distributor.signed_in", "time": NOW, "day": TODAY,
        "digest": b"0" * 32, "received_at": NOW,
    }  # fmt: skip
    return Event.objects.create(distributor=of, **defaults | fields)


def goal(of: Distributor, **fields: Any) -> Goal:
    defaults: dict[str, Any] = {
        "metric": "sales",
        "period": Goal.Period.WEEK,
        "target": Decimal(250),
        "created_at": NOW,
    }
    return Goal.objects.create(distributor=of, **defaults | fields)


def segment(**fields: Any) -> Segment:
    """Everybody, unless told otherwise."""
    return Segment.objects.create(**{"name": f"Segment {number()}"} | fields)


def kpi(**fields: Any) -> KPI:
    n = number()
    return KPI.objects.create(**{"name": f"KPI {n}", "metric": "repeat_orders", "focus": "repeat orders"} | fields)


def campaign(**fields: Any) -> Campaign:
    defaults: dict[str, Any] = {
        "name": f"Quarter {number()}", "status": Campaign.Status.LIVE,
        "starts_on": date(2026, 7, 1), "ends_on": date(2026, 9, 30),
    }  # fmt: skip
    return Campaign.objects.create(**defaults | fields)


def priority_version(of: Campaign, weights: dict[KPI, int], **fields: Any) -> PriorityVersion:
    """A published version with whole-point weights by KPI, which should sum to 100."""
    latest = of.versions.first()
    defaults: dict[str, Any] = {
        "number": latest.number + 1 if latest else 1, "own_goal_share": Decimal("0.60"),
        "reason": "Quarter start", "published_at": NOW,
    }  # fmt: skip
    version = PriorityVersion.objects.create(campaign=of, **defaults | fields)
    Priority.objects.bulk_create(Priority(version=version, kpi=kpi, weight=weight) for kpi, weight in weights.items())
    return version


def incentive(tiers: dict[int, str] | None = None, **fields: Any) -> Incentive:
    defaults: dict[str, Any] = {
        "name": f"Award {number()}", "metric": "sales", "starts_on": date(2026, 7, 1), "ends_on": date(2026, 9, 30),
    }  # fmt: skip
    if "market" not in fields:
        defaults["market"] = market()
    made = Incentive.objects.create(**defaults | fields)
    for threshold, prize in (tiers or {1000: "A watch"}).items():
        IncentiveTier.objects.create(incentive=made, threshold=threshold, prize=prize)
    return made


def rule(definition: dict[str, Any] | None = None, **fields: Any) -> Rule:
    """A live rule with its first version; without a definition one that moves an activity up for who has three recruits."""
    made = Rule.objects.create(**{"name": f"Rule {number()}", "state": Rule.State.LIVE, "created_at": NOW} | fields)
    rule_version(made, definition)
    return made


def rule_version(of: Rule, definition: dict[str, Any] | None = None, **fields: Any) -> RuleVersion:
    if definition is None:
        leads = {"fact": "team_size", "is": "at_least", "value": 3}
        definition = {"if": leads, "then": [{"effect": "boost", "target": {"kind": "build_team"}, "by": 0.05}]}
    latest = of.versions.first()
    defaults: dict[str, Any] = {
        "number": latest.number + 1 if latest else 1, "definition": definition, "reason": "Quarter start",
        "published_at": NOW,
    }  # fmt: skip
    return RuleVersion.objects.create(rule=of, **defaults | fields)


def firing(of: Rule, distributor: Distributor, **fields: Any) -> Firing:
    defaults: dict[str, Any] = {"version": of.versions.first(), "day": TODAY, "at": NOW}
    return Firing.objects.create(rule=of, distributor=distributor, **defaults | fields)


def skill(key: str = "reorder-talk", **fields: Any) -> Skill:
    return Skill.objects.get_or_create(key=key, defaults={"name": key.replace("-", " ")} | fields)[0]


def activity(key: str = "", title: str = "", **fields: Any) -> Activity:
    """A published activity with an English text."""
    key = key or f"activity-{number()}"
    defaults: dict[str, Any] = {
        "kind": Activity.Kind.REACH_OUT, "status": Activity.Status.PUBLISHED, "impacts": {"sales": 10},
    }  # fmt: skip
    made = Activity.objects.create(key=key, **defaults | fields)
    ActivityText.objects.create(activity=made, language="en", title=title or key.replace("-", " ").capitalize())
    return made


def outreach(to: Customer, **fields: Any) -> Outreach:
    """A message that was opened in a phone's app, and not yet said to be sent."""
    defaults: dict[str, Any] = {
        "channel": "text", "language": "en", "text": "Hi, how is it going?", "opened_at": NOW,
    }  # fmt: skip
    return Outreach.objects.create(distributor=to.distributor, customer=to, **defaults | fields)


def message_template(
    body: str = "Hi[ {name}], shall I put one aside?", language: str = "en", **fields: Any
) -> MessageTemplate:
    subject = fields.pop("subject", "")
    template = MessageTemplate.objects.create(**{"name": f"Message {number()}", "status": "published"} | fields)
    MessageTemplateText.objects.create(template=template, language=language, subject=subject, body=body)
    return template


def blocked_phrase(phrase: str = "", **fields: Any) -> BlockedPhrase:
    return BlockedPhrase.objects.create(phrase=phrase or f"claim {number()}", **{"kind": "income"} | fields)


def asset(key: str = "", title: str = "", **fields: Any) -> Asset:
    """A published article of the library with an English text."""
    key = key or f"item-{number()}"
    defaults: dict[str, Any] = {"kind": Asset.Kind.ARTICLE, "status": Asset.Status.PUBLISHED}
    made = Asset.objects.create(key=key, **defaults | fields)
    title = title or key.replace("-", " ").capitalize()
    AssetText.objects.create(
        asset=made, language="en", title=title, caption="Three small moves.", body="Begin in the *middle*."
    )
    return made
