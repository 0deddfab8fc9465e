"""What this room refuses, and why.

    CertsError                  something that this room does not believe
    ├── JsonError               bytes that are not the JSON which the contract accepts
    ├── EnvelopeError           an envelope refused at its size, form, algorithm, signer or signature
    ├── UnsuitableKeyError      a public key that no suite takes
    ├── CsrError                a certificate signing request that the authority refuses
    ├── AuthorityError          a certificate or revocation list that the authority will not sign
    ├── KeyStoreError           a private key that cannot be stored or opened
    ├── ProofError              a proof about the log's tree that does not hold, or that cannot exist
    ├── TileError               a tile, a bundle of entries or a path to one that is not of its form
    ├── CheckpointError         a checkpoint or the key to check it refused at its form, origin or signature
    ├── LogBrokenError          a log that is not the one its checkpoints were signed for
    ├── HttpSignatureError      a signed HTTP request that is not believed (in `certs.http_signature`)
    ├── PathError               a certificate that no path leads from to an anchor (in `certs.paths`)
    ├── PromiseError            a receipt that is not the hub's, or whose promise is not kept (in `certs.receipt_promise`)
    ├── BundleError             a bundle's manifest that is not believed (in `certs.bundles`)
    ├── ExportError             a file that is no exported log by its form, or is not believed (in `certs.export_form`)
    └── EvidenceError           a file that is no evidence by its form (in `certs.evidence_parts`)

Every error carries a stable machine word (`reason`) and one sentence each in Chinese and English that names the field,
the reason and the cure. None of them knows an HTTP status or where its text will be shown.
"""

from __future__ import annotations


class CertsError(Exception):
    """Something that this room does not believe.

    `reason` is a stable machine word such as `header-duplicate-name`; `zh` and `en` are for people.
    """

    def __init__(self, *, reason: str, zh: str, en: str) -> None:
        super().__init__(f"{zh} / {en}")
        self.reason = reason
        self.zh = zh
        self.en = en


class JsonError(CertsError):
    """Bytes that are not JSON as the contract's "Malformed is" accepts it.

    `slug` is what a payload with this fault is answered with; the envelope turns faults of its header into its own slug.
    """

    slug = "malformed-payload"


class EnvelopeError(CertsError):
    """An envelope refused; `slug` is the contract's word from its check order."""

    def __init__(self, *, slug: str, reason: str, zh: str, en: str) -> None:
        super().__init__(reason=reason, zh=zh, en=en)
        self.slug = slug


class UnsuitableKeyError(CertsError):
    """A public key that no suite takes: another kind, another curve, or a point of small order."""


class CsrError(CertsError):
    """A certificate signing request that the authority refuses."""


class AuthorityError(CertsError):
    """A certificate or revocation list that the authority will not sign."""


class KeyStoreError(CertsError):
    """A private key that cannot be stored or opened."""


class ProofError(CertsError):
    """A proof about the log's tree that does not hold, or that cannot exist."""


class TileError(CertsError):
    """A tile, a bundle of entries or a path to one that is not of its form, or a tile that its root does not cover."""


class CheckpointError(CertsError):
    """A checkpoint or the key to check it refused at its form, origin or signature."""


class LogBrokenError(CertsError):
    """A log that is not the one its checkpoints were signed for."""
