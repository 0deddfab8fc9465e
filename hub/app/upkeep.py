"""What is done to a hub on its own host: making it, bringing its database up to date, examining it."""

import asyncio
import getpass
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import asyncpg
from cryptography import x509
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.indexing import index_unknown
from hub.audit.backlog import overdue
from hub.audit.entry import Actor, Event
from hub.audit.service import Recorder
from hub.db.checks import Check, check_server, clock_offset, fsync_cost, insist
from hub.db.clock import MAX_OFFSET_S
from hub.db.embedded import EmbeddedPostgres
from hub.db.embedded.layout import VERSION_FILE, Layout, make_data_directory
from hub.db.engine import Database
from hub.db.faults import FAULTS
from hub.db.locks import INITIALISATION
from hub.db.partitions import ensure_partitions
from hub.duties import notices
from hub.duties.calendar import beijing_date
from hub.errors import SetupError
from hub.exchange.intake import SEAL_WITHIN
from hub.identity.passwords import Passwords
from hub.identity.roles import Role
from hub.identity.staff import NewAccount, create_first_accounts
from hub.registry.keyring import HubKeysPresent, KeyRing, create_keys
from hub.registry.masterkey import MasterKey, create_master_key, load_master_key
from hub.settings import Settings

ISSUER_ENDS_SOON = timedelta(days=90)
"""From when on the doctor advises to see to the issuing certificate."""

OUTCOME_S = 15.0
OUTCOME_LOOK_S = 0.2
"""How long and how often a database is asked what became of a commit whose answer was lost."""

FIRST_ACCOUNTS = (
    NewAccount("sysadmin", "系统管理员 operator", frozenset({Role.OPERATOR})),
    NewAccount("secadmin", "安全管理员 security officer", frozenset({Role.SECURITY})),
    NewAccount("auditadmin", "审计管理员 auditor", frozenset({Role.AUDITOR})),
)
"""The three officers that GB/T 22239 separates; they propose and approve everybody else."""


_FOREIGN = """
SELECT to_regclass('registry_epoch') IS NULL AND EXISTS (
    SELECT FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e'))
"""
"""Tables in the schema that ours go to, none of them ours or an extension's."""

_NOW = text("SELECT clock_timestamp()")
"""What the host does is dated by the database, as all else is: no gateway signs anything before the newest entry's time."""


@dataclass(frozen=True, slots=True)
class Initialised:
    """What `initialise` made, beside the anchors in `DATA/trust`; the passwords are shown once and stored nowhere."""

    applied: list[str]
    passwords: dict[str, str]


@contextmanager
def database_address(settings: Settings, *, may_be_new: bool = False) -> Iterator[str]:
    """The address of the hub's database: the configured one, or the embedded server, held for the length of the block.

    Raises `SetupError` where there is no embedded one yet, unless it `may_be_new`: then it is made.
    """
    if not may_be_new:
        insist_on_database(settings)
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    with EmbeddedPostgres(settings.data) as server:
        yield server.dsn


@contextmanager
def in_words() -> Iterator[None]:
    """What the database refuses, or its going away, as a process starts or ends, is said in words that an operator can act on."""
    try:
        yield
    except SetupError:
        raise
    except FAULTS as fault:
        if getattr(fault, "filename", None) is not None:  # a file's fault is not the database's
            raise
        raise _said(fault) from fault


def _said(fault: BaseException) -> SetupError:
    state = getattr(getattr(fault, "orig", fault), "sqlstate", None)
    if state == "42501":
        return SetupError(
            "数据库角色的权限不够；请让它做本库的属主（ALTER DATABASE 库名 OWNER TO 角色），再运行一次",
            "the database's role lacks a right: make it the owner of its database (ALTER DATABASE name OWNER TO role), "
            "then run this again",
        )
    if state == "55P03":
        return SetupError(
            "有别的会话占着要改的表（例如正在备份或导出）；已经做完的不受影响，请等它结束，再运行一次",
            "another session holds a table that is to be changed, a dump for example; what was done stays done: run this again "
            "when it has ended",
        )
    name = type(fault).__name__ if state is None else f"{type(fault).__name__} {state}"
    return SetupError(
        f"数据库在进程启动或结束时中断（{name}）；请确认它在运行、能连上，再启动一次",
        f"the database went away while the process started or ended ({name}); see that it runs and "
        "can be reached, then start again",
    )


