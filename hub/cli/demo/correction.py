"""A document contradicts itself; the provider corrects the record, and everybody who had the wrong one gets the right one."""

from certs.envelope import read
from certs.header import EXCHANGE
from hub.cli import demo_data
from hub.cli.demo.county import County
from hub.cli.demo.receipts import Sent, described_as, last_sent
from hub.client import Receipt

CONSUMERS = ("lintao-subsite", "dingxi-exchange")
"""Who was granted the record that is wrong, and pulled it."""


def wrong_envelope(county: County) -> Sent:
    """The exchange that carries the record which the document gets wrong: what a request for a correction names."""
    return last_sent(county, demo_data.load_corrections()[0].resource)


def correct(county: County, wrong: Sent) -> Receipt:
    """Publish the corrected record with `ref` to the wrong message, and see every consumer get it; returns its receipt."""
    narrator = county.narrator
    narrator.step(
        "更正：指南里公示与提交的时限自相矛盾，提供方更正这条记录，信封写明更正哪一封，取过的各方都收到",
        "a correction: the guide contradicts itself; the provider corrects the record, and whoever had it gets the new one",
    )
    correction = demo_data.load_corrections()[0]
    described = described_as(correction.resource)
    code = county.resources[correction.resource]["code"]
    before = _record(correction)
    after = before | dict(correction.changes)
    narrator.detail(f"{correction.source.article}（{correction.source.lines}）：{correction.wrong}")
    receipt = county.partners[described.system].publish(code, [after], ref=wrong.jti)
    narrator.done(
        f"{before['step_name']}：{before['deadline_text']} → {after['deadline_text']}；ref={wrong.jti}，"
        f"exchange {receipt.exchange}"
    )
    narrator.same("shuniu send --partner DIR --res CODE --ref JTI record.json")
    for consumer in CONSUMERS:
        _receive(county, consumer, receipt, wrong, after)
    return receipt


def _receive(county: County, consumer: str, receipt: Receipt, wrong: Sent, after: demo_data.Record) -> None:
    partner = county.partners[consumer]
    items = [item for item in partner.inbox(limit=500) if item.exchange == receipt.exchange]
    if [item.records for item in items] != [[after]]:
        raise AssertionError(f"{consumer} did not get the corrected record: {items}")
    (item,) = items
    said = read(item.envelope, max_bytes=len(item.envelope), allowed_types=frozenset({EXCHANGE})).header.ref
    if not item.ref == said == wrong.jti:
        raise AssertionError(f"what {consumer} got does not say what it corrects: {item.ref}")
    partner.acknowledge(items)
    county.narrator.done(f"{consumer} 收到更正并确认 / got the correction and acknowledged it: ref={item.ref}")


def _record(correction: demo_data.Correction) -> demo_data.Record:
    """The record as it was published."""
    records = demo_data.load_records(correction.resource)
    return next(one for one in records if correction.key.items() <= one.items())
