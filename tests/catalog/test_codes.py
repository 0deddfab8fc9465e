"""Code lists: the standard's values with a label in both languages."""

import pytest

from catalog.codes import (
    ChangeKind,
    DataType,
    Effect,
    ItemFormat,
    LabelledNumber,
    LabelledText,
    ResourceClass,
    ResourceStatus,
    ShareType,
    UpdateCycle,
    VersionState,
)


def test_data_types_are_those_of_the_guideline() -> None:
    assert [kind.value for kind in DataType] == list("CNYDTLMGBIF")
    assert DataType("Y").zh == "货币型"


def test_share_types_and_classes_are_numbered_from_one() -> None:
    assert [kind.value for kind in ShareType] == [1, 2, 3]
    assert ShareType(2).zh == "有条件共享"
    assert [kind.value for kind in ResourceClass] == [1, 2, 3]


def test_update_cycles_begin_with_the_six_of_the_guideline() -> None:
    assert [cycle.zh for cycle in UpdateCycle][:6] == ["实时", "每日", "每周", "每月", "每季度", "每年"]


@pytest.mark.parametrize(
    "codes",
    [DataType, ItemFormat, ResourceClass, ShareType, UpdateCycle, ResourceStatus, VersionState, Effect, ChangeKind],
)
def test_every_code_has_a_label_of_its_own_in_both_languages(codes: type[LabelledText] | type[LabelledNumber]) -> None:
    members: list[LabelledText | LabelledNumber] = list(codes)
    assert len({member.zh for member in members}) == len(members)
    assert len({member.en for member in members}) == len(members)
    assert all(member.zh and member.en for member in members)
