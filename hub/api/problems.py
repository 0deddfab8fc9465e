"""Errors become RFC 9457 problem documents, here and nowhere else; each slug has a page that explains cause and cure."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from starlette.responses import Response

from hub.errors import FieldError, Refused, Unavailable

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """One slug: its HTTP status, titles, and what its page says about cause and cure (Chinese, English)."""

    status: int
    zh: str
    en: str
    cause_zh: str
    cause_en: str


KINDS: dict[str, Kind] = {
    "too-large": Kind(
        413,
        "信封过大",
        "Envelope too large",
        "信封超过枢纽允许的字节数。请减少每个信封的记录数，或改用文件交换。",
        "The envelope exceeds the hub's limit in bytes. Send fewer records in one envelope, or use files.",
    ),
    "malformed-envelope": Kind(
        400,
        "信封格式错误",
        "Malformed envelope",
        "信封不是三段规范的无填充 base64url，或头部缺少、重复、多出字段，或取值不合规定。",
        "The envelope is not three canonical unpadded base64url parts, or a header name is missing, repeated, unknown or of the wrong form.",
    ),
    "unsupported-algorithm": Kind(
        400,
        "不支持的签名算法",
        "Unsupported algorithm",
        "alg 只能是 ES256、EdDSA 或 SM2（视枢纽启用情况）。",
        "alg must be ES256, EdDSA or SM2, as far as the hub has them enabled.",
    ),
    "unknown-signer": Kind(
        401,
        "未知的签名证书",
        "Unknown signer",
        "kid 不是本枢纽登记过的证书。请核对 kid = base64url(SHA-256(证书 DER))。",
        "kid names no certificate registered here. kid is the base64url SHA-256 of the certificate's DER.",
    ),
    "bad-signature": Kind(
        401,
        "签名无效",
        "Bad signature",
        "签名与内容或证书密钥不符：内容可能被改动，或用错了私钥、算法。",
        "The signature does not fit content and key: changed bytes, another private key, or another algorithm.",
    ),
    "signer-mismatch": Kind(
        403,
        "签名者不符",
        "Signer mismatch",
        "iss 必须是证书所属系统的代码。",
        "iss must be the code of the system that the certificate belongs to.",
    ),
    "wrong-audience": Kind(
        403,
        "接收枢纽不符",
        "Wrong audience",
        "aud 必须是本枢纽的标识；信封可能是发给别的枢纽的。",
        "aud must be this hub's id; the envelope may be meant for another hub.",
    ),
    "jti-reused": Kind(
        409,
        "jti 已被使用",
        "jti reused",
        "同一发送方已用此 jti 发送过不同内容。重试请原样重发已保存的字节；新内容请换新的 jti。",
        "This sender has used the jti for other bytes. Retry with the stored bytes; new content takes a new jti.",
    ),
    "system-suspended": Kind(
        403,
        "系统已停用",
        "System suspended",
        "该系统已被暂停或退役。请联系安全管理员。",
        "The system is suspended or retired. Ask the security officer.",
    ),
    "certificate-revoked": Kind(
        401,
        "证书已吊销",
        "Certificate revoked",
        "签名证书已吊销。请申请并改用新证书。",
        "The signing certificate is revoked. Apply for a new one and use it.",
    ),
    "certificate-expired": Kind(
        401,
        "证书不在有效期",
        "Certificate expired",
        "签名证书尚未生效或已过期。请换发证书。",
        "The signing certificate is not yet or no longer valid. Have it renewed.",
    ),
    "stale-message": Kind(
        401,
        "报文时间偏差过大",
        "Stale message",
        "iat 与枢纽时间相差超过允许范围。请校准时钟；重试旧报文请原样重发。",
        "iat is further from the hub's time than allowed. Set the clock right; retries resend stored bytes.",
    ),
    "malformed-payload": Kind(
        400,
        "载荷不是合格的 JSON",
        "Malformed payload",
        "载荷须为一个 UTF-8 JSON 对象：无重复键、层数不超过 64、数值在范围内。",
        "The payload must be one UTF-8 JSON object: no repeated keys, at most 64 levels, numbers in range.",
    ),
    "unknown-resource": Kind(
        404,
        "资源不存在",
        "Unknown resource",
        "res 不是目录中的资源代码。",
        "res is no resource code of this catalogue.",
    ),
    "not-the-provider": Kind(
        403,
        "不是该资源的提供系统",
        "Not the provider",
        "只有目录中登记的提供系统可以发布该资源。",
        "Only the system registered for the resource publishes it.",
    ),
    "resource-not-published": Kind(
        409,
        "资源未发布",
        "Resource not published",
        "资源处于草稿、审核、暂停或撤回状态，暂不能交换。",
        "The resource is a draft, under review, suspended or withdrawn: nothing is exchanged.",
    ),
    "wrong-version": Kind(
        409,
        "版本不可用",
        "Wrong version",
        "ver 不是该资源当前可用的已发布版本。",
        "ver is not a published version that still takes payloads.",
    ),
    "classified-content": Kind(
        422,
        "内容带有密级标志",
        "Classified content",
        "本枢纽为非涉密网络，不接收国家秘密、工作秘密；所发内容未被保存。",
        "This network is not for classified content: nothing marked as a secret is taken, and nothing of it was kept.",
    ),
    "schema-violation": Kind(
        422,
        "载荷不符合资源的模式",
        "Schema violation",
        "记录不符合该资源该版本的 JSON Schema；errors 逐项指明字段、原因和改法。",
        "The records do not satisfy the JSON Schema of this version; errors name field, reason and cure.",
    ),
    "no-grant": Kind(
        403,
        "没有有效授权",
        "No grant",
        "to 中的系统没有该资源该版本的有效授权，或系统已暂停；整个信封未被接收。",
        "A system named in to has no active grant for this version of the resource, or is suspended; nothing was accepted.",
    ),
    "quota-exceeded": Kind(
        429, "超出配额", "Quota exceeded", "已达授权规定的数量上限。", "The amount that the grant allows is used up."
    ),
    "unauthenticated": Kind(
        401,
        "需要登录或令牌",
        "Unauthenticated",
        "缺少凭据，或凭据无效、已过期。",
        "Credentials are missing, invalid or expired.",
    ),
    "forbidden": Kind(
        403, "无权进行此操作", "Forbidden", "当前角色或系统不允许此操作。", "This role or system may not do this."
    ),
    "not-found": Kind(
        404,
        "未找到",
        "Not found",
        "对象不存在，或调用方无权知晓。",
        "There is no such thing, or none that the caller may know of.",
    ),
    "conflict": Kind(
        409, "与现状冲突", "Conflict", "对象当前的状态不允许此操作。", "The present state does not allow this."
    ),
    "invalid-input": Kind(
        422,
        "输入有误",
        "Invalid input",
        "errors 逐项指明字段、原因和改法；没有任何内容被保存。",
        "errors name field, reason and cure; nothing was saved.",
    ),
    "grant-suspended": Kind(
        403,
        "授权已暂停",
        "Grant suspended",
        "该授权被暂停，恢复前不能取数。",
        "The grant is suspended; nothing is handed out until it resumes.",
    ),
    "not-sealed": Kind(
        409,
        "尚未封存",
        "Not sealed yet",
        "日志条目尚未封存，请按 Retry-After 稍后再试。",
        "The log entry is not sealed yet; come back after Retry-After.",
    ),
    "malformed-request": Kind(
        400,
        "不是合格的 HTTP 请求",
        "Malformed request",
        "请求行、头部或分块不合 HTTP/1.1，或要求建立隧道；连接随即关闭。",
        "Request line, headers or chunks are not HTTP/1.1, or a tunnel is asked for; the connection is closed.",
    ),
    "head-too-large": Kind(
        431,
        "请求头过大",
        "Request head too large",
        "请求行与头部共超过枢纽允许的字节数；请去掉不需要的头部和参数。连接随即关闭。",
        "Request line and headers exceed the hub's limit in bytes; leave out what is not needed. The connection is closed.",
    ),
    "method-not-allowed": Kind(
        405,
        "方法不允许",
        "Method not allowed",
        "该地址不支持此 HTTP 方法。",
        "This address does not take this HTTP method.",
    ),
    "unsupported-media-type": Kind(
        415,
        "媒体类型不支持",
        "Unsupported media type",
        "信封的 Content-Type 须为 application/jose，JSON 的为 application/json。",
        "Envelopes are sent as Content-Type application/jose, JSON as application/json.",
    ),
    "rate-limited": Kind(
        429, "请求过于频繁", "Rate limited", "请按 Retry-After 稍后再试。", "Come back after Retry-After."
    ),
    "unavailable": Kind(
        503,
        "暂时不可用",
        "Unavailable",
        "枢纽繁忙或依赖未就绪；请按 Retry-After 原样重发同一字节：若此前已被接收，将得到同一张接收凭证。",
        "The hub is busy or not ready. Send the same bytes again after Retry-After: had they been accepted, you get the same receipt.",
    ),
    "upstream-failed": Kind(
        502, "上游失败", "Upstream failed", "上游系统返回错误。", "The system upstream answered with an error."
    ),
    "upstream-timeout": Kind(
        504, "上游超时", "Upstream timeout", "上游系统未按时答复。", "The system upstream did not answer in time."
    ),
}


def wants_english(accept_language: str) -> bool:
    """Whether `Accept-Language` prefers English to Chinese; Chinese is the default and wins a tie."""
    best = {"zh": 0.0, "en": 0.0}
    for part in accept_language.lower().split(","):
        tag, _, parameters = part.strip().partition(";")
        language = tag.split("-")[0]
        try:
            weight = float(parameters.strip().removeprefix("q=")) if parameters else 1.0
        except ValueError:
            continue
        if language in best:
            best[language] = max(best[language], weight)
    return best["en"] > best["zh"]


def database_away() -> Unavailable:
    """The answer to whoever needs the database while it is away."""
    return Unavailable("数据库暂不可用；请稍后再试", "the database is unavailable; try again later", retry_after=2)


def problem(refusal: Refused, *, request_id: str, english: bool) -> Response:
    """The problem document of a refusal, in the caller's language."""
    kind = KINDS[refusal.slug]
    body: dict[str, object] = {
        "type": f"/problems/{refusal.slug}",
        "title": kind.en if english else kind.zh,
        "status": kind.status,
        "detail": _sound(refusal.en if english else refusal.zh),
        "request_id": request_id,
    }
    if refusal.errors:
        body["errors"] = _field_errors(refusal.errors, english)
    headers = {
        "X-Request-Id": request_id,
        "Content-Language": "en" if english else "zh-CN",
        "Cache-Control": "no-store",
    }
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(refusal.retry_after)
    if kind.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(orjson.dumps(body), kind.status, headers, MEDIA_TYPE)


def _field_errors(errors: Sequence[FieldError], english: bool) -> list[dict[str, str]]:
    return [
        {"pointer": _sound(e.pointer), "detail": _sound(e.en if english else e.zh)}
        | ({"rule": e.rule} if e.rule else {})
        for e in errors
    ]


def _sound(text: str) -> str:
    """`text` without halves of characters: JSON's escapes bring them in, a refusal may quote them, UTF-8 has none."""
    return text.encode(errors="replace").decode()
