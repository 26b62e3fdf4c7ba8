"""Editors that change what they have to and keep every other byte; they know no step and no pack."""

from wizard.edit.properties import PropertiesDocument
from wizard.edit.shell import BatchScript, ShellScript
from wizard.edit.splice import Edit, Splice, Value, splice
from wizard.edit.xml import New, XmlDocument, XmlElement

__all__ = [
    "BatchScript",
    "Edit",
    "New",
    "PropertiesDocument",
    "ShellScript",
    "Splice",
    "Value",
    "XmlDocument",
    "XmlElement",
    "splice",
]
