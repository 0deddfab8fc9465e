"""Code lists of the national guideline as enums: the standard's value, Chinese and English label.

Tables CL-… are those of 《政务信息资源目录编制指南（试行）》(发改高技〔2017〕1272号) and of its implementations.
"""

from enum import IntEnum, StrEnum


class LabelledText(StrEnum):
    """A code written as text."""

    zh: str
    en: str

    def __new__(cls, value: str, zh: str = "", en: str = "") -> "LabelledText":
        """Keep the standard's value and hang the two labels on it."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.zh = zh
        member.en = en
        return member


class LabelledNumber(IntEnum):
    """A code written as a number."""

    zh: str
    en: str

    def __new__(cls, value: int, zh: str = "", en: str = "") -> "LabelledNumber":
        """Keep the standard's value and hang the two labels on it."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.zh = zh
        member.en = en
        return member


class DataType(LabelledText):
    """CL-2 数据类型 of an information item."""

    C = "C", "字符型", "characters"
    N = "N", "数值型", "number"
    Y = "Y", "货币型", "money"
    D = "D", "日期型", "date"
    T = "T", "日期时间型", "date and time"
    L = "L", "逻辑型", "logical"
    M = "M", "备注型", "memo"
    G = "G", "通用型", "general (file)"
    B = "B", "双精度型", "double"
    I = "I", "整型", "integer"  # noqa: E741 (the standard's letter)
    F = "F", "浮点型", "float"


class ResourceClass(LabelledNumber):
    """CL-1 类: the first digit of a resource code."""

    BASIC = 1, "基础信息资源类", "basic information"
    THEMATIC = 2, "主题信息资源类", "thematic information"
    DEPARTMENTAL = 3, "部门信息资源类", "departmental information"


class ShareType(LabelledNumber):
    """CL-4 共享类型."""

    UNCONDITIONAL = 1, "无条件共享", "shared unconditionally"
    CONDITIONAL = 2, "有条件共享", "shared on conditions"
    NOT_SHARED = 3, "不予共享", "not shared"


class UpdateCycle(LabelledNumber):
    """CL-7 更新周期; 7 and 8 are this hub's numbers for the two values that vendors add."""

    REAL_TIME = 1, "实时", "real time"
    DAILY = 2, "每日", "daily"
    WEEKLY = 3, "每周", "weekly"
    MONTHLY = 4, "每月", "monthly"
    QUARTERLY = 5, "每季度", "quarterly"
    YEARLY = 6, "每年", "yearly"
    HALF_YEARLY = 7, "每半年", "half-yearly"
    IRREGULAR = 8, "不定期", "irregular"


class ResourceStatus(LabelledText):
    """Life of a resource (contract, HTTP); `withdrawn` is terminal and the code stays taken."""

    DRAFT = "draft", "草稿", "draft"
    SUBMITTED = "submitted", "待审核", "submitted"
    PUBLISHED = "published", "已发布", "published"
    SUSPENDED = "suspended", "已暂停", "suspended"
    WITHDRAWN = "withdrawn", "已撤销", "withdrawn"


class VersionState(LabelledText):
    """Life of one version; `published` versions take payloads until they are `ended`."""

    DRAFT = "draft", "草稿", "draft"
    SUBMITTED = "submitted", "待审核", "submitted"
    PUBLISHED = "published", "已发布", "published"
    ENDED = "ended", "已停用", "ended"
