"""The hub's own keys: made once, wrapped in the database, opened by each gateway as it starts.

Separate keys sign receipts, projections, pushes, tokens and the log, so that none can be used to say what another says.
The private halves leave this module only as signers. The log's key has no certificate: it signs C2SP checkpoints, whose
readers hold the bare Ed25519 key.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)
from sqlalchemy.ext.asyncio import AsyncSession

from certs.authority import ISSUING_DAYS, HubKeyRole, Issued, create_issuing, create_root, issue_hub_key
from certs.checkpoint import verifier_key
from certs.digests import b64u_encode, digest_bytes
from certs.envelope import kid_of
from certs.keys import generate_key
from certs.suites import KeySigner, PrivateKey, Signer, suite_for_key
from hub.errors import SetupError
from hub.registry import repository
from hub.registry.fields import within_octets
from hub.registry.masterkey import MasterKey
from hub.registry.models import HubKey
from hub.registry.revocation_list import RevocationList

CertifiedPurpose = Literal["receipt", "projection", "push", "token"]
Purpose = CertifiedPurpose | Literal["log"]
Algorithm = Literal["ES256", "EdDSA"]

# Tokens and receipts are read by software that may know nothing but ES256; a checkpoint is Ed25519 by C2SP.
_CERTIFIED: tuple[tuple[CertifiedPurpose, Algorithm, HubKeyRole], ...] = (
    ("receipt", "ES256", HubKeyRole.RECEIPTS),
    ("projection", "ES256", HubKeyRole.PROJECTIONS),
    ("push", "EdDSA", HubKeyRole.PUSHES),
    ("token", "ES256", HubKeyRole.TOKENS),
)
_PURPOSES = frozenset({"root", "issuing", "receipt", "projection", "push", "token", "log"})

_LONGEST_AUTHORITY_NAME = 48
"""Octets: the name of a certificate has 64, and ours says after the organisation which certificate it is."""


class HubKeysMissing(SetupError):
    """The database has no keys yet, or not all of them."""

    slug = "hub-keys"


class HubKeysPresent(SetupError):
    """The database has keys already; making others would orphan every receipt."""

    slug = "hub-keys"

    def __init__(self) -> None:
        super().__init__(
            "数据库中已有本枢纽的密钥，不会重新生成；请使用原有数据目录，或换一个空数据库",
            "the database holds this hub's keys already and none are made again; use it as it is, or an empty database",
        )


async def create_keys(
    session: AsyncSession, master_key: MasterKey, *, hub_id: str, organisation_name: str, now: datetime
) -> None:
    """Make root, issuing and the hub's signing keys, each certified by the issuing one but the log's.

    `organisation_name` is who runs the hub; it names the authority. Raises HubKeysPresent.
    """
    if await repository.active_hub_keys(session):
        raise HubKeysPresent
    name = within_octets(organisation_name, _LONGEST_AUTHORITY_NAME)
    root = create_root(f"{name} 根 root", now)
    issuing = create_issuing(root, f"{name} 签发 issuing", now)
    _store(session, master_key, "root", root.key, root.certificate, now)
    _store(session, master_key, "issuing", issuing.key, issuing.certificate, now)
    for purpose, algorithm, role in _CERTIFIED:
        key = generate_key(algorithm)
        certificate = issue_hub_key(issuing, key.public_key(), hub_id, role, now, ISSUING_DAYS)
        _store(session, master_key, purpose, key, certificate, now)
    _store(session, master_key, "log", generate_key("EdDSA"), None, now)
    await session.flush()


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The active keys, opened. `root` and `revocations` belong to the built-in authority, as does `authority`, which issues."""

    root: x509.Certificate
    authority: Issued = field(repr=False)
    revocations: RevocationList
    _keys: Mapping[str, PrivateKey] = field(repr=False)
    _certificates: Mapping[str, x509.Certificate]
    _signers: Mapping[str, Signer] = field(repr=False)

    @classmethod
    async def load(cls, session: AsyncSession, master_key: MasterKey) -> "KeyRing":
        """The keys in the database. Raises HubKeysMissing, MasterKeyError."""
        rows = {row.purpose: row for row in await repository.active_hub_keys(session)}
        if missing := sorted(_PURPOSES - rows.keys()):
            raise HubKeysMissing(
                f"数据库中缺少本枢纽的密钥（{', '.join(missing)}）；请先运行 shuniu init",
                f"the database lacks keys of this hub ({', '.join(missing)}); run shuniu init first",
            )
        keys = {purpose: _open(row, master_key) for purpose, row in rows.items()}
        certificates = {
            purpose: x509.load_der_x509_certificate(row.certificate)
            for purpose, row in rows.items()
            if row.certificate is not None
        }
        authority = Issued(keys["issuing"], certificates["issuing"])
        signers = {
            purpose: KeySigner(keys[purpose], row.kid)
            for purpose, row in rows.items()
            if purpose not in ("root", "issuing")
        }
        return cls(certificates["root"], authority, RevocationList(authority), keys, certificates, signers)

    def insist_on_hub_id(self, hub_id: str) -> None:
        """Raises `SetupError` unless it is the id that the hub's certificates name: receipts of another would not be believed."""
        names = self.certificate("receipt").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        certified = [uri.split(":")[3] for uri in names.get_values_for_type(x509.UniformResourceIdentifier)]
        if hub_id not in certified:
            raise SetupError(
                f"设置中的 hub_id 为 {hub_id}，而本枢纽初始化时为 {'、'.join(certified)}；请改回 SHUNIU_HUB_ID",
                f"hub_id is set to {hub_id}, but this hub was initialised as {', '.join(certified)}; set SHUNIU_HUB_ID back",
            )

    def signer(self, purpose: Purpose) -> Signer:
        """Signs what `purpose` says, and nothing else."""
        return self._signers[purpose]

    def certificate(self, purpose: CertifiedPurpose) -> x509.Certificate:
        """The certificate of the key for `purpose`."""
        return self._certificates[purpose]

    def ca_pem(self) -> bytes:
        """Root, then issuing certificate, in PEM: what verifiers trust and what they build chains with."""
        return pem(self.root) + pem(self.authority.certificate)

    def chain_pem(self, certificate: x509.Certificate) -> bytes:
        """A certificate, then its issuers among ours up to the root, in PEM."""
        chain = [certificate]
        for issuer in (self.authority.certificate, self.root):
            if issuer != certificate and chain[-1].issuer == issuer.subject:
                chain.append(issuer)
        return b"".join(map(pem, chain))

    def receipt_certificate_pem(self) -> bytes:
        """The certificate that receipts are checked with, in PEM (the demo's `trust/hub.pem`)."""
        return pem(self._certificates["receipt"])

    def log_verifier_key(self, origin: str) -> str:
        """The log's key as C2SP signed-note writes it, for `trust/log.pub`."""
        key = self._keys["log"]
        assert isinstance(key, Ed25519PrivateKey)
        return verifier_key(origin, key.public_key())