def insist_on_database(settings: Settings) -> None:
    """Raises `SetupError` where there is nothing to look at: a mistyped folder would get a new database, and all seem well.

    So would one whose disk is not mounted. A link is looked at by the embedded server.
    """
    cluster = Layout(settings.data).cluster
    if settings.database_url is not None or cluster.is_symlink():
        return
    if cluster.is_dir() and not _holds_cluster(cluster):
        raise SetupError(
            f"{cluster} 里没有数据库：数据盘可能没有挂载。请挂载它；若确要新建枢纽，请运行 shuniu init",
            f"{cluster} holds no database; perhaps its disk is not mounted: mount it. A new hub is made by shuniu init",
        )
    if not cluster.exists():
        raise SetupError(
            f"{settings.data} 里没有枢纽的数据库；请核对 --data 或 SHUNIU_DATA，新建枢纽请运行 shuniu init",
            f"there is no hub's database in {settings.data}; check --data or SHUNIU_DATA, a new hub is made by shuniu init",
        )


def _holds_cluster(folder: Path) -> bool:
    try:
        return (folder / VERSION_FILE).exists()
    except PermissionError:  # it is another account's, and who may not look will be told so
        return True


def host_actor() -> Actor:
    """Who acts from the host itself (`host:<user>`), for the few commands that touch the database."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        name = f"uid-{os.getuid()}"
    return Actor(kind="host", id=f"host:{name}")


def initialise(
    settings: Settings,
    *,
    organisation: str = "临洮县",
    accounts: tuple[NewAccount, ...] = FIRST_ACCOUNTS,
    tell: Callable[[Initialised], None] = lambda made: None,
) -> Initialised:
    """Make the data folder, the schema, the master key, the hub's keys and the first accounts.

    Before that holds, `tell` gives the passwords out: where it fails, there are no accounts that nobody can open. Raises
    `SetupError` where any of it exists already: nothing is overwritten.
    """
    make_data_directory(settings.data)
    with database_address(settings, may_be_new=True) as dsn, in_words():
        return asyncio.run(_initialise(settings, dsn, organisation, accounts, tell))


async def _initialise(
    settings: Settings,
    dsn: str,
    organisation: str,
    accounts: tuple[NewAccount, ...],
    tell: Callable[[Initialised], None],
) -> Initialised:
    database = Database(dsn, application="shuniu-init")
    recorder, actor = Recorder(settings.hub_id, settings.region), host_actor()
    try:
        async with database.connection() as lock, database.session() as session:
            await _insist_on_none(lock)
            applied = await migrate_and_prepare(settings, dsn)
            # Keys and passwords are made meanwhile, which takes a busy machine longer than an idle transaction may last.
            await session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '5min'"))
            now = (await session.execute(_NOW)).scalar_one()
            with _new_master_key(settings.master_key_path) as master_key:
                await create_keys(session, master_key, hub_id=settings.hub_id, organisation_name=organisation, now=now)
                recorder.record(session, Event("hub.initialised", actor, "hub", settings.hub_id), now=now)
                passwords = await create_first_accounts(
                    session, accounts, passwords=Passwords(), actor=actor, recorder=recorder, now=now
                )
                write_trust(settings, await KeyRing.load(session, master_key))
                made = Initialised(applied, passwords)
                tell(made)
                transaction = (await session.execute(text("SELECT pg_current_xact_id()::text"))).scalar_one()
            await _commit(session, database, transaction, settings.master_key_path)
    finally:
        await database.dispose()
    return made


async def _insist_on_none(connection: asyncpg.Connection) -> None:
    """Before anything is changed: no other command makes this hub, as long as the connection lasts, and none has made it."""
    if not await connection.fetchval(f"SELECT pg_try_advisory_lock({INITIALISATION})"):
        raise SetupError(
            "另一条 shuniu init 正在初始化这个数据库；请等它结束",
            "another `shuniu init` is at work on this database; wait until it has ended",
        )
    has_table = await connection.fetchval("SELECT to_regclass('hub_key') IS NOT NULL")
    if has_table and await connection.fetchval("SELECT EXISTS (SELECT FROM hub_key)"):
        raise HubKeysPresent


async def _commit(session: AsyncSession, database: Database, transaction: str, master_key: Path) -> None:
    """Commit what the master key protects. Where the answer is lost, the key stays unless the transaction surely came to nothing."""
    try:
        await session.commit()
    except BaseException as fault:
        outcome = await _outcome(database, transaction)
        if outcome == "aborted":
            await asyncio.to_thread(master_key.unlink)
            raise
        if outcome is None:
            raise SetupError(
                f"数据库在提交时中断，枢纽是否已建立尚不确定；口令和主密钥 {master_key} 都请保留。数据库恢复后请运行 shuniu doctor："
                "hub_keys 一项有结果即已建立，可照常使用；没有这一项，请移走主密钥文件再运行 shuniu init",
                f"the database went away as the hub was committed, and whether it is made is not known: keep the passwords and "
                f"the master key {master_key}. When the database is back, run shuniu doctor: if it has a line hub_keys, the hub is "
                "made; if not, move the master key away and run shuniu init again",
            ) from fault
        if not isinstance(fault, Exception):
            raise


async def _outcome(database: Database, transaction: str) -> str | None:
    """`committed` or `aborted`, by the database itself over a new connection; None where it cannot be asked in time."""
    try:
        async with asyncio.timeout(OUTCOME_S):
            while True:
                async with database.connection() as connection:
                    found: str | None = await connection.fetchval("SELECT pg_xact_status($1::text::xid8)", transaction)
                if found != "in progress":
                    return found
                await asyncio.sleep(OUTCOME_LOOK_S)
    except FAULTS:
        return None


@contextmanager
def _new_master_key(path: Path) -> Iterator[MasterKey]:
    """A new master key in its file, which is removed again where the block fails, which makes what it protects."""
    master_key = create_master_key(path)
    try:
        yield master_key
    except BaseException:
        path.unlink()
        raise


def write_trust(settings: Settings, keyring: KeyRing) -> None:
    """The anchors that partners and auditors are given, into `DATA/trust`: `ca.pem`, `hub.pem`, `push.pem`, `log.pub`.

    Raises `SetupError` where they cannot be written.
    """
    folder = settings.data / "trust"
    files = {
        "ca.pem": keyring.ca_pem(),
        "hub.pem": keyring.receipt_certificate_pem(),
        "push.pem": keyring.chain_pem(keyring.certificate("push")),
        "log.pub": f"{keyring.log_verifier_key(settings.hub_id)}\n".encode("ascii"),
    }
    try:
        folder.mkdir(mode=0o755, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
    except OSError as error:
        raise SetupError(
            f"写不进 {folder}（{error.strerror}）；请检查磁盘空间和权限，再运行一次",
            f"cannot write to {folder} ({error.strerror}): see to space and rights, then run this again",
        ) from None


async def migrate_and_prepare(settings: Settings, dsn: str) -> list[str]:
    """Insist on a safe server, bring the schema up to date and make the partitions; returns the revisions applied.

    Each revision is an act of the host's user in the log. What was registered before there was an index of search is indexed.
    """
    database = Database(dsn, application="shuniu-migrate")
    async with database.connection() as connection:
        insist(await check_server(connection))
        await _insist_on_own(connection)
    from hub.db.migrate import migrate  # Alembic is only for who migrates

    applied = await migrate(dsn)
    try:
        async with database.session() as session, session.begin():
            now = (await session.execute(_NOW)).scalar_one()
            for revision in applied:
                event = Event("hub.migrated", host_actor(), "schema", revision)
                Recorder(settings.hub_id, settings.region).record(session, event, now=now)
        async with (
            database.connection() as connection
        ):  # afterwards: what may have to wait for others must not lose the entries
            await ensure_partitions(connection, now)
        await _index_unknown(database)
    finally:
        await database.dispose()
    return applied


async def insist_on_own_keys(settings: Settings, dsn: str) -> None:
    """Raises `SetupError` where the hub's keys are missing, do not open with the master key, or are those of another hub."""
    database = Database(dsn, application="shuniu-keys")
    try:
        async with database.session() as session:
            keyring = await KeyRing.load(session, load_master_key(settings.master_key_path))
    finally:
        await database.dispose()
    keyring.insist_on_hub_id(settings.hub_id)


