"""Metadata that hypothesis can draw: every field, in any combination that breaks no rule."""

from enum import Enum
from typing import Any

from hypothesis import strategies as st

from catalog.blanks import trimmed
from catalog.codes import (
    FORMAT_TYPES,
    CollectMode,
    DataLevel,
    FormatClass,
    HolderKind,
    NetworkZone,
    Openness,
    Scene,
    ShareModeClass,
    ShareModeType,
    ShareType,
    SourceLevel,
    UpdateCycle,
)
from catalog.metadata import Metadata
from catalog.rules import Registration, registration_violations

CLASSIFICATION = "306001000001"

# Whatever people and machines put into a text: characters of all sorts, several lines, what looks like a formula or an escape.
texts = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=30),
    st.sampled_from(
        [
            "=1+1",
            "+8613",
            "-1",
            "@SUM(A1)",
            "_x0041_",
            "甲\n乙",
            " 前后 ",
            "ＡＢＣ",
            "无",
            "是",
            "1",
            "[1]",
            "\ufffe",
            "2026-01-31",
        ]
    ),
).filter(lambda text: trimmed(text) != "")

codes = st.builds("306001000001/{:06d}".format, st.integers(1, 999_999))
regions = st.sampled_from(["621124", "621100", "620000", "110000"])


def _maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def _any(choices: type[Enum]) -> st.SearchStrategy[Any]:
    return _maybe(st.sampled_from(list(choices)))


@st.composite
def metadata(draw: st.DrawFn) -> Metadata:
    """One description with any of its fields."""
    form = draw(st.sampled_from(list(FormatClass)))
    share = draw(st.sampled_from(list(ShareType)))
    is_open = draw(st.sampled_from(list(Openness)))
    fields: dict[str, Any] = {
        "name": draw(texts),
        "summary": draw(texts),
        "format_class": form,
        "format_type": draw(st.sampled_from(FORMAT_TYPES[form] or ("JSON", "自定义"))),
        "share_type": share,
        "share_condition": _condition(draw, share),
        "no_share_basis": draw(texts.map("《{}条例》".format) if share is ShareType.NOT_SHARED else _maybe(texts)),
        "share_mode_class": draw(st.sampled_from(list(ShareModeClass))),
        "share_mode_type": draw(st.sampled_from(list(ShareModeType))),
        "is_open": is_open,
        "open_condition": draw(_maybe(texts)) if is_open is Openness.OPEN else None,
        "update_cycle": draw(st.sampled_from(list(UpdateCycle))),
        "related_resource_codes": tuple(draw(st.lists(codes, max_size=3, unique=True))),
        "region_scope": tuple(draw(st.lists(regions, max_size=3, unique=True))),
        "network_zone": draw(_any(NetworkZone)),
        "data_level": draw(_any(DataLevel)),
        "holder_kind": draw(_any(HolderKind)),
        "source_system_level": draw(_any(SourceLevel)),
        "scene": draw(_any(Scene)),
        "collect_mode": draw(_any(CollectMode)),
        "licence_type_code": draw(_maybe(st.just("11621124DEM0000574001"))),
        "list_type": None,  # which items a list has is prescribed
        "is_backflow": draw(st.booleans()),
        "is_example": draw(st.booleans()),
    }
    for name in Metadata.model_fields:
        if name not in fields and name not in ("is_secret", "list_type"):
            fields[name] = draw(_maybe(texts))
    found = Metadata(**fields)
    fitting = (found.model_copy(update={"share_mode_type": mode}) for mode in (found.share_mode_type, *ShareModeType))
    return next(one for one in fitting if not any(registration_violations(Registration(CLASSIFICATION, one, None, ()))))


def _condition(draw: st.DrawFn, share: ShareType) -> str | None:
    if share is ShareType.UNCONDITIONAL:
        return draw(st.sampled_from([None, "无条件", "无条件共享"]))
    return draw(texts) if share is ShareType.CONDITIONAL else draw(_maybe(texts))
