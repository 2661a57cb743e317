"""Who calls the API: `Authorization: Bearer pep_<prefix>_<secret>`, with the scope that the operation needs."""

from __future__ import annotations

import re

from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from ninja.errors import HttpError
from ninja.security import HttpBearer

from .models import ApiKey

KEY = re.compile(r"pep_([0-9a-f]{8})_([-_A-Za-z0-9]{20,100})", re.ASCII)


class ApiKeyAuth(HttpBearer):
    """401 without a working key (`request.auth` is None), 403 when the key lacks `scope`."""

    openapi_bearerFormat = "pep_<prefix>_<secret>"  # noqa: N815

    def __init__(self, scope: str) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey | None:
        key = key_of(token)
        if key is not None and self.scope not in key.scopes:
            raise HttpError(403, f"This key does not have the scope {self.scope}.")
        return key


def key_of(token: str) -> ApiKey | None:
    """The key whose whole text this is, unless it was revoked."""
    parts = KEY.fullmatch(token)
    if parts is None:
        return None
    prefix, secret = parts.groups()
    key = ApiKey.objects.filter(prefix=prefix, revoked_at=None).first()
    return key if key is not None and constant_time_compare(key.secret_hash, ApiKey.hash(secret)) else None
