"""The statements of evidence: each function finds out whether one of them holds for a case.

True: it holds. False: the file has nothing of the kind. Anything else is a CertsError with what is wrong. A later statement
may rest on what an earlier one has shown; their order is in `certs.evidence`.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import NoReturn

from cryptography import x509

from certs import envelope
from certs.canonical import canonical
from certs.checkpoint import open_checkpoint
from certs.digests import digest
from certs.envelope import Opened
from certs.evidence_case import Case
from certs.evidence_form import refuse
from certs.leaf_grants import read_grants
from certs.paths import names
from certs.revocation import is_whole_list, lists_expired_since
from certs.suites import Verifier
from certs.tree import EMPTY_ROOT, leaf_hash, verify_consistency, verify_inclusion


def checkpoint_signature(case: Case) -> bool:
    _must(
        case.evidence.receipt.says["log"] == case.checkpoint.origin,
        "log-mismatch",
        "凭证所指的日志不是这个检查点的日志",
        "the receipt names another log than the checkpoint's",
    )
    return True


def receipt_signer(case: Case) -> bool:
    receipt = case.evidence.receipt
    header = receipt.opened.header
    certificate, issuer = case.path(header.kid, receipt.accepted_at)[:2]
    _must_be_for(certificate, f"urn:shuniu:hub:{header.iss}:receipts")
    if case.lists(issuer):  # the sender's authority may be another
        _must_not_be_listed(case, certificate, receipt.accepted_at)
    return True


def receipt_signature(case: Case) -> bool:
    return _signed(case, case.evidence.receipt.opened)


def envelope_signer(case: Case) -> bool:
    header = case.evidence.envelope.header
    certificate = case.path(header.kid, case.evidence.receipt.accepted_at)[0]
    _must_be_for(certificate, f"urn:shuniu:system:{header.iss}")
    return True


def envelope_signature(case: Case) -> bool:
    return _signed(case, case.evidence.envelope)


def receipt_fits(case: Case) -> bool:
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
    _must_agree("receipt-unlike-envelope", "凭证与信封不符", "receipt and envelope do not fit", pairs)
    _must(
        receipt.seal_by > receipt.accepted_at,
        "seal-by",
        "seal_by 不晚于接收时间",
        "seal_by is not after the acceptance",
    )
    return True


def schema_digest(case: Case) -> bool:
    found = digest(canonical(case.evidence.schema))
    pairs = (("schema_digest", case.evidence.receipt.says["schema_digest"], found),)
    _must_agree("schema-unlike-receipt", "模式与凭证不符", "the schema is not the receipt's", pairs)
    return True


def inclusion(case: Case) -> bool:
    tree = case.checkpoint
    for entry in case.evidence.entries:
        verify_inclusion(leaf_hash(entry.leaf_bytes), entry.index, tree.size, entry.proof, tree.root)
    return True


def acceptance_entry(case: Case) -> bool:
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
    _must_agree(
        "acceptance-unlike-receipt",
        "接收的日志条目与凭证、信封不符",
        "log entry, receipt and envelope do not fit",
        pairs,
    )
    return True


def envelope_signer_state(case: Case) -> bool:
    header = case.evidence.envelope.header
    return _in_good_standing(case, header.kid, header.iss, case.evidence.receipt.accepted_at)


_RENEWED = "grant.renewed"
"""A grant that lasts longer is in force, or stopped, as it was before."""


def grants(case: Case) -> bool:
    """Every grant in the file fed this exchange, as the sealed acceptance says, and no entry in the file speaks against it.

    That no other entry does, such as one that was left out of the file, only the whole log can show.
    """
    accepted_at = case.evidence.receipt.accepted_at
    used = frozenset(map(str, read_grants(case.acceptance.details) or ()))
    for grant, entries in case.grants.items():
        _must(grant in used, "grant-not-used", "该授权与本次交换无关", "this grant did not feed the exchange")
        history = sorted((e for e in entries if e.time < accepted_at), key=lambda entry: entry.time)
        events = [entry.event for entry in history]
        begun = bool(events) and events[0] == "grant.created" and events.count("grant.created") == 1
        _must(begun, "grant-not-created", "接收时该授权尚未作出", "the grant had not been made at acceptance")
        moves = [event for event in events if event != _RENEWED]
        _must(
            moves[-1] in ("grant.created", "grant.resumed"),
            "grant-not-in-force",
            f"接收时该授权已停（{moves[-1]}）",
            f"the grant was not in force at acceptance ({moves[-1]})",
        )
        named = [("resource", e.details.get("resource"), case.evidence.envelope.header.res) for e in history]
        _must_agree("grant-unlike-envelope", "授权的资源与信封不符", "the grant is for another resource", named)
    return bool(case.grants)


def acknowledgement_entries(case: Case) -> bool:
    for one in case.evidence.acknowledged:
        header, entry = one.opened.header, case.acknowledgement_entry(one)
        pairs = (
            ("hub", entry.leaf.get("hub"), case.evidence.receipt.says["hub"]),
            ("result", entry.leaf.get("result"), "success"),
            ("actor", (entry.leaf["actor"].get("kind"), entry.leaf["actor"]["id"]), ("system", header.iss)),
            ("jti", entry.details.get("jti"), header.jti),
            ("kid", entry.details.get("kid"), header.kid),
            ("rows", entry.leaf.get("rows"), len(one.digests)),
        )
        _must_agree(
            "acknowledgement-unlike-log", "确认与其日志条目不符", "acknowledgement and log entry do not fit", pairs
        )
        later = entry.time > case.evidence.receipt.accepted_at
        _must(later, "acknowledged-before", "确认早于接收", "it was acknowledged before it was accepted")
    return bool(case.evidence.acknowledged)


def acknowledgement_signers(case: Case) -> bool:
    for one in case.evidence.acknowledged:
        header, at = one.opened.header, case.acknowledgement_entry(one).time
        _must_be_for(case.path(header.kid, at)[0], f"urn:shuniu:system:{header.iss}")
        _in_good_standing(case, header.kid, header.iss, at)
    return bool(case.evidence.acknowledged)


def acknowledgement_signatures(case: Case) -> bool:
    for one in case.evidence.acknowledged:
        _signed(case, one.opened)
    return bool(case.evidence.acknowledged)


def acknowledgement_digests(case: Case) -> bool:
    """Whoever acknowledged had a grant, and got these very bytes."""
    consumers = frozenset(str(entries[0].details.get("consumer")) for entries in case.grants.values())
    for one in case.evidence.acknowledged:
        pairs = (
            ("digest", one.digests.get(one.delivery), case.evidence.envelope.digest),
            ("aud", one.opened.header.aud, case.evidence.receipt.says["hub"]),
        )
        _must_agree("acknowledgement-unlike-delivery", "确认与所交付的不符", "what was acknowledged is not this", pairs)
        entitled = one.opened.header.iss in consumers
        _must(
            entitled,
            "acknowledged-without-grant",
            "确认方在文件中没有授权",
            "who acknowledged has no grant in the file",
        )
    return bool(case.evidence.acknowledged)


def nothing_else(case: Case) -> bool:
    """Every certificate and every entry in the file bears on a statement above."""
    evidence, accepted_at = case.evidence, case.evidence.receipt.accepted_at
    paths = [
        case.path(evidence.receipt.opened.header.kid, accepted_at),
        case.path(evidence.envelope.header.kid, accepted_at),
    ]
    paths += [case.path(one.opened.header.kid, case.acknowledgement_entry(one).time) for one in evidence.acknowledged]
    used = {certificate for path in paths for certificate in path} | set(case.anchors.authorities)
    _must(
        used.issuperset(evidence.certificates.values()),
        "certificate-idle",
        "有无关的证书",
        "a certificate bears on nothing",
    )
    signers = {evidence.envelope.header.kid, *(one.opened.header.kid for one in evidence.acknowledged)}
    bearing = {case.acceptance.index, *(case.acknowledgement_entry(one).index for one in evidence.acknowledged)}
    bearing |= {entry.index for entries in case.grants.values() for entry in entries}
    events = ("certificate.issued", "certificate.revoked")
    bearing |= {entry.index for entry in evidence.entries if entry.event in events and entry.object_id in signers}
    _must(
        bearing == {entry.index for entry in evidence.entries},
        "entry-idle",
        "有无关的日志条目",
        "an entry bears on nothing",
    )
    return True


def consistency(case: Case) -> bool:
    """The file's own claim, if it makes one; and that it is the same log as the checkpoint which the verifier kept."""
    tree, claim = case.checkpoint, case.evidence.consistency
    known = {0: EMPTY_ROOT, tree.size: tree.root}
    if claim is not None:
        verify_consistency(claim.size, claim.root, tree.size, tree.root, claim.proof)
        known[claim.size] = claim.root
    if case.older is None:
        return claim is not None
    older = open_checkpoint(case.older, case.anchors.log)
    if older.size not in known:
        _undecided(older.size, tree.size)
    _must(
        known[older.size] == older.root,
        "not-consistent",
        f"日志在 {older.size} 条时的根与所存检查点不符：历史被改写过，或有人看到的是另一份日志",
        f"at {older.size} entries the log's root is not the kept checkpoint's: history was rewritten, or there are two logs",
    )
    return True


