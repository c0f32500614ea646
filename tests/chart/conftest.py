"""A patient, a locked chain, and files as they come from phones and scanners."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pydicom
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from jieli.chart import actions
from jieli.chart.models import Patient
from jieli.directory.models import Organisation, Practitioner
from jieli.record.models import Chain

NOW = datetime(2026, 11, 21, 5, 30, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture(autouse=True)
def files(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "files"
    return settings.MEDIA_ROOT


def left_over(files: Path) -> list[Path]:
    return [path for path in files.rglob("*") if path.is_file()] if files.exists() else []


@pytest.fixture
def hospital(db: None) -> Organisation:
    return Organisation.objects.create(code="kashgar2", name="喀什绿洲医院", tier="city")


@pytest.fixture
def doctor(db: None) -> Practitioner:
    return Practitioner.objects.create(number="1", name="迪丽拜尔")


@pytest.fixture
def patient(hospital: Organisation) -> Patient:
    return actions.register_patient(
        name="未知新生儿（古丽之子）",
        organisation=hospital,
        unknown=True,
        age_text="10 小时",
        identifiers=[("hospital_number", "H-2026 1121")],
    )


@pytest.fixture
def chain(db: None) -> Chain:
    return Chain.objects.create()


@pytest.fixture
def case_key() -> UUID:
    return uuid4()


# ── files ────────────────────────────────────────────────────────────────────


def upload(content: bytes, name: str = "a.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def photo(
    size: tuple[int, int] = (640, 480), kind: str = "JPEG", mode: str = "RGB", **more: Any
) -> bytes:
    """Noisy, like a real one: it does not shrink to nothing."""
    noise = np.random.default_rng(1).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).convert(mode).save(out, kind, **more)
    return out.getvalue()


def photo_with_exif(size: tuple[int, int] = (400, 200)) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # held upright: turn by a quarter
    exif[0x010F] = "PhoneMaker"
    exif.get_ifd(0x8825)[2] = (39.0, 28.0, 0.0)  # where it was taken
    return photo(size, exif=exif)


MakeDicom = Callable[..., bytes]


def dicom(pixels: Any, syntax: str = ExplicitVRLittleEndian, **tags: Any) -> bytes:
    """A small file as scanners write it, with `tags` on top."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = syntax
    data = FileDataset("", Dataset(), file_meta=meta, preamble=b"\0" * 128)
    data.SpecificCharacterSet = "ISO_IR 192"
    data.PatientName, data.Modality = "古丽^之子", "CR"
    data.SOPClassUID, data.SOPInstanceUID = (
        meta.MediaStorageSOPClassUID,
        meta.MediaStorageSOPInstanceUID,
    )
    data.Rows, data.Columns = pixels.shape[-2:]
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = pixels.dtype.itemsize * 8
    data.HighBit, data.PixelRepresentation = data.BitsStored - 1, 0
    packed = pydicom.uid.UID(syntax).is_encapsulated
    data.PixelData = encapsulate([pixels.tobytes()]) if packed else pixels.tobytes()
    data["PixelData"].VR = "OW" if data.BitsAllocated > 8 else "OB"
    for name, value in tags.items():
        setattr(data, name, value)
    out = io.BytesIO()
    pydicom.dcmwrite(out, data, enforce_file_format=True)
    return out.getvalue()
