from pathlib import Path

import pytest

from benchmarks.errors import DataError
from benchmarks.safe_xml import parse_xml

PATH = Path("a.xml")
BOMB = '<!DOCTYPE a [<!ENTITY b "xxxxxxxxxx"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>'
OUTSIDE = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>'


def test_plain_xml_is_read_with_and_without_a_mark_of_its_order():
    for data in ("<a><b>\u00e9</b></a>".encode(), "\ufeff<a><b>\u00e9</b></a>".encode()):
        assert parse_xml(data, PATH).findtext("b") == "\u00e9"


@pytest.mark.parametrize("text", [BOMB, OUTSIDE, '<?xml version="1.0"?>\n<!DOCTYPE a SYSTEM "a.dtd"><a/>'])
def test_a_document_type_is_refused_before_anything_expands(text):
    with pytest.raises(DataError, match=r"a\.xml: refused, it declares a document type"):
        parse_xml(text.encode(), PATH)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (BOMB.encode("utf-16"), "is not UTF-8 text"),
        (b"<a>\xff</a>", "byte 3 is not UTF-8 text"),
        (b"<a><b></a>", "broken XML"),
        (b"<a>&lol;</a>", "broken XML"),
        (b"", "broken XML"),
        (b"<a>\x00</a>", "broken XML"),
    ],
)
def test_other_text_is_one_clear_error(data, words):
    with pytest.raises(DataError, match=words):
        parse_xml(data, PATH)
