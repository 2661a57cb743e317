"""KPIs that come ready-made: what most companies steer by, each with its words for the field."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from django.db import connection, transaction

from distributors.models import ProductLine

from .models import KPI


class Ready(NamedTuple):
    name: str
    metric: str
    focus: str  # in the field's words
    de: str
    es: str
    owner: str


READY = (
    Ready("Repeat rate", "repeat_rate", "customers who order again", "Kundschaft, die wieder bestellt",
          "clientes que vuelven a pedir", "Product"),
    Ready("Customer retention", "customer_retention", "customers who stay", "Kundschaft, die bleibt",
          "clientes que se quedan", "Sales"),
    Ready("Active at 90 days", "distributor_retention", "people who stay active", "Menschen, die aktiv bleiben",
          "personas que siguen activas", "Field growth"),
    Ready("Adoption", "adoption", "a look at the day's list", "der tägliche Blick in die Liste",
          "abrir la lista del día", "Field growth"),
    Ready("Training compliance", "compliance", "lessons finished", "abgeschlossene Lektionen",
          "lecciones terminadas", "Training"),
    Ready("Recruiting", "recruiting", "new people on the team", "neue Menschen im Team",
          "personas nuevas en el equipo", "Field growth"),
    Ready("Business building", "retained_recruits", "recruits who stay active", "Teammitglieder, die aktiv bleiben",
          "integrantes que siguen activos", "Field growth"),
    Ready("Order size", "order_size", "a fuller basket per order", "ein vollerer Warenkorb je Bestellung",
          "un carrito más completo por pedido", "Sales"),
    Ready("First order in 30 days", "first_orders", "a first order within 30 days",
          "eine erste Bestellung in den ersten 30 Tagen", "un primer pedido en los primeros 30 días", "Field growth"),
    Ready("Sales", "sales", "sales", "Umsatz", "ventas", "Sales"),
)  # fmt: skip
#: And one of these for each product line.
REPEAT_RATE_OF_A_LINE = Ready(
    "Repeat rate, %(line)s", "repeat_rate", "repeat orders, %(line)s", "Folgebestellungen, %(line)s",
    "recompras, %(line)s", "Product",
)  # fmt: skip


def missing() -> list[KPI]:
    """Those that no KPI for everybody counts yet, not saved."""
    taken = set(KPI.objects.values_list("name", flat=True))
    there = set(KPI.objects.filter(market=None, segment=None).values_list("metric", "scope"))
    lines = ProductLine.objects.order_by("name").values_list("code", "name")
    wanted = [made(ready) for ready in READY] + [made(REPEAT_RATE_OF_A_LINE, *line) for line in lines]
    found = [kpi for kpi in wanted if (kpi.metric, kpi.scope) not in there]
    for kpi in found:
        kpi.name = free(kpi.name, taken)
    return found


def made(ready: Ready, scope: str = "", line: str = "") -> KPI:
    focus, de, es = (words % {"line": line} if scope else words for words in (ready.focus, ready.de, ready.es))
    return KPI(
        name=(ready.name % {"line": line} if scope else ready.name)[:76], metric=ready.metric, scope=scope,
        focus=focus, focus_by_language={"de": de, "es": es}, owner=ready.owner,
    )  # fmt: skip


def free(name: str, taken: set[str]) -> str:
    """The name, or with a number when another KPI has it."""
    n, found = 2, name
    while found in taken:
        n, found = n + 1, f"{name} {n}"
    taken.add(found)
    return found


#: An advisory lock of its own, chosen at random: who adds them has no row to lock yet, so they wait for one another.
ADDING = 2_906_114_573


@transaction.atomic
def add_missing(targets: Mapping[tuple[str, str], Decimal] | None = None) -> list[KPI]:
    """Save those that are missing, with a target by (metric, product line) where one is given."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADDING])
    added = missing()
    for kpi in added:
        kpi.target = (targets or {}).get((kpi.metric, kpi.scope))
        kpi.save()
    return added
