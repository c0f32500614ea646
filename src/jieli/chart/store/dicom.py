"""One picture of a DICOM file. Words burned into the picture cannot be found and stay in it."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from PIL import Image
from pydicom.filereader import read_file_meta_info
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut, pixel_array
from pydicom.uid import DeflatedExplicitVRLittleEndian

from jieli.rules import uploads

log = logging.getLogger(__name__)
# It writes values that it finds odd into its log, and they may be a patient's.
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)

_WANTED = [
    "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation",
    "BitsAllocated", "BitsStored", "PixelRepresentation", "WindowCenter", "WindowWidth",
    "VOILUTSequence", "RescaleSlope", "RescaleIntercept", "ModalityLUTSequence",
    "RedPaletteColorLookupTableDescriptor", "GreenPaletteColorLookupTableDescriptor",
    "BluePaletteColorLookupTableDescriptor", "RedPaletteColorLookupTableData",
    "GreenPaletteColorLookupTableData", "BluePaletteColorLookupTableData",
]  # fmt: skip


def picture(path: Path) -> Image.Image | None:
    """The middle frame as a grey or colour picture, or None: the file is then kept without one."""
    try:
        return _render(path)
    except Exception as fault:  # noqa: BLE001 - a hostile file may raise anything; it is only kept
        log.info("no picture of a DICOM file", extra={"kind": type(fault).__name__})
        return None


def _render(path: Path) -> Image.Image | None:
    if read_file_meta_info(path).TransferSyntaxUID == DeflatedExplicitVRLittleEndian:
        return None  # may unfold into gigabytes before a size is known
    facts = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=_WANTED)
    if "Rows" not in facts or "Columns" not in facts:
        return None
    uploads.check_pixels(int(facts.Rows), int(facts.Columns))
    if int(facts.get("SamplesPerPixel", 1)) not in (1, 3) or int(facts.BitsAllocated) > 32:
        return None
    frames = int(facts.get("NumberOfFrames", 1) or 1)
    raw = pixel_array(path, index=frames // 2)
    if str(facts.PhotometricInterpretation) == "PALETTE COLOR":
        return Image.fromarray(_eight_bits(apply_color_lut(raw, facts)))
    if raw.ndim == 3:
        return Image.fromarray(_eight_bits(raw))
    return Image.fromarray(_grey(raw, facts))


def _grey(raw: Any, facts: pydicom.Dataset) -> Any:
    values = apply_modality_lut(raw, facts).astype(np.float32)
    if window := _window(facts):
        centre, width = window
        scaled = (values - (centre - 0.5)) / max(width - 1, 1) + 0.5  # DICOM PS3.3 C.11.2.1.2
    elif "VOILUTSequence" in facts:
        scaled = _spread(apply_voi_lut(apply_modality_lut(raw, facts), facts).astype(np.float32))
    else:
        scaled = _spread(values)
    if str(facts.PhotometricInterpretation) == "MONOCHROME1":
        scaled = 1 - scaled
    return (np.clip(scaled, 0, 1) * 255).astype(np.uint8)


def _window(facts: pydicom.Dataset) -> tuple[float, float] | None:
    """The first window of the file, where it names a usable one."""
    centre, width = facts.get("WindowCenter"), facts.get("WindowWidth")
    first = [v[0] if isinstance(v, pydicom.multival.MultiValue) else v for v in (centre, width)]
    if any(v is None or v == "" for v in first):
        return None
    return (float(first[0]), float(first[1])) if float(first[1]) >= 1 else None


def _spread(values: Any) -> Any:
    low, high = (float(v) for v in np.percentile(values, (1, 99)))
    if high <= low:
        low, high = float(values.min()), float(values.max())
    return (values - low) / ((high - low) or 1.0)


def _eight_bits(colours: Any) -> Any:
    if colours.dtype == np.uint8:
        return colours
    return (np.clip(_spread(colours.astype(np.float32)), 0, 1) * 255).astype(np.uint8)
