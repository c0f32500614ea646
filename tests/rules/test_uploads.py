"""A file is judged by its bytes."""

import zlib

import pytest

from jieli.rules import uploads
from jieli.rules.refusal import Refused

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\xff\xd8\xff\xe0rest", "jpeg"),
        (b"\x89PNG\r\n\x1a\nrest", "png"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "webp"),
        (b"\x00\x00\x00\x18ftypheic", "heic"),
        (PDF, "pdf"),
        (b"\x00" * 128 + b"DICM", "dicom"),
        (b"II*\x00" + b"\x00" * 124 + b"DICM", "dicom"),
    ],
)
def test_kind_from_content(head: bytes, kind: str) -> None:
    assert uploads.sniff(head) == kind


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"", "empty"),
        (b"\x7fELF\x02\x01\x01", "program"),
        (b"MZ\x90\x00", "program"),
        (b"#!/bin/sh\n", "program"),
        (b"MZ" + b"\x00" * 126 + b"DICM", "program"),  # a program that is also a DICOM file
        (b"PK\x03\x04" + b"\x00" * 124 + b"DICM", "Only photos"),
        (b"<html><script>", "Only photos"),
        (b"GIF89a", "Only photos"),
        (b"\x00\x00\x00\x18ftypmp42", "Only photos"),
    ],
)
def test_refused_by_content(head: bytes, words: str) -> None:
    with pytest.raises(Refused, match=words):
        uploads.sniff(head)


@pytest.mark.parametrize("size", [0, uploads.FILE_LIMIT, None])
def test_size_allowed(size: int | None) -> None:
    uploads.check_size(size)


def test_size_refused() -> None:
    with pytest.raises(Refused, match="50 MB"):
        uploads.check_size(uploads.FILE_LIMIT + 1)
    assert uploads.body_too_large(200_000_000)
    assert not uploads.body_too_large(uploads.FILE_LIMIT)


@pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (0, 10), (60_000_001, 1)])
def test_pixels_refused(width: int, height: int) -> None:
    with pytest.raises(Refused):
        uploads.check_pixels(width, height)


def packed(inner: bytes) -> bytes:
    head = b"%PDF-1.5\n5 0 obj<</Type/ObjStm/N 1/First 4/Filter/FlateDecode>>stream\n"
    return head + zlib.compress(inner) + b"\nendstream endobj\n%%EOF"


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (PDF + b"<</S/JavaScript/JS(app.alert(1))>>", "script"),
        (PDF + b"<</S/J#61vaScript>>", "script"),  # letters written as numbers
        (PDF + b"<</S /JS 7 0 R>>", "script"),
        (PDF + b"<</S/Launch/F(calc.exe)>>", "script"),
        (PDF + b"<</Names<</EmbeddedFiles 4 0 R>>>>", "script"),
        (PDF + b"<</Type/EmbeddedFile>>", "script"),
        (PDF + b"trailer<</Encrypt 9 0 R>>", "password"),
        (packed(b"<</S/JavaScript/JS(x)>>"), "script"),
        (packed(b" " * (uploads.INFLATE_LIMIT + 1)), "too much"),
    ],
)
def test_pdf_refused(raw: bytes, words: str) -> None:
    with pytest.raises(Refused, match=words):
        uploads.check_pdf(raw)


@pytest.mark.parametrize(
    "raw",
    [
        PDF,
        PDF + b"4 0 obj<<>>stream\n\x01/JS (\x02\nendstream",  # chance, inside a picture
        PDF + b"<</JScript 1>>",
        packed(b"<</Type/Page>>"),
    ],
)
def test_pdf_allowed(raw: bytes) -> None:
    uploads.check_pdf(raw)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("腹部平片.jpg", "腹部平片.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\片子.dcm", "片子.dcm"),
        ("..", ""),
        ("a\x00b\nc.png", "abc.png"),
        ("\u202egpj.exe", "gpj.exe"),  # would read backwards
        ("𠮷䶮·阿依努尔.jpg", "𠮷䶮·阿依努尔.jpg"),
        ("e\u0301.jpg", "é.jpg"),
        ("\U00031350.jpg", "\U00031350.jpg"),  # newer than the table of Python 3.11
        ("x" * 500, "x" * 120),
    ],
)
def test_title(name: str, title: str) -> None:
    assert uploads.title_of(name) == title