async def _insist_on_own(connection: asyncpg.Connection) -> None:
    """Raises `SetupError` for a database with tables of somebody else's and none of ours."""
    if await connection.fetchval(_FOREIGN):
        raise SetupError(
            "这个数据库里是别的系统的表，不会在其中建枢纽的表；请另建一个空数据库，改 SHUNIU_DATABASE_URL",
            "the database has tables of another product, and no hub is made among them: make an empty one and name it in "
            "SHUNIU_DATABASE_URL",
        )


async def _index_unknown(database: Database) -> None:
    indexed = 1
    while indexed:
        async with database.session() as session, session.begin():
            indexed = await index_unknown(session)


def doctor(settings: Settings) -> list[Check]:
    """What the database promises, how its clock and disk do: every check with what was found. Raises `SetupError`."""
    with database_address(settings) as dsn:
        return asyncio.run(_examine(settings, dsn))


async def _examine(settings: Settings, dsn: str) -> list[Check]:
    database = Database(dsn, application="shuniu-doctor")
    async with database.connection() as connection:
        checks = await check_server(connection)
        checks.append(await _may_migrate(connection))
        offset = await clock_offset(connection)
        if await connection.fetchval("SELECT to_regclass('log_pending') IS NOT NULL"):
            late = await overdue(connection, SEAL_WITHIN)
            checks.append(
                Check(
                    "receipts_overdue",
                    str(late),
                    late == 0,
                    "凭证承诺的封存时间已过；请确认 worker 在运行，并看它的日志里为什么没有封存",
                    "receipts promised these entries sealed by now; see that a worker runs, and in its log why it does not seal",
                )
            )
        if await connection.fetchval("SELECT to_regclass('hub_key') IS NOT NULL"):
            checks += [*await _authority(connection), await _own_keys(settings, dsn)]
        if await connection.fetchval("SELECT to_regclass('holiday_notice') IS NOT NULL"):
            checks.append(await _calendar(database))
    checks.append(
        Check(
            "clock_offset_s",
            f"{offset:+.3f}",
            abs(offset) <= MAX_OFFSET_S,
            f"本机与数据库的时钟相差超过 {MAX_OFFSET_S:.0f} 秒；请启用 NTP",
            f"clocks differ by more than {MAX_OFFSET_S:.0f} s; run NTP",
        )
    )
    cost = fsync_cost(settings.data) if settings.data.is_dir() else None
    if cost is not None:
        checks.append(
            Check(
                "fsync_us",
                f"{cost:.0f}",
                True,
                "一次写入落盘的微秒数（中位）",
                "microseconds for one write to reach the disk (median)",
            )
        )
    return checks


