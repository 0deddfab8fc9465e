"""`shuniu cert`: a key and its signing request made here, a certificate issued by the hub, and its revocation."""

from pathlib import Path
from typing import Literal, TextIO

import click
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from certs.csr import make_csr
from certs.header import is_system_code
from certs.keys import generate_key
from hub.cli import api
from hub.cli.failures import Refused
from hub.cli.files import name_of
from hub.cli.verbs import TAKES_HYPHEN, Kind, add_list, add_show, as_json, show
from hub.client.folder import write_durably

CERTIFICATES = Kind("/v1/certificates", ("kid", "system", "algorithm", "state", "not_after"), "KID")


@click.group(help="数字证书：申请、签发、吊销 / certificates")
def cert() -> None:
    """Certificates."""


@cert.command(help="在本机生成私钥和证书请求 / make a key and its signing request here")
@click.option("--system", "code", required=True, metavar="CODE", help="系统代码 / code of the system")
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="接入方目录 / the partner's folder"
)
@click.option(
    "--algorithm",
    type=click.Choice(["ES256", "EdDSA"]),
    default="ES256",
    show_default=True,
    help="签名算法 / signature algorithm",
)
def request(*, code: str, out: Path, algorithm: Literal["ES256", "EdDSA"]) -> None:
    """Write `key.pem` (unencrypted PKCS#8, for its owner alone) and `request.csr`; overwrite nothing."""
    if not is_system_code(code):
        raise click.UsageError(f"系统代码格式不符 / not the form of a system's code: {code}")
    for name in ("key.pem", "request.csr"):
        if (out / name).exists():
            raise Refused(f"{out / name} 已存在，没有改动 / exists already, nothing was changed")
    key = generate_key(algorithm)
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_durably(out, "key.pem", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    click.echo(write_durably(out, "request.csr", make_csr(key, code)))


@cert.command(help="按证书请求签发证书 / issue a certificate for a signing request")
@click.option("--csr", required=True, type=click.File("r", encoding="ascii"), help="证书请求 PEM / signing request")
@click.option("--system", "code", required=True, metavar="CODE", help="系统代码 / code of the system")
@click.option("--days", type=click.IntRange(min=1), help="有效天数 / days of validity")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="证书写入此文件 / file for the certificate"
)
@as_json
def issue(*, csr: TextIO, code: str, days: int | None, out: Path | None, as_json: bool) -> None:
    """Print what was issued; the certificate with its issuers goes to `--out`, or along."""
    try:
        body: dict[str, object] = {"system": code, "csr": csr.read()}
    except UnicodeDecodeError:
        raise click.UsageError(f"{name_of(csr)} 不是 PEM / is not PEM") from None
    if days is not None:
        body["days"] = days
    issued = api.call("POST", CERTIFICATES.path, body=body)
    if out is not None:
        write_durably(out.parent, out.name, issued.pop("certificate").encode())
    show(issued, as_json=as_json)


@cert.command(help="吊销证书，立即生效 / revoke a certificate, at once", context_settings=TAKES_HYPHEN)
@click.argument("kid")
@click.option(
    "--reason", required=True, help="RFC 5280 原因，如 keyCompromise、superseded / reason, such as keyCompromise"
)
@as_json
def revoke(kid: str, *, reason: str, as_json: bool) -> None:
    """Print the certificate as it is now, and which others of its key a compromise revoked with it."""
    show(api.call("POST", f"{CERTIFICATES.address(kid)}/revoke", body={"reason": reason}), as_json=as_json)


add_list(cert, CERTIFICATES, filters={"system": "系统代码 / code of a system"})
add_show(cert, CERTIFICATES)
