"""Vectors of exchanges whose consumer got a projection: the file of the provider, and (`consumer-…`) the consumer's.

As in `make`, everything is signed by who should sign it; each file that does not hold fails at one statement.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from certs.authority import RevocationReason, Revoked
from certs.digests import digest
from certs.evidence_form import write_projection_evidence
from certs.reductions import projection_jti
from tests.vectors.evidence.changes import (
    both,
    drop_entry,
    entry_of,
    flip,
    more_log,
    put,
    text,
    unacknowledged,
    without,
)
from tests.vectors.evidence.county import GRANT, LANE, OTHER_GRANT, OTHER_LANE, RES, Case, Change, Vector
from tests.vectors.evidence.keys import HOUR, HUB, MINUTE, NOW, Keys

RECORDS = [
    {"case_no": "1", "name": "张小甲", "days": 5, "open": True},
    {"case_no": "2", "name": "李乙", "days": 5.5, "open": False},
]
OTHER_RES = "306001000001/000043"
SECOND = int(NOW.timestamp())
JTI = projection_jti(LANE, "sender", "j-1")
SURNAME = {"item": "name", "keep_first": 1, "keep_last": 0}


class Projected(Case):
    """The consumer gets of each record the number and whether it is open; stages `projection-…`, and `more` for another one."""

    def payload(self) -> object:
        """More than is delivered."""
        return {"records": RECORDS}

    def delivered(self, sent: bytes) -> list[bytes]:
        """A projection, and as many more as the stage `more` has headers."""
        header = {"typ": "exchange+jws", "iss": HUB, "aud": "consumer", "jti": JTI, "res": RES, "ver": 1}
        header["orig"] = digest(sent)
        says = {"op": "upsert", "records": [{"case_no": one["case_no"], "open": one["open"]} for one in RECORDS]}
        others = [header | {"jti": "p-2"} | different for different in self.stage("more", [])]
        return [
            self.seal("projection", "projections", header, says),
            *(self.seal("other-projection", "projections", other, says) for other in others),
        ]

    def signers(self) -> list[str]:
        """The key for projections beside the others."""
        return [*super().signers(), "projections"]

    def show(self, members: dict[str, Any], delivered: list[bytes]) -> None:
        """The projections beside the envelope."""
        members["projections"] = sorted(one.decode() for one in delivered)


class Own(Projected):
    """What the consumer is given."""

    writes = staticmethod(write_projection_evidence)

    def signers(self) -> list[str]:
        """Neither the sender nor the receipt."""
        return ["issuing", "projections", "consumer"]

    def show(self, members: dict[str, Any], delivered: list[bytes]) -> None:
        """The projections, and of the log what is the consumer's."""
        super().show(members, delivered)
        without("envelope", "receipt", "schema")(members)
        members["entries"] = [entry for entry in members["entries"] if not self._of_the_provider(entry["leaf"])]

    def _of_the_provider(self, leaf: Mapping[str, Any]) -> bool:
        of_its_certificate = leaf["event"] == "certificate.issued" and leaf["details"]["system"] == "sender"
        return of_its_certificate or leaf["event"] in self.stage("hidden", ["exchange.accepted"])


def vectors(keys: Keys) -> list[Vector]:
    """Every vector of these two kinds."""
    made = [Vector(f"valid/{name}", kind(keys, changes).write()) for kind, name, changes in _valid(keys)]
    for kind, name, lines in (
        (Projected, "", [*_of_both(keys), *_of_the_whole(keys)]),
        (Own, "consumer-", [*_of_both(keys), *_of_own(keys)]),
    ):
        for statement, what, reason, changes in lines:
            made.append(Vector(f"{statement}/{name}{what}", kind(keys, changes).write(), statement, reason))
    return made


_Line = tuple[str, str, str, dict[str, Change]]


