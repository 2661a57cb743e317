"""schemathesis throws what the API's own description allows, and what it does not, at every operation."""

from __future__ import annotations

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, Phase, settings
from schemathesis.config import SchemathesisConfig

from distributors.models import ApiKey
from tests import factories

config = SchemathesisConfig.from_dict(
    {
        "checks": {
            "negative_data_rejection": {"expected-statuses": ["400", "401", "403", "404", "405", "413", "415", "422"]},
            # Well-formed is not yet valid: a distributor must be known, money must be hers. Those answers are 404, 409, 422.
            "positive_data_acceptance": {"expected-statuses": ["2xx", "401", "403", "404", "409", "422"]},
        }
    }
)


schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application(), config=config)


@pytest.fixture
def headers(transactional_db: None) -> dict[str, str]:
    factories.distributor(external_id="jenna")
    _key, token = ApiKey.issue(name="fuzz", scopes=["events:write", "feed:read"])
    return {"Authorization": f"Bearer {token}"}


@schema.parametrize()
@settings(
    max_examples=40, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
def test_every_answer_is_described_and_none_is_a_server_error(case: schemathesis.Case, headers: dict[str, str]) -> None:
    case.call_and_validate(headers=headers)
