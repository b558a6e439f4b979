"""Bytes become pixels and pixels bytes; what ops have in common.

Unaware of ops and their parameters.

The same pixels give the same bytes: no metadata goes in, no time, no profile. Pillow is imported
where the first picture is decoded: a run with nothing to do decodes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

from banana_pipe.images import FORMATS, MAX_PIXELS, NotAPicture, refuse_dear_avif, sniff
from banana_pipe.transforms.kinds import GRAVITIES, rgba
from banana_pipe.transforms.tables import as_table

if TYPE_CHECKING:
    from PIL.Image import Image

_DEEP = ("I", "I;16", "I;16B", "I;16L", "I;16N")
_AVIF: Mapping[str, Any] = {"speed": 6, "subsampling": "4:2:0", "max_threads": 1, "autotiling": False}
"""One thread: the same bytes on every machine, and other pictures are encoded meanwhile."""
_MAX_SIDES: Mapping[str, int] = {"image/webp": 16_383, "image/jpeg": 65_500, "image/avif": 16_384}
"""What the formats themselves can hold."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a picture is written: `quality` for JPEG and WebP, `background` behind what a JPEG cannot show."""

    mime: str = "image/png"
    quality: int = 0
    background: str = "#ffffff"
    indexed: bool = False
    """Of a PNG: a table of its colours, where there are no more than fit into one."""


