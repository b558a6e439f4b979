"""The keys of the recipe language: where each stands, what it is for, what it holds, and an example.

Unaware of how a value is read and of JSON Schema. What may be said is made of this table: the checks
in `entries` take the names from here, and `jsonschema` everything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from banana_pipe.model import Json


@dataclass(frozen=True, slots=True)
class Key:
    """A key. `form` names what it holds: one of the definitions in `jsonschema`."""

    name: str
    form: str
    about: str
    example: Json


def names(keys: Iterable[Key]) -> tuple[str, ...]:
    """The names of *keys*, in their order."""
    return tuple(key.name for key in keys)


_MODEL = Key(
    "model",
    "text",
    "The model that makes the picture; `nano-banana` where nobody says. Unknown ones are sent with a warning.",
    "nano-banana-pro",
)
_RATIO = Key("aspect_ratio", "ratio", "Width to height of the picture; sent only if set.", "16:9")
_RESOLUTION = Key("resolution", "text", "The size of the picture, as the model calls it; sent only if set.", "2K")
_PROVIDER = Key("provider", "provider", "Who makes the picture: `acedata`, for money, or `sandbox`, free.", "sandbox")
_SAMPLES = Key("samples", "samples", "How many takes to make; each is a request of its own.", 4)
_EXTRA = Key(
    "extra",
    "extra",
    "More fields for the API, as a mapping; those that have a key of their own are refused. The price is then unknown.",
    {"seed": 7},
)
_TIMEOUT = Key(
    "timeout", "seconds", "Seconds for the whole call, 600 where nobody says; the next run takes up what is late.", 300
)
_VARS = Key(
    "vars",
    "variables",
    "Variables, of any type: what templates call by name, and what `--set` and `--vars` may change.",
    {"product": "a ceramic mug", "colors": {"ivory": "ivory white", "teal": "deep teal"}},
)

DEFAULTS = (
    _MODEL,
    Key("aspect_ratio", "ratio", "Width to height, for steps with `generate`; an edit keeps its picture's.", "4:3"),
    _RESOLUTION,
    _PROVIDER,
    _SAMPLES,
)
"""`extra` and `timeout` have their place at the top of the recipe, beside `defaults`."""

PROFILE = (*DEFAULTS, _EXTRA, _TIMEOUT, _VARS)

TOP = (
    Key("version", "version", "The version of the language: 1.", 1),
    Key("name", "name", "Names the output folder; without it the file's name does.", "storefront"),
    Key("extends", "file", "A recipe that this one adds to: one parent, from this file's folder.", "base.yaml"),
    _VARS,
    Key(
        "data",
        "tables",
        "Tables from files (csv, json, jsonl, yaml), by the name that templates use.",
        {"shops": "shops.csv"},
    ),
    Key("inputs", "inputs", "What whoever uses this recipe gives to it; its steps read them like steps.", ["photo"]),
    Key(
        "defaults",
        "defaults",
        "What steps have unless they say otherwise.",
        {"model": "nano-banana-pro", "resolution": "2K"},
    ),
    Key(
        "profiles",
        "profiles",
        "Settings and variables that win over those of the steps, by the name that `--profile` takes.",
        {"draft": {"model": "nano-banana", "resolution": "1K", "samples": 1}},
    ),
    _EXTRA,
    _TIMEOUT,
    Key("steps", "steps", "The steps, by name.", {"base": {"generate": "Studio photo of {{ product }}"}}),
)

EXPECT = (
    Key("min_width", "expected_count", "At least so many pixels wide.", 1024),
    Key("min_height", "expected_count", "At least so many pixels high.", 1024),
    Key("aspect_ratio", "expected_ratio", "Width to height, within 3 %.", "16:9"),
    Key("format", "expected_format", "The format of the file: `png`, `jpeg` or `webp`.", "png"),
    Key("alpha", "expected_flag", "Whether some pixel is transparent (`true`), or none is (`false`).", True),
    Key("max_bytes", "expected_count", "At most so many bytes.", 2_000_000),
)

STEP = (
    Key(
        "generate",
        "prompt",
        "The prompt of a new picture, a template; it may read pictures too, as references.",
        "Studio photo of {{ product }} on a seamless white background",
    ),
    Key(
        "edit",
        "prompt",
        "The prompt of a change to the pictures in `images`, a template.",
        "Change the glaze to deep teal. Keep everything else.",
    ),
    Key(
        "transform",
        "ops",
        "What is done here to the pictures in `images`, free and always the same: a list of ops, in their order.",
        [{"resize": {"width": 320}}, {"convert": "webp"}],
    ),
    Key("use", "file", "A recipe's file: its steps become this one's, as `banner/hero`.", "banner.yaml"),
    Key(
        "with",
        "given",
        "What the inputs of the used recipe are, as references, and values for its variables.",
        {"photo": "base"},
    ),
    Key(
        "images",
        "references",
        "What is read: a step, a file, a pattern or an address, or a list of them; their order counts.",
        ["base", "photos/mug.png"],
    ),
    _MODEL,
    _RATIO,
    _RESOLUTION,
    _PROVIDER,
    _EXTRA,
    _TIMEOUT,
    Key(
        "matrix",
        "axes",
        "Axes: the step is made once for every combination of their values.",
        {"color": ["ivory", "teal"], "setting": {"oak": "an oak table"}},
    ),
    Key("each", "reference", "A step: this one is made once for each of its instances, and reads it.", "base"),
    Key(
        "chain",
        "chain",
        "One axis whose instances are links: each reads the one before it, as `previous`; `{{ index }}` counts them.",
        {"beat": ["is filled with coffee", "steams", "stands empty"]},
    ),
    Key("start", "references", "What `previous` means in the first link of a chain: a reference or a list.", "base"),
    Key(
        "when",
        "condition",
        "A condition over variables and axes; where it is false the instance does not exist.",
        "product != 'a bowl'",
    ),
    _SAMPLES,
    Key(
        "pick",
        "pick",
        "Which take flows on; `ask`: what reads it waits until somebody has picked. The lock file's pick wins.",
        2,
    ),
    Key(
        "expect",
        "expect",
        "What its pictures must be; judged anew each time, free. The first take that passes flows on.",
        {"min_width": 1024, "format": "png"},
    ),
    Key(
        "output",
        "output",
        "Where it lands, as a template without suffix; `false`: nowhere.",
        "mugs/{{ product }}",
    ),
)

PROMPT_TEST = (
    Key(
        "node",
        "text",
        "Whose prompts: a node, or a part of its name that means several; without it, those of the whole recipe.",
        "glaze[color=teal]",
    ),
    Key(
        "contains",
        "texts",
        "What the prompt must say: a text, or a list of them; whatever its case.",
        ["deep teal", "mug"],
    ),
    Key("lacks", "texts", "What the prompt must not say: a text, or a list of them; whatever its case.", "logo"),
    Key("min_length", "length", "At least so many characters.", 40),
    Key("max_length", "length", "At most so many characters.", 800),
)

TEST_FILE = (
    Key("version", "version", "The version of the language: 1.", 1),
    Key(
        "prompts",
        "prompt_tests",
        "What prompts must say and must not, as they would be sent.",
        [{"node": "glaze[color=teal]", "contains": "deep teal", "lacks": "logo", "max_length": 800}],
    ),
    Key(
        "double_spaces",
        "flag",
        "`true`: two spaces in a row are meant. Else they fail, as a variable with nothing in it leaves them.",
        True,
    ),
)
"""Of a recipe's test file, `shop.test.yaml`, which `validate --prompts` reads."""
