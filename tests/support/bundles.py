"""A hub that writes bundles into a folder with real keys, and a partner behind a one-way gateway that takes them."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from adapters.bundle_container import read_acknowledgement
from certs import envelope
from certs.authority import HubKeyRole, Issued
from certs.bundles import seal_manifest
from certs.digests import digest
from certs.header import ACK, EXCHANGE
from certs.jsontext import parse_object
from certs.suites import Verifier
from hub.client import Delivery
from hub.client.bundle_file import write_bundle
from hub.client.bundles import Bundles, Taken
from tests.support.client_side import HUB, NOW, RECORDS, RES, County, pem, signer_of

SYSTEM, PROVIDER = "lintao-subsite", "civil-affairs"
LANE = "0199c1f2-0000-7000-8000-000000000001"
SERIES = "ABCDEFGH"


@dataclass
class Gateway:
    """A hub that writes bundles into a folder, and a partner that takes them."""

    county: County
    incoming: Path
    outgoing: Path
    bundles: Bundles
    now: datetime = NOW
    stored: list[Delivery] = field(default_factory=list)

    def item(self, sequence: int, **changes: Any) -> dict[str, Any]:
        provider = self.county.systems[PROVIDER]
        compact = envelope.seal(
            signer_of(provider), typ=EXCHANGE, iss=PROVIDER, aud=HUB, iat=int(self.now.timestamp()), jti=uuid4().hex,
            payload=json.dumps({"records": RECORDS}).encode(), res=RES, ver=3,
        )  # fmt: skip
        return {
            "delivery": str(uuid4()),
            "exchange": str(uuid4()),
            "res": RES,
            "ver": 3,
            "lane": LANE,
            "sequence": sequence,
            "digest": digest(compact),
            "envelope": compact.decode(),
            "accepted_at": self.now.isoformat(),
        } | changes

    def bundle(
        self, number: int, items: Sequence[dict[str, Any]], *, fence: int = 0, key: Issued | None = None, **changes: Any
    ) -> bytes:
        chain = self.county.chain(self.county.systems[PROVIDER])
        lines = [json.dumps({"pem": chain.decode()}).encode(), *(json.dumps(item).encode() for item in items)]
        kinds = ["certificates", *["item"] * len(items)]
        members = {
            "format": "shuniu-bundle/1",
            "kind": "deliveries",
            "hub": HUB,
            "system": SYSTEM,
            "series": SERIES,
            "number": number,
            "made_at": (self.now + timedelta(seconds=number)).isoformat(),
            "lane": LANE,
            "fence": fence or number,
            "first": number,
            "parts": [
                {"kind": kind, "size": len(line), "digest": digest(line)}
                for kind, line in zip(kinds, lines, strict=True)
            ],
        }
        signer = signer_of(key or self.county.hub_keys[HubKeyRole.PUSHES])
        return write_bundle(seal_manifest(signer, members | changes), lines)

    def lay(self, name: str, data: bytes, *, age_s: float = 0) -> Path:
        path = self.incoming / name
        path.write_bytes(data)
        moment = self.now.timestamp() - age_s
        os.utime(path, (moment, moment))
        return path

    def take(self) -> Taken:
        return self.bundles.take(self.incoming, self.stored.extend, now=self.now)

    @property
    def sequences(self) -> list[int]:
        return [delivery.sequence for delivery in self.stored]

    @property
    def left(self) -> list[str]:
        return sorted(path.name for path in self.incoming.iterdir() if not path.is_dir())

    @property
    def rejected(self) -> list[str]:
        folder = self.incoming / "rejected"
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []

    def acknowledged(self) -> list[list[dict[str, str]]]:
        """What lies in the outgoing folder, by name, as the hub reads it: signed by the partner's key."""
        found = []
        verifier = Verifier(self.county.systems[SYSTEM].certificate.public_key())
        for path in sorted(self.outgoing.iterdir()):
            compact = read_acknowledgement(path.read_bytes())
            opened = envelope.read(compact, max_bytes=64 << 10, allowed_types=frozenset({ACK}))
            envelope.verify(opened, verifier)
            assert (opened.header.iss, opened.header.aud) == (SYSTEM, HUB)
            found.append(parse_object(opened.payload_bytes)["deliveries"])
        return found


def make_gateway(county: County, now: datetime = NOW) -> Gateway:
    """A gateway to a partner of this county."""
    folder = county.system(SYSTEM, now=now)
    county.system(PROVIDER, now=now)
    chain = pem(county.hub_keys[HubKeyRole.PUSHES].certificate, county.issuing.certificate)
    (county.base / "trust/push.pem").write_bytes(chain)
    (county.base / "trust/ca.pem").write_bytes(pem(county.root.certificate, county.issuing.certificate))
    made = [county.base / name for name in ("from-gateway", "to-gateway")]
    for path in made:
        path.mkdir()
    return Gateway(county, made[0], made[1], Bundles.load(folder), now)
