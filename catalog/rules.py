"""The rules that a resource's registration can break: CAT-01 to CAT-08, each with its basis, and the form of its texts.

Every rule is a function of one `Registration` and yields all it finds; `registration_violations` asks them all. Knows no
database: CAT-09 一数一源 compares resources with each other and is in `catalog.sources`.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from catalog.blanks import trimmed
from catalog.codes import FORMAT_TYPES, OTHER_FORMAT, FormatClass, Openness, ResourceClass, ShareModeType, ShareType
from catalog.errors import InvalidIdentifier, InvalidResource, Violation
from catalog.identifiers import RESOURCE_PREFIX_FORM, check_region, check_uscc, parse_resource_code
from catalog.items import UNPRINTABLE, Item, walk
from catalog.lists.rules import prescribed_fields_present
from catalog.metadata import REQUIRED, Metadata, label_of

MAX_NAME: Final = 100
MAX_SUMMARY: Final = 1_000
MAX_CLAUSE: Final = 1_000  # of a condition, a basis, a reason
MAX_TERM: Final = 200  # of a system's name, a theme, a file format
MAX_LISTED: Final = 100  # related resources, regions

_LIMITS: Final = {
    **dict.fromkeys(("name",), MAX_NAME),
    **dict.fromkeys(("summary",), MAX_SUMMARY),
    **dict.fromkeys(
        ("share_condition", "no_share_basis", "share_change_basis", "open_condition", "related_affairs"), MAX_CLAUSE
    ),
    **dict.fromkeys(
        ("provider_sub_unit", "format_type", "format_other_note", "open_theme", "source_system", "list_type"), MAX_TERM
    ),
}
_UNCONDITIONAL: Final = frozenset({"无条件", "无条件共享"})
# What a citation of law, administrative regulation or central policy cannot do without: the title of a law or regulation, its
# article, or one of those who make central policy. 无法, 办法 and a rule of one's own are none.
_CITATION: Final = re.compile(
    r"(?:(?<!办)法|法典|条例|(?:(?<!办)法|条例)实施细则)(?:[（(][^（）()《》]*[）)])?》|[^\W\d_](?:(?<![办方无没])法|法典|条例)第[0-9零〇一二三四五六七八九十百]+条"
    r"|国务院|党中央|中共中央|国发|国办[发函]|中发〔|中办发|全国人民代表大会|全国人大"
)
_FILES: Final = (FormatClass.DOCUMENT, FormatClass.SPREADSHEET, FormatClass.IMAGE, FormatClass.MEDIA)


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a resource is: `provider_code` is the 统一社会信用代码 of the provider or of the nearest body above it."""

    provider_id: UUID
    provider_code: str
    system_id: UUID


