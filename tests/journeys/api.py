"""The outside systems of a journey: a shop that posts orders, and whoever reads feeds."""

from __future__ import annotations

import json
import urllib.request
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import count
from typing import Any

from .conftest import Product

_numbers = count(1)


class Shop:
    def __init__(self, product: Product) -> None:
        self.product = product

    @cached_property
    def key(self) -> str:
        printed = self.product.manage(
            "apikey", f"journey {next(_numbers)}", "--scope", "events:write", "--scope", "feed:read"
        )
        return next(word for word in printed.split() if word.startswith("pep_"))

    def call(self, path: str, body: Any = None, kind: str = "application/cloudevents+json") -> tuple[int, Any]:
        request = urllib.request.Request(
            f"{self.product.url}/api/v1/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": kind},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())

    def feed(self, who: str) -> dict[str, Any]:
        return self.call(f"distributors/{who}/feed")[1]

    def post(self, kind: str, subject: str, data: dict[str, Any], *, days_ago: int = 0) -> int:
        event = {
            "specversion": "1.0", "source": "journey-shop", "id": f"j-{next(_numbers)}", "type": kind,
            "subject": subject, "time": (datetime.now(UTC) - timedelta(days=days_ago)).isoformat(), "data": data,
        }  # fmt: skip
        return self.call("events", event)[0]
