"""What every table of `takt.toml` has in common: strictness, names, ports."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=64)]
Port = Annotated[int, Field(ge=0, le=65_535)]
"""A TCP port; where a server listens, 0 takes a free one."""

RemotePort = Annotated[int, Field(ge=1, le=65_535)]
"""A port of another machine."""


class Section(BaseModel):
    """A table of the file: unknown keys are faults, values keep their written type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