@dataclass(frozen=True, slots=True)
class Registration:
    """A resource as its editor would have it; `published` is what its live version says, None before the first, with its items.

    `provider_code` is None where the provider was judged before and does not change.
    """

    classification: str
    metadata: Metadata
    provider_code: str | None
    items: Sequence[Item]
    published: Metadata | None = None
    published_items: Sequence[Item] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule by its id, with the text that it rests on; `find` yields what breaks it."""

    id: str
    basis: str
    find: Callable[[Registration], Iterator[Violation]]


def registration_violations(registration: Registration) -> Iterator[Violation]:
    """Yield every rule that the registration breaks; those of its items are `catalog.items.item_violations`."""
    yield from _form(registration)
    for rule in RULES:
        yield from rule.find(registration)


def check_reason(reason: str) -> str:
    """Return the reason of a step without blanks around it; InvalidResource if it is empty, too long or no text."""
    stripped = trimmed(reason)
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


def _form(registration: Registration) -> Iterator[Violation]:
    if RESOURCE_PREFIX_FORM.fullmatch(registration.classification) is None:
        zh = "资源分类应为类(1位，1 至 3)、项(2位)、目(3位)和细目，如 306001000001"
        en = "a classification is class (1 to 3), item (2 digits), catalogue (3 digits) and detail: 306001000001"
        yield Violation("/classification", "CODE", zh, en)
    yield from _texts(registration.metadata)
    yield from _required(registration.metadata)
    yield from _format(registration.metadata)
    yield from _references(registration.metadata)


def _texts(metadata: Metadata) -> Iterator[Violation]:
    for field, limit in _LIMITS.items():
        text = getattr(metadata, field)
        if text is None:
            continue
        if UNPRINTABLE.search(text):
            yield Violation(f"/{field}", "text", "含有控制字符，请删除", "holds control characters; remove them")
        if len(text) > limit:
            yield Violation(
                f"/{field}", "text", f"最多 {limit} 个字，请缩短", f"has at most {limit} characters; shorten it"
            )
        if not trimmed(text) and field not in REQUIRED:
            yield Violation(
                f"/{field}", "text", "不能为空白；没有内容就不要填此项", "is blank; leave it out if there is nothing"
            )


def _required(metadata: Metadata) -> Iterator[Violation]:
    names = list(REQUIRED)
    if metadata.share_type is not ShareType.NOT_SHARED:
        names += ["share_mode_class", "share_mode_type"]
    for field in names:
        value = getattr(metadata, field)
        if value is None or (isinstance(value, str) and not trimmed(value)):
            zh, en = label_of(field)
            yield Violation(f"/{field}", "required", f"{zh}必填，请填写", f"{en} is required; fill it in")


def _format(metadata: Metadata) -> Iterator[Violation]:
    if metadata.format_class is None or metadata.format_type is None:
        return
    known = FORMAT_TYPES[metadata.format_class]
    named = metadata.format_type.strip().casefold()
    if known and named != OTHER_FORMAT and named not in {kind.casefold() for kind in known}:
        yield Violation(
            "/format_type",
            "CL-3",
            f"{metadata.format_class.zh}的格式类型应为：{'、'.join(known)}；都不是时写“{OTHER_FORMAT}”并填写其他类型资源格式描述",
            f"the type of a {metadata.format_class.en} is one of: {', '.join(known)}; if none fits, write {OTHER_FORMAT}"
            " and explain it in format_other_note",
        )
    if named == OTHER_FORMAT and not trimmed(metadata.format_other_note or ""):
        yield Violation(
            "/format_other_note",
            "required",
            f"格式类型为“{OTHER_FORMAT}”时必填其他类型资源格式描述",
            f"with the format type {OTHER_FORMAT}, say in format_other_note what it is",
        )


def _references(metadata: Metadata) -> Iterator[Violation]:
    for field in ("related_resource_codes", "region_scope"):
        values = getattr(metadata, field)
        if len(values) > MAX_LISTED or len(set(values)) != len(values):
            yield Violation(
                f"/{field}",
                "list",
                f"最多 {MAX_LISTED} 个，且不得重复；请更正",
                f"takes at most {MAX_LISTED} values and none twice; correct it",
            )
    for index, code in enumerate(metadata.related_resource_codes):
        yield from _identifier(f"/related_resource_codes/{index}", lambda code=code: parse_resource_code(code))  # type: ignore[misc]
    for index, code in enumerate(metadata.region_scope):
        yield from _identifier(f"/region_scope/{index}", lambda code=code: check_region(code))  # type: ignore[misc]
    if metadata.licence_type_code is not None:
        yield from _licence_type(metadata.licence_type_code)


def _licence_type(code: str) -> Iterator[Violation]:
    if len(code) != 21 or not (code[18:].isascii() and code[18:].isdigit()):
        yield Violation(
            "/licence_type_code",
            "GB/T 36904",
            "证照类型代码应为 21 位：定义机构的统一社会信用代码 18 位加顺序号 3 位；请核对",
            "a licence type code has 21 characters: the 18 of its issuer's social credit code and 3 digits; check it",
        )
    else:
        yield from _identifier("/licence_type_code", lambda: check_uscc(code[:18]))


def _identifier(field: str, check: Callable[[], object]) -> Iterator[Violation]:
    try:
        check()
    except InvalidIdentifier as refused:
        yield Violation(field, "identifier", refused.zh, refused.en)


def cat_01_unconditional_takes_no_condition(registration: Registration) -> Iterator[Violation]:
    """CAT-01: who shares unconditionally writes 无条件 or nothing."""
    metadata = registration.metadata
    condition = trimmed(metadata.share_condition or "")
    if metadata.share_type is ShareType.UNCONDITIONAL and condition and condition not in _UNCONDITIONAL:
        yield Violation(
            "/share_condition",
            "CAT-01",
            "无条件共享不得附加条件；请写“无条件”或留空，或改为有条件共享",
            "an unconditionally shared resource takes no condition; leave it empty or change the share type",
        )


def cat_02_conditional_states_its_condition(registration: Registration) -> Iterator[Violation]:
    """CAT-02: who shares on conditions says which."""
    metadata = registration.metadata
    if metadata.share_type is ShareType.CONDITIONAL and not trimmed(metadata.share_condition or ""):
        yield Violation(
            "/share_condition",
            "CAT-02",
            "有条件共享必须写明共享条件，如行政依据、工作参考、数据校核、业务协同",
            "a conditionally shared resource states its condition, such as the administrative basis or data checking",
        )


def cat_03_not_shared_cites_its_basis(registration: Registration) -> Iterator[Violation]:
    """CAT-03: who does not share cites law, administrative regulation or central policy."""
    metadata = registration.metadata
    basis = trimmed(metadata.no_share_basis or "")
    if metadata.share_type is ShareType.NOT_SHARED and _CITATION.search(basis) is None:
        yield Violation(
            "/no_share_basis",
            "CAT-03",
            "不予共享必须写明依据的法律、行政法规或党中央、国务院政策，如《……法》第几条；本单位、本地的规定不能作为依据",
            "a resource that is not shared cites the law, administrative regulation or central policy that says so; rules of one's"
            " own are no basis",
        )


def cat_04_basic_information_is_shared(registration: Registration) -> Iterator[Violation]:
    """CAT-04: 基础信息资源 is shared between departments unconditionally."""
    basic = registration.classification[:1] == str(ResourceClass.BASIC.value)
    if basic and registration.metadata.share_type is not ShareType.UNCONDITIONAL:
        yield Violation(
            "/share_type",
            "CAT-04",
            "基础信息资源应在部门间无条件共享；请改为无条件共享，或改用主题、部门信息资源的分类",
            "basic information is shared unconditionally between departments; change the share type or the classification",
        )


def cat_05_share_mode_fits_format(registration: Registration) -> Iterator[Violation]:
    """CAT-05: files travel as files, databases as tables or by interface, services by interface."""
    metadata = registration.metadata
    form, mode = metadata.format_class, metadata.share_mode_type
    if form is None or mode is None:
        return
    if form in _FILES:
        allowed: tuple[ShareModeType, ...] = (ShareModeType.FILE,)
    elif form is FormatClass.DATABASE:
        allowed = (ShareModeType.DATABASE, ShareModeType.INTERFACE)
    elif form is FormatClass.SERVICE:
        allowed = (ShareModeType.INTERFACE,)
    else:
        return
    if mode not in allowed:
        yield Violation(
            "/share_mode_type",
            "CAT-05",
            f"格式为{form.zh}的资源，共享方式类型应为{'或'.join(kind.zh for kind in allowed)}；请更正其一",
            f"a resource in the format {form.en} is shared by {' or '.join(kind.en for kind in allowed)}; correct one of them",
        )


def cat_06_provider_code_is_valid(registration: Registration) -> Iterator[Violation]:
    """CAT-06: the provider's 统一社会信用代码 is in order; that it is the owner's own, the register sees to."""
    if registration.provider_code is None:
        return
    try:
        check_uscc(registration.provider_code, field="/provider_code")
    except InvalidIdentifier as refused:
        yield Violation("/provider_code", "CAT-06", refused.zh, refused.en)


def cat_07_nothing_secret(registration: Registration) -> Iterator[Violation]:
    """CAT-07: what is secret is not registered; secret items are found by `catalog.items.item_violations`."""
    if registration.metadata.is_secret:
        yield Violation(
            "/is_secret",
            "CAT-07",
            "涉密资源不得登记：本枢纽是非涉密网络，只能发布非涉密信息；请撤回",
            "a resource that is a state or work secret cannot be registered on this unclassified network; take it back",
        )


def cat_08_sharing_less_needs_a_basis(registration: Registration) -> Iterator[Violation]:
    """CAT-08: a share type stricter than the published one, of the resource or of an item, needs a basis of its own."""
    metadata, published = registration.metadata, registration.published
    if published is None or trimmed(metadata.share_change_basis or ""):
        return
    if metadata.share_type > published.share_type:
        yield Violation(
            "/share_change_basis",
            "CAT-08",
            f"共享类型由{published.share_type.zh}收紧为{metadata.share_type.zh}，必须写明依据；不得擅自增设条件阻碍共享",
            f"the share type narrows from {published.share_type.en} to {metadata.share_type.en}: cite the basis for it",
        )
    elif narrowed := list(_narrowed_items(registration, published)):
        yield Violation(
            "/share_change_basis",
            "CAT-08",
            f"信息项 {'、'.join(narrowed)} 的共享类型收紧，必须写明依据；不得擅自增设条件阻碍共享",
            f"the share type of the items {', '.join(narrowed)} narrows: cite the basis for it",
        )


def _narrowed_items(registration: Registration, published: Metadata) -> Iterator[str]:
    """The field names of items that are shared less than they were published, and than their resource."""
    before = _share_types(registration.published_items, published.share_type)
    for path, share_type in _share_types(registration.items, registration.metadata.share_type).items():
        if share_type > before.get(path, share_type):
            yield path


def _share_types(items: Sequence[Item], of_resource: ShareType, above: str = "") -> dict[str, ShareType]:
    """Each item's share type, or that of what it is in, by the field names that lead to it."""
    found: dict[str, ShareType] = {}
    for item in items:
        path, share_type = f"{above}{item.field_name}", max(item.share_type or of_resource, of_resource)
        found[path] = share_type
        found |= _share_types(item.items or (), share_type, f"{path}/")
    return found


