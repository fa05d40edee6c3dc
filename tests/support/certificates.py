"""Certificates for tests, made by the openssl command: an authority, a server, a client."""

import shutil
import subprocess
from pathlib import Path

import pytest


def make_certificates(folder: Path) -> None:
    """Write ca.pem and {server,client}.{pem,key} into a folder; the server is 127.0.0.1."""
    if shutil.which("openssl") is None:
        pytest.fail("openssl is missing; expected the Debian package openssl (make packages)")
    folder.mkdir(parents=True, exist_ok=True)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    _openssl(
        folder, "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
        "-subj", "/CN=Test authority",
    )  # fmt: skip
    for name in ("server", "client"):
        (folder / f"{name}.ext").write_text("subjectAltName=IP:127.0.0.1\n")
        _openssl(
            folder, "req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr",
            "-subj", f"/CN={name}",
        )  # fmt: skip
        _openssl(
            folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-out", f"{name}.pem", "-days", "2", "-extfile", f"{name}.ext",
        )  # fmt: skip


def _openssl(folder: Path, *arguments: str) -> None:
    program = shutil.which("openssl")
    assert program is not None
    subprocess.run([program, *arguments], cwd=folder, check=True, capture_output=True)