def _valid(keys: Keys) -> list[tuple[type[Projected], str, dict[str, Change]]]:
    case = Case(keys)

    def move(event: str, at: datetime) -> Mapping[str, Any]:
        return case.leaf(event, "grant", GRANT, at, "officer", details={"consumer": "consumer", "resource": RES})

    within = NOW.replace(microsecond=900_000)
    snapshot: dict[str, Change] = {
        "envelope-payload": put("op", to="snapshot"),
        "projection-payload": both(put("op", to="snapshot"), put("records", to=[])),
    }
    return [
        (Projected, "projected", {}),
        (Projected, "projected-empty-snapshot", snapshot),
        (Projected, "projected-fewer-rows", {"projection-payload": lambda says: says["records"].pop(0)}),
        (Projected, "projected-masked", masked("张**", "李*")),
        (Projected, "projected-masked-whole", masked("***", "**", SURNAME | {"keep_first": 2, "keep_last": 1})),
        (Own, "consumer-projected", {}),
        (Own, "consumer-projected-masked", masked("张**", "李*")),
        (Own, "consumer-projected-empty-snapshot", snapshot),
        (Own, "consumer-two-projections", {"more": more_like({})}),
        (
            Own,
            "consumer-not-acknowledged",
            {"members": both(unacknowledged, put("deliveries", to=[])), "certificates": without("consumer")},
        ),
        (Own, "consumer-stopped-afterwards", {"log": more_log(move("grant.revoked", NOW + MINUTE))}),
        (Own, "consumer-stopped-within-the-second", {"log": more_log(move("grant.suspended", within))}),
        (
            Own,
            "consumer-resumed-within-the-second",
            {
                "log": more_log(
                    move("grant.suspended", NOW - MINUTE),
                    move("grant.resumed", NOW.replace(microsecond=1)),
                )
            },
        ),
        (
            Own,
            "consumer-made-within-the-second",
            {"grant.created-leaf": put("time", to=NOW.replace(microsecond=1).isoformat())},
        ),
    ]


def _of_both(keys: Keys) -> list[_Line]:
    """What fails in either file."""

    def signed_as(by: str) -> dict[str, Change]:
        return {"projection-signer": put(0, to=by), "certificates": _swap("projections", by)}

    listed = [
        Revoked(keys.holders["projections"].certificate.serial_number, NOW - MINUTE, RevocationReason.KEY_COMPROMISE)
    ]
    day = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp())
    authority = both(_swap("projections", "evil-projections"), lambda found: found.append("evil-issuing"))
    says, header = "projection-payload", "projection-header"
    receipts = {"projection-signer": put(0, to="receipt"), "certificates": _also("receipt")}
    elsewhere = put("deliveries", 0, "digest", to=digest(b"x"))
    return [
        ("form", "projections-none", "projections-form", {"members": put("projections", to=[])}),
        ("form", "projection-twice", "projections-form", {"members": lambda m: m["projections"].append(m["projections"][0])}),
        ("form", "projection-without-orig", "projections-form", {header: without("orig")}),
        ("form", "projection-with-more", "projections-form", {says: put("note", to="x")}),
        ("form", "projection-of-another-act", "projections-form", {says: put("op", to="merge")}),
        ("form", "projection-of-nothing", "projections-form", {says: put("records", to=[])}),
        ("form", "projection-beyond-time", "projections-form", {header: put("iat", to=253402300799)}),
        ("projection-signer", "own-authority", "not-trusted", {"projection-signer": put(0, to="evil-projections"), "certificates": authority}),
        ("projection-signer", "key-of-another-purpose", "signer-mismatch", receipts),
        ("projection-signer", "a-system-signs", "signer-mismatch", {"projection-signer": put(0, to="consumer")}),
        ("projection-signer", "another-hub", "signer-mismatch", signed_as("other-projections")),
        ("projection-signer", "before-its-validity", "not-valid-then", {header: put("iat", to=day)}),
        ("projection-signer", "listed-from-before", "certificate-on-list", {"list": put("lines", to=listed)}),
        ("projection-signer", "certificate-left-out", "certificate-missing", {"certificates": without("projections")}),
        ("projection-signature", "by-another-key", "signature-mismatch", {"projection-key": put(0, to="receipt")}),
        ("acknowledgement-signature", "not-by-the-recipient", "signature-mismatch", {"ack-key": put(0, to="stranger")}),
        ("acknowledgement", "of-what-was-not-delivered", "acknowledgement-unlike-delivery", {"ack-payload": elsewhere}),
    ]  # fmt: skip


