"""Judging a signed message by the registry picture: the contract's check order, without a database and without a clock.

What is refused carries the contract's slug. Texts never quote a payload. The step "seen before" is not here: the caller
looks it up before it gives any refusal of a later step, and the committer finds it for everything that passes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from catalog.secrecy import find_marking, may_hold_marking
from certs import envelope
from certs.envelope import Opened
from certs.errors import EnvelopeError, JsonError
from certs.header import Header
from certs.jsontext import parse_object
from hub.errors import FieldError, Refused
from hub.exchange.projecting import Narrowed, lens_of
from hub.registry.picture import LaneState, LiveVersion, Picture, ResourceState, SignerState

MAX_REPORTED_ERRORS = 20
"""Faults named in one answer: enough to mend a mapping, too few to be a burden."""

FOREVER = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class Judged:
    """A message that passed: where it goes, by which rights, and until when the judgement holds.

    `lanes` get the envelope itself, `narrowed` ones a projection of it.
    """

    signer: SignerState
    resource: ResourceState
    version: LiveVersion
    lanes: Sequence[LaneState]
    narrowed: Sequence[Narrowed]
    records: int
    epoch: int
    until: datetime

    @property
    def all_lanes(self) -> Sequence[LaneState]:
        """The lanes that get something, in the order of their deliveries."""
        return [*self.lanes, *[one.lane for one in self.narrowed]] if self.narrowed else self.lanes


class BeforeSignature(Exception):
    """A refusal before the signature was verified: nobody is accountable for it, so it is counted, not logged singly."""

    def __init__(self, refusal: Refused) -> None:
        super().__init__(refusal.slug)
        self.refusal = refusal


class RegistryDependent(Exception):
    """A refusal that rests on the registry: the picture must be fresh before it is given.

    `after_seen` says that it stands behind the step "seen before" in the check order.
    """

    def __init__(self, refusal: Refused, *, signer: SignerState | None = None, after_seen: bool = False) -> None:
        super().__init__(refusal.slug)
        self.refusal = refusal
        self.signer = signer
        self.after_seen = after_seen


def _refused(slug: str, zh: str, en: str, errors: Sequence[FieldError] = ()) -> Refused:
    return Refused(zh, en, slug=slug, errors=errors)


def open_message(compact: bytes, *, max_bytes: int, allowed: frozenset[str]) -> Opened:
    """Size and form (steps 1 and 2). Raises `BeforeSignature`."""
    try:
        opened = envelope.read(compact, max_bytes=max_bytes, allowed_types=allowed)
    except EnvelopeError as fault:
        raise BeforeSignature(_refused(fault.slug, fault.zh, fault.en)) from None
    if opened.header.orig is not None:
        raise BeforeSignature(
            _refused(
                "malformed-envelope",
                "受保护头 orig 只出现在枢纽签发的投影中；请删除 orig",
                "protected header: orig belongs to projections signed by a hub; remove it",
            )
        )
    return opened


def find_signer(opened: Opened, picture: Picture) -> SignerState:
    """Signer and signature (steps 3 and 4). Raises `RegistryDependent` or `BeforeSignature`."""
    header = opened.header
    signer = picture.signers.get(header.kid)
    if signer is None:
        raise RegistryDependent(
            _refused(
                "unknown-signer",
                f"没有 kid 为 {header.kid} 的证书；请先登记证书，或检查 kid 是否为证书 DER 的 SHA-256",
                f"no certificate has the kid {header.kid}; register it, or check that kid is the SHA-256 of its DER",
            )
        )
    try:
        envelope.verify(opened, signer.verifier)
    except EnvelopeError as fault:
        raise BeforeSignature(_refused(fault.slug, fault.zh, fault.en)) from None
    return signer


def check_parties(header: Header, signer: SignerState, *, hub_id: str) -> None:
    """Whose and for us (steps 5 and 6). Raises `RegistryDependent`."""
    if header.iss != signer.system.code:
        raise RegistryDependent(
            _refused(
                "signer-mismatch",
                f"iss 为 {header.iss}，而证书属于 {signer.system.code}；请填写证书所属系统的代码",
                f"iss is {header.iss}, but the certificate belongs to {signer.system.code}; name the certificate's system",
            ),
            signer=signer,
        )
    if header.aud != hub_id:
        raise RegistryDependent(
            _refused(
                "wrong-audience",
                f"aud 为 {header.aud}，本枢纽是 {hub_id}；请核对接收枢纽",
                f"aud is {header.aud}, this hub is {hub_id}; check which hub it is for",
            ),
            signer=signer,
        )


def check_sender(
    header: Header, signer: SignerState, *, now: datetime, skew_s: int, oldest_s: int | None = None
) -> None:
    """System, certificate and freshness (step 8): `iat` within `skew_s` of `now`, or no older than `oldest_s` where that is given.

    Raises `RegistryDependent`.
    """
    past_s = skew_s if oldest_s is None else oldest_s
    refusal: Refused | None = None
    if signer.system.state != "active":
        refusal = _refused(
            "system-suspended",
            f"系统 {signer.system.code} 已停用；请联系枢纽的安全管理员",
            f"the system {signer.system.code} is {signer.system.state}; ask the hub's security officer",
        )
    elif signer.state == "revoked":
        refusal = _refused(
            "certificate-revoked",
            f"证书 {signer.kid} 已吊销（{signer.reason}）；请改用新证书重新签名",
            f"the certificate {signer.kid} is revoked ({signer.reason}); sign with a new one",
        )
    elif not signer.not_before <= now < signer.not_after:
        refusal = _refused(
            "certificate-expired",
            f"证书 {signer.kid} 不在有效期内（至 {signer.not_after.isoformat()}）；请换发证书",
            f"the certificate {signer.kid} is outside its validity (to {signer.not_after.isoformat()}); have it renewed",
        )
    elif not -past_s <= header.iat - now.timestamp() <= skew_s:
        refusal = _refused(
            "stale-message",
            f"iat 与枢纽时间相差超过 {skew_s} 秒；请校准时钟，重试时原样重发已保存的字节",
            f"iat differs from the hub's time by more than {skew_s} s; set the clock right, retries resend stored bytes",
        )
    if refusal is not None:
        raise RegistryDependent(refusal, signer=signer, after_seen=True)


def judge_exchange(opened: Opened, signer: SignerState, picture: Picture, *, now: datetime, skew_s: int) -> Judged:
    """Steps 8 to the grants for an `exchange+jws`. Raises `RegistryDependent`."""
    header = opened.header
    assert header.res is not None
    assert header.ver is not None
    # 8 system, certificate, freshness
    check_sender(header, signer, now=now, skew_s=skew_s)
    try:
        # 9 payload form
        payload = _payload(opened)
        # 10 resource, provider, version
        resource, version = _resource(header, signer, picture, now)
        # 11 secrecy
        _check_secrecy(opened.payload_bytes, payload, version)
        # 12 schema
        _check_schema(payload, version)
        # 13 grants
        lanes, narrowed = _parted(_lanes(header, resource, version, now), payload)
    except Refused as refusal:
        raise RegistryDependent(refusal, signer=signer, after_seen=True) from None
    until = min([signer.not_after, version.ends_at or FOREVER, *(_turns(lane, now) for lane in resource.lanes)])
    return Judged(signer, resource, version, lanes, narrowed, _count(payload), picture.epoch, until)


def _count(payload: dict[str, object]) -> int:
    records = payload["records"]
    assert isinstance(records, list)
    return len(records)


def _turns(lane: LaneState, now: datetime) -> datetime:
    """The next moment at which the lane's validity begins or ends."""
    if now < lane.valid_from:
        return lane.valid_from
    return lane.valid_to if now < lane.valid_to else FOREVER


