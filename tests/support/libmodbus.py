"""libmodbus as a peer: the C program beside this file, compiled once a version of its text."""

import contextlib
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_SOURCE = Path(__file__).parent / "libmodbus_peer.c"
_NEEDED = "expected the Debian packages gcc, libc6-dev and libmodbus-dev (make packages)"


class PeerMissingError(Exception):
    """The peer cannot be built on this machine."""


def build_peer() -> Path:
    """Return the compiled program.

    Raises:
        PeerMissingError: A compiler or libmodbus is missing.
    """
    digest = hashlib.sha256(_SOURCE.read_bytes()).hexdigest()[:16]
    program = Path(tempfile.gettempdir()) / f"takt-libmodbus-peer-{digest}"
    if program.exists():
        return program
    compiler = shutil.which("gcc")
    if compiler is None:
        raise PeerMissingError(f"gcc is missing; {_NEEDED}")
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "peer"
        command = [compiler, "-O2", "-Wall", "-o", str(made), str(_SOURCE)]
        flags = ["-I/usr/include/modbus", "-lmodbus"]
        done = subprocess.run([*command, *flags], capture_output=True, text=True, check=False)
        if done.returncode:
            raise PeerMissingError(f"libmodbus is missing; {_NEEDED}\n{done.stderr}")
        shutil.copy2(made, program.with_suffix(".new"))
        program.with_suffix(".new").replace(program)
    return program


@dataclass
class LibmodbusServer:
    """A running server; holding register n holds n, input register n twice n from 2 on."""

    process: subprocess.Popen[str]
    port: int = 0


@contextlib.contextmanager
def libmodbus_server(kind: str = "tcp", place: str = "0") -> Iterator[LibmodbusServer]:
    """Run a server on a TCP port (0 takes a free one) or a terminal device."""
    command = [str(build_peer()), "server", kind, place]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        told = process.stdout.readline().split()
        assert told, f"{command} ended"
        yield LibmodbusServer(process, int(told[1]) if len(told) > 1 else 0)
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def libmodbus_client(port: int) -> list[str]:
    """Return what the client read from a server, one fact a line."""
    command = [str(build_peer()), "client", str(port)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    return done.stdout.splitlines()
