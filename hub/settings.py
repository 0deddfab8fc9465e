"""The settings of a hub: `SHUNIU_*` variables, then `DIR/shuniu.toml`, then these defaults.

`docs/settings.md` is generated from this class by `python -m hub.settings`. Secrets are read from files or variables
and are never printed.
"""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

CONFIG_FILE = "shuniu.toml"

_BLANK = re.compile(r"\s")


class Settings(BaseSettings):
    """Everything an operator may set; each field's description is its documentation."""

    model_config = SettingsConfigDict(env_prefix="SHUNIU_", extra="forbid", frozen=True, str_strip_whitespace=True)

    data: Annotated[Path, Field(description="数据目录 / data folder: embedded database, master key, exports")] = Path(
        "shuniu-data"
    )
    database_url: Annotated[
        SecretStr | None,
        Field(
            description="PostgreSQL ≥ 15 的地址；不设则用数据目录里的内嵌库 / PostgreSQL to use; unset: the embedded one"
        ),
    ] = None
    hub_id: Annotated[
        str,
        Field(
            pattern=r"^[a-z0-9][a-z0-9-]{1,62}$",
            description="本枢纽标识，写入每张接收凭证 / id of this hub, named in every receipt",
        ),
    ] = "lintao-hub"
    region: Annotated[
        str, Field(pattern=r"^[0-9]{6}$", description="枢纽所在行政区划 GB/T 2260 / region of this hub, in log entries")
    ] = "621124"
    public_url: Annotated[str, Field(description="对外地址，令牌的 aud / address partners use; audience of tokens")] = (
        "http://127.0.0.1:8640"
    )
    host: Annotated[str, Field(min_length=1, description="监听地址 / address to listen on")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="监听端口 / port to listen on")] = 8640
    trusted_proxies: Annotated[
        tuple[IPv4Network | IPv6Network, ...],
        NoDecode,
        Field(
            description="反向代理的地址或网段，逗号分隔；只有来自它们的 X-Forwarded-For 才算数 / "
            "addresses or networks of reverse proxies, with commas between; X-Forwarded-For counts from these alone"
        ),
    ] = ()
    gateways: Annotated[int, Field(ge=1, le=64, description="网关进程数 / gateway processes of `shuniu up`")] = 1
    workers: Annotated[int, Field(ge=1, le=64, description="后台进程数 / worker processes of `shuniu up`")] = 1
    clock_skew_s: Annotated[
        int,
        Field(
            ge=1, le=3600, description="信封 iat 与当前时间允许的偏差（秒）/ allowed skew of an envelope's iat, seconds"
        ),
    ] = 300
    max_envelope_bytes: Annotated[
        int, Field(ge=1024, le=64 << 20, description="信封最大字节数 / largest envelope, bytes")
    ] = 4 << 20
    master_key_file: Annotated[
        Path | None,
        Field(
            description="主密钥文件，默认 DATA/master.key / file with the master key that wraps the hub's keys; default DATA/master.key"
        ),
    ] = None
    max_queue: Annotated[
        int,
        Field(
            ge=1,
            description="一个网关中等待落库的信封数上限，超出即 503 / envelopes waiting for commit in one gateway before 503",
        ),
    ] = 2048
    max_queue_bytes: Annotated[int, Field(ge=1 << 20, description="同上，按字节 / the same in bytes")] = 256 << 20
    metrics_open: Annotated[
        bool, Field(description="允许非本机读取 /metrics / let others than loopback read /metrics")
    ] = False
    tlog_open: Annotated[
        bool,
        Field(
            description="人人可读 /tlog 的检查点与哈希块；关闭后仅审计可读 / anybody may read checkpoint and tiles; closed: auditors only"
        ),
    ] = True
    token_seconds: Annotated[
        int, Field(ge=30, le=300, description="访问令牌有效期（秒）/ life of an access token, seconds")
    ] = 300
    session_minutes: Annotated[
        int, Field(ge=1, le=720, description="工作人员会话空闲时限（分钟）/ idle limit of a staff session, minutes")
    ] = 30

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _networks(cls, given: object) -> object:
        """A variable is one text; a file may hold a list."""
        parts = given.split(",") if isinstance(given, str) else given
        if not isinstance(parts, list | tuple):
            return parts
        stripped = [part.strip() if isinstance(part, str) else part for part in parts]
        return tuple(_network(part) for part in stripped if part != "")

    @field_validator("data", "master_key_file", mode="before")
    @classmethod
    def _path(cls, given: object) -> object:
        if isinstance(given, str) and not given.strip():
            raise ValueError("空的；请填写路径，或不设 / empty; name a path, or leave it unset")
        return given

    @field_validator("public_url")
    @classmethod
    def _address(cls, given: str) -> str:
        try:
            parts = urlsplit(given)
            sound = (
                parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
            )
        except ValueError:
            sound = False
        if not sound or parts.query or parts.fragment or parts.username is not None or _BLANK.search(given):
            raise ValueError(
                f"{given} 不是可用的对外地址；应为 http:// 或 https:// 加主机名和可选的端口、路径，不含 ? # @ 和空格 / this is no "
                "address: http:// or https://, a host, a port and a path if need be, without ? # @ and blanks"
            )
        return parts.geturl()

    @property
    def master_key_path(self) -> Path:
        """Where the master key lies."""
        return self.master_key_file or self.data / "master.key"

    @property
    def token_endpoint(self) -> str:
        """The audience of client assertions, as one string."""
        return f"{self.public_url.rstrip('/')}/oauth/token"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments win over the environment, the environment over the file; no `.env` is read."""
        given: dict[str, Any] = init_settings()
        data = Path(given.get("data") or env_settings().get("data") or cls.model_fields["data"].default)
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=data / CONFIG_FILE)


def _network(given: Any) -> IPv4Network | IPv6Network:
    try:
        return ip_network(given)
    except ValueError:
        raise ValueError(
            f"{given} 不是地址或网段；网段的主机位须为零，如 10.1.0.0/16 / "
            "this is no address or network; a network's host bits are zero, as in 10.1.0.0/16"
        ) from None


def settings_table() -> str:
    """The settings as a Markdown table, the body of `docs/settings.md`."""
    rows = ["| 变量 / variable | 默认 / default | 说明 / meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "—" if field.default in (None, ()) else f"`{field.default}`"
        rows.append(f"| `SHUNIU_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows)


if __name__ == "__main__":
    import sys

    sys.stdout.write(
        "# 设置 / Settings\n\n"
        "由 `hub/settings.py` 生成（`make docs`）。环境变量优先于 `DIR/shuniu.toml`（键名为小写、不带前缀）。\n"
        "Generated from `hub/settings.py` (`make docs`). Variables win over `DIR/shuniu.toml` (keys in lower case, no prefix).\n\n"
        + settings_table()
        + "\n"
    )
