"""What YouSystem wants this quarter: KPIs, campaigns with priorities, an award and a contest in each market; its rules."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import NamedTuple

from distributors.models import Distributor, Market, User

from . import priorities, ready, signals, trends
from .models import KPI, Campaign, Incentive, IncentiveTier, Policy, Rule

#: (name, metric, line, in the field's words, owner).
KPIS = (
    ("Eye line repeat orders", "repeat_orders", "eye", "repeat orders of the eye line", "Product"),
    ("New distributors", "enrolments", "", "new people on the team", "Field growth"),
    ("Distributor retention", "retained_recruits", "", "recruits who stay active", "Field growth"),
    ("Order size", "order_size", "", "a fuller basket per order", "Sales"),
    ("Sales", "sales", "", "sales", "Sales"),
    ("New customers", "new_customers", "", "first orders of new customers", "Sales"),
    ("Learning", "lessons_done", "", "lessons finished", "Training"),
)
#: The same for the field that does not read English.
FOCUS = {
    "Eye line repeat orders": {"de": "Folgebestellungen der Augenlinie", "es": "recompras de la línea de ojos"},
    "New distributors": {"de": "neue Menschen im Team", "es": "personas nuevas en el equipo"},
    "Distributor retention": {"de": "Teammitglieder, die aktiv bleiben", "es": "integrantes que siguen activos"},
    "Order size": {"de": "ein vollerer Warenkorb je Bestellung", "es": "un carrito más completo por pedido"},
    "Sales": {"de": "Umsatz", "es": "ventas"},
    "New customers": {"de": "erste Bestellungen neuer Kundschaft", "es": "primeros pedidos de clientes nuevos"},
    "Learning": {"de": "abgeschlossene Lektionen", "es": "lecciones terminadas"},
}
#: What this company wants of the ready-made ones, by metric and product line. Nothing of training: nobody has finished a lesson
#: yet, and without a target it is not among what the overview leads with.
TARGETS = {
    ("repeat_rate", ""): Decimal(65),
    ("repeat_rate", "eye"): Decimal(30),
    ("customer_retention", ""): Decimal(80),
    ("distributor_retention", ""): Decimal(85),
    ("adoption", ""): Decimal(85),
    ("recruiting", ""): Decimal(8),
    ("first_orders", ""): Decimal(80),
}
#: The worked example.
SAMPLE = "jenna"
OWN_GOAL_SHARE = Decimal("0.60")
THIS_QUARTER = {"Eye line repeat orders": 40, "New distributors": 20, "Distributor retention": 15, "Order size": 25}
LAST_QUARTER = {"Sales": 50, "New customers": 30, "New distributors": 20}
NEXT_QUARTER = {"Eye line repeat orders": 30, "Order size": 30, "Distributor retention": 20, "New distributors": 20}
STORE_KPIS = (("Repeat baskets", "repeat_orders", "", "households that come back", "Stores"),)
STORES_THIS_QUARTER = {"Repeat baskets": 40, "Order size": 35, "New customers": 25}

#: The challenge began eleven weeks before this week and runs a hundred days.
CHALLENGE_BEFORE, CHALLENGE_DAYS = timedelta(weeks=11), timedelta(days=100)
#: In base currency, scaled by each market's price level.
TIERS = (Decimal(1500), Decimal(3000), Decimal(6000))


class Told(NamedTuple):
    """An award and a contest belong to one market, and are told in its language."""

    challenge: str
    challenge_terms: str
    prizes: tuple[str, str, str]
    relay: str
    relay_terms: str


TOLD = {
    "en": Told(
        "Hundred-day challenge",
        "Sales of your own customers count on the day of the order, less refunds. One prize each, the highest reached.",
        ("the travel bag", "the watch", "the weekend for two"),
        "Eye-line relay",
        "Second and later orders of the eye line count. Equal counts share a place.",
    ),
    "de": Told(
        "Hundert-Tage-Challenge",
        "Es zählt der Umsatz mit deiner eigenen Kundschaft am Tag der Bestellung, abzüglich Erstattungen. "
        "Eine Prämie pro Person, die höchste erreichte.",
        ("Reisetasche", "Armbanduhr", "Wochenende zu zweit"),
        "Augenlinien-Staffel",
        "Es zählen zweite und weitere Bestellungen der Augenlinie. Gleichstand teilt sich einen Platz.",
    ),
    "es": Told(
        "Reto de cien días",
        "Cuentan las ventas a tus propios clientes el día del pedido, menos reembolsos. "
        "Un premio por persona, el más alto alcanzado.",
        ("la bolsa de viaje", "el reloj", "el fin de semana para dos"),
        "Relevo de la línea de ojos",
        "Cuentan el segundo pedido y los siguientes de la línea de ojos. Los empates comparten lugar.",
    ),
}


class Quarter(NamedTuple):
    first: date
    last: date

    @property
    def name(self) -> str:
        return f"Q{(self.first.month + 2) // 3} {self.first.year}"


def quarter_of(day: date) -> Quarter:
    first = day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    after = (first + timedelta(days=95)).replace(day=1)
    return Quarter(first, after - timedelta(days=1))


def load(*, as_of: datetime, by: User | None, approved_by: User | None = None) -> None:
    """KPIs; last quarter's campaign (ended), this quarter's (live) and the next one's (it begins by itself); incentives."""
    kpis = make_kpis(KPIS)
    markets = list(Market.objects.order_by("pk"))
    this = quarter_of(markets[0].local_day(as_of))
    before, after = quarter_of(this.first - timedelta(days=1)), quarter_of(this.last + timedelta(days=1))
    ended = campaign(
        f"{before.name}: more customers", before, LAST_QUARTER, kpis, "Quarter plan", by, approved_by, as_of
    )
    Campaign.objects.filter(pk=ended.pk).update(status=Campaign.Status.ENDED)
    campaign(
        f"{this.name}: the second eye order",
        this,
        THIS_QUARTER,
        kpis,
        "The eye line sells once",
        by,
        approved_by,
        as_of,
    )
    campaign(f"{after.name}: fuller baskets", after, NEXT_QUARTER, kpis, "Quarter plan", by, approved_by, as_of)
    for market in markets:
        week = market.week_of(market.local_day(as_of))
        challenge(market, week[0])
        relay(market, *week)
    watch(SAMPLE)
    ready.add_missing(TARGETS)
    trends.compute(as_of)


