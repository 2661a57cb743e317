"""A small company by chance: people of three markets with customers of every kind, a catalogue, one live campaign."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from activities.models import Activity, ActivityText
from distributors.models import Customer, Distributor, Goal, Market
from kpis.models import KPI, Campaign, Priority
from kpis.proposals import Proposal
from tests import factories as f

About, Form = Activity.About, Activity.Form
WEIGHTS = {"repeat_orders": 40, "enrolments": 20, "retained_recruits": 15, "order_size": 25}
TURNED = {"repeat_orders": 10, "enrolments": 10, "retained_recruits": 15, "order_size": 65}


def company(people: int = 40, seed: int = 7) -> Campaign:
    """Its live campaign, for everybody."""
    dice = random.Random(seed)
    markets = [
        f.market("us"),
        f.market("de", currency="EUR", time_zone="Europe/Berlin", language="de", price_level=Decimal("0.9")),
        f.market("mx", currency="MXN", time_zone="America/Mexico_City", language="es", price_level=Decimal(12)),
    ]
    catalogue(dice)
    field(people, markets, dice)
    campaign = f.campaign(name="Third quarter")
    kpis = {
        metric: f.kpi(name=metric.replace("_", " ").capitalize(), metric=metric, focus=metric) for metric in WEIGHTS
    }
    f.priority_version(campaign, {kpis[metric]: points for metric, points in WEIGHTS.items()})
    return campaign


def turned(campaign: Campaign, share: str = "0.60", **points: int) -> Proposal:
    """Other weights of the same KPIs; `points` by metric."""
    kpis = {kpi.metric: kpi.pk for kpi in KPI.objects.all()}
    return Proposal(campaign, {kpis[metric]: n for metric, n in (points or TURNED).items() if n}, Decimal(share))


def catalogue(dice: random.Random) -> list[Activity]:
    """Three activities about each kind of person, some lessons and some about nobody."""
    skill = f.skill("talk")
    made = []
    for n, about in enumerate([*[one for one in About if one != About.NOBODY] * 3, *[About.NOBODY] * 8]):
        lesson = about == About.NOBODY and n % 2 == 0
        metrics = dice.sample(["sales", *WEIGHTS], 2)
        made.append(
            f.activity(
                f"a{n:02}", f"Do {n} with {{name}}", about=about, p_done=round(dice.uniform(0.1, 0.7), 2),
                form=Form.LESSON if lesson else dice.choice([Form.MESSAGE, Form.CALL, Form.TODO]),
                skill=skill if lesson else None, skill_gain=0.3 if lesson else 0,
                impacts={one: round(dice.uniform(0.02, 0.3) * (60 if one in {"sales", "order_size"} else 1), 3) for one in metrics},
            )
        )  # fmt: skip
    ActivityText.objects.bulk_create(
        ActivityText(activity=one, language=language, title=f"{one.key} {language} {{name}}")
        for one in made
        for language in ("de", "es")
    )
    return made


def field(n: int, markets: list[Market], dice: random.Random) -> list[Distributor]:
    """Every fourth has a sponsor among those before her; some are new, some chose a language or a larger share."""
    people: list[Distributor] = []
    for i in range(n):
        people.append(
            f.distributor(
                name=f"Dora Field{i}", market=dice.choice(markets), joined_on=f.TODAY - timedelta(days=dice.choice([5, 40, 700])),
                sponsor=dice.choice(people) if i % 4 == 3 else None, language=dice.choice(["", "", "es"]),
                own_goal_share=dice.choice([None, None, Decimal("0.80")]),
            )
        )  # fmt: skip
    Customer.objects.bulk_create(one for person in people for one in customers(person, dice))
    Goal.objects.bulk_create(
        Goal(distributor=person, metric=metric, period="month", target=target, created_at=f.NOW)
        for person in people
        for metric, target in (("sales", 300 * person.market.price_level), ("enrolments", Decimal(2)))
        if dice.random() < 0.8
    )
    return people


def customers(person: Distributor, dice: random.Random) -> list[Customer]:
    return [customer(person, dice) for _ in range(dice.randint(0, 9))]


def customer(person: Distributor, dice: random.Random) -> Customer:
    n = f.number()
    facts: dict[str, Any] = {"external_id": f"c{n}", "name": f"Secreta Oculta{n}", "added_at": at(dice.randint(1, 90))}
    if dice.random() < 0.3:
        facts |= {"kind": "prospect", "hotness": dice.choice(["hot", "warm", "cool"])}
    else:
        last, orders = dice.choice([6, 21, 40, 60, 150, 300]), dice.randint(1, 8)
        facts |= {
            "orders": orders, "spent": Decimal(orders * dice.randint(10, 90)), "last_order_on": f.TODAY - timedelta(days=last),
            "usual_gap_days": dice.choice([None, 30.0, 45.0]),
        }  # fmt: skip
    if dice.random() < 0.2:
        facts["birthday"] = f.TODAY + timedelta(days=dice.randint(0, 6))
    if dice.random() < 0.3:
        facts["last_contact_at"] = at(dice.choice([1, 3, 10, 30]))
    return Customer(distributor=person, **facts)


def at(days_ago: int) -> datetime:
    return f.NOW - timedelta(days=days_ago)


def weights_of(campaign: Campaign) -> Proposal:
    """What it has now."""
    version = campaign.versions.order_by("-number")[0]
    points = dict(Priority.objects.filter(version=version).values_list("kpi_id", "weight"))
    return Proposal(campaign, points, version.own_goal_share)
