"""The table of refusals in the partner guides, made from what the hub answers: `python -m tests.docs.partner_table zh|en`."""

import sys

from hub.api.problems import KINDS
from hub.client import ProblemError

LATER = {"zh": "按 `Retry-After` 等候，原样再发", "en": "wait for `Retry-After`, the same again"}
MENDED = {"zh": "改正后再发", "en": "correct it first"}
OTHERWISE = {
    "zh": {
        "jti-reused": "发当初存下的字节；新内容用新的 `jti`",
        "stale-message": "校准时钟，重新签名，`jti` 不变",
        "unauthenticated": "换新的令牌再来",
    },
    "en": {
        "jti-reused": "the stored bytes; new content takes a new `jti`",
        "stale-message": "set the clock, sign anew under the same `jti`",
        "unauthenticated": "get another token",
    },
}
HEAD = {"zh": "| slug | HTTP | 原因与改法 | 再发 |", "en": "| slug | HTTP | cause and cure | sending again |"}


def table(language: str) -> str:
    """The rows, in the order of the contract's checks, then the others."""
    rows = [HEAD[language], "|---|---|---|---|"]
    for slug, kind in KINDS.items():
        cause = kind.cause_zh if language == "zh" else kind.cause_en
        rows.append(f"| `{slug}` | {kind.status} | {cause} | {_again(language, slug, kind.status)} |")
    return "\n".join(rows)


def _again(language: str, slug: str, status: int) -> str:
    """What the client does with such a refusal, in words."""
    if slug in OTHERWISE[language]:
        return OTHERWISE[language][slug]
    is_final = ProblemError(status=status, slug=slug, title="").is_final and slug != "not-sealed"
    return (MENDED if is_final else LATER)[language]


if __name__ == "__main__":
    print(table(sys.argv[1]))
