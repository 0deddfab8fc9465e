"""Certificates of other systems with their issuers, from the hub's store; what is believed of them is not decided here."""

from __future__ import annotations

from cryptography import x509

from hub.client import pki
from hub.client.errors import TrustError
from hub.client.wire import Wire


class Chains:
    """Each is fetched once."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._fetched: dict[str, list[x509.Certificate]] = {}

    def __call__(self, kid: str) -> list[x509.Certificate]:
        """The certificate of that `kid`, then its issuers. Raises TrustError, ProblemError, HubUnreachable."""
        if kid not in self._fetched:
            pem = self._wire.call("GET", f"/pki/certificates/{kid}.pem").content
            try:
                self._fetched[kid] = pki.read_certificates(pem)
            except ValueError:
                raise TrustError(f"证书 {kid} 无法读取", f"the certificate {kid} cannot be read") from None
        return self._fetched[kid]
