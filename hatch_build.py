"""Tells the package builder what the project says elsewhere: dependencies in requirements.in, migrations at the top."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

BUILD_ONLY = {"hatchling", "editables"}


class Requirements(MetadataHookInterface):
    """The dependencies are the lines of requirements.in; the description is README.md, where there is one."""

    def update(self, metadata: dict[str, Any]) -> None:
        lines = (Path(self.root) / "requirements.in").read_text(encoding="utf-8").splitlines()
        wanted = [line.split("#")[0].strip() for line in lines]
        if (Path(self.root) / "README.md").exists():
            metadata["readme"] = "README.md"
        metadata["dependencies"] = [line for line in wanted if line and line not in BUILD_ONLY]


class Migrations(BuildHookInterface[Any]):
    """A built package carries the migrations; an editable one reads them where they stand."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard":
            build_data["force_include"][str(Path(self.root) / "migrations")] = "baton/_migrations"
