"""Code lists of the national guideline as enums: the standard's value, Chinese and English label.

Tables CL-… are those of 《政务信息资源目录编制指南（试行）》(发改高技〔2017〕1272号) and of its implementations.
"""

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import Final


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
    G = "G", "通用型", "general (file, or group of items)"
    B = "B", "双精度型", "double"
    I = "I", "整型", "integer"  # noqa: E741 (the standard's letter)
    F = "F", "浮点型", "float"


class ItemFormat(LabelledText):
    """What a text item's values are: identifiers of the national standards and the times of GB/T 39046 (see `formats`)."""

    USCC = "uscc", "统一社会信用代码", "unified social credit code"
    CITIZEN_ID = "citizen-id", "公民身份号码", "citizen id"
    REGION = "region", "行政区划代码", "region code"
    LICENCE_ID = "licence-id", "电子证照标识", "licence identifier"
    DOCUMENT_NUMBER = "document-number", "发文字号", "document number"
    TIME = "yyyymmddthhmmss", "时间（年月日时分秒）", "time (YYYYMMDDThhmmss or YYYYMMDDhhmmss)"
    COLON_TIME = "yyyymmddhh:mm:ss", "时间（时分秒以冒号分隔）", "time (YYYYMMDDhh:mm:ss)"
    DAY = "yyyymmdd", "日期（年月日）", "day (YYYYMMDD)"
    MONTH = "yyyy-mm", "月份（年-月）", "month (YYYY-MM)"
    YEAR = "yyyy", "年份", "year (YYYY)"


class ResourceClass(LabelledNumber):
    """CL-1 类: the first digit of a resource code."""

    BASIC = 1, "基础信息资源类", "basic information"
    THEMATIC = 2, "主题信息资源类", "thematic information"
    DEPARTMENTAL = 3, "部门信息资源类", "departmental information"


class ClassState(LabelledText):
    """Whether resources may be registered under a class of the classification."""

    ACTIVE = "active", "启用", "active"
    ENDED = "ended", "停用", "ended"


class FormatClass(LabelledNumber):
    """CL-3 信息资源格式分类; the types of each are in `FORMAT_TYPES`."""

    DOCUMENT = 1, "电子文件", "electronic document"
    SPREADSHEET = 2, "电子表格", "spreadsheet"
    DATABASE = 3, "数据库", "database"
    IMAGE = 4, "图形图像", "image"
    MEDIA = 5, "流媒体", "streaming media"
    SELF_DESCRIBING = 6, "自描述格式", "self-describing format"
    SERVICE = 7, "服务接口", "service interface"


FORMAT_TYPES: Final[Mapping[FormatClass, tuple[str, ...]]] = {
    FormatClass.DOCUMENT: ("OFD", "wps", "xml", "txt", "doc", "docx", "html", "pdf", "ppt"),
    FormatClass.SPREADSHEET: ("et", "xls", "xlsx"),
    FormatClass.DATABASE: (
        *("Dm", "KingbaseES", "access", "dbf", "dbase", "sysbase", "oracle", "sql server", "db2"),
        *("mysql", "postgresql"),  # not in the guideline's list, but what departments run
    ),
    FormatClass.IMAGE: ("jpg", "gif", "bmp"),
    FormatClass.MEDIA: ("swf", "rm", "mpg"),
    FormatClass.SELF_DESCRIBING: (),
    FormatClass.SERVICE: (),
}
"""CL-3 格式类型 of each class; a class without any takes whatever its editor names."""

OTHER_FORMAT: Final = "其他"
"""The format type that is explained in 其他类型资源格式描述 (§1.1, 10)."""


class ShareType(LabelledNumber):
    """CL-4 共享类型."""

    UNCONDITIONAL = 1, "无条件共享", "shared unconditionally"
    CONDITIONAL = 2, "有条件共享", "shared on conditions"
    NOT_SHARED = 3, "不予共享", "not shared"


