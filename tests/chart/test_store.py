"""What uploads become on disk: safe pictures, nothing of a refused file, one name per content."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from jieli.chart.store import keep, pictures
from jieli.rules import uploads
from jieli.rules.refusal import Refused
from tests.chart.conftest import dicom, left_over, photo, photo_with_exif, upload

RAMP = np.tile(np.arange(256, dtype=np.uint16) * 16, (64, 1))  # dark left, bright right


def grey(sha256: str, size: str = "screen") -> Any:
    return np.asarray(Image.open(keep.path_of(sha256, size)).convert("L")).astype(int)


# ── photos ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("JPEG", "RGB"), ("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "RGB"), ("PNG", "RGBA"),
     ("PNG", "P"), ("PNG", "1"), ("WEBP", "RGB")],
)  # fmt: skip
def test_every_kind_of_photo_becomes_a_plain_jpeg(kind: str, mode: str) -> None:
    kept = keep.keep(upload(photo(kind=kind, mode=mode)))
    assert (kept.kind, kept.media_type, kept.has_picture) == ("photo", "image/jpeg", True)
    assert (kept.width, kept.height) == (640, 480)
    with Image.open(keep.path_of(kept.sha256)) as stored:
        assert stored.format == "JPEG"
        assert stored.size == (640, 480)
    assert keep.path_of(kept.sha256, "thumb").stat().st_size <= uploads.THUMB_BYTES


def test_sixteen_bit_grey_is_not_washed_out() -> None:
    out = io.BytesIO()
    Image.fromarray(RAMP).save(out, "PNG")
    shown = grey(keep.keep(upload(out.getvalue())).sha256)
    assert shown[:, 0].mean() < 20
    assert shown[:, -1].mean() > 235


def test_photo_stands_upright_and_names_no_place() -> None:
    kept = keep.keep(upload(photo_with_exif()))
    assert (kept.width, kept.height) == (200, 400)
    for size in keep.SIZES:
        stored = keep.path_of(kept.sha256, size).read_bytes()
        assert b"Exif" not in stored
        assert b"PhoneMaker" not in stored


def test_screen_size_is_smaller_than_a_large_photo() -> None:
    kept = keep.keep(upload(photo((2400, 1200))))
    with Image.open(keep.path_of(kept.sha256, "screen")) as screen:
        assert screen.size == (1600, 800)
    assert keep.path_of(kept.sha256, "thumb").stat().st_size <= uploads.THUMB_BYTES


def test_same_content_has_one_name(files: Path) -> None:
    content = photo()
    first, again = keep.keep(upload(content, "a.jpg")), keep.keep(upload(content, "../b.jpg"))
    assert first.sha256 == again.sha256
    assert (first.name, again.name) == ("a.jpg", "b.jpg")
    assert len(left_over(files)) == 3  # original, screen, thumb; no draft


# ── what is refused leaves nothing ───────────────────────────────────────────


def png(width: int, height: int, rows: bytes) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    packed = zlib.compress(rows)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    )


ELF = b"\x7fELF\x02\x01\x01" + b"\x00" * 4000
REFUSED = {
    "a renamed program": (ELF, "program"),
    "an empty file": (b"", "empty"),
    "a web page": (b"<html><script>alert(1)</script>", "Only photos"),
    "a bomb of 50,000 by 50,000": (png(50_000, 50_000, b"\0" * 2_000_000), "too many"),
    "a picture of 61 MP": (png(61_000, 1_000, b"\0" * 1_000), "61000 × 1000"),
    "a truncated photo": (photo()[:9000], "damaged"),
    "a photo of garbage": (b"\xff\xd8\xff\xe0" + b"garbage" * 99, "damaged"),
    "a truncated PNG": (photo(kind="PNG")[:9000], "damaged"),
    "a HEIC photo": (b"\x00\x00\x00\x18ftypheic" + b"\0" * 99, "HEIC"),
    "a PDF with a script": (b"%PDF-1.4\n<</S/JavaScript/JS(x)>>\n%%EOF", "script"),
    "a locked PDF": (b"%PDF-1.4\ntrailer<</Encrypt 9 0 R>>\n%%EOF", "password"),
    "an archive": (b"PK\x03\x04" + b"\0" * 99, "Only photos"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_with_a_sentence_and_nothing_left(what: str, files: Path) -> None:
    content, words = REFUSED[what]
    with pytest.raises(Refused, match=words):
        keep.keep(upload(content, "holiday.jpg"))
    assert left_over(files) == []


def test_a_file_that_grows_past_the_limit_while_copied(files: Path) -> None:
    class Growing:
        size = None
        name = "x.jpg"

        def chunks(self) -> Any:
            yield b"\xff\xd8\xff"
            while True:
                yield b"\0" * uploads.MEGABYTE

    with pytest.raises(Refused, match="50 MB"):
        keep.keep(Growing())  # type: ignore[arg-type]
    assert left_over(files) == []


def test_a_full_disk_leaves_no_half_file(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keep, "_sync", full)
    with pytest.raises(OSError, match="No space"):
        keep.keep(upload(photo()))
    assert left_over(files) == []


# ── PDF ──────────────────────────────────────────────────────────────────────


def test_pdf_is_kept_as_it_is() -> None:
    content = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\n%%EOF"
    kept = keep.keep(upload(content, "报告.pdf"))
    assert (kept.kind, kept.has_picture, kept.size) == ("pdf", False, len(content))
    assert keep.path_of(kept.sha256).read_bytes() == content


# ── DICOM ────────────────────────────────────────────────────────────────────


def test_dicom_is_kept_with_a_picture() -> None:
    content = dicom(RAMP, WindowCenter=2048, WindowWidth=4096)
    kept = keep.keep(upload(content, "IM0001"))
    assert (kept.kind, kept.has_picture, kept.width, kept.height) == ("dicom", True, 256, 64)
    assert keep.path_of(kept.sha256).read_bytes() == content
    shown = grey(kept.sha256)
    assert shown[:, 2].mean() < 10 < 245 < shown[:, -3].mean()
    assert b"\xe5\x8f\xa4" not in keep.path_of(kept.sha256, "screen").read_bytes()


def test_window_of_the_file_is_used() -> None:
    """Everything above a narrow window is white."""
    shown = grey(keep.keep(upload(dicom(RAMP, WindowCenter=[256, 9], WindowWidth=[512, 9]))).sha256)
    assert shown[:, 60:].min() > 240
    assert shown[:, 0].max() < 15


def test_monochrome1_is_turned_over() -> None:
    tags = {"PhotometricInterpretation": "MONOCHROME1", "WindowCenter": 2048, "WindowWidth": 4096}
    shown = grey(keep.keep(upload(dicom(RAMP, **tags))).sha256)
    assert shown[:, 2].mean() > 245 > 10 > shown[:, -3].mean()


def test_without_a_window_the_values_themselves_decide() -> None:
    narrow = (RAMP // 16 + 1000).astype(np.uint16)  # 1000 to 1255 of 65535
    shown = grey(keep.keep(upload(dicom(narrow))).sha256)
    assert shown[:, 2].mean() < 15
    assert shown[:, -3].mean() > 240


def test_signed_values_with_a_slope() -> None:
    signed = (RAMP.astype(np.int16) - 2048).astype(np.int16)
    tags = {"PixelRepresentation": 1, "RescaleSlope": 2, "RescaleIntercept": 100,
            "WindowCenter": 100, "WindowWidth": 8192}  # fmt: skip
    shown = grey(keep.keep(upload(dicom(signed, **tags))).sha256)
    assert shown[:, 2].mean() < 10 < 245 < shown[:, -3].mean()


def test_of_several_frames_the_middle_one_is_shown() -> None:
    frames = np.zeros((5, 32, 32), dtype=np.uint8)
    frames[2] = np.tile(np.arange(32, dtype=np.uint8) * 8, (32, 1))
    kept = keep.keep(upload(dicom(frames, NumberOfFrames=5)))
    assert kept.has_picture
    assert grey(kept.sha256)[:, -1].mean() > 200


def test_colour() -> None:
    red = np.zeros((16, 16, 3), dtype=np.uint8)
    red[..., 0] = 255
    content = dicom(red[..., 0], SamplesPerPixel=3, PhotometricInterpretation="RGB",
                    PlanarConfiguration=0, PixelData=red.tobytes())  # fmt: skip
    kept = keep.keep(upload(content))
    with Image.open(keep.path_of(kept.sha256, "screen")) as screen:
        r, g, b = screen.convert("RGB").getpixel((8, 8))  # type: ignore[misc]
    assert r > 200
    assert max(g, b) < 60


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(dicom(RAMP, syntax="1.2.840.10008.1.2.4.80"), id="compressed, undecodable"),
        pytest.param(dicom(RAMP, Rows=60_000, Columns=60_000), id="says it is huge"),
        pytest.param(dicom(RAMP, PixelData=b"\0\0"), id="pixels missing"),
        pytest.param(dicom(RAMP)[:600], id="truncated"),
        pytest.param(b"\0" * 128 + b"DICM" + b"\xff" * 400, id="garbage"),
    ],
)
def test_undecodable_dicom_is_kept_without_a_picture(content: bytes) -> None:
    kept = keep.keep(upload(content))
    assert (kept.kind, kept.has_picture) == ("dicom", False)
    assert keep.path_of(kept.sha256).read_bytes() == content


def test_deflated_dicom_is_not_unfolded() -> None:
    """It could become gigabytes before a size is known."""
    kept = keep.keep(upload(dicom(RAMP, syntax="1.2.840.10008.1.2.1.99")))
    assert kept.has_picture is False


def test_thumbnail_of_the_noisiest_picture_is_small() -> None:
    noise = Image.fromarray(
        np.random.default_rng(2).integers(0, 255, (900, 1200, 3), dtype=np.uint8)
    )
    assert len(pictures.thumbnail(noise)) <= uploads.THUMB_BYTES
