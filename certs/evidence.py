"""The verifier of evidence: one file that proves one exchange, judged offline against anchors that the verifier has.

Bytes in, verdict out. `STATEMENTS` is the table of contents: each is one function with one thing to say, they are taken in
this order, and the first that fails ends the verdict. `PROJECTION_STATEMENTS` are those about a file of the other kind, for a
consumer that got projections alone. Nothing is believed on the file's own word: what it is measured
against comes from `Anchors` alone, so that evidence made with somebody's own authority and log fails at the first
statement after the form.

What a file cannot show. That no grant was suspended by an entry which is not in the file: the sealed acceptance names the
grants that fed it, which is the hub's word that they were in force; the whole log shows the rest. That the entry was sealed by
the time the receipt promised (`seal_by`): a tree has no clock; who keeps checkpoints knows. That the log shown to others is the
same: compare checkpoints (`older`). That the payload satisfies the schema: any JSON Schema validator does. That a projection
has all that its grant names: what a grant names is in no leaf. That an issuing authority's own certificate was not revoked: the
one revocation list is the issuer's.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from certs import evidence_projections as projected
from certs import evidence_statements as says
from certs import evidence_whole as whole
from certs.anchors import Anchors
from certs.evidence_case import Case, ProjectionCase, WholeCase
from certs.evidence_form import Evidence, read_evidence
from certs.statements import Sheet, Statement, Verdict

__all__ = ["PROJECTION_STATEMENTS", "STATEMENTS", "Anchors", "Verdict", "verify_evidence"]


def verify_evidence(data: bytes, anchors: Anchors, *, older: bytes | None = None) -> Verdict:
    """The verdict on a file; `older` is a signed checkpoint that the verifier kept from another time. Never raises."""
    with warnings.catch_warnings():
        # the X.509 library's, of what it reads all the same: the verdict is all there is to say
        warnings.simplefilter("ignore")
        return _judge(data, anchors, older)


def _judge(data: bytes, anchors: Anchors, older: bytes | None) -> Verdict:
    sheet = Sheet()
    evidence = sheet.take(FORM.name, FORM.zh, FORM.en, lambda: read_evidence(data))
    if isinstance(evidence, Evidence):
        sheet.take_all(STATEMENTS[1:], WholeCase(evidence.shown, anchors, older, evidence))
    elif evidence is not None:
        sheet.take_all(PROJECTION_STATEMENTS[1:], ProjectionCase(evidence.shown, anchors, older))
    return sheet.verdict()


FORM: Statement[Case] = Statement("form", "文件合乎格式", "the file is of its form", lambda _: True)
INCLUSION = Statement("inclusion", "日志条目都在检查点之下", "all log entries are under the checkpoint", says.inclusion)
PROJECTION_SIGNER = Statement(
    "projection-signer",
    "投影证书可追溯到信任锚",
    "the projections' certificate leads to an anchor",
    says.projection_signers,
)
PROJECTION_SIGNATURE = Statement(
    "projection-signature", "投影的签名有效", "the projections' signatures are valid", says.projection_signatures
)
ACKNOWLEDGEMENTS = (
    Statement(
        "acknowledgement-entry", "确认已记入日志", "the acknowledgements are in the log", says.acknowledgement_entries
    ),
    Statement(
        "acknowledgement-signer",
        "确认方证书当时有效",
        "the acknowledgers' certificates were good",
        says.acknowledgement_signers,
    ),
    Statement(
        "acknowledgement-signature",
        "确认的签名有效",
        "the acknowledgements' signatures are valid",
        says.acknowledgement_signatures,
    ),
    Statement(
        "acknowledgement",
        "确认的正是所交付的",
        "it was what was delivered that was acknowledged",
        says.acknowledgement_digests,
    ),
)
CONSISTENCY = Statement("consistency", "与另一检查点一致", "the log agrees with another checkpoint", says.consistency)
_CHECKPOINT = ("checkpoint", "检查点由所信任的日志密钥签名", "the trusted log key signed the checkpoint")
_NOTHING_ELSE = ("nothing-else", "没有无关的证书和条目", "nothing in the file is beside the point")

STATEMENTS: Sequence[Statement[WholeCase]] = (
    FORM,
    Statement(*_CHECKPOINT, whole.checkpoint_signature),
    Statement(
        "receipt-signer", "凭证证书可追溯到信任锚", "the receipt's certificate leads to an anchor", whole.receipt_signer
    ),
    Statement("receipt-signature", "凭证的签名有效", "the receipt's signature is valid", whole.receipt_signature),
    Statement(
        "envelope-signer",
        "发送方证书可追溯到信任锚",
        "the sender's certificate leads to an anchor",
        whole.envelope_signer,
    ),
    Statement("envelope-signature", "信封的签名有效", "the envelope's signature is valid", whole.envelope_signature),
    Statement("receipt", "凭证与信封一致", "the receipt is for this envelope", whole.receipt_fits),
    Statement("schema", "模式是凭证所指的模式", "the schema is the one that the receipt names", whole.schema_digest),
    INCLUSION,
    Statement(
        "acceptance",
        "接收已记入日志，与凭证一致",
        "the acceptance is in the log as the receipt says",
        whole.acceptance_entry,
    ),
    Statement(
        "envelope-signer-state",
        "接收时发送方证书未吊销",
        "the sender's certificate was good then",
        whole.envelope_signer_state,
    ),
    Statement(
        "grants",
        "授权用于本次交换，文件中没有其停用",
        "the grants fed this exchange, and nothing in the file stopped them before",
        whole.grants,
    ),
    PROJECTION_SIGNER,
    PROJECTION_SIGNATURE,
    Statement(
        "projection",
        "投影出自这个信封，没有多出的内容",
        "the projections are of this envelope, and have nothing more",
        whole.projections,
    ),
    *ACKNOWLEDGEMENTS,
    Statement(*_NOTHING_ELSE, whole.nothing_else),
    CONSISTENCY,
)
"""Every statement about a whole exchange, in the order in which they are checked (docs/evidence.md)."""

PROJECTION_STATEMENTS: Sequence[Statement[ProjectionCase]] = (
    FORM,
    Statement(*_CHECKPOINT, projected.checkpoint_signature),
    PROJECTION_SIGNER,
    PROJECTION_SIGNATURE,
    Statement("projection", "各投影出自同一个信封", "the projections are of one envelope", projected.of_one_exchange),
    INCLUSION,
    Statement(
        "grants",
        "授权是接收方的，文件中没有其停用",
        "the grants are the recipient's, and nothing in the file stopped them before",
        projected.grants,
    ),
    *ACKNOWLEDGEMENTS,
    Statement(*_NOTHING_ELSE, says.nothing_else),
    CONSISTENCY,
)
"""Every statement about projections alone, in their order."""
