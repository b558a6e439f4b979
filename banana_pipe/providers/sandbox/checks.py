"""What the API accepts, and what it says to all else.

Unaware of HTTP messages, of tasks and of painting.

Rules and codes are those of the vendor's API page and error list. Fields that are not documented
pass, as they do there: they may be tomorrow's.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Literal

from PIL import Image, ImageOps

from banana_pipe.canonical import Digest, canonical_json, digest_of
from banana_pipe.model import Action, Json
from banana_pipe.providers.sandbox.pixels import RATIOS, RESOLUTIONS
from banana_pipe.providers.sandbox.sheet import InputPicture, Sheet
from banana_pipe.providers.wire import wire_digest

MODELS = ("nano-banana", "nano-banana-2-lite", "nano-banana-2", "nano-banana-pro")
MAX_COUNT = 4
MAX_PICTURE_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 64_000_000
# What Pillow's decoders raise, according to where the bytes make them trip.
UNREADABLE = (
    OSError, ValueError, SyntaxError, TypeError, LookupError, ArithmeticError, EOFError, AttributeError, struct.error,
    zlib.error, Image.DecompressionBombError, Image.DecompressionBombWarning,
)  # fmt: skip
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")

BACKGROUND_SIDE = 1280
THUMBNAIL_SIDE = 384
SCENE_BOX = "banana-pipe-scene"
"""The text chunk in which a painted PNG says where its scene is: `left,top,right,bottom` in pixels."""

_DATA_URI = re.compile(r"data:image/[\w.+-]+;base64,", re.IGNORECASE)


class Refused(Exception):
    """The API's no: HTTP status, vendor's code, message. `by` decides the envelope."""

    def __init__(self, status: int, code: str, message: str, *, by: Literal["gateway", "provider"]) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.by = by


def bad_request(message: str) -> Refused:
    """The gateway's 400."""
    return Refused(400, "bad_request", message, by="gateway")


@dataclass(frozen=True, slots=True)
class Order:
    """A checked request: what to paint and how often, whether the answer may come later, and its echo."""

    sheet: Sheet
    count: int
    at_once: bool
    callback: str | None
    """The URL to be told when it is finished."""
    echo: Mapping[str, Json]
    """The body as a task shows it: pictures stand as `sha256:<digest of their bytes>`."""
    wire: Digest
    """Equal for requests that ask for the same."""

    def sheets(self, take: int) -> tuple[Sheet, ...]:
        """Its pictures to paint, from *take* on."""
        return tuple(replace(self.sheet, take=take + nth) for nth in range(self.count))


def check_token(header: str | None) -> None:
    """Any bearer token will do. Raises Refused for none, and for an empty one."""
    if header is None:
        raise Refused(400, "no_token", "No token found in the header.", by="gateway")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Refused(401, "invalid_token", "The token is invalid.", by="gateway")


def check_sample(header: str | None) -> int | None:
    """The take that is asked for, from 1; None for whichever comes next. Raises Refused."""
    if header is None:
        return None
    if not re.fullmatch(r"[1-9][0-9]{0,8}", header):
        raise bad_request("x-banana-pipe-sample is invalid.")
    return int(header)


def check_body(body: Json) -> Order:
    """The order that *body* makes. Raises Refused with the documented code."""
    if not isinstance(body, dict):
        raise bad_request("The body must be a JSON object.")
    action = _action(body)
    prompt = _prompt(body)
    model = _one_of(body, "model", (*MODELS, *(f"{model}:official" for model in MODELS))) or MODELS[0]
    ratio = _one_of(body, "aspect_ratio", RATIOS)
    resolution = _one_of(body, "resolution", tuple(RESOLUTIONS)) or "1K"
    count = _count(body)
    later, callback = _later(body), _callback(body)
    inputs = _pictures(body, action)
    sheet = Sheet(action, model, prompt, inputs, ratio, resolution)
    echo = _echo(body, inputs)
    return Order(sheet, count, not later and callback is None, callback, echo, wire_digest(echo))


def _action(body: Mapping[str, Json]) -> Action:
    if "action" not in body:
        raise bad_request("action is required.")
    if body["action"] == "generate":
        return "generate"
    if body["action"] == "edit":
        return "edit"
    raise bad_request("action is invalid.")


