"""What an import refuses.

Refused
├── NotFound
│   └── UnknownImport
├── Conflict
│   ├── NotJudged            the step needs the verdict, or comes too late
│   └── StillBad             rows are bad and it was not said that the good ones are wanted
└── InvalidInput
    └── NoWorkbook           nothing was uploaded
"""

from hub.errors import Conflict, FieldError, InvalidInput, NotFound


class UnknownImport(NotFound):
    """There is no such import, or it is somebody else's."""

    def __init__(self) -> None:
        super().__init__(
            "没有这次导入，或不是您上传的；请核对标识", "there is no such import, or not of yours; check its id"
        )


class NotJudged(Conflict):
    """The import is not where this step begins."""

    def __init__(self, state: str) -> None:
        super().__init__(
            f"这次导入的状态是 {state}，不能进行此步骤；请查询它的状态",
            f"the import is {state}, which this step cannot begin from",
        )


class StillBad(Conflict):
    """Rows are bad."""

    def __init__(self, bad: int) -> None:
        super().__init__(
            f"有 {bad} 处错误，没有写入；请按退回的工作簿改正后重新上传，或选择只导入无误的资源（good_rows）",
            f"{bad} faults, nothing was written; correct the marked workbook and upload it again, or ask for the good rows (good_rows)",
        )


class NoWorkbook(InvalidInput):
    """The body is empty."""

    def __init__(self) -> None:
        zh, en = "请求体应为 .xlsx 工作簿的内容", "the body is the content of an .xlsx workbook"
        super().__init__(zh, en, errors=[FieldError("/file", zh, en)])
