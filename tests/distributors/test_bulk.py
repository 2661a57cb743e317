"""Files: rows by the thousand, poison among them, run again, tried dry."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from distributors import bulk, ingest
from distributors.models import Customer, Distributor, Event, Measure, Order, OrderLine, Product
from tests import factories

pytestmark = pytest.mark.django_db

NOW = factories.NOW


def order(n: int, **changes: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0", "source": "till", "id": f"t-{n}", "type": "order.placed", "subject": f"s{n % 5}",
        "time": f"2026-08-{n % 26 + 1:02}T10:00:00Z",
        "data": {
            "customer": f"C-{n % 300}", "currency": "USD", "amount": "20.00",
            "lines": [{"sku": f"SKU-{n % 7}", "quantity": 2, "amount": "20.00", "line": "eye"}],
        },
    } | changes  # fmt: skip


@pytest.fixture
def shops() -> list[Distributor]:
    return [factories.distributor(external_id=f"s{n}") for n in range(5)]


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "BLOCK", 100)


def counts() -> dict[str, int]:
    models = (Distributor, Customer, Product, Event, Order, OrderLine, Measure)
    return {model.__name__: model.objects.count() for model in models}


def test_it_works(shops: list[Distributor]) -> None:
    seen: list[int] = []
    summary = ingest.bulk(map(order, range(5000)), received_at=NOW, progress=seen.append)
    assert (summary.read, summary.stored, summary.repeated, summary.conflicts, summary.invalid) == (5000, 5000, 0, 0, 0)
    assert sum(seen) == 5000
    assert summary.events_per_second > 0
    assert sum(Measure.objects.filter(metric="sales", scope="eye").values_list("value", flat=True)) == 100_000
    assert ingest.rebuild(check=True).equal


def poisoned(n: int) -> Any:
    """A hundred ways not to be an event, one in every hundred rows."""
    if n % 100 != 37:
        return order(n)
    bad = order(n)
    data = bad["data"]
    poisons: list[Any] = [
        None, [], bad | {"id": None}, bad | {"time": "2026-08-01"}, bad | {"subject": "x\0"}, bad | {"subject": "who"},
        bad | {"data": data | {"amount": "1e3"}}, bad | {"data": data | {"currency": "EUR"}},
        bad | {"data": data | {"note": "\ud800"}}, bad | {"data": data | {"lines": [{}]}},
    ]  # fmt: skip
    return poisons[n // 100 % len(poisons)]


def test_a_hundred_poison_rows_among_ten_thousand(shops: list[Distributor]) -> None:
    summary = ingest.bulk(map(poisoned, range(10_000)), received_at=NOW)
    assert (summary.stored, summary.invalid) == (9900, 100)
    assert [error["row"] for error in summary.errors] == [n + 1 for n in range(10_000) if n % 100 == 37]
    assert all(error["error"].endswith(".") for error in summary.errors)
    assert Order.objects.count() == 9900


def test_again_stores_nothing_and_repairs_replay(shops: list[Distributor], small_blocks: None) -> None:
    ingest.bulk(map(poisoned, range(500)), received_at=NOW)
    summary = ingest.bulk(map(order, range(600)), received_at=NOW)
    assert (summary.stored, summary.repeated, summary.failed) == (105, 495, False)


def test_a_run_cut_short_is_run_again(shops: list[Distributor], small_blocks: None) -> None:
    def power_cut() -> Any:
        yield from map(order, range(250))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest.bulk(power_cut(), received_at=NOW)
    assert Event.objects.count() == 200, "whole blocks"
    summary = ingest.bulk(map(order, range(400)), received_at=NOW)
    assert (summary.stored, summary.repeated) == (200, 200)


@pytest.mark.parametrize("dry_run", [True, False])
def test_doubles_across_blocks(shops: list[Distributor], small_blocks: None, dry_run: bool) -> None:
    rows = [order(n % 150) for n in range(300)] + [order(3, time="2026-08-20T00:00:00Z")]
    summary = ingest.bulk(rows, received_at=NOW, dry_run=dry_run)
    assert (summary.stored, summary.repeated, summary.conflicts) == (150, 150, 1)
    assert summary.errors == [{"row": 301, "error": "An event with this source and id is stored with another body."}]


def enrolment(name: str, sponsor: str) -> dict[str, Any]:
    data = {"name": name.title(), "sponsor": sponsor, "email": f"{name}@example.com"}
    return order(0, id=f"enrol-{name}", type="distributor.enrolled", subject=name, data=data)


def test_a_whole_company_from_one_file_in_any_order(shops: list[Distributor], small_blocks: None) -> None:
    rows = [order(n, subject="cleo") for n in range(150)] + [enrolment("cleo", "bea"), enrolment("bea", "s0")]
    summary = ingest.bulk(rows, received_at=NOW)
    assert (summary.stored, summary.failed) == (152, False)
    assert Distributor.objects.get(external_id="cleo").sponsor.sponsor == shops[0]  # type: ignore[union-attr]


def test_a_dry_run_says_the_same_and_writes_nothing(shops: list[Distributor], small_blocks: None) -> None:
    rows = [order(n, subject="cleo") for n in range(150)] + [enrolment("cleo", "bea"), enrolment("bea", "s0")]
    rows += [poisoned(n) for n in range(250)]
    before = counts()
    dry = ingest.bulk(rows, received_at=NOW, dry_run=True)
    assert counts() == before
    wet = ingest.bulk(rows, received_at=NOW)
    same = ("read", "stored", "repeated", "conflicts", "invalid", "errors")
    assert [getattr(dry, name) for name in same] == [getattr(wet, name) for name in same]


def run(file: Path, *args: str) -> tuple[dict[str, Any], str, int]:
    out, err, code = StringIO(), StringIO(), 0
    try:
        call_command("ingest", str(file), *args, stdout=out, stderr=err)
    except SystemExit as exit:
        code = int(str(exit.code))
    return json.loads(out.getvalue()), err.getvalue(), code


def test_ndjson_from_a_file(shops: list[Distributor], tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_text("\n".join([json.dumps(order(1)), "", "{oops", '{"a": NaN}', json.dumps(order(2, subject="who"))]))
    summary, errors, code = run(file)
    assert (summary["read"], summary["stored"], summary["invalid"], code) == (4, 1, 3, 1)
    assert errors.splitlines() == [
        "row 3: The line is not valid JSON.",
        "row 4: The line is not valid JSON.",
        "row 5: subject who is not a known distributor.",
    ]
    file.write_text(json.dumps(order(1)))
    summary, errors, code = run(file, "--progress")
    assert (summary["repeated"], errors, code) == (1, "", 0)


CSV = """id,source,type,subject,time,customer,currency,amount,sku,quantity,line_amount,line
o-1,till,order.placed,s0,2026-08-01T10:00:00Z,C-1,USD,30.00,A,1,10.00,eye
o-1,till,,,,,,,B,2,20.00,lips
o-2,till,order.placed,s0,2026-08-02T10:00:00Z,C-1,USD,5.00,A,1,,eye
o-3,till,order.placed,s0,2026-08-02T10:00:00Z,C-1,EUR,5.00,A,1,,eye
o-4,till,order.placed,s0
s-1,till,distributor.signed_in,s0,2026-08-02T10:00:00Z,,,,,,,
,till,distributor.signed_in,s0,2026-08-02T10:00:00Z,,,,,,,
,till,distributor.signed_in,s0,2026-08-02T10:00:00Z,,,,,,,
"""


def test_csv_has_one_row_an_order_line(shops: list[Distributor], tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    file.write_text(CSV)
    summary, errors, code = run(file)
    assert (summary["read"], summary["stored"], code) == (7, 3, 1)
    assert errors.splitlines() == [
        "row 5: data.currency must be USD, the currency of s0's market.",
        "row 6: The row has 4 cells; the header has 12.",
        "row 8: id is missing.",
        "row 9: id is missing.",
    ]
    lines = OrderLine.objects.order_by("pk").values_list("order__event__external_id", "product__sku", "amount")
    assert [(o, sku, str(amount)) for o, sku, amount in lines] == [
        ("o-1", "A", "10.00"), ("o-1", "B", "20.00"), ("o-2", "A", "5.00"),
    ]  # fmt: skip


def test_a_dry_run_from_the_command_line(shops: list[Distributor], tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    file.write_text(CSV)
    summary, _errors, code = run(file, "--dry-run", "--format", "csv")
    assert (summary["stored"], summary["invalid"], code) == (3, 4, 1)
    assert Event.objects.count() == 0


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("missing.csv", None, "cannot be read: No such file or directory."),
        ("odd.txt", b"", "Say what odd.txt holds, with --format csv or --format ndjson."),
        ("e.csv", b"id,source,type,subject,time,colour\n", "The column 'colour' is not known"),
        ("e.csv", b"id,source,type,subject\n", "The header has no column 'time'."),
        ("e.csv", b"id,source,type,subject,time,time\n", "The header names a column twice."),
        ("e.csv", b"", "The header has no column 'id'."),
        ("e.ndjson", b"\xff\xfe\n", "is not UTF-8 text"),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, name: str, content: bytes | None, sentence: str) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CommandError, match=sentence.replace(".", r"\.")):
        call_command("ingest", str(file))
