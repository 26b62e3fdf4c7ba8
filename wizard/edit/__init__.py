"""Editors that change what they have to and keep every other byte; they know no step and no pack.

`wizard.edit.xml.XmlDocument`, `wizard.edit.settings.PropertiesDocument`, `wizard.edit.settings.ShellScript` and
`BatchScript`: each reads bytes, takes edits, says for people what changes (`edits`) and gives the new bytes
(`result`).
"""