async def _authority(connection: asyncpg.Connection) -> list[Check]:
    """When the issuing certificate ends, if there is one: what it issues ends no later."""
    found = await connection.fetchrow(
        "SELECT certificate, clock_timestamp() AS now FROM hub_key WHERE purpose = 'issuing' AND state = 'active'"
    )
    if found is None:
        return []
    ends = x509.load_der_x509_certificate(found["certificate"]).not_valid_after_utc
    return [
        Check(
            "issuing_certificate_ends",
            ends.date().isoformat(),
            ends > found["now"],
            "签发证书的到期日；所签发的证书不晚于这一天到期。本版本还不能更换签发证书，请及早安排",
            "the issuing certificate's last day, and of all that it issues; this release cannot replace it: plan ahead",
            advises=ends - found["now"] < ISSUER_ENDS_SOON,
        )
    ]


async def _own_keys(settings: Settings, dsn: str) -> Check:
    """Whether gateways and workers could start with these settings and this master key."""
    try:
        await insist_on_own_keys(settings, dsn)
    except SetupError as fault:
        return Check("hub_keys", settings.hub_id, False, fault.zh, fault.en)
    return Check("hub_keys", settings.hub_id, True, "本枢纽的密钥可用", "the hub's keys open")


async def _may_migrate(connection: asyncpg.Connection) -> Check:
    role = await connection.fetchval("SELECT current_user")
    may = await connection.fetchval("SELECT has_schema_privilege('public', 'CREATE')")
    return Check(
        "role_may_create_tables",
        str(role),
        may,
        f"角色 {role} 不能建表，升级会失败；请让它做本库的属主（ALTER DATABASE 库名 OWNER TO {role}）",
        f"the role {role} may make no tables, and a migration would fail: make it the owner of its database "
        f"(ALTER DATABASE name OWNER TO {role})",
    )


async def _calendar(database: Database) -> Check:
    """Whether the days off of every year that deadlines need now are known."""
    try:
        async with database.session() as session:
            now = (await session.execute(_NOW)).scalar_one()
            calendar = await notices.work_calendar(session)
    finally:
        await database.dispose()
    missing = notices.missing_years(calendar, beijing_date(now))
    said = [notices.missing_words(year) for year in missing]
    return Check(
        "days_off_known_to",
        str(max(calendar.years)),
        True,
        "；".join(zh for zh, _ in said) or "放假和调休安排已知到这一年",
        "; ".join(en for _, en in said) or "the last year whose days off are known",
        advises=bool(missing),
    )