def pem(certificate: x509.Certificate) -> bytes:
    """The certificate in PEM."""
    return certificate.public_bytes(Encoding.PEM)


def _store(
    session: AsyncSession,
    master_key: MasterKey,
    purpose: str,
    key: PrivateKey,
    certificate: x509.Certificate | None,
    now: datetime,
) -> None:
    der = None if certificate is None else certificate.public_bytes(Encoding.DER)
    kid = _key_id(key) if der is None else kid_of(der)
    plain = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    session.add(
        HubKey(
            kid=kid,
            purpose=purpose,
            algorithm=suite_for_key(key.public_key()).name,
            wrapped_key=master_key.wrap(plain, _label(purpose, kid)),
            certificate=der,
            state="active",
            created_at=now,
        )
    )


def _open(row: HubKey, master_key: MasterKey) -> PrivateKey:
    key = load_der_private_key(master_key.unwrap(row.wrapped_key, _label(row.purpose, row.kid)), None)
    assert isinstance(key, EllipticCurvePrivateKey | Ed25519PrivateKey)
    return key


def _label(purpose: str, kid: str) -> bytes:
    return f"hub_key/{purpose}/{kid}".encode()


def _key_id(key: PrivateKey) -> str:
    # No certificate to take the digest of: the public key itself stands for it.
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return b64u_encode(digest_bytes(spki)).decode()
