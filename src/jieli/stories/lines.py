"""YAML that remembers on which line each key stands."""

from __future__ import annotations

import re
from typing import Any

import yaml

from jieli.stories.script import ScriptError


class Lined(dict[str, Any]):
    """A mapping that knows on which line each of its keys stands."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}

    def line_of(self, key: str) -> int:
        return self.lines.get(key, self.line)


# 10:45 stays text (YAML 1.1 would read 645), and so does a telephone number that begins with 0.
PLAIN_NUMBER = re.compile(r"^[-+]?(0|[1-9]\d*|(0|[1-9]\d*)?\.\d+|\d+\.)([eE][-+]?\d+)?$")


def read_yaml(text: str, file: str) -> Lined:
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            raise ScriptError([f"{file}:1: A story is a mapping that begins with `story:`."])
        return _plain(loader, node, file)
    except yaml.MarkedYAMLError as fault:
        line = fault.problem_mark.line + 1 if fault.problem_mark else 1
        raise ScriptError([f"{file}:{line}: This is not YAML: {fault.problem}."]) from None
    except yaml.YAMLError as fault:
        raise ScriptError([f"{file}:1: This is not YAML: {fault}."]) from None
    finally:
        loader.dispose()


def _plain(loader: yaml.SafeLoader, node: yaml.Node, file: str) -> Any:
    if isinstance(node, yaml.MappingNode):
        loader.flatten_mapping(node)
        found = Lined(node.start_mark.line + 1)
        for key_node, value_node in node.value:
            key, line = str(_plain(loader, key_node, file)), key_node.start_mark.line + 1
            if key in found:
                raise ScriptError([f"{file}:{line}: `{key}` stands twice."])
            found[key], found.lines[key] = _plain(loader, value_node, file), line
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_plain(loader, item, file) for item in node.value]
    if node.tag.endswith((":int", ":float")) and not PLAIN_NUMBER.match(node.value):
        return node.value
    try:
        return loader.construct_object(node)
    except ValueError as fault:
        line = node.start_mark.line + 1
        raise ScriptError([f"{file}:{line}: {node.value!r} cannot be read: {fault}."]) from None
