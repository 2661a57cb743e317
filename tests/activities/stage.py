"""A person with goals, customers, a catalogue and a campaign: enough for every slot of a feed."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from activities.models import Activity
from distributors import ingest
from distributors.models import Customer, Distributor
from tests import factories as f

About, Form = Activity.About, Activity.Form


def at(days_ago: int, hour: int = 16) -> datetime:
    """That many days before NOW, at an hour of UTC (noon in New York)."""
    return datetime.combine(f.TODAY - timedelta(days=days_ago), time(hour), f.NOW.tzinfo)


def order(
    of: Distributor, customer: Customer, days_ago: int, amount: str = "34.00", *, sku: str = "EYE-1", **fields: Any
):
    """An order through the same door as everybody's."""
    return ingest.record(
        type="order.placed",
        distributor=of,
        customer=customer,
        time=fields.pop("time", None) or at(days_ago),
        data={
            "currency": of.market.currency,
            "amount": amount,
            "lines": [{"sku": sku, "quantity": 1, "amount": amount}],
        },
        external_id=fields.pop("external_id", None) or f"o{f.number()}",
        source="shop",
    )


def catalogue() -> dict[str, Activity]:
    eye = f.product_line("eye", name="Eye line")
    skill = f.skill("reorder-talk", name="The re-order talk")
    made = [
        f.activity("eye-refill-video", "Send {name} the {product} refill video", about=About.ONE_TIME, line=eye, form=Form.MESSAGE,
                   p_done=0.46, impacts={"sales": 18, "repeat_orders:eye": 0.22, "order_size": 1}, closes_on="order.placed"),
        f.activity("basket-add-on", "Offer {name} an add-on", about=About.OPEN_BASKET, p_done=0.35,
                   impacts={"sales": 22, "order_size": 9}, closes_on="order.placed"),
        f.activity("nurture", "Call {name}", about=About.PROSPECT, form=Form.CALL, p_done=0.4, impacts={"enrolments": 0.15},
                   closes_on="distributor.enrolled"),
        f.activity("reorder-talk", "The re-order talk", form=Form.LESSON, p_done=0.55, skill=skill, skill_gain=0.45,
                   impacts={"sales": 3}),
        f.activity("win-back", "Win {name} back", about=About.LAPSED, p_done=0.3, impacts={"sales": 6}, closes_on="order.placed"),
        f.activity("check-recruit", "Check in with {name}", about=About.NEW_RECRUIT, p_done=0.5, impacts={"retained_recruits": 0.16}),
    ]  # fmt: skip
    return {activity.key: activity for activity in made}


def stage() -> Distributor:
    """Thursday of a week that is at $187.50 of $250; two of three enrolments."""
    jenna = f.distributor(external_id="jenna", name="Jenna Reyes")
    f.product("EYE-1", name="Lumen Palette", lasts_days=42, line=f.product_line("eye", name="Eye line"))
    f.product("LIP-1", name="Velvet Balm", line=f.product_line("lip", name="Lip line"))
    catalogue()
    f.goal(jenna, metric="sales", target=Decimal(250), period="week")
    f.goal(jenna, metric="enrolments", target=Decimal(3), period="month")
    maria, li = f.customer(jenna, name="Maria Ruiz"), f.customer(jenna, name="Li Wei")
    tom, other = f.customer(jenna, name="Tom Hale"), f.customer(jenna, name="Other One")
    f.customer(jenna, name="Ana Vidal", kind="prospect", hotness="hot", added_at=at(8))
    order(jenna, maria, 34)
    order(jenna, tom, 150, sku="LIP-1")
    order(jenna, other, 1, "187.50", sku="LIP-1")
    ingest.record(type="basket.opened", distributor=jenna, customer=li, time=at(1), external_id="b1",
                  data={"amount": "22.00", "currency": "USD", "lines": [{"sku": "LIP-1"}]})  # fmt: skip
    for name in ("Elin Berg", "Noor Haddad"):
        arrive(
            "distributor.enrolled", name.split()[0], {"name": name, "sponsor": "jenna"}, time=at(2), received_at=at(2)
        )
    f.distributor(name="Rosa Blum", sponsor=jenna, joined_on=f.TODAY - timedelta(days=24))
    campaign = f.campaign(ends_on=date(2026, 9, 30))
    f.priority_version(campaign, {
        f.kpi(metric="repeat_orders", scope="eye", focus="repeat orders of the eye line"): 40,
        f.kpi(metric="enrolments", focus="new people in your team"): 20,
        f.kpi(metric="retained_recruits", focus="recruits who keep ordering"): 15,
        f.kpi(metric="order_size", focus="larger orders"): 25,
    })  # fmt: skip
    return jenna


def arrive(type: str, subject: str, data: dict[str, Any], *, time: datetime, received_at: datetime) -> None:
    """An event of another system, through the API's door."""
    event = {
        "specversion": "1.0", "source": "shop", "id": f"a{f.number()}", "type": type, "subject": subject,
        "time": time.isoformat(), "data": data,
    }  # fmt: skip
    (verdict,) = ingest.accept([event], received_at=received_at)
    assert verdict.status == 201, verdict.body
