"""What lists refuse.

Refused
├── Forbidden
│   ├── OwnApplication       nobody decides on what they themselves asked for
│   └── NotTheOffice         the reform office decides on suspended powers
├── NotFound
│   ├── UnknownList          no published resource of that id or code is a list
│   ├── UnknownPublication   the list has no publication of that number
│   └── UnknownSuspension    no suspension has that id
└── Conflict
    ├── NoPowers             records of this list have no state of their own
    ├── SuspensionOpen       the power has a suspension that has not ended
    ├── NothingToLoad        the publication names no exchange yet
    ├── NotDelivered         the data did not go to this system
    ├── NotLoaded            what was not loaded is not online
    └── Superseded           a later publication takes its place

Single fields are `hub.registry.errors.InvalidField`, a step from the wrong state `WrongState` there.
"""

from uuid import UUID

from hub.errors import Conflict, Forbidden, NotFound


class OwnApplication(Forbidden):
    """Contract, "Staff roles": nobody decides on what they themselves asked for."""

    def __init__(self) -> None:
        super().__init__(
            "这是您本人提出的申请；请由另一位审核员决定", "you made this application; another reviewer decides on it"
        )


class NotTheOffice(Forbidden):
    """《临洮县权责清单管理办法(试行)》第九条: suspensions are applied for at the reform office 审改办."""

    def __init__(self, office: str) -> None:
        super().__init__(
            f"权力事项的暂停和恢复由{office}决定；请由该机构的审核员办理（机构见 shuniu approval-chain）",
            f"{office} decides on suspended powers; a reviewer of that organisation does it (shuniu approval-chain)",
        )


class UnknownList(NotFound):
    """No published resource of that id or code is a list."""

    def __init__(self) -> None:
        super().__init__(
            "没有这个已发布的清单；请核对资源代码，清单类资源须在元数据中写明清单类型 list_type",
            "there is no such published list; check the code (a list says which type it is of in list_type)",
        )


class UnknownPublication(NotFound):
    """The list has no publication of that number."""

    def __init__(self, number: int) -> None:
        super().__init__(
            f"该清单没有第 {number} 次发布；请先查询发布记录",
            f"the list has no publication {number}; list its publications first",
        )


class UnknownSuspension(NotFound):
    """No suspension has that id."""

    def __init__(self, identifier: UUID) -> None:
        super().__init__(
            f"没有暂停登记 {identifier}；请先查询列表", f"there is no suspension {identifier}; list them first"
        )


class NoPowers(Conflict):
    """Records of this list have no state of their own."""

    def __init__(self, code: str) -> None:
        super().__init__(
            f"资源 {code} 不是权责清单，其记录没有暂停状态；请核对资源代码",
            f"resource {code} is no list of powers: its records cannot be suspended; check the code",
        )


class SuspensionOpen(Conflict):
    """The power has a suspension that has not ended."""

    def __init__(self, identifier: UUID) -> None:
        super().__init__(
            f"该权力事项已有未结束的暂停登记 {identifier}；请办理该登记",
            f"the power has an open suspension {identifier}; go on with that one",
        )
        self.identifier = identifier


class NothingToLoad(Conflict):
    """The publication names no exchange yet."""

    def __init__(self, number: int) -> None:
        super().__init__(
            f"第 {number} 次发布还没有对应的数据；请由提供方发送数据并登记交换编号",
            f"publication {number} has no data yet; its provider sends them and names the exchange",
        )


class NotDelivered(Conflict):
    """The data did not go to this system."""

    def __init__(self) -> None:
        super().__init__(
            "这次发布的数据没有投递给本系统；请先取得授权并接收数据",
            "the data of this publication were not delivered to this system; get a grant and receive them first",
        )


class NotLoaded(Conflict):
    """What was not loaded is not online."""

    def __init__(self) -> None:
        super().__init__(
            "本系统还没有登记加载这次发布；请先登记加载，再确认上线",
            "this system has not said that it loaded the publication; say so first, then confirm that it is online",
        )


class Superseded(Conflict):
    """A later publication takes its place."""

    def __init__(self, newest: int) -> None:
        super().__init__(
            f"已有更新的第 {newest} 次发布；请加载最新的一次",
            f"publication {newest} takes its place; load that one",
        )
