"""What identity refuses.

Refused
├── Unauthenticated
│   ├── SignInRefused       user, password or second factor is not accepted; never says which
│   ├── SessionOver         no such session, or one that ended
│   └── TokenRefused        an access token that is not ours, not valid now, or whose system may not act
├── Forbidden
│   ├── PasswordChangeDue   the session may only change the password
│   └── OwnProposal         who proposed an account does not approve it
├── NotFound
│   └── UnknownStaff
├── Conflict
│   ├── LoginTaken
│   └── AccountLocked       the password is not asked for again while too many failures keep the account locked
└── Unavailable
    └── HashingBusy         too many passwords are being checked

One faulty field is `hub.registry.errors.InvalidField`, a step from the wrong state `WrongState` beside it.
"""

from hub.errors import Conflict, Forbidden, NotFound, Unauthenticated, Unavailable


class SignInRefused(Unauthenticated):
    """One answer for every failed sign-in, so that it tells nobody which accounts exist or what was wrong."""

    def __init__(self, failures: int, minutes: int) -> None:
        super().__init__(
            f"用户名、口令或第二因素不正确，或账户未启用。请核对后再试；连续失败 {failures} 次锁定 {minutes} 分钟，可请系统管理员解锁",
            f"user, password or second factor is wrong, or the account is not active. Check and try again; {failures} "
            f"failures lock an account for {minutes} minutes, an operator can unlock it",
        )


class SessionOver(Unauthenticated):
    """The session is unknown, was ended, or was left unused for too long."""

    def __init__(self) -> None:
        super().__init__(
            "会话不存在、已退出或已超时；请重新登录（POST /v1/session）",
            "the session is unknown, ended or timed out; sign in again (POST /v1/session)",
        )


class AccountLocked(Conflict):
    """Told to who is signed in; who is not gets `SignInRefused` alone."""

    def __init__(self, minutes: int) -> None:
        super().__init__(
            f"连续多次口令错误，账户已锁定，{minutes} 分钟后或由系统管理员解锁后再试；本会话仍然有效，请不要退出",
            f"wrong passwords have locked the account: try again in {minutes} minutes, or have an operator unlock it; this "
            "session goes on, do not sign out",
        )


class TokenRefused(Unauthenticated):
    """An access token that we do not accept at this moment; `slug` says when it is system or certificate that is at fault."""


class PasswordChangeDue(Forbidden):
    """Nothing but a new password is open to this session."""

    def __init__(self) -> None:
        super().__init__(
            "须先修改口令（POST /v1/session/password），再进行其他操作",
            "change your password first (POST /v1/session/password); nothing else is open until then",
        )


class OwnProposal(Forbidden):
    """Nobody decides on what they themselves asked for."""

    def __init__(self) -> None:
        super().__init__(
            "提出开户的人不能批准该账户；请由另一名安全管理员批准",
            "who proposed an account does not approve it; another security officer must",
        )


class UnknownStaff(NotFound):
    """No account has that id."""

    def __init__(self, which: str) -> None:
        super().__init__(f"没有账户 {which}；请先查询账户列表", f"there is no account {which}; list accounts first")


class LoginTaken(Conflict):
    """The login belongs to another account; logins are never given twice."""

    def __init__(self, login: str) -> None:
        super().__init__(
            f"登录名 {login} 已被使用；登录名不重复发放，请另取一个",
            f"the login {login} is taken; logins are never given twice, choose another",
        )


class HashingBusy(Unavailable):
    """More passwords wait to be checked than this process takes on."""

    def __init__(self) -> None:
        super().__init__(
            "登录请求过多，请稍候再试", "too many sign-ins at the moment; try again in a few seconds", retry_after=5
        )