def item_share_types_are_not_looser(registration: Registration) -> Iterator[Violation]:
    """§1.2: an item may be shared less than its resource, never more."""
    share_type = registration.metadata.share_type
    for pointer, item in walk(registration.items):
        if item.share_type is not None and item.share_type < share_type:
            yield Violation(
                f"{pointer}/share_type",
                "CL-4",
                f"信息项为{item.share_type.zh}，宽于资源的{share_type.zh}；请改为与资源相同或更严，或放宽资源的共享类型",
                f"the item is {item.share_type.en}, its resource only {share_type.en}; make the item as strict as the"
                " resource or stricter, or share the resource more widely",
            )


def open_condition_needs_openness(registration: Registration) -> Iterator[Violation]:
    """§1.1, 17: only what is open to the public has a condition of opening."""
    metadata = registration.metadata
    if metadata.open_condition is not None and metadata.is_open is not Openness.OPEN:
        yield Violation(
            "/open_condition",
            "CL-6",
            "不向社会开放的资源不填开放条件；请删除，或改为向社会开放",
            "a resource that is not open to the public has no condition of opening; remove it or open the resource",
        )


def list_has_its_prescribed_items(registration: Registration) -> Iterator[Violation]:
    """A resource that is a list of the policy documents has the items that they prescribe."""
    yield from prescribed_fields_present(registration.metadata, registration.items)


