"""Vouches for files that adapters write: manifests signed with the hub's push key, and the certificates that go with them.

A receiver behind a one-way gateway can ask nobody for a certificate, so those of the envelopes' signers travel with them.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from certs import envelope
from certs.bundles import seal_manifest
from certs.header import EXCHANGE
from certs.suites import Signer
from hub.registry.certificates import certificate_chain
from hub.registry.keyring import KeyRing

MOST_CHAINS = 10_000
"""Certificates kept in memory, a few kilobytes each; beyond, they are read again."""


@dataclass(slots=True)
class HubNotary:
    """The notary of one hub (`adapters.protocol.Notary`); `session` opens a session on its database."""

    hub: str
    signer: Signer
    keyring: KeyRing
    session: Callable[[], AbstractAsyncContextManager[AsyncSession]]
    _chains: dict[str, bytes] = field(default_factory=dict)

    def sign_manifest(self, members: Mapping[str, Any]) -> bytes:
        """The signed manifest. Raises BundleError for members that no receiver would take."""
        return seal_manifest(self.signer, members)

    async def certificates_of(self, envelopes: Sequence[str]) -> bytes:
        """The certificates of the envelopes' signers, each once, with their issuers, in PEM.

        Raises UnknownCertificate for a signer that the registry does not have.
        """
        kids = dict.fromkeys(_kid(compact) for compact in envelopes)
        known = {kid: self._chains[kid] for kid in kids if kid in self._chains}
        if len(known) < len(kids):
            async with self.session() as session:
                read = {kid: await certificate_chain(session, self.keyring, kid) for kid in kids if kid not in known}
            if len(self._chains) + len(read) > MOST_CHAINS:
                self._chains.clear()
            self._chains.update(read)
            known |= read
        return b"".join(known[kid] for kid in kids)


def _kid(compact: str) -> str:
    data = compact.encode("ascii")
    return envelope.read(data, max_bytes=len(data), allowed_types=frozenset({EXCHANGE})).header.kid
