"""What a new version of a resource means for those who live with the old one; decides nothing, a reviewer does."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from catalog.codes import Effect
from catalog.items import Item


@dataclass(frozen=True, slots=True)
class Finding:
    """One change and its effect: `field` by field names (`/items/phone`), two texts."""

    field: str
    effect: Effect
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Compatibility:
    """All findings, in the order of the newer version's items, then those that are gone."""

    findings: tuple[Finding, ...]

    @property
    def breaking(self) -> tuple[Finding, ...]:
        """What the reviewer has to confirm."""
        return tuple(found for found in self.findings if found.effect is Effect.BREAKING)


def compare_items(old: Sequence[Item], new: Sequence[Item]) -> Compatibility:
    """Return what the change from items `old` to items `new` means; items are the same by their field name."""
    return Compatibility(tuple(_findings(old, new)))


def _findings(old: Sequence[Item], new: Sequence[Item]) -> Iterator[Finding]:
    before = {item.field_name: item for item in old}
    after = {item.field_name: item for item in new}
    for name, item in after.items():
        field = f"/items/{name}"
        was = before.get(name)
        if was is None and item.is_required:
            yield Finding(field, Effect.BREAKING, f"{item.name}：新增的必填项", f"{item.name}: added and required")
        elif was is None:
            yield Finding(field, Effect.COMPATIBLE, f"{item.name}：新增的可选项", f"{item.name}: added, optional")
        elif was.data_type is not item.data_type or was.key != item.key:
            zh, en = "数据类型或主键改变", "another data type, or key changed"
            yield Finding(field, Effect.BREAKING, f"{item.name}：{zh}", f"{item.name}: {en}")
        elif item.is_required and not was.is_required:
            yield Finding(field, Effect.BREAKING, f"{item.name}：改为必填", f"{item.name}: newly required")
    for name, item in before.items():
        if name not in after:
            yield Finding(f"/items/{name}", Effect.BREAKING, f"{item.name}：删除", f"{item.name}: removed")