def _payload(opened: Opened) -> dict[str, object]:
    try:
        return parse_object(opened.payload_bytes)
    except JsonError as fault:
        raise _refused("malformed-payload", fault.zh, fault.en) from None


def _resource(
    header: Header, signer: SignerState, picture: Picture, now: datetime
) -> tuple[ResourceState, LiveVersion]:
    resource = picture.resources.get(header.res or "")
    if resource is None:
        raise _refused(
            "unknown-resource",
            f"目录中没有资源 {header.res}；请核对 res",
            f"the catalogue has no resource {header.res}; check res",
        )
    if resource.system_id != signer.system.id:
        raise _refused(
            "not-the-provider",
            f"资源 {header.res} 不由系统 {signer.system.code} 发布；请由登记的提供系统发送",
            f"the resource {header.res} is not published by {signer.system.code}; let its registered system send it",
        )
    if resource.status != "published":
        raise _refused(
            "resource-not-published",
            f"资源 {header.res} 的状态为 {resource.status}，暂不能交换；请联系目录管理部门",
            f"the resource {header.res} is {resource.status}: nothing is exchanged; ask the catalogue's authority",
        )
    version = resource.versions.get(header.ver or 0)
    if version is None or not _takes_payloads(version, now):
        usable = ", ".join(str(n) for n, found in sorted(resource.versions.items()) if _takes_payloads(found, now))
        raise _refused(
            "wrong-version",
            f"资源 {header.res} 的版本 {header.ver} 不可用；可用版本：{usable}",
            f"version {header.ver} of {header.res} takes no payloads; usable: {usable}",
        )
    return resource, version


