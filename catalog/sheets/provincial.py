"""The sheet of 25 columns in which provinces gather catalogues: one row for each item, the resource's columns merged or repeated.

The columns and their order are those of one implementation's upload form for the guideline's annex table; no province's own
form was at hand, so columns are found by their headings, and those that offices add or leave out do no harm. What the sheet
does not say (provider, publishing system, field names, keys) is the importer's own, derived, or left as the catalogue has it.
"""

from typing import Final

from catalog.sheets.columns import (
    CLASSIFICATION,
    CODE,
    ITEM_COLUMNS,
    METADATA_COLUMNS,
    PROVIDER_CODE,
    PROVIDER_NAME,
    SYSTEM,
    Column,
    Form,
)

PARTS: Final = (
    Column(
        "class/1",
        "类",
        "class",
        Form.PART,
        aliases=("信息资源分类（类）", "部门类信息资源分类", "类分类", "资源属性分类"),
    ),
    Column("class/2", "项", "class item", Form.PART, aliases=("项分类", "信息资源分类（项）")),
    Column("class/3", "目", "class catalogue", Form.PART, aliases=("目分类", "信息资源分类（目）")),
    Column("class/4", "细目", "class detail", Form.PART, aliases=("细目分类", "细目分类1", "信息资源分类（细目）")),
    Column("class/5", "细目1.1", "class detail 2", Form.PART, aliases=("细目分类1.1", "细目分类2", "子细目")),
)
"""The classification in parts; digits of each, or digits and the name."""

CLAUSE: Final = Column(
    "clause",
    "共享条件/不予共享依据",
    "condition or basis",
    Form.TEXT,
    aliases=("共享条件或不予共享依据", "共享条件及不予共享依据"),
)
"""What it says depends on the share type."""

PUBLISHED_ON: Final = Column("publish_date", "发布日期", "published on", Form.DATE, aliases=("发布时间",))
"""Read and checked; the hub keeps the moment of its own publishing."""

TYPE_AND_LENGTH: Final = Column(
    "items/type_and_length",
    "数据类型/长度",
    "type and length",
    Form.TYPE_AND_LENGTH,
    aliases=("数据类型/数据长度", "数据类型及长度", "数据类型（长度）"),
)

PROVINCIAL_SHEET: Final = (
    *PARTS,
    METADATA_COLUMNS["related_affairs"],
    METADATA_COLUMNS["name"],
    CODE,
    METADATA_COLUMNS["provider_sub_unit"],
    METADATA_COLUMNS["summary"],
    METADATA_COLUMNS["format_class"],
    METADATA_COLUMNS["format_type"],
    METADATA_COLUMNS["format_other_note"],
    ITEM_COLUMNS["name"],
    ITEM_COLUMNS["data_type"],
    ITEM_COLUMNS["length"],
    METADATA_COLUMNS["share_type"],
    CLAUSE,
    METADATA_COLUMNS["share_mode_class"],
    METADATA_COLUMNS["share_mode_type"],
    METADATA_COLUMNS["is_open"],
    METADATA_COLUMNS["open_condition"],
    METADATA_COLUMNS["update_cycle"],
    PUBLISHED_ON,
    METADATA_COLUMNS["open_theme"],
)
"""The 25 columns in their order."""

_OFTEN_ADDED: Final = (
    Column("serial", "序号", "no.", Form.IGNORED),
    TYPE_AND_LENGTH,
    CLASSIFICATION,
    PROVIDER_NAME,
    PROVIDER_CODE,
    SYSTEM,
    *METADATA_COLUMNS.values(),
    *ITEM_COLUMNS.values(),
)

PROVINCIAL_COLUMNS: Final = tuple(dict.fromkeys((*PROVINCIAL_SHEET, *_OFTEN_ADDED)))
"""All that is known in such a sheet."""