def _prompt(body: Mapping[str, Json]) -> str:
    prompt = body.get("prompt")
    if prompt is None or prompt == "":
        raise bad_request("prompt is required.")
    if not isinstance(prompt, str):
        raise bad_request("prompt is invalid.")
    return prompt


def _one_of(body: Mapping[str, Json], field: str, allowed: tuple[str, ...]) -> str | None:
    if field not in body:
        return None
    value = body[field]
    if not isinstance(value, str) or value not in allowed:
        raise bad_request(f"{field} is invalid.")
    return value


def _count(body: Mapping[str, Json]) -> int:
    count = body.get("count", 1)
    if type(count) is not int or not 1 <= count <= MAX_COUNT:
        raise bad_request("count is invalid.")
    return count


def _later(body: Mapping[str, Json]) -> bool:
    later = body.get("async", False)
    if not isinstance(later, bool):
        raise bad_request("async is invalid.")
    return later


def _callback(body: Mapping[str, Json]) -> str | None:
    if "callback_url" not in body:
        return None
    url = body["callback_url"]
    if not isinstance(url, str):
        raise bad_request("callback_url is invalid.")
    return url


def _pictures(body: Mapping[str, Json], action: Action) -> tuple[InputPicture, ...]:
    urls = body.get("image_urls", [])
    if not isinstance(urls, list):
        raise bad_request("image_urls is invalid.")
    if action == "edit" and not urls:
        raise bad_request("image_urls is required.")
    return tuple(_picture(url, nth) for nth, url in enumerate(urls))


def _picture(url: Json, nth: int) -> InputPicture:
    where = f"image_urls[{nth}]"
    if not isinstance(url, str):
        raise bad_request(f"{where} is invalid.")
    if url.lower().startswith(("http://", "https://")):
        raise bad_request(f"{where} is a link, and the sandbox has no network: send the picture as a data URI.")
    data = _data_uri_bytes(url, where)
    if len(data) > MAX_PICTURE_BYTES:
        raise Refused(413, "request_too_large", f"{where} is larger than 10 MB.", by="gateway")
    try:
        return _kept(data, BACKGROUND_SIDE if nth == 0 else THUMBNAIL_SIDE)
    except UNREADABLE:
        raise bad_request(f"{where} is not a picture that can be read.") from None


def _data_uri_bytes(url: str, where: str) -> bytes:
    head = _DATA_URI.match(url)
    if head is None:
        raise bad_request(f"{where} is invalid.")
    try:
        return base64.b64decode(url[head.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise bad_request(f"{where} is invalid: its base64 cannot be read.") from None


def _kept(data: bytes, side: int) -> InputPicture:
    with Image.open(BytesIO(data), formats=FORMATS) as opened:
        if opened.width * opened.height > MAX_PIXELS:
            raise ValueError("too many pixels")
        box = _scene_box(opened)
        upright = ImageOps.exif_transpose(opened)
        small = upright.crop(box) if box else upright
        small.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
        return InputPicture(digest_of(data), upright.width, upright.height, _jpeg(small))


def _scene_box(picture: Image.Image) -> tuple[int, int, int, int] | None:
    said = picture.info.get(SCENE_BOX)
    if not isinstance(said, str) or not re.fullmatch(r"\d{1,5}(,\d{1,5}){3}", said):
        return None
    left, top, right, bottom = (int(number) for number in said.split(","))
    inside = left < right <= picture.width and top < bottom <= picture.height
    return (left, top, right, bottom) if inside else None


def _jpeg(picture: Image.Image) -> bytes:
    clear = picture.convert("RGBA")
    flat = Image.new("RGB", clear.size, "white")
    flat.paste(clear, mask=clear.getchannel("A"))
    packed = BytesIO()
    flat.save(packed, "JPEG", quality=90, subsampling=0)
    return packed.getvalue()


def _echo(body: Mapping[str, Json], inputs: tuple[InputPicture, ...]) -> Mapping[str, Json]:
    echo = dict(body)
    if "image_urls" in body:
        echo["image_urls"] = [f"sha256:{picture.digest}" for picture in inputs]
    try:
        canonical_json(echo)
    except (ValueError, RecursionError):
        # NaN, or half of a surrogate pair: no answer could carry it back.
        raise bad_request("The body holds something that JSON in UTF-8 cannot tell.") from None
    return echo