def _takes_payloads(version: LiveVersion, now: datetime) -> bool:
    return version.ends_at is None or now < version.ends_at


def _check_secrecy(raw: bytes, payload: dict[str, object], version: LiveVersion) -> None:
    if not version.secrecy_fields and not may_hold_marking(raw):
        return
    pointer = find_marking(payload, secrecy_fields=version.secrecy_fields, field_names=version.field_names)
    if pointer is not None:
        zh = "此处带有密级标志；本网络不得传递国家秘密、工作秘密，所发内容未被保存"
        en = (
            "this place bears a secrecy marking; nothing marked as a secret may travel here, and nothing of it was kept"
        )
        raise _refused("classified-content", zh, en, [FieldError(pointer, zh, en)])


def _check_schema(payload: dict[str, object], version: LiveVersion) -> None:
    if version.validator.is_valid(payload):
        return
    errors = [FieldError(e.pointer, e.zh, e.en) for e in version.validator.errors(payload, limit=MAX_REPORTED_ERRORS)]
    raise _refused(
        "schema-violation",
        f"载荷有 {len(errors)} 处不符合模式；整个信封未被接收，请按 errors 逐项修改后以新的 jti 重发",
        f"{len(errors)} place(s) break the schema; nothing was accepted: mend what errors names and send with a new jti",
        errors,
    )


def _lanes(header: Header, resource: ResourceState, version: LiveVersion, now: datetime) -> tuple[LaneState, ...]:
    open_lanes = tuple(
        lane
        for lane in resource.lanes
        if lane.state == "active"
        and lane.consumer.state == "active"
        and lane.valid_from <= now < lane.valid_to
        and version.number in lane.versions
        and (lane.narrowed_by is None or lens_of(lane).can_judge(version))
    )
    if header.to is None:
        return open_lanes
    reached = {lane.consumer.code for lane in open_lanes}
    missing = [code for code in header.to if code not in reached]
    if missing:
        named = missing[:MAX_REPORTED_ERRORS]
        raise _refused(
            "no-grant",
            f"to 中的系统没有本资源该版本的有效授权，或系统已暂停：{'、'.join(named)}；"
            "请删除，或先申请授权、待系统恢复后再发；整个信封未被接收",
            f"named in to, but without an active grant of this version, or suspended: {', '.join(named)}; "
            "leave them out, apply, or wait until the system is resumed; nothing was accepted",
        )
    return tuple(lane for lane in open_lanes if lane.consumer.code in header.to)


def _parted(lanes: tuple[LaneState, ...], payload: dict[str, object]) -> tuple[Sequence[LaneState], Sequence[Narrowed]]:
    """The lanes that get the envelope itself, and those that get a projection: of these, the ones with something in it."""
    narrowed = [lane for lane in lanes if lane.narrowed_by is not None]
    if not narrowed:
        return lanes, ()
    whole = [lane for lane in lanes if lane.narrowed_by is None]
    reduced = [(lane, lens_of(lane).narrow(payload)) for lane in narrowed]
    return whole, [Narrowed(lane, left) for lane, left in reduced if left is not None]
