"""Reads XML that other people wrote: no document type, so no entity can expand or reach for another file."""

from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, fromstring

from benchmarks.errors import DataError


def parse_xml(data: bytes, path: Path) -> Element:
    """Parse an XML file in UTF-8.

    Args:
        data: its bytes.
        path: for the error text only.

    Raises:
        DataError: text that is not UTF-8, a document type or entity, broken XML.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {error.start} is not UTF-8 text; fetch the file again") from None
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise DataError(f"{path}: refused, it declares a document type; fetch the file from its publisher")
    try:
        return fromstring(text)
    except (ParseError, ValueError) as error:
        raise DataError(f"{path}: broken XML ({error}); fetch the file again") from None
