"""A workbook that is not read at all: no cell of it can be named, so the whole is refused."""

from catalog.errors import CatalogError


class WorkbookRefused(CatalogError):
    """The file is no workbook that we read, or larger than we read; `rule` names the limit or the form."""

    def __init__(self, rule: str, zh: str, en: str) -> None:
        super().__init__("workbook-refused", zh, en, "/file")
        self.rule = rule
