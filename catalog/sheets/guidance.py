"""What the template's first sheet tells those who fill it in."""

from collections.abc import Mapping
from typing import Final

from catalog.sheets.columns import Column, Form
from catalog.sheets.layout import ITEMS

INTRODUCTION: Final = (
    "信息资源目录模板 / Template of the catalogue of information resources",
    "在“目录”中每个资源填一行，在“信息项”中每个信息项填一行；“字典”供下拉列表使用，请勿改动。",
    "One row for each resource in 目录, one for each of its items in 信息项; 字典 feeds the drop-downs, leave it as it is.",
    "新资源的“信息资源代码”留空，登记后由枢纽编码；填了代码的行修改该资源。信息项按代码找资源，代码为空时按名称。",
    "Leave the code of a new resource blank: the hub gives it one. A row with a code changes that resource.",
    "Items name their resource by code, or where there is none by name.",
    "先试导入：枢纽退回同一工作簿，标出有误的单元格并写明原因；全部无误或选择只导入无误的资源后才写入。公式不会被计算。",
    "Every import is tried first: the same workbook comes back with bad cells marked and the reasons written.",
    "Nothing is saved before that, and no formula is ever evaluated.",
    "修改已发布的资源只产生待审核的草稿，现行版本不变。“信息项”中一个资源的行即其全部信息项；没有任何行则信息项不变。",
    "A change of a published resource is a draft to be reviewed; what is live stays.",
    "The rows of a resource in 信息项 are all its items; with no row at all they stay as they are.",
)

_SPECIAL: Final[Mapping[str, str]] = {
    "code": "新资源留空；如 306001000001/000042 / blank for a new one",
    "classification": "类(1位)项(2位)目(3位)细目，如 306001000001 / class, item, catalogue, detail",
    "provider_name": "登记的机构全称；与代码都空时为本人机构 / full name; your own organisation if both are blank",
    "provider_code": "18 位统一社会信用代码 / 18 characters",
    "system": "发布数据的系统代码；本机构只有一个系统时可留空 / code of the system that publishes",
    "format_type": "随格式分类变化；都不合适时写“其他”并填写描述 / follows the format class",
    "share_condition": "有条件共享必填 / required when shared on conditions",
    "no_share_basis": "不予共享必填，写明法律、行政法规或党中央、国务院政策 / required when not shared: the law that says so",
    "share_change_basis": "共享类型比已发布的更严时必填 / required when less is shared than before",
    "share_mode_class": "共享时必填 / required unless not shared",
    "share_mode_type": "共享时必填，须与格式分类相符 / required unless not shared; must fit the format class",
    "is_secret": "涉密资源不得登记 / secrets cannot be registered",
    "items/field_name": "小写字母开头，只含小写字母、数字、下划线；空着则按名称的拼音拟定 / made of the name's Pinyin if blank",
    "items/length": "字符型必填，按字数计 / in characters, required for characters",
    "items/pattern": "正则表达式；须给示例值 / a regular expression; give an example too",
    "items/secret": "涉密信息项不得登记 / secrets cannot be registered",
}

_BY_FORM: Final[Mapping[Form, str]] = {
    Form.FLAG: "是、否；空着为否 / 是 yes, 否 no; blank is no",
    Form.INTEGER: "整数 / a whole number",
    Form.BOUND: "数字；货币型写成小数 / a number; for money its decimal text",
    Form.GROUP: "有下级的信息项写成 JSON 数组，与接口相同 / a JSON array as in the API, for items with items within",
    Form.NUMBER: "数字，不带单位 / a number without its unit",
    Form.CODES: "几个代码之间用顿号、逗号或换行分开 / several with 、 or , or a new line between them",
    Form.VALUES: "几个值之间用顿号、逗号或换行分开，如 男、女 / several with 、 or , or a new line between them",
    Form.VALUE: "按数据类型填写 / of the item's data type",
}


def guidance_of(sheet: str, column: Column) -> str:
    """Return what to write in a column, Chinese first."""
    if sheet == ITEMS and not column.is_of_item:
        return "所属资源，与“目录”一致；同一资源的后续行可空着 / the resource; may stay blank below its first row"
    if column.key in _SPECIAL:
        return _SPECIAL[column.key]
    if column.choices is not None:
        return "、".join(f"{value.value} {value.zh}" for value in column.choices)  # type: ignore[attr-defined]
    return _BY_FORM.get(column.form, "文本 / text")
