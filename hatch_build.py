"""Tells the package builder that the dependencies are the lines of requirements.in."""

from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

BUILD_ONLY = {"hatchling", "editables"}


class RequirementsHook(MetadataHookInterface):
    def update(self, metadata: dict[str, Any]) -> None:
        lines = (Path(self.root) / "requirements.in").read_text(encoding="utf-8").splitlines()
        wanted = [line.split("#")[0].strip() for line in lines]
        metadata["dependencies"] = [line for line in wanted if line and line not in BUILD_ONLY]
