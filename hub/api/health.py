"""`/livez`, `/readyz`, `/metrics` and the pages behind `/problems/<slug>`."""

import asyncio
import html
import ipaddress
import time
from typing import Any

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from starlette.responses import HTMLResponse, Response

from hub.api.context import Context, ContextDep
from hub.api.guard import Anyone
from hub.api.problems import KINDS, Kind
from hub.api.requests import address_of
from hub.api.wire import answers, example
from hub.audit.backlog import Backlog, look
from hub.db.clock import MAX_OFFSET_S
from hub.db.faults import FAULTS
from hub.errors import Forbidden, NotFound, Unavailable

READY_WITHIN_S = 2.0

router = APIRouter(tags=["运行 / operations"])

METRICS_EXAMPLE = """# HELP shuniu_commit_queue Envelopes waiting for commit
# TYPE shuniu_commit_queue gauge
shuniu_commit_queue 0.0
# HELP shuniu_exchanges_total Envelopes accepted
# TYPE shuniu_exchanges_total counter
shuniu_exchanges_total 1204.0
"""


@router.get("/livez", summary="进程存活 / alive, without dependencies", responses=example({"status": "ok"}))
async def livez(_: Anyone) -> dict[str, str]:
    """Answers as long as the event loop turns."""
    return {"status": "ok"}


@router.get(
    "/readyz", summary="可以服务 / ready, with dependencies", responses=example({"status": "ready", "epoch": 42})
)
async def readyz(_: Anyone, ctx: ContextDep) -> dict[str, Any]:
    """Ready when the database answers, the clocks agree and the log's clock has not been left behind."""
    try:
        async with asyncio.timeout(READY_WITHIN_S), ctx.acquire() as connection:
            asked_at = time.monotonic()
            ctx.clock.observe(await connection.fetchval("SELECT clock_timestamp()"), asked_at=asked_at)
    except FAULTS as fault:
        raise Unavailable(
            "数据库没有应答", "the database does not answer", retry_after=1, note=type(fault).__name__
        ) from None
    if not ctx.clock.trustworthy:
        raise Unavailable(
            f"本机时钟与数据库相差超过 {MAX_OFFSET_S:.0f} 秒；请校准时钟（NTP）",
            f"this machine's clock differs from the database's by more than {MAX_OFFSET_S:.0f} s; set it right (NTP)",
            retry_after=5,
        )
    return {"status": "ready", "epoch": ctx.pictures.picture.epoch}


class _Collector:
    def __init__(self, context: Context, backlog: Backlog | None) -> None:
        self._context = context
        self._backlog = backlog

    def collect(self) -> list[Metric]:
        counters = self._context.committer.counters
        found: list[Metric] = [
            GaugeMetricFamily("shuniu_commit_queue", "Envelopes waiting for commit", self._context.committer.queued),
            GaugeMetricFamily("shuniu_registry_epoch", "Epoch of the picture", self._context.pictures.picture.epoch),
            GaugeMetricFamily(
                "shuniu_clock_offset_seconds", "Wall clock less database", self._context.clock.wall_offset_s
            ),
        ]
        for name, text in (
            ("batches", "Transactions of the committer"),
            ("exchanges", "Envelopes accepted"),
            ("duplicates", "Envelopes answered with a stored receipt"),
            ("judged_again", "Envelopes judged again after a change of rights"),
            ("busy", "Envelopes turned away by a full queue"),
            ("reconnects", "Times that the committer opened its connection anew"),
        ):
            found.append(CounterMetricFamily(f"shuniu_{name}", text, value=getattr(counters, name)))
        found.append(CounterMetricFamily("shuniu_commit_seconds", "Time in transactions", value=counters.seconds))
        if self._backlog is not None:
            found += _sealing(self._backlog)
        return found


def _sealing(backlog: Backlog) -> list[Metric]:
    """The sealer is a worker's, but what it leaves undone is in the database."""
    return [
        GaugeMetricFamily("shuniu_log_waiting", "Log entries that wait to be sealed", backlog.waiting),
        GaugeMetricFamily("shuniu_log_waiting_seconds", "Age of the oldest of them", backlog.oldest_s),
        GaugeMetricFamily("shuniu_log_size", "Entries under the shown checkpoint", backlog.checkpoint_size),
    ]


@router.get(
    "/metrics",
    summary="Prometheus 指标 / metrics",
    responses=answers("text/plain", METRICS_EXAMPLE, described="指标，示例只列几项 / metrics; the example shows a few"),
    response_class=Response,
)
async def metrics(request: Request, _: Anyone, ctx: ContextDep) -> Response:
    """For loopback only, unless `SHUNIU_METRICS_OPEN` is set. Each gateway process speaks for itself."""
    if not ctx.settings.metrics_open and not _is_loopback(address_of(request.scope)):
        raise Forbidden(
            "/metrics 只对本机开放；可设 SHUNIU_METRICS_OPEN=true",
            "/metrics is for loopback; or set SHUNIU_METRICS_OPEN=true",
        )
    registry = CollectorRegistry()
    registry.register(_Collector(ctx, await _backlog(ctx)))
    ProcessCollector(registry=registry)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


async def _backlog(ctx: Context) -> Backlog | None:
    """None while the database does not answer: the process still speaks for itself."""
    try:
        async with asyncio.timeout(READY_WITHIN_S), ctx.acquire() as connection:
            return await look(connection)
    except FAULTS:
        return None


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


PAGE = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>{slug} · Shuniu 枢纽</title>
<meta name="viewport" content="width=device-width">
<style>body{{font:16px/1.7 sans-serif;max-width:44em;margin:3em auto;padding:0 1em;color:#222}}
code{{background:#f2f2f2;padding:.1em .4em}}h1{{font-size:1.4em}}.en{{color:#555}}</style></head>
<body><h1>{zh}</h1><p><code>{slug}</code> · HTTP {status}</p><p>{cause_zh}</p>
<h1 class="en" lang="en">{en}</h1><p class="en" lang="en">{cause_en}</p></body></html>
"""


def _page(slug: str, kind: Kind) -> str:
    fields = {name: html.escape(str(getattr(kind, name))) for name in ("zh", "en", "status", "cause_zh", "cause_en")}
    return PAGE.format(slug=html.escape(slug), **fields)


@router.get(
    "/problems/{slug}",
    summary="错误的原因与处理 / cause and cure of a problem",
    response_class=HTMLResponse,
    responses=answers("text/html", _page("rate-limited", KINDS["rate-limited"])),
)
async def problem_page(slug: str, _: Anyone) -> HTMLResponse:
    """The page that a problem document's `type` points to."""
    kind = KINDS.get(slug)
    if kind is None:
        raise NotFound("没有这种错误", "no such problem")
    return HTMLResponse(_page(slug, kind))
