"""The commands: `hub serve | check | migrate | send | simulate | tail | launch | redrive | token`."""

import os
import secrets
import sys
import time
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import click
import msgspec
import uvloop

from handlers.access import Access
from handlers.providers.registry import PROVIDERS
from hub import config, telemetry
from hub.clock import now_ms
from hub.commands import check as checking
from hub.commands import launch as launching
from hub.commands import migrate as migrating
from hub.commands import redrive as redriving
from hub.commands import send as sending
from hub.commands import serve as serving
from hub.commands import simulate as simulating
from hub.commands import tail as tailing
from hub.commands.asking import base_of
from hub.errors import BadRequest, HubError
from hub.secrets import complete
from hub.settings import Settings
from hub.tokens import Tokens

Result = TypeVar("Result")

SECRETS_FILE = Path("var/secrets.json")


def _choose(context: click.Context, _: click.Parameter, path: str | None) -> None:
    context.obj = path or context.obj


config_option = click.option(
    "--config",
    metavar="FILE",
    help="Configuration; else HUB_CONFIG, else config.toml.",
    # It may stand before or after the command, whose `path` it is.
    callback=_choose,
    expose_value=False,
)
url_option = click.option(
    "--url",
    default="",
    help="The hub to talk to (default: the one of the configuration).",
    callback=lambda _, __, url: base_of(url) if url else "",
)


class Commands(click.Group):
    """A group whose commands end with a sentence, not a traceback, when the hub refuses something."""

    def invoke(self, context: click.Context) -> object:
        """Run a command; what the hub raises on purpose becomes the message of exit status 1."""
        try:
            return super().invoke(context)
        except HubError as refusal:
            raise click.ClickException(str(refusal)) from refusal


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@config_option
def main() -> None:
    """A real-time hub for meeting bots and rooms."""


@main.command()
@config_option
@click.option("--demo", is_flag=True, help="Also play simulated meetings.")
@click.option("--workers", type=click.IntRange(1), help="Processes on this port (server.workers); SIGHUP renews them.")
@click.option("--worker-on", "place", type=(int, int), hidden=True, help="Be a worker: the port, and which one.")
@click.pass_obj
def serve(path: str | None, demo: bool, workers: int | None, place: tuple[int, int] | None) -> None:
    """Serve the hub until SIGTERM."""
    settings = _load(path, {} if workers is None else {"HUB_SERVER__WORKERS": str(workers)})
    port, number = place or (0, 0)
    telemetry.set_up(settings.log, number)
    if number:
        _run(serving.serve_as_worker(settings, port, number, click.echo))
        return
    for line in checking.greeting(settings, config.variables(path, os.environ)):
        click.echo(line)
    if settings.server.workers == 1:
        _run(serving.serve(settings, click.echo, _complain, demo=demo))
    else:
        sys.exit(_run(serving.serve_by_workers(settings, path, click.echo)))


@main.command(short_help="Report what is wrong or worth knowing about the set-up.")
@config_option
@click.pass_obj
def check(path: str | None) -> None:
    """Report what is wrong or worth knowing about the set-up, each with what to do."""
    settings = _load(path)
    # What is tried out says itself what is wrong with it.
    telemetry.set_up(msgspec.structs.replace(settings.log, level="error"))
    findings = _run(checking.examine(settings, config.variables(path, os.environ)))
    for finding in findings:
        click.echo(finding.line())
    sys.exit(1 if any(finding.level == "error" for finding in findings) else 0)


@main.command()
@click.option("--new-epoch", is_flag=True, help="Make every viewer begin anew: a step of every restore.")
@config_option
@click.pass_obj
def migrate(path: str | None, new_epoch: bool) -> None:
    """Bring the store to this version. With SQLite the hub must not be running, with PostgreSQL it may."""
    settings = _load(path)
    click.echo(f"the log is at {_run(migrating.migrate(settings, new_epoch=new_epoch))}")


@main.command(short_help="Post a correctly signed webhook to the running hub.")
@click.argument("provider", default="")
@click.argument("event", default="")
@click.option("--set", "assignments", multiple=True, metavar="PATH=VALUE", help="Change the payload.")
@click.option("--file", "file", type=click.Path(exists=True, dir_okay=False), help="Send this payload instead.")
@click.option(
    "--dialect",
    default="",
    help="How --file is proved. MeetingBaaS: v2, v1, callback. 100ms: header, signature, guide. Pulse: guide, go.",
)
@click.option("--source", default="", help="Name of the source, if there are several of the provider.")
@click.option("--wrong", is_flag=True, help="Send it with a wrong proof.")
@click.option("--list", "listing", is_flag=True, help="List the samples.")
@config_option
@url_option
@click.pass_obj
def send(path: str | None, /, provider: str, listing: bool, url: str, **options: object) -> None:
    """Post a correctly signed webhook to the running hub: hub send livekit participant_joined."""
    if listing or not provider:
        for name in [provider] if provider in PROVIDERS else sorted(PROVIDERS):
            click.echo("\n".join(f"{name} {sample}" for sample in PROVIDERS[name].samples(now_ms())))
        return
    settings = _load(path)
    shipment = msgspec.convert({"provider": provider, **options}, sending.Shipment)
    answer = _run(sending.send(settings, url or settings.server.local_url(), shipment))
    click.echo(f"{answer.method} {answer.url}\n{answer.status} {answer.text}")
    if answer.status == 401 and not shipment.wrong:
        _complain(f"signed with the secrets of this shell (environment, configuration, {SECRETS_FILE}): not the hub's")
    sys.exit(0 if answer.status == 200 else 1)


