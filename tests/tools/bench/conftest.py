"""A provider whose messages the bench signs."""

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from certs.keys import generate_key
from tools.bench.requests import Sending


@pytest.fixture
def sending() -> Sending:
    """Messages of 1 KiB, for a hub that is not there."""
    pem = generate_key("ES256").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Sending("bench-hub", "bench-provider", "A" * 43, pem, "306001000001/000001", 1024)
