"""`manage.py apikey`: a key is printed once, and the refusals are sentences."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from distributors.models import ApiKey

pytestmark = pytest.mark.django_db


def issue(*words: str) -> str:
    out = StringIO()
    call_command("apikey", *words, stdout=out, stderr=StringIO())
    return out.getvalue().strip()


def test_it_works():
    text = issue("shop", "--scope", "events:write", "--scope", "feed:read")
    key = ApiKey.objects.get(name="shop")
    _, prefix, secret = text.split("_", 2)
    assert key.scopes == ["events:write", "feed:read"]
    assert (key.prefix, key.secret_hash) == (prefix, ApiKey.hash(secret))
    assert secret not in str(ApiKey.objects.values().get())


def test_revoke():
    issue("shop", "--scope", "feed:read")
    issue("shop", "--revoke")
    assert ApiKey.objects.get(name="shop").revoked_at is not None


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["shop", "--scope", "feed:write"], "There is no scope 'feed:write'; there are events:write, feed:read."),
        (["shop"], "Say what the key may do"),
        (["taken", "--scope", "feed:read"], "There is a key named 'taken' already"),
        (["nobody", "--revoke"], "There is no working key named 'nobody'."),
        ([" ", "--scope", "feed:read"], "The name must have 1 to 80 characters."),
    ],
)
def test_refusals(words, sentence):
    issue("taken", "--scope", "feed:read")
    with pytest.raises(CommandError, match=sentence.replace("(", r"\(")):
        issue(*words)
    assert ApiKey.objects.count() == 1
