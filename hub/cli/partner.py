"""A partner's side: `shuniu send` and `shuniu inbox`, from the folder with its key."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeGuard

import click

from certs.header import is_resource_code, is_system_code
from hub.cli.api import failures
from hub.cli.files import name_of, strict_array, strict_object
from hub.cli.output import show_json, show_table
from hub.cli.verbs import as_json
from hub.client import ClientError, Delivery, Partner, Receipt, batches
from hub.client.folder import write_durably

partner_folder = click.option(
    "--partner",
    "folder",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="接入方目录：key.pem、cert.pem、partner.json / the partner's folder",
)
trust_folder = click.option(
    "--trust",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="信任锚目录：ca.pem、hub.pem；默认在接入方目录旁 / folder with ca.pem and hub.pem",
)


@click.command(
    help="签名并发布 FILE 中的记录（JSON 数组或整个载荷，- 为标准输入）/ sign and publish the records in FILE"
)
@partner_folder
@trust_folder
@click.option("--res", required=True, metavar="CODE", help="信息资源代码 / code of the resource")
@click.option("--ver", type=click.IntRange(min=1), help="版本，默认为当前版本 / version, by default the live one")
@click.option("--to", "addressees", multiple=True, metavar="SYS", help="只发给这些系统，可重复 / only to these systems")
@click.option("--op", type=click.Choice(["upsert", "delete", "snapshot"]), help="默认 upsert / upsert by default")
@click.option("--ref", metavar="JTI", help="被更正报文的 jti / jti of the message that this one corrects")
@click.argument("file", type=click.File("rb"))
@as_json
def send(
    *,
    folder: Path,
    trust: Path | None,
    res: str,
    ver: int | None,
    addressees: tuple[str, ...],
    op: str | None,
    ref: str | None,
    file: BinaryIO,
    as_json: bool,
) -> None:
    """Print each receipt as it comes; more than 1,000 records go in several envelopes. Once more after a kill: goes on there."""
    _check_codes(res, addressees)
    payloads = _payloads(file, op)
    with failures(), Partner.load(folder, trust=trust) as partner:
        _resume(partner)
        receipts: list[Receipt] = []
        with _progress(len(payloads)) as advance:

            def tell(receipt: Receipt) -> None:
                receipts.append(receipt)
                _show_receipt(receipt, as_json=as_json)
                advance()

            try:
                partner.publish_payloads(res, payloads, ver=ver, to=addressees or None, ref=ref, tell=tell)
            except ClientError:
                _tell_progress(len(receipts), payloads)
                raise


@click.command(help="取未确认的投递，逐项核验 / pull what is not yet acknowledged, every item checked")
@partner_folder
@trust_folder
@click.option("--limit", type=click.IntRange(1, 500), default=100, show_default=True, help="最多项数 / items at most")
@click.option(
    "--wait", type=click.FloatRange(0, 30), default=0.0, help="等待首项的秒数 / seconds to wait for the first"
)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="存信封和记录 / keep envelopes and records"
)
@click.option("--ack", is_flag=True, help="核验（并存好）后签名确认 / acknowledge what was checked (and kept)")
@as_json
def inbox(
    *, folder: Path, trust: Path | None, limit: int, wait: float, out: Path | None, ack: bool, as_json: bool
) -> None:
    """Print the items, keep them in `--out`, then acknowledge."""
    with failures(), Partner.load(folder, trust=trust) as partner:
        _resume(partner)
        items = partner.inbox(limit=limit, wait=wait)
        if out is not None:
            keep(items, out)
        _show_items(items, as_json=as_json)
        if ack:
            count = partner.acknowledge(items)
            click.echo(f"已确认 {count} 项 / {count} acknowledged", err=True)


def _check_codes(res: str, addressees: Sequence[str]) -> None:
    if not is_resource_code(res):
        raise click.UsageError(f"--res 不是资源代码，如 306001000001/000042 / is no code of a resource: {res}")
    if len(set(addressees)) != len(addressees) or not all(map(is_system_code, addressees)):
        raise click.UsageError("--to 须为互不相同的系统代码 / takes codes of systems, each once")


def _payloads(file: BinaryIO, op: str | None) -> list[Mapping[str, Any]]:
    """The payloads to send, each of a size that fits. Raises click.UsageError for anything but records."""
    data = file.read()
    is_array = data.lstrip().startswith(b"[")
    given = {"records": strict_array(file, data)} if is_array else strict_object(file, data)
    records = given.get("records")
    if not _are_records(records):
        raise click.UsageError(
            f"{name_of(file)} 须为至少一条记录的 JSON 数组，或含 records 的载荷 / is a JSON array of records, or a payload"
        )
    if not is_array:
        if op is not None:
            raise click.UsageError("整个载荷自带 op，不要再给 --op / a whole payload has its own op, leave --op out")
        return [given]
    parts: list[Mapping[str, Any]] = [{"op": op or "upsert", "records": part} for part in batches(records)]
    if op == "snapshot" and len(parts) > 1:
        raise click.UsageError(
            "全量快照须在一个信封内（1,000 条、3 MB）；请改用 upsert / "
            "a snapshot fits into one envelope (1,000 records, 3 MB); use upsert"
        )
    return parts


def _are_records(value: object) -> TypeGuard[list[dict[str, Any]]]:
    return isinstance(value, list) and len(value) > 0 and all(isinstance(entry, dict) for entry in value)


@contextmanager
def _progress(count: int) -> Iterator[Callable[[], None]]:
    """What to call after each of so many envelopes: if there are several, a bar on a terminal and a line for each elsewhere."""
    done = 0

    def line() -> None:
        nonlocal done
        done += 1
        if count > 1:
            click.echo(f"{done}/{count}", err=True)

    if count > 1 and sys.stderr.isatty():
        with click.progressbar(length=count, label="发送 / sending", show_pos=True, file=sys.stderr) as bar:
            yield lambda: bar.update(1)
    else:
        yield line


def _tell_progress(receipted: int, payloads: Sequence[Mapping[str, Any]]) -> None:
    """Say which records of the file the failure is about, and that what came before is accepted, if there are several envelopes."""
    if len(payloads) == 1 or receipted == len(payloads):
        return
    sent = sum(len(payload["records"]) for payload in payloads[:receipted])
    last = sent + len(payloads[receipted]["records"])
    total = sum(len(payload["records"]) for payload in payloads)
    click.echo(
        f"此前已接收 {sent}/{total} 条记录；下面说的是文件中第 {sent + 1} 至 {last} 条，records 的序号从第 {sent + 1} 条起算 / "
        f"{sent} of {total} records were accepted before this, which is about records {sent + 1} to {last} of the file: "
        f"/records/0 is number {sent + 1}",
        err=True,
    )


def _resume(partner: Partner) -> None:
    """Finish what an earlier run left in the outbox, so that order is kept and nothing is forgotten, and say what came of it."""
    done = partner.resume()
    if done.receipts or done.acknowledged:
        click.echo(
            f"补发上次未完成的 {len(done.receipts)} 个信封，确认 {done.acknowledged} 项 / from an earlier run: "
            f"{len(done.receipts)} envelopes receipted, {done.acknowledged} deliveries acknowledged",
            err=True,
        )
    for jti, refusal in done.refused.items():
        click.echo(f"上次的 {jti} 被拒绝 / an earlier message was refused:\n{refusal}", err=True)


def _show_receipt(receipt: Receipt, *, as_json: bool) -> None:
    shown = {
        "exchange": receipt.exchange,
        "jti": receipt.jti,
        "res": receipt.res,
        "ver": receipt.ver,
        "lanes": receipt.lanes,
        "accepted_at": receipt.accepted_at.isoformat(),
        "envelope_digest": receipt.envelope_digest,
    }
    if as_json:
        show_json(shown)
    else:
        click.echo(f"{receipt.exchange}  jti={receipt.jti}  lanes={receipt.lanes}  {shown['accepted_at']}")


def _show_items(items: Sequence[Delivery], *, as_json: bool) -> None:
    if as_json:
        for item in items:
            show_json(_summary(item) | {"op": item.op, "records": item.records})
    elif items:
        columns = ("delivery", "res", "ver", "sequence", "sender", "records", "accepted_at")
        show_table([_summary(item) | {"records": len(item.records)} for item in items], columns)
    else:
        click.echo("收件箱为空 / the inbox is empty", err=True)


def _summary(item: Delivery) -> dict[str, Any]:
    return {
        "delivery": item.id,
        "exchange": item.exchange,
        "res": item.res,
        "ver": item.ver,
        "lane": item.lane,
        "sequence": item.sequence,
        "sender": item.sender,
        "jti": item.jti,
        "digest": item.digest,
        "accepted_at": item.accepted_at.isoformat(),
    } | ({} if item.ref is None else {"ref": item.ref})


def keep(items: Sequence[Delivery], out: Path) -> None:
    """Write envelopes and records to disk, for good before anything is acknowledged."""
    for item in items:
        write_durably(out, f"{item.id}.jws", item.envelope)
        text = json.dumps({"op": item.op, "records": item.records}, ensure_ascii=False, indent=2)
        write_durably(out, f"{item.id}.json", text.encode())