@dataclass(frozen=True, slots=True)
class Beside:
    """A file that an op makes beside the picture; its name is the picture's, and `suffix` (`-32.png`)."""

    suffix: str
    mime: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Frame:
    """A decoded picture (mode RGB or RGBA), and how it is to be written: lossless unless somebody says so."""

    image: Image
    encoding: Encoding = Encoding()
    beside: tuple[Beside, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        width, height = self.image.size
        return width, height

    def showing(self, image: Image) -> Frame:
        """*image* in the place of this one, written alike."""
        return replace(self, image=image)


def decode(data: bytes) -> Frame:
    """The picture in *data*: upright, in sRGB, eight bits a channel. Raises NotAPicture."""
    import PIL.Image

    mime = sniff(data)
    if mime is None:
        raise NotAPicture("this is no PNG, JPEG, WebP or AVIF picture")
    if mime == "image/avif":
        refuse_dear_avif(data)
    try:
        with PIL.Image.open(BytesIO(data), formats=(FORMATS[mime],)) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise NotAPicture(f"this picture has {width} × {height} pixels: too many")
            _refuse_moving(image, mime)
            plain = _plain(_upright(image))
    except NotAPicture:
        raise
    except Exception as error:  # on broken bytes Pillow raises nearly anything
        raise NotAPicture(f"this {FORMATS[mime]} picture does not decode: {error}") from error
    # Whatever is left here (profiles, comments) would be written again.
    plain.info = {}
    return Frame(plain)


def encode(frame: Frame) -> bytes:
    """The picture as bytes. Raises NotAPicture where the format cannot hold it."""
    image, encoding = _without_idle_alpha(frame.image), frame.encoding
    most = _MAX_SIDES.get(encoding.mime)
    if most is not None and max(image.size) > most:
        kind = FORMATS[encoding.mime]
        raise NotAPicture(
            f"a {kind} has at most {most} pixels a side, and this picture {max(image.size)}", hint="`resize` it before"
        )
    try:
        return _written(image, encoding)
    except (OSError, ValueError, KeyError) as error:
        raise NotAPicture(f"it cannot be written as {FORMATS[encoding.mime]}: {error}") from error


def _written(image: Image, encoding: Encoding) -> bytes:
    out = BytesIO()
    if encoding.mime == "image/jpeg":
        flat = flattened(image, encoding.background)
        flat.save(out, format="JPEG", quality=encoding.quality, optimize=True)
    elif encoding.mime == "image/webp":
        image.save(out, format="WEBP", quality=encoding.quality, method=4)
    elif encoding.mime == "image/avif":
        image.save(out, format="AVIF", quality=encoding.quality, **_AVIF)
    else:
        table = as_table(image) if encoding.indexed else None
        (table or image).save(out, format="PNG", compress_level=6)
    return out.getvalue()


def _without_idle_alpha(image: Image) -> Image:
    """The picture without its alpha, where that lets nothing through."""
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        return image.convert("RGB")
    return image


def flattened(image: Image, colour: str) -> Image:
    """The picture without alpha, on *colour*."""
    if image.mode == "RGB":
        return image
    ground = canvas(image.size, colour[:7])
    ground.paste(image, (0, 0), image)
    return ground


def canvas(size: tuple[int, int], colour: str) -> Image:
    """An empty picture; with alpha where *colour* lets something through."""
    import PIL.Image

    red, green, blue, alpha = rgba(colour)
    if alpha == 255:
        return PIL.Image.new("RGB", size, (red, green, blue))
    return PIL.Image.new("RGBA", size, (red, green, blue, alpha))


def laid_on(image: Image, size: tuple[int, int], place: tuple[int, int], colour: str) -> Image:
    """*image* on a ground of *size* and *colour*, its upper left corner at *place*; what juts out goes."""
    ground = canvas(size, colour)
    lay(ground, image, place)
    return ground


def lay(ground: Image, image: Image, place: tuple[int, int]) -> None:
    """Put *image* on *ground*; seen through where it is transparent."""
    if image.mode == "RGB":
        ground.paste(image, place)
        return
    if ground.mode == "RGB":
        ground.paste(image, place, image)
        return
    left, top = max(0, -place[0]), max(0, -place[1])
    if left < image.width and top < image.height and place[0] < ground.width and place[1] < ground.height:
        ground.alpha_composite(image, (max(0, place[0]), max(0, place[1])), (left, top))


def scaled(image: Image, size: tuple[int, int]) -> Image:
    """The picture in another size; what is transparent lends its colour to nothing."""
    import PIL.Image

    return image if image.size == size else image.resize(size, PIL.Image.Resampling.LANCZOS)


def placed(gravity: str, room: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """Where the upper left corner of a thing of *size* stands within *room*."""
    across, down = GRAVITIES[gravity]
    return (room[0] - size[0]) * across // 2, (room[1] - size[1]) * down // 2


def distance(image: Image, colour: str) -> Image:
    """How far each pixel is from *colour* (mode L, 0 to 255): the largest difference of a channel."""
    import PIL.ImageChops

    rgb = image.convert("RGB")
    red, green, blue = PIL.ImageChops.difference(rgb, canvas(image.size, colour[:7])).split()
    return PIL.ImageChops.lighter(PIL.ImageChops.lighter(red, green), blue)


def _refuse_moving(image: Any, mime: str) -> None:
    """Raise NotAPicture for an animation. (What a JPEG holds beside its picture are previews and depths.)"""
    frames = 1 if mime == "image/jpeg" else getattr(image, "n_frames", 1)
    if frames > 1:
        raise NotAPicture(
            f"this {FORMATS[mime]} picture moves: it has {frames} frames",
            hint="ops work on still pictures: save the frame that is meant as a file of its own",
        )


def _upright(image: Any) -> Any:
    """*image* turned as its metadata say; those that cannot be read say nothing."""
    import PIL.ImageOps

    image.load()
    try:
        return PIL.ImageOps.exif_transpose(image)
    except Exception:  # noqa: BLE001 - on broken metadata Pillow raises nearly anything
        return image.copy()


def _plain(image: Any) -> Image:
    """*image* in mode RGB, or RGBA where something of it may be transparent."""
    if image.mode in _DEEP:
        image = _shallow(image)
    profile = image.info.get("icc_profile")
    if not image.has_transparency_data:
        return _in_srgb(image if image.mode in ("L", "CMYK") else image.convert("RGB"), profile)
    # Apart, since profiles are of colours only, and what is made with them keeps no transparent colour.
    whole = image.convert("RGBA")
    plain = _in_srgb(image.convert("L") if image.mode in ("L", "LA") else whole.convert("RGB"), profile)
    plain.putalpha(whole.getchannel("A"))
    return plain


def _shallow(image: Any) -> Any:
    """*image* with eight instead of sixteen bits; Pillow itself would cut them off at 255."""
    import PIL.Image

    deep = image.convert("I")
    shallow = deep.point([(value + 128) // 257 for value in range(65_536)], "L")
    clear = image.info.get("transparency")
    if clear is not None:
        alpha = deep.point([0 if value == clear else 255 for value in range(65_536)], "L")
        shallow = PIL.Image.merge("LA", (shallow, alpha))
    shallow.info = {name: value for name, value in image.info.items() if name != "transparency"}
    return shallow


def _in_srgb(image: Any, profile: bytes | None) -> Image:
    """*image* in mode RGB and in sRGB, if *profile* says that it is not; the profile itself is not kept."""
    if profile:
        import PIL.ImageCms

        try:
            own = PIL.ImageCms.ImageCmsProfile(BytesIO(profile))
            srgb = PIL.ImageCms.createProfile("sRGB")
            image = PIL.ImageCms.profileToProfile(image, own, srgb, outputMode="RGB")
        except (PIL.ImageCms.PyCMSError, OSError, ValueError):  # a profile that cannot be read says nothing
            pass
    plain: Image = image.convert("RGB")
    return plain