def _undecided(older: int, size: int) -> NoReturn:
    if older < size:
        zh = f"无法判断：文件中没有从 {older} 条到 {size} 条的一致性证明；请以 ?checkpoint_size={older} 重新取证"
        en = f"it cannot be decided: no proof from {older} to {size} entries in the file; ask with ?checkpoint_size={older}"
    else:
        zh = f"无法判断：所存检查点（{older} 条）比文件的（{size} 条）新；请重新取证，或以 shuniu audit verify 核对日志"
        en = f"it cannot be decided: the kept checkpoint ({older}) is newer than the file's ({size}); fetch the evidence anew"
    refuse("consistency-not-shown", zh, en)


def _in_good_standing(case: Case, kid: str, system: str, at: datetime) -> bool:
    """The log says that the certificate was issued to the system before; neither log nor list says that it was revoked."""
    issued = case.entry("certificate.issued", kid)
    pairs = (("system", issued.details.get("system"), system), ("result", issued.leaf.get("result"), "success"))
    _must_agree("certificate-unlike-log", "证书与其签发条目不符", "certificate and its log entry do not fit", pairs)
    _must(issued.time <= at, "certificate-issued-later", "证书在此之后才签发", "the certificate was issued only later")
    for entry in case.entries("certificate.revoked", kid):
        _must(entry.time > at, "certificate-revoked", "当时证书已吊销", "the certificate had been revoked")
    _check_list(case, kid, at)
    return True


