"""The statements of evidence that a file about projections alone makes for itself.

True, False and CertsError as in `certs.evidence_statements`.
"""

from __future__ import annotations

from certs import evidence_statements
from certs.evidence_case import ProjectionCase
from certs.evidence_demands import must, must_agree


def checkpoint_signature(case: ProjectionCase) -> bool:
    """The trusted key signed it (`Case.checkpoint` opens it); the log is the projections' hub's, whose id it bears."""
    must(
        case.hub == case.checkpoint.origin,
        "log-mismatch",
        "检查点不是出具投影的枢纽的日志",
        "the checkpoint is not of the log of the hub that made the projections",
    )
    return True


def of_one_exchange(case: ProjectionCase) -> bool:
    """All are of one message, made at one time for one system."""
    first = case.first
    header = first.opened.header
    for one in case.shown.projections:
        found = one.opened.header
        pairs = (
            ("orig", one.orig, first.orig),
            ("iss", found.iss, header.iss),
            ("aud", found.aud, header.aud),
            ("res", found.res, header.res),
            ("ver", found.ver, header.ver),
            ("iat", one.made_at, first.made_at),
            ("op", one.operation, first.operation),
            ("to", found.to, None),
        )
        must_agree("projections-unlike", "各投影不是同一次交换的", "the projections are not of one exchange", pairs)
    return True


def grants(case: ProjectionCase) -> bool:
    """The grants in the file are those of the system that the projections are for, and there is one."""
    consumer = case.first.opened.header.aud
    must(bool(case.grants), "grant-missing", "文件中没有授权", "the file has no grant")
    for entries in case.grants.values():
        pairs = [("consumer", entry.details.get("consumer"), consumer) for entry in entries]
        must_agree("grant-unlike-projection", "授权不是投影接收方的", "the grant is another system's", pairs)
    return evidence_statements.grants(case)
