"""Pictures made anew: no metadata, upright, in three sizes. Never trusts what it opens."""

import io
import struct
import threading
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from jieli.rules import uploads
from jieli.rules.refusal import Refused

_FORMATS = {
    "jpeg": ("JPEG", "MPO"),
    "png": ("PNG",),
    "webp": ("WEBP",),
    "heic": ("HEIF",),
}
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    ArithmeticError,
    struct.error,
    zlib.error,
)
# A large picture takes some 200 MB while it is open: two at once, the others wait.
DECODING = threading.BoundedSemaphore(2)


def open_photo(path: Path, kind: str) -> Image.Image:
    """The decoded picture, upright, RGB, or a refusal."""
    try:
        with Image.open(path, formats=_openable(kind)) as picture:
            uploads.check_pixels(*picture.size)
            return flat(ImageOps.exif_transpose(picture))
    except Image.DecompressionBombError:
        raise Refused(
            "The picture has too many points to open safely. Send a smaller one."
        ) from None
    except _BROKEN:
        raise Refused("The picture is damaged or incomplete. Take or send it again.") from None


def _openable(kind: str) -> tuple[str, ...]:
    Image.init()
    if kind == "heic" and "HEIF" not in Image.OPEN:
        raise Refused(
            "The phone's HEIC format cannot be opened here. Set the camera to JPEG (“most "
            "compatible”), or send a screenshot."
        )
    return tuple(name for name in _FORMATS[kind] if name in Image.OPEN)


def flat(picture: Image.Image) -> Image.Image:
    """RGB or grey, 8 bits, on white where it was transparent."""
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        values = np.asarray(picture, dtype=np.float32)
        low, high = float(values.min()), float(values.max())
        return Image.fromarray(((values - low) / ((high - low) or 1) * 255).astype(np.uint8))
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        clear = picture.convert("RGBA")
        ground = Image.new("RGBA", clear.size, "white")
        ground.alpha_composite(clear)
        return ground.convert("RGB")
    return picture if picture.mode in ("L", "RGB") else picture.convert("RGB")


def jpeg(picture: Image.Image, *, edge: int | None = None, quality: int = 88) -> bytes:
    """As JPEG with nothing but the picture in it."""
    shown = picture.copy()
    if edge:
        shown.thumbnail((edge, edge), Image.Resampling.LANCZOS)
    shown.info.clear()
    out = io.BytesIO()
    shown.save(out, "JPEG", quality=quality, optimize=True, progressive=True)
    return out.getvalue()


def thumbnail(picture: Image.Image) -> bytes:
    """At most 10 KB, so that a case's first page stays small."""
    small = picture.copy()
    small.thumbnail((uploads.THUMB_EDGE, uploads.THUMB_EDGE), Image.Resampling.LANCZOS)
    made = b""
    for edge, quality in ((240, 72), (240, 50), (200, 45), (160, 40), (120, 30), (64, 20)):
        made = jpeg(small, edge=edge, quality=quality)
        if len(made) <= uploads.THUMB_BYTES:
            break
    return made
