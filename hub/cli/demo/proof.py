"""What happened is proved: an auditor checks the whole log, a forged row is found; one exchange's evidence needs no server."""

import asyncio
import time

import asyncpg

from certs.errors import LogBrokenError
from certs.evidence import Anchors, verify_evidence
from hub.cli.demo.county import County
from hub.cli.log_verification import Verified, verify_log

SEALED_WITHIN_S = 60.0

FORGED = 7
"""Which entry the demo forges; any would do."""

# Whoever owns the database can switch off what forbids changes. What was signed stays signed.
FORGE = """
ALTER TABLE log_entry DISABLE TRIGGER USER;
UPDATE log_entry SET leaf = convert_to(replace(convert_from(leaf, 'UTF8'), '{from}', '{to}'), 'UTF8')
WHERE id = (SELECT id FROM sealed_entry WHERE leaf_index = {index});
ALTER TABLE log_entry ENABLE TRIGGER USER;
"""


def prove(county: County, dsn: str) -> None:
    """Verify the whole log, forge a row, see it found, put it back."""
    narrator = county.narrator
    narrator.step(
        "核验日志：只凭日志公钥，逐条对照哈希树与已签名的检查点；改动一行数据库即被发现",
        "the log verified with nothing but its key, entry by entry; a forged database row is found",
    )
    _wait_until_sealed(county)
    found = _verify(county)
    narrator.done(
        f"{found.checkpoint.size} 条全部一致 / entries, all as signed; 根 / root {found.checkpoint.root.hex()[:16]}…"
    )
    narrator.same("shuniu audit verify --trust DIR/trust   (GET /tlog/checkpoint, /tlog/tile/…, /tlog/entries/…)")
    asyncio.run(_change(dsn, FORGE.format(**{"from": "success", "to": "SUCCESS"}, index=FORGED)))
    try:
        _verify(county)
    except LogBrokenError as broken:
        narrator.refused(f"数据库第 {FORGED} 条被改 / row {FORGED} was forged → {broken.reason}")
        narrator.detail(f"{broken.zh} / {broken.en}")
    else:
        raise AssertionError("a forged row was not found")
    finally:
        asyncio.run(_change(dsn, FORGE.format(**{"from": "SUCCESS", "to": "success"}, index=FORGED)))
    _verify(county)
    narrator.done("复原后重新核验通过 / put back, and verified again")
    _evidence(county)


def _evidence(county: County) -> None:
    """Take an exchange's evidence, verify it with the anchors alone, change one byte, see it fail."""
    narrator = county.narrator
    narrator.step(
        "证据：一次交换的全部证明在一个文件里，离线核验；改动一个字节即不成立",
        "evidence: everything about one exchange in one file, verified offline; with one byte changed it fails",
    )
    events = county.call("auditadmin", "GET", "/v1/audit/events?event=exchange.accepted&limit=500")["items"]
    exchange = events[-1]["leaf"]["object"]["id"]
    data = county.fetch("auditadmin", f"/v1/exchanges/{exchange}/evidence")
    path = county.data / "evidence.json"
    path.write_bytes(data)
    trust = county.data / "trust"
    anchors = Anchors.read((trust / "ca.pem").read_bytes(), (trust / "log.pub").read_text(encoding="ascii"))
    verdict = verify_evidence(data, anchors)
    if verdict.failed is not None:
        raise AssertionError(f"the evidence fails at {verdict.failed.name}")
    held = [checked.name for checked in verdict.checked if checked.outcome == "holds"]
    narrator.done(f"{path.name}（{len(data):,} 字节 / bytes）：{len(held)} 项全部成立 / statements hold")
    narrator.same(f"shuniu verify {path} --trust {trust}   (GET /v1/exchanges/{{id}}/evidence)")
    place = len(data) // 2
    forged = verify_evidence(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :], anchors)
    if forged.failed is None:
        raise AssertionError("a changed byte was not found")
    narrator.refused(f"第 {place} 字节被改 / byte {place} was changed → {forged.failed.name}")


def _verify(county: County) -> Verified:
    key = (county.data / "trust" / "log.pub").read_text(encoding="ascii").strip()
    return verify_log(lambda path: county.fetch("auditadmin", path), key)


def _wait_until_sealed(county: County) -> None:
    """Until the checkpoint covers what has been logged so far."""
    newest = county.call("auditadmin", "GET", "/v1/audit/events?limit=1")["items"][0]["id"]
    deadline = time.monotonic() + SEALED_WITHIN_S
    while time.monotonic() < deadline:
        items = county.call("auditadmin", "GET", "/v1/audit/events?limit=100")["items"]
        if any(item["id"] == newest and "leaf_index" in item for item in items):
            return
        time.sleep(0.2)
    raise AssertionError("nothing was sealed in time; see worker.log")


async def _change(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
