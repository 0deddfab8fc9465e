"""Tells the demo's story on standard output: what happened, with its ids, and which command or call does the same."""

import click

from hub.settings import Settings


class Narrator:
    """Numbers the steps."""

    def __init__(self) -> None:
        self._step = 0

    def step(self, zh: str, en: str) -> None:
        """A new chapter."""
        self._step += 1
        click.echo()
        click.secho(f"{self._step}. {zh}", bold=True)
        click.secho(f"   {en}", dim=True)

    def done(self, text: str) -> None:
        """Something happened."""
        click.echo(f"   ✓ {text}")

    def refused(self, text: str) -> None:
        """Something was refused, as it should be."""
        click.echo(f"   ✗ {text}")

    def detail(self, text: str) -> None:
        """More about the line before."""
        click.echo(f"     {text}")

    def same(self, command: str) -> None:
        """What a user would type to do the same."""
        click.secho(f"     $ {command}", dim=True)

    def end(self, settings: Settings, seconds: float) -> None:
        """The main job is over."""
        click.echo()
        click.secho(f"主要流程完成，用时 {seconds:.0f} 秒 / the main job is over, {seconds:.0f} s", bold=True)
        click.echo(f"   {settings.data}/partners  各系统的密钥与证书 / keys and certificates of the systems")
        click.echo(f"   {settings.data}/trust     信任锚 / anchors of trust")
        click.echo(f"   {settings.data}/staff.json  示例账户 / accounts of the example")

    def serving(self, settings: Settings) -> None:
        """The hub goes on serving."""
        click.echo()
        click.secho(f"枢纽继续运行：{settings.public_url}/docs（Ctrl-C 停止）", bold=True)
        click.echo(f"   the hub goes on at {settings.public_url}/docs (Ctrl-C stops it)")
        click.echo("   下一步 / next: docs/first-exchange.md")
