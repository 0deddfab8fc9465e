"""A platform of the province is behind a one-way gateway: files cross a pair of folders, and so do its signed acknowledgements."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

from hub.cli.demo.county import County
from hub.cli.demo.pushing import await_that, grant_pushes, publish_again
from hub.client import Bundles, Delivery

CONSUMER, RESOURCE = "gansu-power-operation", "special_funds"
PURPOSE = "专项资金公开（网闸）"
FORGED = "FORGED.txt"
PUBLISHED = 2


class Gateway:
    """A one-way gateway in each direction: whole files are moved, in no order in particular, and nothing else crosses."""

    def __init__(self, base: Path) -> None:
        self.near = {name: base / "hub" / name for name in ("outgoing", "incoming", "state")}
        self.far = {name: base / "far-side" / name for name in ("incoming", "outgoing", "deliveries")}
        for folder in (*self.near.values(), *self.far.values()):
            folder.mkdir(mode=0o700, parents=True)

    def carry(self) -> None:
        """What lies there now, both ways."""
        for source, target in (
            (self.near["outgoing"], self.far["incoming"]),
            (self.far["outgoing"], self.near["incoming"]),
        ):
            for path in sorted(source.iterdir(), reverse=True):
                shutil.move(path, target / path.name)


def cross(county: County) -> None:
    """Set the target, grant, publish, carry the files over, forge one, acknowledge, carry the acknowledgement back."""
    narrator = county.narrator
    narrator.step(
        "网闸：投递成为编号、签名的文件，由网闸摆渡；对方核验、查缺号，签名确认以文件返回",
        "a one-way gateway: deliveries cross as numbered, signed files; the far side checks them and acknowledges by file",
    )
    gateway = Gateway(county.data / "gateway")
    settings = {name: str(folder) for name, folder in gateway.near.items()}
    county.call("secadmin", "PUT", f"/v1/systems/{CONSUMER}/push-target", {"adapter": "bundle", "settings": settings})
    narrator.same(f"shuniu push-target set {CONSUMER} settings.json --adapter bundle")
    lane = grant_pushes(county, CONSUMER, RESOURCE, PURPOSE)
    publish_again(county, RESOURCE, PUBLISHED)
    await_that(lambda: _state(county, lane) == "awaiting", "a bundle")
    files = sorted(gateway.near["outgoing"].iterdir())
    size = sum(path.stat().st_size for path in files)
    narrator.done(f"{', '.join(path.name for path in files)}（{size:,} 字节 / bytes）→ 网闸 / gateway")
    narrator.detail("投递未确认，仍在队列中 / not acknowledged, so still in the queue: awaiting")
    forged = _changed(files[0].read_bytes())
    gateway.carry()
    (gateway.far["incoming"] / FORGED).write_bytes(forged)
    bundles, kept = Bundles.load(county.data / "partners" / CONSUMER), list[Delivery]()
    taken = bundles.take(gateway.far["incoming"], kept.extend, now=datetime.now(UTC))
    narrator.done(
        f"{CONSUMER} 核验并收下 {len(kept)} 项 / verified and took {len(kept)}; 缺号 / missing {taken.missing or '无 / none'}"
    )
    narrator.refused(f"改动一个字符的文件 / a file with one character changed → {taken.refused[FORGED]}")
    narrator.same(f"shuniu bundles take FOLDER --partner partners/{CONSUMER} --out DIR --ack FOLDER")

    def all_came_back() -> bool:
        bundles.acknowledge(gateway.far["outgoing"], now=datetime.now(UTC))
        gateway.carry()
        bundles.take(gateway.far["incoming"], kept.extend, now=datetime.now(UTC))
        return _state(county, lane) == "idle"

    await_that(all_came_back, "the acknowledgement")
    if [item.sequence for item in kept] != list(range(1, PUBLISHED + 1)) or taken.missing:
        raise AssertionError(f"not what was published, in its order: {[item.sequence for item in kept]}")
    narrator.done(
        f"签名确认经网闸返回，{len(kept)} 项投递完成 / acknowledgements came back by file: {len(kept)} deliveries settled"
    )
    narrator.same("shuniu lane list; shuniu bundles gaps --partner DIR")


def _changed(data: bytes) -> bytes:
    """The bundle with one character of its signature changed."""
    place = data.index(b"\n") - 20
    return data[:place] + (b"B" if data[place : place + 1] == b"A" else b"A") + data[place + 1 :]


def _state(county: County, lane: str) -> str:
    lanes = county.call("sysadmin", "GET", "/v1/lanes?limit=500")["items"]
    return next(str(found["state"]) for found in lanes if found["id"] == lane)
