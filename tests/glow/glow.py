"""An op for banana-pipe: a soft light around what one sees of a picture."""

from PIL import Image, ImageFilter

from banana_pipe.ops import Colour, Frame, Param, Params, Transform, TransformFailed, Whole, each, rgba


def glowing(frame: Frame, params: Params) -> Frame:
    image = frame.image.convert("RGBA")
    alpha = image.getchannel("A")
    if alpha.getextrema() == (255, 255):
        raise TransformFailed("glow: nothing is transparent", hint="cut the picture out with `chroma_key`, or `pad` it")
    light = Image.new("RGBA", image.size, rgba(params["color"]))
    light.putalpha(alpha.filter(ImageFilter.GaussianBlur(params["radius"])))
    light.alpha_composite(image)
    return frame.showing(light)


GLOW = Transform(
    name="glow",
    version=1,  # one more whenever the same parameters give other pixels: it is part of the key
    about="A soft light around a picture that was cut out.",
    params=(
        Param("radius", Whole(1, 200), "How far it shines, in pixels.", 12, required=True),
        Param("color", Colour(), "The light's colour.", "white", default="#ffffff"),
    ),
    run=each(glowing),
)
