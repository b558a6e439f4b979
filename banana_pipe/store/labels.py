"""Labels of a lock file: a node's name, and the profile that it was made under where there is one.

Unaware of blocks, nodes and recipes: texts in, texts out.

`base` is the node `base` of a run without a profile, `base@draft` the one of `--profile draft`, as the
folder of its pictures is `out/NAME@draft`. A node's name has no `@` but in the brackets of its axes, and
the name of a profile has neither `@` nor a bracket.
"""

from __future__ import annotations

_BETWEEN = "@"


def label_of(node: str, profile: str | None) -> str:
    """The label of *node* under *profile*; None: without one."""
    return node if profile is None else f"{node}{_BETWEEN}{profile}"


def parts_of(label: str) -> tuple[str, str | None]:
    """The node and the profile that *label* says."""
    node, between, profile = label.rpartition(_BETWEEN)
    return (node, profile) if between and "]" not in profile else (label, None)
