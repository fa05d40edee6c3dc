"""[[io]]: the channels of devices, tied to addresses of the process image."""

from typing import Annotated, Literal

from pydantic import Field

from runtime.project.section import Name, Section
from runtime.project.units import AddressField

Table = Literal["coil", "discrete", "input", "holding"]


class IoBase(Section):
    """What every channel has, whatever the protocol of its device.

    The address fixes direction and width: %I is read, %Q is written.
    """

    address: AddressField
    device: Name
    substitute: Literal["hold", "default"] = "hold"
    """What the program sees of an input whose source is bad or stale."""
    default: Annotated[int, Field(ge=0)] | bool = 0
    """Value of an input under `substitute = "default"`, as the raw word(s) or bit."""
    safe: Annotated[int, Field(ge=0)] | bool = 0
    """Value of an output while the program is stopped or faulted, as the raw word(s) or bit."""


class ModbusIo(IoBase):
    """A channel of a Modbus device.

    X ties to a bit table, W to one register, D to two, L to four. `word_order` "big" has the most
    significant word first.
    """

    table: Table
    register_: Annotated[int, Field(ge=0, le=65_535, alias="register")]
    word_order: Literal["big", "little"] = "big"


IoSection = ModbusIo
"""Every kind of channel."""
