"""How large a workbook may be; every limit is checked before the work that it bounds."""

from typing import Final

MAX_FILE_BYTES: Final = 8 << 20
"""Of a workbook as it is uploaded; 10,000 resources with an item each take 1.5 MiB."""

MAX_PARTS: Final = 1_000
"""Files within the workbook; Excel writes a dozen, and one for each picture."""

MAX_UNZIPPED_BYTES: Final = 128 << 20
"""Of all that is read of a workbook; a sheet of 10,000 rows with 40 columns takes 25 MiB."""

MAX_RATIO: Final = 200
"""Unzipped to zipped bytes of a part beyond `RATIO_FROM_BYTES`; repetitive sheets reach 60, a bomb 1,000."""

RATIO_FROM_BYTES: Final = 1 << 20

MAX_ROWS: Final = 20_000
"""Rows with content in one sheet."""

MAX_CELLS: Final = 1_000_000
"""Cells with content in all sheets that are read."""

MAX_COLUMNS: Final = 256
"""Columns that are looked at; what stands further right belongs to nobody."""

HEADER_WITHIN: Final = 20
"""Rows with content among which the header is looked for: titles and notes of the office stand above it."""

MAX_CELL_CHARACTERS: Final = 32_767
"""The longest text that Excel and WPS keep in a cell."""

MAX_SHEETS: Final = 100

MAX_FINDINGS: Final = 500
"""Findings that an answer lists; the marked workbook has them all."""
