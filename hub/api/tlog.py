"""`/tlog`: the sharing log as C2SP tlog-tiles, for whoever checks it: the checkpoint, the tiles of the tree, the entries.

Checkpoint and tiles hold hashes only and are open, unless the operator closes them; entries are for auditors. A tile never
changes: a longer one has a longer name.
"""

from fastapi import APIRouter, Depends
from starlette.responses import Response

from certs.errors import TileError
from certs.tile_files import TILE_WIDTH, parse_entries_path, parse_tile_path, write_bundle
from certs.tree import HASH_BYTES
from hub.api.audit_examples import CHECKPOINT_EXAMPLE
from hub.api.context import ContextDep
from hub.api.guard import LogReader, staff_may
from hub.api.wire import answers
from hub.audit import sealed
from hub.audit.errors import LogDamaged
from hub.errors import NotFound

router = APIRouter(prefix="/tlog", tags=["透明日志 / transparency log"])

FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
FOR_EVER_BUT_NOT_SHARED = {"Cache-Control": "private, max-age=31536000, immutable"}
OCTETS = "application/octet-stream"


@router.get(
    "/checkpoint",
    summary="已签名的检查点 / the signed checkpoint",
    response_class=Response,
    responses=answers("text/plain", CHECKPOINT_EXAMPLE, described="已签名的检查点 / the signed note"),
)
async def checkpoint(_: LogReader, ctx: ContextDep) -> Response:
    """Origin, size and root of the tree, signed with the log's key (C2SP tlog-checkpoint); a new one about every second."""
    async with ctx.acquire() as connection:
        found = await sealed.shown(connection)
    if found.note is None:
        raise NotFound("还没有检查点；请稍后再取", "there is no checkpoint yet; ask again in a moment")
    return Response(found.note, media_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-cache"})


@router.get(
    "/tile/{path:path}",
    summary="哈希树的一块 / a tile of the tree",
    response_class=Response,
    responses=answers(OCTETS, described="各 32 字节的哈希，依次相连 / hashes of 32 bytes, one after the other"),
)
async def tile(_: LogReader, path: str, ctx: ContextDep) -> Response:
    """`<level>/<index>[.p/<width>]`: hashes of 32 bytes, one after the other; 256 in a full tile."""
    try:
        wanted = parse_tile_path(f"tile/{path}")
    except TileError as fault:
        raise NotFound(fault.zh, fault.en) from None
    async with ctx.acquire() as connection:
        hashes = await sealed.read_tile(connection, wanted)
    if hashes is None:
        raise _not_sealed()
    if len(hashes) != wanted.width * HASH_BYTES:
        raise LogDamaged(wanted.index * TILE_WIDTH ** (wanted.level + 1))
    # RFC 9111 §3.5: `public` lets a shared cache answer anybody, though the request needed a token
    kept = FOR_EVER if ctx.settings.tlog_open else FOR_EVER_BUT_NOT_SHARED
    return Response(hashes, media_type=OCTETS, headers=kept)


@router.get(
    "/entries/{path:path}",
    summary="日志条目 / entries of the log",
    response_class=Response,
    dependencies=[Depends(staff_may("audit_read"))],
    responses=answers(OCTETS, described="叶，各以两字节的长度开头 / leaves, each after its length in two bytes"),
)
async def entries(path: str, ctx: ContextDep) -> Response:
    """`<index>[.p/<width>]`: up to 256 leaves, each after its length in two bytes."""
    try:
        wanted = parse_entries_path(f"tile/entries/{path}")
    except TileError as fault:
        raise NotFound(fault.zh, fault.en) from None
    async with ctx.acquire() as connection:
        leaves = await sealed.read_leaves(connection, wanted.index * TILE_WIDTH, wanted.width)
    if leaves is None:
        raise _not_sealed()
    if len(leaves) != wanted.width:  # what is told to be kept for ever must be whole
        raise LogDamaged(wanted.index * TILE_WIDTH)
    return Response(write_bundle(leaves), media_type=OCTETS, headers=FOR_EVER_BUT_NOT_SHARED)


def _not_sealed() -> NotFound:
    return NotFound(
        "检查点还不包含这一块；请先取 /tlog/checkpoint，按其大小取块",
        "the checkpoint does not cover this yet; read /tlog/checkpoint and ask for what its size has",
    )
