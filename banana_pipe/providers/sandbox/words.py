"""What a prompt speaks of, as far as the painter can draw it.

Unaware of how anything is drawn. It reads English words only; others give the seed all the say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

from banana_pipe.providers.sandbox.palette import Colour

T = TypeVar("T")

COLOURS: Mapping[str, Colour] = {
    "red": Colour(0.60, 0.18, 25),
    "crimson": Colour(0.53, 0.18, 18),
    "terracotta": Colour(0.63, 0.115, 42),
    "orange": Colour(0.74, 0.15, 58),
    "amber": Colour(0.80, 0.14, 76),
    "gold": Colour(0.81, 0.125, 86),
    "golden": Colour(0.81, 0.125, 86),
    "yellow": Colour(0.87, 0.15, 98),
    "beige": Colour(0.86, 0.04, 80),
    "ivory": Colour(0.93, 0.035, 92),
    "cream": Colour(0.93, 0.04, 88),
    "white": Colour(0.95, 0.008, 90),
    "olive": Colour(0.60, 0.09, 115),
    "lime": Colour(0.84, 0.17, 126),
    "green": Colour(0.62, 0.13, 148),
    "sage": Colour(0.74, 0.05, 145),
    "mint": Colour(0.87, 0.07, 168),
    "teal": Colour(0.57, 0.09, 195),
    "turquoise": Colour(0.74, 0.11, 190),
    "cyan": Colour(0.80, 0.11, 205),
    "blue": Colour(0.58, 0.14, 255),
    "cobalt": Colour(0.50, 0.16, 262),
    "navy": Colour(0.38, 0.09, 264),
    "indigo": Colour(0.46, 0.14, 278),
    "violet": Colour(0.58, 0.15, 298),
    "purple": Colour(0.52, 0.15, 308),
    "lavender": Colour(0.80, 0.07, 300),
    "magenta": Colour(0.62, 0.19, 342),
    "pink": Colour(0.80, 0.10, 357),
    "rose": Colour(0.72, 0.12, 10),
    "brown": Colour(0.47, 0.065, 55),
    "oak": Colour(0.68, 0.085, 66),
    "walnut": Colour(0.45, 0.06, 52),
    "marble": Colour(0.90, 0.008, 250),
    "silver": Colour(0.82, 0.012, 250),
    "grey": Colour(0.64, 0.012, 260),
    "gray": Colour(0.64, 0.012, 260),
    "black": Colour(0.30, 0.012, 270),
}

MOODS: Mapping[str, str] = {
    **dict.fromkeys(("night", "moon", "moonlight", "midnight", "star", "starry", "dark"), "night"),
    **dict.fromkeys(("dusk", "sunset", "evening", "twilight"), "dusk"),
    **dict.fromkeys(("dawn", "sunrise", "morning"), "dawn"),
    **dict.fromkeys(("fog", "foggy", "mist", "misty", "rain", "rainy", "winter", "snow"), "mist"),
    **dict.fromkeys(("noon", "sunny", "summer", "midday"), "noon"),
    **dict.fromkeys(("autumn", "warm"), "golden"),
}

PLACES: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "studio",
            "table",
            "counter",
            "kitchen",
            "desk",
            "shelf",
            "background",
            "product",
            "room",
            "marble",
            "ceramic",
        ),
        "table",
    ),
    **dict.fromkeys(("sea", "ocean", "beach", "lake", "harbour", "harbor", "island", "water", "boat", "ship"), "sea"),
    **dict.fromkeys(("mountain", "peak", "alps", "glacier", "summit", "cliff"), "peaks"),
    **dict.fromkeys(("desert", "dune", "sand", "sahara", "mars"), "dunes"),
    **dict.fromkeys(("forest", "wood", "woods", "pine", "jungle", "taiga"), "forest"),
    **dict.fromkeys(("city", "street", "town", "skyline", "tokyo", "roof", "market"), "city"),
    **dict.fromkeys(("hill", "meadow", "field", "valley", "garden", "park"), "hills"),
}

SUBJECTS: Mapping[str, str] = {
    **dict.fromkeys(("cat", "kitten", "siamese"), "cat"),
    **dict.fromkeys(("mug", "cup", "coffee", "tea", "teacup"), "mug"),
    **dict.fromkeys(("vase", "flower", "bouquet", "pottery", "plant"), "vase"),
    **dict.fromkeys(("bottle", "perfume", "wine", "serum", "lotion", "oil"), "bottle"),
    **dict.fromkeys(("balloon", "airship"), "balloon"),
    **dict.fromkeys(("boat", "ship", "sail", "sailboat"), "boat"),
    **dict.fromkeys(("house", "cabin", "hut", "cottage", "home", "barn"), "house"),
    **dict.fromkeys(("tree", "bonsai"), "tree"),
    **dict.fromkeys(("lantern", "lamp", "lighthouse", "candle"), "lantern"),
    **dict.fromkeys(("banana", "fruit"), "banana"),
    **dict.fromkeys(("shirt", "tee", "jacket", "sweater", "hoodie"), "shirt"),
    **dict.fromkeys(("rocket", "spaceship", "spacecraft"), "rocket"),
    **dict.fromkeys(
        ("man", "woman", "girl", "boy", "hero", "heroine", "knight", "wizard", "character", "person", "explorer"),
        "figure",
    ),
}

TOUCHES: Mapping[str, str] = {
    **dict.fromkeys(("bird", "gull", "swallow", "crow"), "birds"),
    **dict.fromkeys(("night", "star", "starry", "midnight", "moon", "magic"), "stars"),
    **dict.fromkeys(("snow", "winter", "frost", "ice"), "snow"),
    **dict.fromkeys(("rain", "rainy", "storm", "wet"), "rain"),
    **dict.fromkeys(("sun", "sunlight", "light", "ray", "sunny", "bright", "glow", "sunrise", "sunset"), "rays"),
    **dict.fromkeys(("petal", "blossom", "flower", "spring", "autumn", "leaf", "leave", "confetti"), "petals"),
    **dict.fromkeys(("steam", "smoke", "coffee", "hot", "fog", "mist"), "steam"),
    **dict.fromkeys(("lantern", "balloon", "party", "festival"), "lanterns"),
}


def words_of(prompt: str) -> list[str]:
    """The prompt's words in lower case, each also without a plural's ending."""
    found: list[str] = []
    for word in re.findall(r"[a-z]+", prompt.lower()):
        found.append(word)
        if word.endswith("s"):
            found.append(word[:-1])
    return found


def first_of(words: list[str], vocabulary: Mapping[str, T]) -> T | None:
    """What the first known word stands for."""
    return next((vocabulary[word] for word in words if word in vocabulary), None)
