"""What is refused around a catalogue step; the step's own refusals come through `hub.registry.errors.from_catalog`.

Conflict
└── BreakingUnconfirmed   the version breaks with the live one, and the reviewer has not said that they know
InvalidInput
└── PublisherRetired      the system named as publisher takes part no more

What review refuses (nothing submitted, steps that wait, one's own work) is in `hub.reviewing.errors`.
"""

from collections.abc import Sequence

from catalog.compatibility import Finding
from hub.errors import Conflict, FieldError
from hub.registry.errors import InvalidField


class BreakingUnconfirmed(Conflict):
    """The new version breaks with the live one; `findings` say how."""

    def __init__(self, code: str, findings: Sequence[Finding]) -> None:
        super().__init__(
            f"资源 {code} 的新版本与现行版本不兼容（{'；'.join(found.zh for found in findings)}）；"
            "确认影响后请带 confirm_breaking 再发布，或退回修改",
            f"the new version of {code} breaks with the live one ({'; '.join(found.en for found in findings)});"
            " publish with confirm_breaking once you know what it means, or return it",
            errors=[FieldError(found.field, found.zh, found.en) for found in findings],
        )
        self.findings = tuple(findings)


class PublisherRetired(InvalidField):
    """The system takes part no more."""

    def __init__(self, code: str) -> None:
        super().__init__(
            "/system",
            f"系统 {code} 已退役，不能发布数据；请改用接替它的系统",
            f"system {code} is retired and publishes nothing; name the one that replaced it",
        )
        self.code = code