def _of_the_whole(keys: Keys) -> list[_Line]:
    """What fails in the provider's file alone: it has the original, and so shows that a projection is of it."""
    statement, unlike, more = "projection", "projection-unlike-envelope", "projection-not-reduced"
    first, second = ({name: one[name] for name in ("case_no", "open")} for one in RECORDS)
    another_hub = {
        "projection-header": put("iss", to="dingxi-hub"),
        "projection-signer": put(0, to="other-projections"),
    }

    masked_days = masked("", "", SURNAME | {"item": "days"})

    def header(name: str, to: object) -> dict[str, Change]:
        return {"projection-header": put(name, to=to)}

    def records(*found: Mapping[str, Any]) -> dict[str, Change]:
        return {"projection-payload": put("records", to=list(found))}

    return [
        (statement, "of-another-envelope", unlike, header("orig", digest(b"other"))),
        (
            statement,
            "of-another-hub",
            unlike,
            another_hub | {"certificates": _swap("projections", "other-projections")},
        ),
        (statement, "of-another-resource", unlike, header("res", OTHER_RES)),
        (statement, "of-another-version", unlike, header("ver", 2)),
        (statement, "with-addressees", unlike, header("to", ["consumer"])),
        (statement, "of-another-moment", unlike, header("iat", SECOND + 1)),
        (statement, "does-something-else", unlike, {"projection-payload": put("op", to="delete")}),
        (statement, "another-value", more, records(first | {"case_no": "3"})),
        (statement, "another-type-of-value", more, records(first | {"open": 1})),
        (statement, "another-item", more, records(first | {"phone": "1"})),
        (statement, "of-two-records-at-once", more, records(first | {"name": RECORDS[1]["name"]})),
        (statement, "a-record-twice", more, records(first, first)),
        (statement, "a-record-more", more, records(first, second, second)),
        (statement, "in-another-order", more, records(second, first)),
        (statement, "masked-without-a-mask-in-the-grant", more, records(first | {"name": "张**"})),
        (statement, "masked-item-as-it-was", more, masked("张**", "李乙")),
        (statement, "more-than-the-mask-keeps", more, masked("张小*", "李*")),
        (statement, "less-than-the-mask-keeps", more, masked("***", "李*")),
        (statement, "another-value-under-the-mask", more, masked("王**", "李*")),
        (statement, "shorter-than-it-was", more, masked("张*", "李*")),
        (statement, "longer-than-it-was", more, masked("张**", "李**")),
        (statement, "hidden-by-another-character", more, masked("张XX", "李*")),
        (statement, "short-one-kept-by-its-mask", more, masked("***", "李乙", SURNAME | {"keep_first": 2})),
        (statement, "masked-and-no-text", more, masked_days | records(first | {"days": 5})),
        (statement, "mask-of-no-number", "masks-form", masked("张**", "李*", SURNAME | {"keep_first": True})),
        (statement, "mask-below-nothing", "masks-form", masked("张**", "李*", SURNAME | {"keep_last": -1})),
        (statement, "two-masks-of-one-item", "masks-form", masked("张**", "李*", SURNAME, SURNAME)),
        (statement, "of-another-lane", "projection-without-grant", header("jti", projection_jti(OTHER_LANE, "sender", "j-1"))),
        (statement, "for-whom-the-lane-is-not", "projection-without-grant", header("aud", "stranger")),
        (statement, "of-an-envelope-without-records", "envelope-payload", {"envelope-payload": put("records", to={})}),
        ("acknowledgement", "of-anothers-projection", "acknowledgement-unlike-delivery", _of_the_stranger(keys)),
        ("nothing-else", "a-projection-that-nobody-acknowledged", "projection-idle", {"more": more_like({"jti": JTI, "ref": "x"})}),
    ]  # fmt: skip


def _of_the_stranger(keys: Keys) -> dict[str, Change]:
    """The stranger has a grant too, and the projection is for it."""
    granted = {"consumer": "stranger", "resource": RES, "lane": OTHER_LANE}
    other = Case(keys).leaf("grant.created", "grant", OTHER_GRANT, NOW - HOUR / 2, "officer", details=granted)
    return {
        "log": more_log(other),
        "exchange.accepted-leaf": put("details", "grants", to=[GRANT, OTHER_GRANT]),
        "receipt-payload": put("lanes", to=2),
        "projection-header": both(
            put("aud", to="stranger"), put("jti", to=projection_jti(OTHER_LANE, "sender", "j-1"))
        ),
    }