def rules(*, as_of: datetime, by: User, approved_by: User) -> list[Rule]:
    """All ready-made signals, live: written by one, approved by the other."""
    made = signals.add_missing(by, as_of)
    return [signals.release(rule, by=by, approved_by=approved_by, as_of=as_of) for rule in made]


def watch(external_id: str) -> None:
    """Whose list the console shows first."""
    policy, _made = Policy.objects.get_or_create()
    policy.samples.add(Distributor.objects.get(external_id=external_id))


def load_for_stores(*, as_of: datetime, by: User | None, approved_by: User | None = None) -> None:
    """KPIs and a live campaign for a company without an eye line, and the same challenge."""
    kpis = make_kpis([*STORE_KPIS, *(told for told in KPIS if not told[2])])
    market = Market.objects.order_by("pk")[0]
    today = market.local_day(as_of)
    this = quarter_of(today)
    after = quarter_of(this.last + timedelta(days=1))
    campaign(
        f"{this.name}: back again", this, STORES_THIS_QUARTER, kpis, "Households shop around", by, approved_by, as_of
    )
    campaign(
        f"{after.name}: back again", after, STORES_THIS_QUARTER, kpis, "Households shop around", by, approved_by, as_of
    )
    challenge(market, market.week_of(today)[0])
    ready.add_missing()
    trends.compute(as_of)


def make_kpis(told: Iterable[tuple[str, str, str, str, str]]) -> dict[str, KPI]:
    """KPIs by name."""
    found = {}
    for name, metric, scope, focus, owner in told:
        fields = {
            "metric": metric,
            "scope": scope,
            "focus": focus,
            "focus_by_language": FOCUS.get(name, {}),
            "owner": owner,
        }
        found[name] = KPI.objects.get_or_create(name=name, defaults=fields)[0]
    return found


def campaign(
    name: str, dates: Quarter, weights: dict[str, int], kpis: dict[str, KPI], why: str, by: User | None,
    approved_by: User | None, as_of: datetime,
) -> Campaign:  # fmt: skip
    """A campaign for all markets with its first version. One whose first day is ahead counts from that day on."""
    made = Campaign.objects.create(name=name, starts_on=dates.first, ends_on=dates.last)
    points = {kpis[kpi].pk: weight for kpi, weight in weights.items()}
    priorities.publish(
        campaign=made, weights=points, own_goal_share=OWN_GOAL_SHARE, reason=why, by=by, approved_by=approved_by,
        as_of=as_of,
    )  # fmt: skip
    return made


def challenge(market: Market, week: date) -> Incentive:
    """An award for sales of a hundred days."""
    first, told = week - CHALLENGE_BEFORE, TOLD[market.language]
    made = Incentive.objects.create(
        name=told.challenge,
        form=Incentive.Form.AWARD,
        market=market,
        metric="sales",
        starts_on=first,
        ends_on=first + CHALLENGE_DAYS - timedelta(days=1),
        terms=told.challenge_terms,
    )
    IncentiveTier.objects.bulk_create(
        IncentiveTier(incentive=made, threshold=local(amount, market), prize=prize)
        for amount, prize in zip(TIERS, told.prizes, strict=True)
    )
    return made


def relay(market: Market, first: date, last: date) -> Incentive:
    """This week's contest on repeat orders of the eye line, among similar people."""
    told = TOLD[market.language]
    return Incentive.objects.create(
        name=told.relay,
        form=Incentive.Form.CONTEST,
        market=market,
        metric="repeat_orders",
        scope="eye",
        starts_on=first,
        ends_on=last,
        terms=told.relay_terms,
    )


def local(base: Decimal, market: Market) -> Decimal:
    """A round amount in the market's money: up to the next hundred."""
    return (base * market.price_level / 100).quantize(Decimal(1), rounding=ROUND_CEILING) * 100