def _check_list(case: Case, kid: str, at: datetime) -> None:
    """The issuer's whole revocation list, made after that moment, has nothing from before it (times have whole seconds)."""
    certificate, issuer = case.path(kid, at)[:2]
    revocations = case.evidence.revocations
    _must(
        case.lists(issuer),
        "list-not-the-issuers",
        "撤销列表不是证书签发机构签的",
        "the revocation list is not the issuer's",
    )
    _must(
        is_whole_list(revocations),
        "list-not-whole",
        "撤销列表只是一部分，或含有不认识的关键扩展",
        "the revocation list is a part of one, or has a critical extension that is not known",
    )
    made = revocations.last_update_utc
    _must(made >= _second(at), "list-too-old", "撤销列表早于当时", "the revocation list is older than that moment")
    kept = lists_expired_since(revocations)
    _must(
        made < certificate.not_valid_after_utc or (kept is not None and kept <= certificate.not_valid_after_utc),
        "list-too-late",
        "撤销列表晚于证书到期，且未写明仍列出已到期的证书",
        "the revocation list is from after the certificate's end and does not say that it keeps such",
    )
    _must_not_be_listed(case, certificate, at)


def _must_not_be_listed(case: Case, certificate: x509.Certificate, at: datetime) -> None:
    since = case.evidence.revoked.get(certificate.serial_number)
    _must(
        since is None or since >= _second(at),
        "certificate-on-list",
        "当时证书已在撤销列表中",
        "the revocation list has the certificate from before",
    )


def _second(at: datetime) -> datetime:
    return at.replace(microsecond=0)


def _signed(case: Case, opened: Opened) -> bool:
    envelope.verify(opened, Verifier(case.certificate(opened.header.kid).public_key()))
    return True


def _must_be_for(certificate: x509.Certificate, name: str) -> None:
    _must(
        name in names(certificate), "signer-mismatch", f"证书不是 {name} 的", f"the certificate is not that of {name}"
    )


def _must_agree(reason: str, zh: str, en: str, pairs: Sequence[tuple[str, object, object]]) -> None:
    for name, found, expected in pairs:
        _must(found == expected, reason, f"{zh}（{name}）", f"{en} ({name})")


def _must(holds: bool, reason: str, zh: str, en: str) -> None:
    if not holds:
        refuse(reason, zh, en)
