"""Building the evidence of an exchange for whoever asks, as far as that party may have it (I5).

Who may ask is settled by `read_exchange`, which knows the parties. Beyond that:

* A consumer gets a file once it has confirmed a delivery: the envelope goes to consumers by delivery, never through here. Of
  grants and acknowledgements it gets its own. What it has confirmed counts, not what it may have now: where that was
  projections alone, the file is one about projections, and neither the envelope nor what else tells of it is even read. The
  receipt has the provider's `jti` and the number of lanes; the entry of the acceptance has these, the number of records and
  the sender's certificate. What is left out of a projection is not to be counted from there either.
* The provider gets its envelope back, all grants that fed its lanes, and an acknowledgement if that names only deliveries
  of the provider's own exchanges: what a consumer had from others is none of its business. A projection that was acknowledged
  comes with it: all in it is the provider's.
* Staff who read the log get everything.

Openings of commitments are for nobody. A file is whole or not at all: while something that belongs into it is not under the
checkpoint, it is `not-sealed`. All is read in one snapshot. An envelope holds payload, so what staff are given is logged.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from certs.evidence_form import MAX_BYTES, write_evidence, write_projection_evidence
from certs.header import EXCHANGE, RECEIPT
from hub.audit import repository as audit
from hub.audit import sealed
from hub.audit.entry import Event, make_entry
from hub.audit.sealed import Shown
from hub.audit.service import Recorder
from hub.evidence import gathering
from hub.evidence import repository as sql
from hub.evidence.errors import NoSuchSize, NotDelivered, NotSentTo, RecordMissing, TooMuch
from hub.evidence.gathering import Acknowledged, kid_of_message
from hub.evidence.proving import prove_consistency
from hub.exchange.reading import ExchangeState, read_exchange, unknown_exchange
from hub.identity.callers import StaffCaller, SystemCaller
from hub.registry.keyring import KeyRing


async def build_evidence(
    connection: asyncpg.Connection,
    exchange_id: UUID,
    caller: StaffCaller | SystemCaller,
    *,
    keyring: KeyRing,
    recorder: Recorder,
    now: datetime,
    since: int | None = None,
    consumer: str | None = None,
) -> bytes:
    """The evidence file of an exchange for this caller; with a proof from the tree of `since` leaves on, if that is given, and
    of the deliveries and grants those of that consumer alone.

    Raises NotFound for who is no party, NotSentTo, NotDelivered, NotSealed, NoSuchSize, TooMuch; RecordMissing for what the hub
    has lost.
    """
    async with connection.transaction(isolation="repeatable_read"):
        # 1 who asks, and what of the deliveries is theirs to know
        state = await read_exchange(connection, exchange_id, caller)
        deliveries = [one.id for one in state.deliveries if consumer in (None, one.consumer)]
        if consumer is not None and not deliveries:
            raise NotSentTo(consumer)
        ended = await connection.fetch(sql.ENDED, deliveries)
        provider = caller if isinstance(caller, SystemCaller) and caller.code == state.sender else None
        recipient = caller if isinstance(caller, SystemCaller) and provider is None else None
        if recipient is not None and not ended:
            raise NotDelivered
        shown = await sealed.shown(connection)
        # 2 what was exchanged: the envelope, or to who got projections alone these
        if recipient is not None and all(row["projection_id"] is not None for row in ended):
            write = write_projection_evidence
            members, kids = await _projected(connection, state, ended, shown)
        else:
            only = consumer if recipient is None else recipient.code
            write = write_evidence
            members, kids = await _whole(connection, state, ended, shown, provider, only)
        # 3 certificates, the list of what is revoked
        members["certificates"] = await gathering.certificates(connection, kids, keyring)
        moments = map(gathering.time_of, members["entries"])
        members["revocation_list"] = await gathering.revocation_list(connection, keyring, max(now, *moments))
        members["checkpoint"] = shown.note
        # 4 one log with what the caller has seen before
        if since is not None:
            if not 1 <= since <= shown.size:
                raise NoSuchSize(shown.size)
            with gathering.tiles_missing():
                members["consistency"] = await prove_consistency(connection, since, shown.size)
        # 5 who of the staff has seen it
        if isinstance(caller, StaffCaller):
            event = Event("exchange.disclosed", caller.actor, "exchange", str(exchange_id))
            await audit.insert(connection, [make_entry(event, hub=recorder.hub, region=recorder.region, now=now)])
        data = write(members)
        if len(data) > MAX_BYTES:
            raise TooMuch
        return data


async def _whole(
    connection: asyncpg.Connection,
    state: ExchangeState,
    ended: Sequence[asyncpg.Record],
    shown: Shown,
    provider: SystemCaller | None,
    only: str | None,
) -> tuple[dict[str, Any], set[str]]:
    """Members about the whole exchange, of the grants those of `only`, if that is given; kids of the certificates it takes."""
    row = await connection.fetchrow(sql.EXCHANGE, state.id)
    if row is None:
        raise unknown_exchange()
    if row["receipt"] is None:
        raise RecordMissing("接收凭证", "receipt")
    acknowledged = await gathering.acknowledged(connection, ended, provider)
    projections = await gathering.projections(
        connection, {one.projection for one in acknowledged if one.projection is not None}, len(row["envelope"])
    )
    accepted = await gathering.acceptance(connection, state.id)
    grants = await gathering.grants(connection, accepted, only)
    signers = {row["kid"], *(one.kid for one in acknowledged)}
    members: dict[str, Any] = {
        "envelope": row["envelope"].decode("ascii"),
        "receipt": row["receipt"].decode("ascii"),
        "deliveries": _deliveries(acknowledged),
        "schema": await connection.fetchval(sql.SCHEMA, row["resource_id"], row["version"]),
        "entries": await gathering.entries(connection, [accepted], _objects(signers, grants, acknowledged), shown.size),
    }
    if projections:
        members["projections"] = _texts(projections)
    return members, signers | {kid_of_message(row["receipt"], RECEIPT)} | _kids(projections)


async def _projected(
    connection: asyncpg.Connection, state: ExchangeState, ended: Sequence[asyncpg.Record], shown: Shown
) -> tuple[dict[str, Any], set[str]]:
    """Members about what these deliveries brought; kids of the certificates they take.

    The entry of the acceptance stays out, but is under the checkpoint: an auditor finds it there by `orig`.
    """
    acknowledged = await gathering.acknowledged(connection, ended, None)
    projections = await gathering.projections(connection, {row["projection_id"] for row in ended}, 0)
    grants = sorted({str(one["grant_id"]) for one in projections})
    signers = {one.kid for one in acknowledged}
    gathering.must_be_sealed([await gathering.acceptance(connection, state.id)], shown.size)
    entries = await gathering.entries(connection, [], _objects(signers, grants, acknowledged), shown.size)
    if not {entry["leaf"]["object"]["id"] for entry in entries}.issuperset(grants):
        raise RecordMissing("日志条目", "log entry")
    members = {"projections": _texts(projections), "deliveries": _deliveries(acknowledged), "entries": entries}
    return members, signers | _kids(projections)


def _deliveries(acknowledged: Sequence[Acknowledged]) -> list[dict[str, str]]:
    return [{"id": str(one.delivery), "acknowledgement": one.compact.decode("ascii")} for one in acknowledged]


def _objects(signers: set[str], grants: Sequence[str], acknowledged: Sequence[Acknowledged]) -> list[str]:
    """What all log entries are wanted of."""
    return [*sorted(signers), *grants, *(str(one.acknowledgement) for one in acknowledged)]


def _kids(projections: Sequence[asyncpg.Record]) -> set[str]:
    return {kid_of_message(one["envelope"], EXCHANGE) for one in projections}


def _texts(projections: Sequence[asyncpg.Record]) -> list[str]:
    return sorted(one["envelope"].decode("ascii") for one in projections)
