"""Keys and certificates that several tests of this room use; made once, for making them is what takes the time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from certs.authority import Issued, create_issuing, create_root
from certs.envelope import kid_of
from certs.keys import generate_key
from certs.suites import KeySigner

NOW = datetime(2026, 3, 1, 8, 30, 0, 123456, tzinfo=UTC)


@pytest.fixture(scope="session")
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def root() -> Issued:
    return create_root("示例根 Example Root", NOW)


@pytest.fixture(scope="session")
def issuing(root: Issued) -> Issued:
    return create_issuing(root, "示例签发 Example Issuing", NOW, crl_url="http://hub.example/pki/root.crl")


@pytest.fixture(scope="session", params=["ES256", "EdDSA"])
def signer(request: pytest.FixtureRequest) -> KeySigner:
    return KeySigner(generate_key(request.param), kid_of(b"the DER of a certificate"))
