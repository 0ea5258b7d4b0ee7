"""XML elements out of texts that nobody vouches for: every text is made inert, markup is escaped by the library."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from reports.export.view import plain

__all__ = ["document", "element"]


def element(parent: ET.Element | None, name: str, text: str = "", /, **attributes: str) -> ET.Element:
    """A new element, under `parent` where there is one. Names are ours; values are anybody's."""
    made = {key.rstrip("_"): plain(value) for key, value in attributes.items()}
    one = ET.Element(name, made) if parent is None else ET.SubElement(parent, name, made)
    if text:
        one.text = plain(text)
    return one


def document(root: ET.Element) -> bytes:
    """The document in UTF-8. It declares no entities and names no schema to be fetched."""
    ET.indent(root, " ")
    body: bytes = ET.tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + body + b"\n"
