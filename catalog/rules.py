"""The guideline's rules (§1.5 of its implementations) that a resource's own description can break; knows no database."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from catalog.codes import ShareType, UpdateCycle
from catalog.errors import InvalidIdentifier, InvalidResource, Violation
from catalog.identifiers import check_uscc
from catalog.items import UNPRINTABLE

MAX_NAME: Final = 100
MAX_SUMMARY: Final = 1_000
MAX_CLAUSE: Final = 1_000  # of a condition, a basis, a reason

_UNCONDITIONAL: Final = frozenset({"无条件", "无条件共享"})
# What a citation of law, administrative regulation or central policy cannot do without.
_CITATIONS: Final = ("《", "法", "条例", "规定", "国务院", "党中央", "中共中央")


@dataclass(frozen=True, slots=True)
class Description:
    """The core metadata of a resource that its editor writes; `provider_code` is the owner's 统一社会信用代码."""

    name: str
    summary: str
    provider_id: UUID
    provider_code: str
    system_id: UUID
    share_type: ShareType
    update_cycle: UpdateCycle
    share_condition: str | None = None
    no_share_basis: str | None = None
    is_example: bool = False


def description_violations(description: Description) -> Iterator[Violation]:
    """Yield every rule that the description breaks."""
    for rule in _RULES:
        yield from rule(description)


def check_reason(reason: str) -> str:
    """Return the reason of a step without blanks around it; InvalidResource if it is empty, too long or no text."""
    stripped = reason.strip()
    if not 1 <= len(stripped) <= MAX_CLAUSE or UNPRINTABLE.search(stripped):
        raise InvalidResource(
            [
                Violation(
                    "/reason",
                    "reason",
                    f"请写明理由，1 至 {MAX_CLAUSE} 字，不含控制字符",
                    f"give a reason of 1 to {MAX_CLAUSE} characters, without control characters",
                )
            ]
        )
    return stripped


def _texts(description: Description) -> Iterator[Violation]:
    for field, text, limit in (
        ("/name", description.name, MAX_NAME),
        ("/summary", description.summary, MAX_SUMMARY),
        ("/share_condition", description.share_condition, MAX_CLAUSE),
        ("/no_share_basis", description.no_share_basis, MAX_CLAUSE),
    ):
        if text is None:
            continue
        if UNPRINTABLE.search(text):
            yield Violation(field, "text", "含有控制字符，请删除", "holds control characters; remove them")
        if len(text) > limit:
            yield Violation(field, "text", f"最多 {limit} 个字，请缩短", f"has at most {limit} characters; shorten it")
    for field, text in (("/name", description.name), ("/summary", description.summary)):
        if not text.strip():
            yield Violation(field, "text", "必填，请填写", "is required; fill it in")


def _cat_01(description: Description) -> Iterator[Violation]:
    condition = (description.share_condition or "").strip()
    if description.share_type is ShareType.UNCONDITIONAL and condition and condition not in _UNCONDITIONAL:
        yield Violation(
            "/share_condition",
            "CAT-01",
            "无条件共享不得附加条件；请写“无条件”或留空，或改为有条件共享",
            "an unconditionally shared resource takes no condition; leave it empty or change the share type",
        )


def _cat_02(description: Description) -> Iterator[Violation]:
    if description.share_type is ShareType.CONDITIONAL and not (description.share_condition or "").strip():
        yield Violation(
            "/share_condition",
            "CAT-02",
            "有条件共享必须写明共享条件，如行政依据、工作参考、数据校核、业务协同",
            "a conditionally shared resource states its condition, such as the administrative basis or data checking",
        )


def _cat_03(description: Description) -> Iterator[Violation]:
    basis = (description.no_share_basis or "").strip()
    if description.share_type is ShareType.NOT_SHARED and not any(word in basis for word in _CITATIONS):
        yield Violation(
            "/no_share_basis",
            "CAT-03",
            "不予共享必须写明依据的法律、行政法规或党中央、国务院政策，如《……法》第几条",
            "a resource that is not shared cites the law, administrative regulation or central policy that says so",
        )


def _cat_06(description: Description) -> Iterator[Violation]:
    try:
        check_uscc(description.provider_code, field="/provider_code")
    except InvalidIdentifier as refused:
        yield Violation("/provider_code", "CAT-06", refused.zh, refused.en)


_RULES: Final[tuple[Callable[[Description], Iterator[Violation]], ...]] = (_texts, _cat_01, _cat_02, _cat_03, _cat_06)
