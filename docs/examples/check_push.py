"""不用本项目的库核验推送的签名（RFC 9421），只用 cryptography。 The signature of a push without our library."""

import base64
import hashlib
import re

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

COVERED = ("content-digest", "content-type", "shuniu-lane", "shuniu-sequence", "shuniu-fence")
COMPONENTS = " ".join(f'"{name}"' for name in ("@method", "@target-uri", *COVERED))


def kid_of(certificate):
    digest = hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def status_of(method, url, headers, body, push_pem, now):
    """200 可信，401 不可信，409 已过期。`url` 是登记的地址；`headers` 是（名，值）的列表；`now` 是秒。
    200: believed, 401: not, 409: expired. `url` as registered; `headers` a list of pairs; `now` in seconds."""
    # 1 所需字段各恰好一个，一行可见的 ASCII / each field once, one line of visible ASCII
    fields = {}
    for name, value in ((name.lower(), value.strip(" \t")) for name, value in headers):
        if name in (*COVERED, "signature", "signature-input"):
            if name in fields or not re.fullmatch("[\x20-\x7e]+", value):
                return 401
            fields[name] = value
    if len(fields) < len(COVERED) + 2:
        return 401
    # 2 一个签名，标签 shuniu，覆盖恰好这些，依此次序 / one signature, over exactly these, in this order
    match = re.fullmatch(rf"shuniu=(\({re.escape(COMPONENTS)}\)(.*))", fields["signature-input"])
    if match is None:
        return 401
    found = re.findall(r';([a-z]+)=(?:(\d{1,15})|"([ -!#-\[\]-~]*)")', match[2])
    said = {name: int(number) if number else text for name, number, text in found}
    if "".join(f";{n}={d}" if d else f';{n}="{t}"' for n, d, t in found) != match[2] or len(said) != len(found):
        return 401
    if set(said) - {"alg"} != {"created", "expires", "nonce", "keyid", "tag"} or said["tag"] != "shuniu-push":
        return 401
    # 3 时间 / time
    created, expires = said["created"], said["expires"]
    if not isinstance(created, int) or not isinstance(expires, int):
        return 401
    if created > now + 300 or not 0 < expires - created <= 600:
        return 401
    if now >= expires:
        return 409
    # 4 密钥：push.pem 的第一张证书，Ed25519；不看消息自称的算法 / the key: push.pem's first certificate, whatever alg says
    certificate = x509.load_pem_x509_certificates(push_pem)[0]
    if said["keyid"] != kid_of(certificate) or said.get("alg", "ed25519") != "ed25519":
        return 401
    # 5 签名 / signature
    lines = [f'"@method": {method}', f'"@target-uri": {url}', *(f'"{name}": {fields[name]}' for name in COVERED)]
    base = "\n".join([*lines, f'"@signature-params": {match[1]}'])
    try:
        signature = base64.b64decode(fields["signature"].removeprefix("shuniu=:").removesuffix(":"), validate=True)
        certificate.public_key().verify(signature, base.encode())
    except (InvalidSignature, ValueError):
        return 401
    # 6 正文的摘要（RFC 9530）/ the body's digest
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    return 200 if fields["content-digest"] == f"sha-256=:{digest}:" else 401