@main.command()
@click.option("--rooms", type=int, help="Meetings in rooms (3; of a day 300).")
@click.option("--bots", type=int, help="Bots that are sent to meetings (3; of a day 100).")
@click.option("--rate", type=float, help="Webhooks a second, all together (5; of a day as fast as they are taken).")
@click.option("--seed", type=int, help="Play the same meetings again.")
@click.option("--provider", "providers", multiple=True, type=click.Choice(sorted(PROVIDERS)), help="Only of these.")
@click.option("--chaos", is_flag=True, help="Shuffle, repeat and delay the webhooks.")
@click.option("--day", is_flag=True, help="Play a working day that has just ended, not what happens now.")
@click.option("--check", is_flag=True, help="Plan the meetings ahead, and compare what the hub shows with the truth.")
@config_option
@url_option
@click.pass_obj
def simulate(path: str | None, /, url: str, check: bool, **options: object) -> None:
    """Play whole meetings of all providers against the running hub."""
    settings = _load(path)
    plan, base = simulating.planned(options, int(time.time())), url or settings.server.local_url()
    if not check:
        result = _run(simulating.play(settings, base, plan, _complain))
        click.echo(result.line())
        sys.exit(0 if result.is_good else 1)
    credential = _access(settings).login_token()
    result, comparison = _run(simulating.play_and_compare(settings, base, credential, plan, _complain))
    click.echo("\n".join([result.line(), *comparison.lines()]))
    sys.exit(0 if result.is_good and not comparison.differences else 1)


@main.command()
@click.argument("topics", nargs=-1)
@config_option
@url_option
@click.pass_obj
def tail(path: str | None, topics: Sequence[str], url: str) -> None:
    """Follow topics in the terminal: hub tail rooms bots."""
    settings = _load(path)
    base = url or settings.server.local_url()
    _run(tailing.tail(base, _access(settings).login_token(), topics or ("*",), click.echo))


@main.command(short_help="Send a bot to a meeting.")
@click.argument("meeting_url")
@click.option("--name", default="Notes", show_default=True, help="What the bot is called in the meeting.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="An option of the provider's.")
@click.option("--key", default="", help="The idempotency key: with the same one there is never a second bot.")
@config_option
@url_option
@click.pass_obj
def launch(path: str | None, /, meeting_url: str, name: str, options: Sequence[str], key: str, url: str) -> None:
    """Send a bot to a meeting: hub launch https://meet.google.com/abc-defg-hij."""
    settings = _load(path)
    order = launching.ordered(meeting_url, name, options)
    base, key = url or settings.server.local_url(), key or secrets.token_hex(8)
    is_sent = _run(launching.launch(base, _access(settings).login_token(), order, key, click.echo))
    sys.exit(0 if is_sent else 1)


@main.command(short_help="Read dead deliveries once more, after a fix.")
@click.argument("ids", nargs=-1, metavar="[ID]…")
@click.option("--source", default="", help="Only what came by this source.")
@click.option("--refused", is_flag=True, help="Verify everything in quarantine, instead of reading what is dead.")
@click.option("--dry-run", is_flag=True, help="Only say what would become of it.")
@config_option
@url_option
@click.pass_obj
def redrive(path: str | None, ids: Sequence[str], source: str, refused: bool, dry_run: bool, url: str) -> None:
    """Read dead deliveries (all, or those named) once more, after a fix: hub redrive --dry-run.

    With ids such as q17, or --refused: verify what was refused, after a secret was corrected.
    """
    settings = _load(path)
    verdict = "refused" if refused else "dead"
    plan = redriving.Plan(ids=tuple(ids), verdict=verdict, source=source, dry_run=dry_run)
    base = url or settings.server.local_url()
    is_done = _run(redriving.redrive(base, _access(settings).login_token(), plan, click.echo))
    sys.exit(0 if is_done else 1)


@main.command()
@click.option("--hours", default=24.0, show_default=True, help="How long it is good, at most 24.")
@config_option
@click.pass_obj
def token(path: str | None, hours: float) -> None:
    """Print a token to log in with, and the dashboard's URL with it."""
    settings = _load(path)
    if not 0 < hours <= 24:
        raise BadRequest("--hours: expected more than 0 hours and at most 24")
    minted = _access(settings).login_token(round(hours * 3600))
    click.echo(f"{minted}\n{checking.public_url(settings)}/?token={minted}")


def _load(path: str | None, overrides: Mapping[str, str] = MappingProxyType({})) -> Settings:
    settings = config.load(path, {**os.environ, **overrides})
    return complete(settings, SECRETS_FILE, lambda: secrets.token_urlsafe(32))


def _run(work: Coroutine[object, object, Result]) -> Result:
    return uvloop.run(work)


def _access(settings: Settings) -> Access:
    return Access(settings.auth.api_keys, Tokens(settings.auth.token_secrets), now_ms)


def _complain(sentence: str) -> None:
    click.echo(sentence, err=True)


if __name__ == "__main__":
    main()
