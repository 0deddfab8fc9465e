"""The statements of evidence about a whole exchange: receipt, envelope, acceptance, and projections beside the envelope.

True, False and CertsError as in `certs.evidence_statements`.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

from certs import evidence_statements
from certs.canonical import canonical
from certs.digests import digest
from certs.evidence_case import WholeCase
from certs.evidence_demands import (
    must,
    must_agree,
    must_be_for,
    must_be_in_good_standing,
    must_be_signed,
    must_be_the_hubs,
)
from certs.evidence_parts import Projection, read_value
from certs.leaf_grants import read_grants
from certs.masks import Mask, read_masks
from certs.reductions import Reducible, projection_jti
from certs.tree import leaf_hash


def checkpoint_signature(case: WholeCase) -> bool:
    """The trusted key signed it (`Case.checkpoint` opens it); the log is the one that the receipt names."""
    must(
        case.evidence.receipt.says["log"] == case.checkpoint.origin,
        "log-mismatch",
        "凭证所指的日志不是这个检查点的日志",
        "the receipt names another log than the checkpoint's",
    )
    return True


def receipt_signer(case: WholeCase) -> bool:
    receipt = case.evidence.receipt
    must_be_the_hubs(case, receipt.opened, "receipts", receipt.accepted_at)
    return True


def receipt_signature(case: WholeCase) -> bool:
    return must_be_signed(case, case.evidence.receipt.opened)


def envelope_signer(case: WholeCase) -> bool:
    header = case.evidence.envelope.header
    certificate = case.path(header.kid, case.evidence.receipt.accepted_at)[0]
    must_be_for(certificate, f"urn:shuniu:system:{header.iss}")
    return True


def envelope_signature(case: WholeCase) -> bool:
    return must_be_signed(case, case.evidence.envelope)


def receipt_fits(case: WholeCase) -> bool:
    """Every value that receipt and envelope have in common, and those that the receipt has twice."""
    sent, receipt = case.evidence.envelope, case.evidence.receipt
    header, says, mine = sent.header, receipt.says, receipt.opened.header
    pairs = (
        ("envelope_digest", says["envelope_digest"], sent.digest),
        ("sender", says["sender"], header.iss),
        ("jti", says["jti"], header.jti),
        ("res", says["res"], header.res),
        ("ver", says["ver"], header.ver),
        ("hub", says["hub"], header.aud),
        ("iss", mine.iss, says["hub"]),
        ("aud", mine.aud, header.iss),
        ("ref", mine.ref, header.jti),
        ("header jti", mine.jti, says["exchange"]),
        ("header res", mine.res, header.res),
        ("header ver", mine.ver, header.ver),
    )
    must_agree("receipt-unlike-envelope", "凭证与信封不符", "receipt and envelope do not fit", pairs)
    must(
        receipt.seal_by > receipt.accepted_at,
        "seal-by",
        "seal_by 不晚于接收时间",
        "seal_by is not after the acceptance",
    )
    return True


def schema_digest(case: WholeCase) -> bool:
    found = digest(canonical(case.evidence.schema))
    pairs = (("schema_digest", case.evidence.receipt.says["schema_digest"], found),)
    must_agree("schema-unlike-receipt", "模式与凭证不符", "the schema is not the receipt's", pairs)
    return True


def acceptance_entry(case: WholeCase) -> bool:
    """What receipt, envelope and log say of one acceptance is the same."""
    sent, receipt, entry = case.evidence.envelope, case.evidence.receipt, case.acceptance
    header, says, leaf, details = sent.header, receipt.says, entry.leaf, entry.details
    grants = read_grants(details)
    pairs = (
        ("entry", says["entry"], base64.b64encode(leaf_hash(entry.leaf_bytes)).decode()),
        ("id", leaf.get("id"), says["exchange"]),
        ("object", leaf["object"], {"type": "exchange", "id": says["exchange"]}),
        ("hub", leaf.get("hub"), says["hub"]),
        ("result", leaf.get("result"), "success"),
        ("time", entry.time, receipt.accepted_at),
        ("actor", (leaf["actor"].get("kind"), leaf["actor"]["id"]), ("system", header.iss)),
        ("envelope_digest", details.get("envelope_digest"), sent.digest),
        ("jti", details.get("jti"), header.jti),
        ("kid", details.get("kid"), header.kid),
        ("res", details.get("res"), header.res),
        ("ver", details.get("ver"), header.ver),
        ("schema_digest", details.get("schema_digest"), says["schema_digest"]),
        ("lanes", None if grants is None else len(grants), says["lanes"]),
    )
    must_agree(
        "acceptance-unlike-receipt",
        "接收的日志条目与凭证、信封不符",
        "log entry, receipt and envelope do not fit",
        pairs,
    )
    return True


def envelope_signer_state(case: WholeCase) -> bool:
    header = case.evidence.envelope.header
    return must_be_in_good_standing(case, header.kid, header.iss, case.evidence.receipt.accepted_at)


def grants(case: WholeCase) -> bool:
    """Every grant in the file fed this exchange, as the sealed acceptance says, and no entry in the file speaks against it."""
    used = frozenset(map(str, read_grants(case.acceptance.details) or ()))
    for grant in case.grants:
        must(grant in used, "grant-not-used", "该授权与本次交换无关", "this grant did not feed the exchange")
    return evidence_statements.grants(case)


def projections(case: WholeCase) -> bool:
    """What was delivered in the envelope's place is of it, made at its acceptance for a grant, and has nothing that the envelope,
    as that grant's masks let it out, has not.
    """
    if not case.shown.projections:
        return False
    sent, receipt = case.evidence.envelope, case.evidence.receipt
    original = Reducible.read(sent.payload_bytes)
    for one in case.shown.projections:
        header = one.opened.header
        pairs = (
            ("orig", one.orig, sent.digest),
            ("iss", header.iss, receipt.says["hub"]),
            ("res", header.res, sent.header.res),
            ("ver", header.ver, sent.header.ver),
            ("to", header.to, None),
            ("iat", one.made_at, receipt.accepted_at.replace(microsecond=0)),
            ("op", one.operation, original.operation),
        )
        must_agree("projection-unlike-envelope", "投影与信封不符", "projection and envelope do not fit", pairs)
        must(
            original.has(one.records, _masks(case, one)),
            "projection-not-reduced",
            "投影中有信封里没有的内容，或次序不同",
            "the projection has what the envelope has not, or in another order",
        )
    return True


def _masks(case: WholeCase, one: Projection) -> Mapping[str, Mask]:
    """What the grant that the projection was made for hides, as the log has it: that of its recipient whose lane its `jti` is of."""
    sent, header = case.evidence.envelope.header, one.opened.header
    made = [entry for entries in case.grants.values() for entry in entries if entry.event == "grant.created"]
    its = [entry.details for entry in made if entry.details.get("consumer") == header.aud]
    found = [grant for grant in its if header.jti == projection_jti(grant.get("lane"), sent.iss, sent.jti)]
    must(
        bool(found),
        "projection-without-grant",
        "文件中没有投影所依的授权",
        "the file has no grant that the projection was made for",
    )
    return read_value(read_masks, found[0].get("masks", []), "masks")


def nothing_else(case: WholeCase) -> bool:
    """Every certificate, entry and projection in the file bears on a statement above."""
    said = {one.digests.get(one.delivery) for one in case.shown.acknowledged}
    must(
        said.issuperset(one.opened.digest for one in case.shown.projections),
        "projection-idle",
        "有未被确认的投影",
        "a projection that nobody acknowledged",
    )
    sender = case.evidence.envelope.header.kid
    return evidence_statements.nothing_else(case, of=frozenset({case.acceptance.index}), signers=frozenset({sender}))
