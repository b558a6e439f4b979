"""`serve`: the sandbox as a real HTTP server, for any client.

Unaware of how it is served, and of who calls it.
"""

from __future__ import annotations

import math
from typing import Any

import click

from banana_pipe.cli.config import BASE_URL_NAME, TOKEN_NAMES
from banana_pipe.cli.errors import EXIT_INTERRUPTED, print_json_line
from banana_pipe.cli.options import json_option
from banana_pipe.cli.signals import Interrupts
from banana_pipe.cli.terminal import err, out
from banana_pipe.clock import SystemClock

PORT = 8720
SECONDS = 2.0
_ANY_TOKEN = "sandbox"  # noqa: S105 - the sandbox takes any


def _finite(_context: click.Context, _option: click.Parameter, value: float) -> float:
    if math.isnan(value):
        raise click.BadParameter("a number of seconds is wanted, for example 2.5")
    return value


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=PORT, metavar="N", help=f"The port ({PORT}); 0: any free one."
)
@click.option(
    "--seconds",
    type=click.FloatRange(0, 86_400),
    default=SECONDS,
    callback=_finite,
    metavar="N",
    help=f"How long an asynchronous call takes ({SECONDS:g}).",
)
@json_option
def serve(port: int, seconds: float, *, as_json: bool, **_: Any) -> int:
    """Serve the sandbox on a port of this machine, for any client of the vendor's API; free, offline.

    It draws placeholders, answers as the vendor does, calls back where a client asks for it, remembers its tasks
    until it ends (Ctrl-C), and can be reached from this machine alone.
    """
    from banana_pipe.serving import Server

    server = Server(port, seconds, SystemClock(), tell=_tell, on_bug=_tell_bug)
    with Interrupts(server.stop, lambda: None):
        if as_json:
            print_json_line(
                out(), {"base_url": server.base_url, "port": server.port, "environment": _environment(server)}
            )
        else:
            _show(server.base_url, seconds, _environment(server))
        server.run()
    if not as_json:
        err().say("\nstopped")
    return EXIT_INTERRUPTED


def _environment(server: Any) -> dict[str, str]:
    return {BASE_URL_NAME: server.base_url, TOKEN_NAMES[0]: _ANY_TOKEN}


def _show(base_url: str, seconds: float, environment: dict[str, str]) -> None:
    paper = out()
    paper.say(f"{paper.styled('sandbox', 'bold cyan')}  {paper.styled(base_url, 'bold')}")
    paper.say(
        paper.styled(f"  placeholders, free, offline; an asynchronous call takes {seconds:g} s; Ctrl-C ends it", "dim")
    )
    for name, value in environment.items():
        paper.say(f"export {name}={value}")


def _tell(line: str) -> None:
    paper = err()
    paper.say(paper.styled(line, "yellow"))


def _tell_bug(bug: Exception) -> None:
    from banana_pipe.cli.bugs import tell_bug

    tell_bug(err(), bug)