def _of_own(keys: Keys) -> list[_Line]:
    """What fails in the consumer's file alone."""
    case = Case(keys)
    stop = case.leaf(
        "grant.suspended", "grant", GRANT, NOW - MINUTE, "officer", details={"resource": RES, "consumer": "consumer"}
    )
    gone = case.leaf("certificate.revoked", "certificate", keys.kid("consumer"), NOW + MINUTE / 2, "officer")
    idle = case.leaf("system.registered", "system", "consumer", NOW - HOUR, "officer")
    another_hub = {
        "projection-header": put("iss", to="dingxi-hub"),
        "projection-signer": put(0, to="other-projections"),
    }
    grant, ack = "grant.created-leaf", "delivery.acknowledged-leaf"

    def to_stranger(leaf: Any) -> None:
        if leaf["object"]["id"] == keys.kid("stranger"):
            leaf["details"]["system"] = "stranger"

    by_another: dict[str, Change] = {
        "ack-header": put("iss", to="stranger"),
        "ack-signer": put(0, to="stranger"),
        ack: put("actor", "id", to="stranger"),
        "certificate.issued-leaf": to_stranger,
        "certificates": _swap("consumer", "stranger"),
    }
    return [
        ("form", "with-the-envelope", "members", {"members": put("envelope", to="x")}),
        ("form", "in-the-others-name", "members", text(lambda data: data.replace(b"shuniu-projection-evidence/1", b"shuniu-evidence/1"))),
        ("checkpoint", "of-another-hub", "log-mismatch", another_hub | {"certificates": _swap("projections", "other-projections")}),
        ("projection", "with-addressees", "projections-unlike", {"projection-header": put("to", to=["consumer"])}),
        *(
            ("projection", f"another-{name}", "projections-unlike", {"more": more_like({name: to})})
            for name, to in (("orig", digest(b"x")), ("aud", "stranger"), ("res", OTHER_RES), ("ver", 2), ("iat", SECOND + 1))
        ),
        ("projection", "another-act", "projections-unlike", {"more": more_like({}), "other-projection-payload": put("op", to="delete")}),
        ("inclusion", "leaf-changed", "root-mismatch", {"members": entry_of("grant.created", put("leaf", "result", to="fail"))}),
        ("grants", "none", "grant-missing", {"members": drop_entry("grant.created")}),
        ("grants", "of-another-system", "grant-unlike-projection", {grant: put("details", "consumer", to="stranger")}),
        ("grants", "for-another-resource", "grant-unlike-envelope", {grant: put("details", "resource", to=OTHER_RES)}),
        ("grants", "made-afterwards", "grant-not-created", {grant: put("time", to=(NOW + MINUTE / 2).isoformat())}),
        ("grants", "suspended-before", "grant-not-in-force", {"log": more_log(stop)}),
        ("grants", "revoked-before", "grant-not-in-force", {"log": more_log(stop | {"event": "grant.revoked"})}),
        ("acknowledgement-entry", "left-out", "entry-missing", {"members": drop_entry("delivery.acknowledged")}),
        ("acknowledgement-entry", "by-another-system", "acknowledgement-unlike-log", {ack: put("actor", "id", to="stranger")}),
        ("acknowledgement-entry", "at-another-hub", "acknowledgement-unlike-log", {ack: put("hub", to="dingxi-hub")}),
        ("acknowledgement-entry", "before-acceptance", "acknowledged-before", {ack: put("time", to=(NOW - MINUTE).isoformat())}),
        ("acknowledgement-signer", "revoked-before", "certificate-revoked", {"log": more_log(gone)}),
        ("acknowledgement-signer", "issue-left-out", "entry-missing", {"members": drop_entry("certificate.issued")}),
        ("acknowledgement", "by-another-system", "acknowledgement-unlike-delivery", by_another),
        ("acknowledgement", "for-another-hub", "acknowledgement-unlike-delivery", {"ack-header": put("aud", to="dingxi-hub")}),
        ("nothing-else", "the-entry-of-the-acceptance", "entry-idle", {"hidden": without("exchange.accepted")}),
        ("nothing-else", "an-idle-entry", "entry-idle", {"log": more_log(idle)}),
        ("nothing-else", "the-senders-certificate", "certificate-idle", {"certificates": _also("sender")}),
        ("consistency", "another-root", "old-root-mismatch", {"members": flip("consistency", "root")}),
    ]  # fmt: skip


def masked(first: str, second: str, *masks: Mapping[str, Any]) -> dict[str, Change]:
    """The grant has these masks, that of the name by default, and the projection these names."""
    shown = [{"case_no": one["case_no"], "name": name} for one, name in zip(RECORDS, (first, second), strict=True)]
    return {
        "grant.created-leaf": put("details", "masks", to=list(masks or [SURNAME])),
        "projection-payload": put("records", to=shown),
    }


def more_like(*headers: Mapping[str, Any]) -> Change:
    """A change that makes more projections, their headers different in this."""
    return lambda others: others.extend(headers)


def _swap(holder: str, by: str) -> Change:
    return lambda listed: listed.__setitem__(listed.index(holder), by)


def _also(holder: str) -> Change:
    return lambda listed: None if holder in listed else listed.append(holder)
