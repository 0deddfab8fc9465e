"""The statements of evidence about log, grants, projections' signers and acknowledgements, which files of both kinds make.

True: it holds. False: the file has nothing of the kind. Anything else is a CertsError with what is wrong. A later statement
may rest on what an earlier one has shown; their order is in `certs.evidence`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NoReturn

from cryptography import x509

from certs.checkpoint import open_checkpoint
from certs.evidence_case import Case
from certs.evidence_demands import (
    must,
    must_agree,
    must_be_for,
    must_be_in_good_standing,
    must_be_signed,
    must_be_the_hubs,
    must_be_told_of,
)
from certs.evidence_parts import refuse
from certs.tree import EMPTY_ROOT, leaf_hash, verify_consistency, verify_inclusion


def inclusion(case: Case) -> bool:
    tree = case.checkpoint
    for entry in case.shown.entries:
        verify_inclusion(leaf_hash(entry.leaf_bytes), entry.index, tree.size, entry.proof, tree.root)
    return True


_RENEWED = "grant.renewed"
"""A grant that lasts longer is in force, or stopped, as it was before."""
_STARTS = ("grant.created", "grant.resumed")


def grants(case: Case) -> bool:
    """Every grant in the file was for this resource, and by the entries in the file in force when the exchange was accepted.

    That no other entry speaks against it, such as one that was left out of the file, only the whole log can show.
    """
    since, until = case.accepted
    for entries in case.grants.values():
        history = sorted((e for e in entries if e.time < until), key=lambda entry: entry.time)
        events = [entry.event for entry in history]
        begun = bool(events) and events[0] == "grant.created" and events.count("grant.created") == 1
        must(begun, "grant-not-created", "接收时该授权尚未作出", "the grant had not been made at acceptance")
        moves = [entry for entry in history if entry.event != _RENEWED]
        before = [entry.event for entry in moves if entry.time < since]
        last = before[-1] if before else ""
        started = [entry for entry in moves if entry.time >= since and entry.event in _STARTS]
        must(
            last in _STARTS or bool(started),
            "grant-not-in-force",
            f"接收时该授权已停（{last}）",
            f"the grant was not in force at acceptance ({last})",
        )
        named = [("resource", e.details.get("resource"), case.resource) for e in history]
        named += [("result", e.leaf.get("result"), "success") for e in history]
        must_agree("grant-unlike-envelope", "授权与信封不符", "grant and envelope do not fit", named)
    return bool(case.grants)


def projection_signers(case: Case) -> bool:
    for one in case.shown.projections:
        must_be_the_hubs(case, one.opened, "projections", one.made_at)
    return bool(case.shown.projections)


def projection_signatures(case: Case) -> bool:
    for one in case.shown.projections:
        must_be_signed(case, one.opened)
    return bool(case.shown.projections)


def acknowledgement_entries(case: Case) -> bool:
    for one in case.shown.acknowledged:
        header, entry = one.opened.header, case.acknowledgement_entry(one)
        pairs = (
            ("hub", entry.leaf.get("hub"), case.hub),
            ("result", entry.leaf.get("result"), "success"),
            ("actor", (entry.leaf["actor"].get("kind"), entry.leaf["actor"]["id"]), ("system", header.iss)),
            ("jti", entry.details.get("jti"), header.jti),
            ("kid", entry.details.get("kid"), header.kid),
            ("rows", entry.leaf.get("rows"), len(one.digests)),
        )
        must_agree(
            "acknowledgement-unlike-log", "确认与其日志条目不符", "acknowledgement and log entry do not fit", pairs
        )
        later = entry.time > case.accepted[0]
        must(later, "acknowledged-before", "确认早于接收", "it was acknowledged before it was accepted")
    return bool(case.shown.acknowledged)


def acknowledgement_signers(case: Case) -> bool:
    for one in case.shown.acknowledged:
        header, at = one.opened.header, case.acknowledgement_entry(one).time
        must_be_for(case.path(header.kid, at)[0], f"urn:shuniu:system:{header.iss}")
        must_be_in_good_standing(case, header.kid, header.iss, at)
    return bool(case.shown.acknowledged)


def acknowledgement_signatures(case: Case) -> bool:
    for one in case.shown.acknowledged:
        must_be_signed(case, one.opened)
    return bool(case.shown.acknowledged)


def acknowledgement_digests(case: Case) -> bool:
    """Whoever acknowledged had a grant, and got these very bytes: the envelope, or a projection that was for it."""
    consumers = frozenset(str(entries[0].details.get("consumer")) for entries in case.grants.values())
    for one in case.shown.acknowledged:
        header, digest = one.opened.header, one.digests.get(one.delivery, "")
        to = case.handed_out.get(digest)
        pairs = (
            ("digest", digest in case.handed_out, True),
            ("aud", header.aud, case.hub),
            ("iss", to is None or header.iss in to, True),
        )
        must_agree("acknowledgement-unlike-delivery", "确认与所交付的不符", "what was acknowledged is not this", pairs)
        must(
            header.iss in consumers,
            "acknowledged-without-grant",
            "确认方在文件中没有授权",
            "who acknowledged has no grant in the file",
        )
    return bool(case.shown.acknowledged)


def nothing_else(case: Case, *, of: frozenset[int] = frozenset(), signers: frozenset[str] = frozenset()) -> bool:
    """Every certificate, every entry and the list bear on a statement; `of` and `signers`: on those of its kind alone."""
    shown = case.shown
    moments = [
        *case.signed,
        *((one.opened.header.kid, case.acknowledgement_entry(one).time) for one in shown.acknowledged),
    ]
    paths = [case.path(kid, at) for kid, at in moments]
    used = {certificate for path in paths for certificate in path} | set(case.anchors.authorities)
    must(
        used.issuperset(shown.certificates.values()),
        "certificate-idle",
        "有无关的证书",
        "a certificate bears on nothing",
    )
    partners = signers.union(one.opened.header.kid for one in shown.acknowledged)
    bearing = of.union(case.acknowledgement_entry(one).index for one in shown.acknowledged)
    bearing |= {entry.index for entries in case.grants.values() for entry in entries}
    events = ("certificate.issued", "certificate.revoked")
    bearing |= {entry.index for entry in shown.entries if entry.event in events and entry.object_id in partners}
    must(
        bearing == {entry.index for entry in shown.entries},
        "entry-idle",
        "有无关的日志条目",
        "an entry bears on nothing",
    )
    _list_bears(case, [(path[0], path[1], at) for path, (_, at) in zip(paths, moments, strict=True)])
    return True


def _list_bears(case: Case, signers: Sequence[tuple[x509.Certificate, x509.Certificate, datetime]]) -> None:
    """The list is that of one signer's issuer at least; of every certificate that this issued it can tell."""
    told = [(certificate, at) for certificate, issuer, at in signers if case.lists(issuer)]
    must(bool(told), "list-idle", "撤销列表与文件中的证书无关", "the revocation list is of no authority in question")
    for certificate, at in told:
        must_be_told_of(case, certificate, at)


def consistency(case: Case) -> bool:
    """The file's own claim, if it makes one; and that it is the same log as the checkpoint which the verifier kept."""
    tree, claim = case.checkpoint, case.shown.consistency
    known = {0: EMPTY_ROOT, tree.size: tree.root}
    if claim is not None:
        verify_consistency(claim.size, claim.root, tree.size, tree.root, claim.proof)
        known[claim.size] = claim.root
    if case.older is None:
        return claim is not None
    older = open_checkpoint(case.older, case.anchors.log)
    if older.size not in known:
        _undecided(older.size, tree.size)
    must(
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