RULES: Final = (
    Rule("CAT-01", "目录编制指南填写说明：无条件共享应注明“无条件”", cat_01_unconditional_takes_no_condition),
    Rule("CAT-02", "目录编制指南填写说明：有条件共享应注明共享条件", cat_02_conditional_states_its_condition),
    Rule("CAT-03", "国发〔2016〕51号：不予共享须有法律、行政法规或党中央、国务院政策依据（请以正式文件为准）", cat_03_not_shared_cites_its_basis),
    Rule("CAT-04", "国发〔2016〕51号：基础信息资源是所有政务部门的共同需要（请以正式文件为准）", cat_04_basic_information_is_shared),
    Rule("CAT-05", "目录编制指南：格式分类与共享方式类型相对应", cat_05_share_mode_fits_format),
    Rule("CAT-06", "GB 32100-2015 统一社会信用代码", cat_06_provider_code_is_valid),
    Rule("CAT-07", "甘肃政务服务网临洮子站建设运行管理办法第十八条：只能发布非涉密信息", cat_07_nothing_secret),
    Rule("CAT-08", "国务院令第809号：不得擅自增设条件阻碍数据共享（请以正式文件为准）", cat_08_sharing_less_needs_a_basis),
    Rule("CL-4", "目录编制指南：信息项的共享类型可以严于、不得宽于所属信息资源", item_share_types_are_not_looser),
    Rule("CL-6", "目录编制指南：向社会开放的资源可以设开放条件", open_condition_needs_openness),
    Rule("LIST", "各清单管理办法规定的内容（如《临洮县扶贫清单上网发布管理办法(试行)》第三条）", list_has_its_prescribed_items),
)  # fmt: skip
"""All rules of one registration, in the order of their ids."""
