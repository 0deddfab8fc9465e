"""What delivery refuses.

Refused
├── NotFound
│   ├── UnknownTarget         the system has no push target
│   ├── UnknownLane           no lane that pushes has that id
│   └── UnknownDeadLetter     no dead letter has that id
├── Conflict
│   ├── AlreadyReplayed       the dead letter was replayed before, as the delivery it names
│   └── CountHasChanged       the selection is not what the preview counted
└── InvalidInput              a field: `hub.registry.errors.InvalidField`; a step from the wrong state: `WrongState` there
"""

from uuid import UUID

from hub.errors import Conflict, NotFound


class UnknownTarget(NotFound):
    """Nobody said where to push to."""

    def __init__(self, system: str) -> None:
        super().__init__(
            f"系统 {system} 没有登记推送目标；请安全管理员先登记",
            f"the system {system} has no push target; a security officer sets one first",
        )
        self.system = system


class UnknownLane(NotFound):
    """No lane that pushes has that id."""

    def __init__(self, lane: UUID) -> None:
        super().__init__(
            f"没有推送通道 {lane}；请先查询通道列表", f"there is no lane {lane} that pushes; list the lanes first"
        )
        self.lane = lane


class UnknownDeadLetter(NotFound):
    """No dead letter has that id."""

    def __init__(self, letter: UUID) -> None:
        super().__init__(
            f"没有死信 {letter}；请先查询死信列表", f"there is no dead letter {letter}; list dead letters first"
        )
        self.letter = letter


class AlreadyReplayed(Conflict):
    """A dead letter is replayed once: what it became has a life of its own."""

    def __init__(self, letter: UUID, delivery: UUID) -> None:
        super().__init__(
            f"死信 {letter} 已重投为 {delivery}；如仍未送达，请查看该投递",
            f"the dead letter {letter} was replayed as {delivery} already; look at that delivery",
        )
        self.letter = letter
        self.delivery = delivery


class CountHasChanged(Conflict):
    """The preview counted another number than there are now."""

    def __init__(self, expected: int, found: int) -> None:
        super().__init__(
            f"符合条件的死信现有 {found} 条，与预览的 {expected} 条不同，没有重投；请重新预览",
            f"{found} dead letters match now, the preview counted {expected}; nothing was replayed, preview again",
        )
        self.expected = expected
        self.found = found