class ShareModeClass(LabelledText):
    """CL-5 共享方式分类; the guideline gives words, the values are this hub's."""

    PLATFORM = "platform", "共享平台", "sharing platform"
    MAIL = "mail", "邮件", "mail"
    MEDIUM = "medium", "介质", "storage medium"


class ShareModeType(LabelledText):
    """CL-5 共享方式类型; the guideline gives words, the values are this hub's."""

    DATABASE = "database", "数据库", "database tables"
    FILE = "file", "文件", "file"
    INTERFACE = "interface", "接口", "interface"


class Openness(LabelledNumber):
    """CL-6 是否向社会开放."""

    OPEN = 1, "是", "yes"
    CLOSED = 0, "否", "no"


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


class NetworkZone(LabelledText):
    """网络区域: the network in which the resource lies."""

    EXTRANET = "extranet", "政务外网", "government extranet"
    DEDICATED = "dedicated", "专网", "dedicated network"
    INTERNET = "internet", "互联网区", "internet zone"


class HolderKind(LabelledText):
    """数据主体: what kind of holder the records are about; with an item's name it says who must be its one source (一数一源)."""

    NATURAL_PERSON = "natural-person", "自然人", "natural person"
    LEGAL_PERSON = "legal-person", "法人和其他组织", "legal person or other organisation"
    PLACE = "place", "自然资源和空间地理", "natural resources and places"
    LICENCE = "licence", "电子证照", "licence"
    MATTER = "matter", "政务服务事项", "matter of government service"
    PROJECT = "project", "项目与资金", "project or funds"
    OTHER = "other", "其他", "other"


class DataLevel(LabelledNumber):
    """数据分级 of a resource or an item, as provincial products have it."""

    ONE = 1, "一级", "level 1"
    TWO = 2, "二级", "level 2"
    THREE = 3, "三级", "level 3"
    FOUR = 4, "四级", "level 4"


class SourceLevel(LabelledText):
    """来源系统分级: who built the system that the data comes from."""

    OWN = "own", "自建自用", "built for own use"
    NATIONAL = "national", "国直", "national"
    PROVINCIAL = "provincial", "省直", "provincial"
    CITY = "city", "市直", "city"
    COUNTY = "county", "县直", "county"


class Scene(LabelledText):
    """应用场景."""

    SERVICE = "service", "政务服务", "government service"
    PUBLIC = "public", "公共服务", "public service"
    SUPERVISION = "supervision", "监管", "supervision"
    OTHER = "other", "其他", "other"


class CollectMode(LabelledText):
    """归集机制."""

    INCREMENTAL = "incremental", "增量", "incremental"
    FULL = "full", "全量", "full"


class UpstreamState(LabelledText):
    """上报状态: where the registration of one of our resources with a catalogue above stands."""

    NOT_REPORTED = "not-reported", "未上报", "not reported"
    PENDING = "pending", "待审", "under review"
    REFUSED = "refused", "驳回", "refused"
    ACCEPTED = "accepted", "通过", "accepted"
    CANCELLED = "cancelled", "已撤销", "cancelled"


class Effect(LabelledText):
    """What a change of a published version means for those who live with it."""

    COMPATIBLE = "compatible", "兼容", "compatible"
    NOTIFY = "notify", "兼容，须告知使用方", "compatible, consumers must be told"
    BREAKING = "breaking", "不兼容，须审核人确认", "breaking, a reviewer confirms it"


class ChangeKind(LabelledText):
    """What happened to an item from one version to another."""

    ADDED = "added", "新增", "added"
    REMOVED = "removed", "删除", "removed"
    RETYPED = "retyped", "类型改变", "of another type"
    REKEYED = "rekeyed", "主键改变", "key changed"
    REQUIRED = "required", "改为必填", "newly required"
    RELAXED = "relaxed", "不再必填", "no longer required"
    NARROWED = "narrowed", "收窄", "narrowed"
    WIDENED = "widened", "放宽", "widened"
    REDEFINED = "redefined", "含义改变", "redefined"
    DESCRIBED = "described", "说明改变", "described otherwise"
    DERIVATION = "derivation", "推导规则不同", "derived otherwise"
