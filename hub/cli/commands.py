"""The tree of commands: what there is and where it lives. A command's module is imported when it is used."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

import click


@dataclass(frozen=True, slots=True)
class Entry:
    """One command: `module:name` of it, and its line in the overview."""

    where: str
    summary: str

    def load(self) -> click.Command:
        """The command itself."""
        module, name = self.where.split(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called; the overview needs none of them."""

    def __init__(self, *, sections: Mapping[str, Mapping[str, Entry]], help: str) -> None:  # noqa: A002 (click's word)
        super().__init__("shuniu", help=help, context_settings={"help_option_names": ["-h", "--help"]})
        self._sections = sections
        self._entries = {name: entry for section in sections.values() for name, entry in section.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the overview."""
        return list(self._entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now; None if there is none."""
        entry = self._entries.get(cmd_name)
        return None if entry is None else entry.load()

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The overview, by who uses the commands."""
        for title, section in self._sections.items():
            with formatter.section(title):
                formatter.write_dl([(name, entry.summary) for name, entry in section.items()])


SECTIONS = {
    "枢纽 / the hub": {
        "init": Entry("hub.cli.server:init", "建库、密钥、首批账户 / data folder, database, keys, first accounts"),
        "up": Entry("hub.cli.server:up", "运行网关与后台进程 / gateways and workers together"),
        "gateway": Entry("hub.cli.server:gateway", "只运行网关 / one gateway process"),
        "worker": Entry("hub.cli.server:worker", "只运行后台进程 / one worker process"),
        "migrate": Entry("hub.cli.server:migrate", "升级数据库结构 / bring the database up to date"),
        "doctor": Entry("hub.cli.server:doctor", "检查数据库、时钟、磁盘 / check database, clock and disk"),
        "demo": Entry("hub.cli.server:demo", "临洮示例全流程 / the Lintao example from end to end"),
    },
    "工作人员 / staff": {
        "login": Entry("hub.cli.signin:login", "登录 / sign in"),
        "logout": Entry("hub.cli.signin:logout", "退出 / sign out"),
        "whoami": Entry("hub.cli.signin:whoami", "当前会话 / who is signed in"),
        "password": Entry("hub.cli.signin:password", "修改口令 / change the password"),
        "second-factor": Entry("hub.cli.signin:second_factor", "登记动态口令 / enrol a second factor"),
        "org": Entry("hub.cli.organisations:org", "机构 / organisations"),
        "system": Entry("hub.cli.registry:system", "接入系统 / partner systems"),
        "cert": Entry("hub.cli.certificates:cert", "数字证书 / certificates"),
        "staff": Entry("hub.cli.staff:staff", "人员账户 / staff accounts"),
        "resource": Entry("hub.cli.catalogue:resource", "信息资源目录 / resources of the catalogue"),
        "upstream": Entry("hub.cli.upstream:upstream", "上游目录的收割（DCAT）/ harvest catalogues of others"),
        "classification": Entry("hub.cli.reviews:classification", "资源分类：类、项、目、细目 / classes of resources"),
        "review": Entry("hub.cli.reviews:review", "待办的审查审核 / what waits in review"),
        "approval-chain": Entry("hub.cli.reviews:approval_chain", "清单审批链 / approvals that lists need"),
        "notices": Entry("hub.cli.reviews:notices", "给本机构的通知 / what your organisation was told"),
        "list-type": Entry("hub.cli.list_types:list_type", "清单类型：样例、核对 / types of lists: samples, checks"),
        "published-list": Entry(
            "hub.cli.lists:published_list", "清单发布与变更说明 / published lists and their changes"
        ),
        "power-suspension": Entry("hub.cli.lists:power_suspension", "权力事项的暂停与恢复 / suspended powers"),
        "request": Entry("hub.cli.requests:request", "共享申请 / access requests"),
        "grant": Entry("hub.cli.grants:grant", "授权 / grants"),
        "objection": Entry("hub.cli.objections:objection", "异议 / objections"),
        "correction": Entry("hub.cli.corrections:correction", "校核 / corrections"),
        "todo": Entry("hub.cli.duties:todo", "今日待办 / what you owe now"),
        "duty": Entry("hub.cli.duties:duty", "时限与规则 / duties and the rules of deadlines"),
        "holiday": Entry("hub.cli.duties:holiday", "放假与调休 / days off and days worked"),
        "push-target": Entry("hub.cli.deliveries:push_target", "推送目标 / where systems are pushed to"),
        "lane": Entry("hub.cli.deliveries:lane", "推送的通道 / lanes that push"),
        "dead-letter": Entry("hub.cli.deliveries:dead_letter", "死信与重投 / dead letters and their replay"),
        "audit": Entry("hub.cli.audit:audit", "共享日志 / the sharing log"),
    },
    "接入方 / partner systems": {
        "send": Entry("hub.cli.partner:send", "签名并发布记录 / sign and publish records"),
        "inbox": Entry("hub.cli.partner:inbox", "取数并确认 / pull and acknowledge"),
        "site-list": Entry(
            "hub.cli.site_lists:site_list", "子站：清单的加载与上线 / lists on the sub-site: loaded, online"
        ),
        "bundles": Entry("hub.cli.bundles:bundles", "网闸文件包：收取、缺号、确认 / files across a one-way gateway"),
        "verify": Entry(
            "hub.cli.verify:verify",
            "离线核验证据、导出的日志、凭证的承诺 / check evidence, an exported log or a receipt, offline",
        ),
    },
}

root = LazyGroup(
    sections=SECTIONS,
    help=(
        "Shuniu 枢纽：政务数据共享交换。\n\n"
        "Shuniu: a hub through which government departments share data, signed, receipted and logged.\n\n"
        "退出码 / exit codes: 0 完成 done, 1 被拒绝 refused, 2 用法不对 wrong use, 3 缺少所需 something is missing"
    ),
)

click.version_option(package_name="shuniu", prog_name="shuniu")(root)
