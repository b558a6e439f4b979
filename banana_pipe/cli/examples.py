"""An example for `--help` of every command whose own text has none, to be copied and changed.

Unaware of what the commands do. A test holds each to be a command line that the program takes.
"""

from __future__ import annotations

from collections.abc import Mapping

import click

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "": (
        "banana-pipe init shop",
        "banana-pipe plan shop/pictures.yaml",
        "banana-pipe run shop/pictures.yaml",
    ),
    "init": ("banana-pipe init shop",),
    "plan": (
        "banana-pipe plan shop.yaml",
        "banana-pipe plan shop.yaml --select 'scene[color=teal]+' --profile draft",
    ),
    "validate": ("banana-pipe validate shop.yaml", "banana-pipe validate recipes/*.yaml"),
    "render": ("banana-pipe render shop.yaml 'scene[color=teal]'",),
    "explain": ("banana-pipe explain shop.yaml 'scene[color=teal]'",),
    "graph": ("banana-pipe graph shop.yaml --format dot | dot -Tsvg > shop.svg",),
    "pick": ("banana-pipe pick shop.yaml hero 3",),
    "reroll": ("banana-pipe reroll shop.yaml 'scene[color=teal]' --max-cost 0.20",),
    "lock": ("banana-pipe lock check shop.yaml",),
    "ledger": ("banana-pipe ledger show --open",),
    "ledger show": ("banana-pipe ledger show --open",),
    "ledger reconcile": ("banana-pipe ledger reconcile shop.yaml",),
    "cache": ("banana-pipe cache stats",),
    "cache stats": ("banana-pipe cache stats",),
    "cache ls": ("banana-pipe cache ls hero",),
    "cache gc": ("banana-pipe cache gc", "banana-pipe cache gc --paid --yes"),
    "cache verify": ("banana-pipe cache verify --repair",),
    "cache export": ("banana-pipe cache export bought.zip shop.yaml",),
    "cache import": ("banana-pipe cache import bought.zip",),
    "doctor": ("banana-pipe doctor", "banana-pipe doctor shop.yaml --offline"),
    "providers": ("banana-pipe providers",),
    "serve": ("banana-pipe serve --port 0 --seconds 0.5",),
    "studio": ("banana-pipe studio shop.yaml",),
    "completion": (
        'eval "$(banana-pipe completion bash)"    in ~/.bashrc',
        'eval "$(banana-pipe completion zsh)"     in ~/.zshrc',
        "banana-pipe completion fish | source     in ~/.config/fish/config.fish",
    ),
}


def with_examples(command: click.Command, path: str) -> click.Command:
    """*command* with its examples below its options, and so those within it."""
    if path in EXAMPLES and not command.epilog:
        command.epilog = "\n  ".join(("\b\nFor example:", *EXAMPLES[path]))
    if isinstance(command, click.Group) and path:
        for name, one in command.commands.items():
            with_examples(one, f"{path} {name}")
    return command
