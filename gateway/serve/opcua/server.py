"""The server's process: waits for a runtime, serves its program, and starts anew when that changes.

It runs beside the gateway, in a process of its own: the library's work for thousands of nodes must
not hold up a poll, and a defect in it must not take a device away.
"""

import asyncio
import datetime as dt
import logging
import os
import signal
import stat
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import uvloop
from asyncua import Server, ua
from asyncua.common.utils import Buffer
from asyncua.crypto.permission_rules import SimpleRoleRuleset
from asyncua.ua.ua_binary import struct_from_binary

from gateway.errors import listening_reason
from gateway.protocols.opcua.builtin import TICK_NS, ticks_of
from gateway.serve.opcua.answers import Answers, Served
from gateway.serve.opcua.book import SubscriptionBook
from gateway.serve.opcua.commands import WriteServices
from gateway.serve.opcua.frames import FrameSource
from gateway.serve.opcua.history import History, HistoryTerms
from gateway.serve.opcua.methods import Audit, MethodServices
from gateway.serve.opcua.monitoring import MonitoringServices
from gateway.serve.opcua.plcopen import DEVICES_URI, PLCOPEN_URI, put_types
from gateway.serve.opcua.processor import Listener, Shared
from gateway.serve.opcua.rows import BOTH, encode_row
from gateway.serve.opcua.security import Gatekeeper, Internal
from gateway.serve.opcua.space import ProgramSpace
from gateway.serve.opcua.variables import Choice, Variable, program_tree
from gateway.serve.opcua.view import ViewServices
from gateway.serve.opcua_process import parent_gone
from gateway.store.certificates import CertificateFolder, Identity
from runtime.audit import AuditLog
from runtime.errors import HostError, ImageError
from runtime.image.segment import Image, attach_image, image_path
from runtime.project.load import Project
from runtime.project.opcua import OpcUaServerSection
from runtime.project.places import audit_path, history_path

_LOG: Final = logging.getLogger("gateway.serve.opcua")
RETRY_S: Final = 0.1
"""Period of looking for a runtime."""
BIND_RETRY_S: Final = 5.0
_POLICIES: Final = {
    "None": (ua.SecurityPolicyType.NoSecurity,),
    "Basic256Sha256": (
        ua.SecurityPolicyType.Basic256Sha256_Sign,
        ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt,
    ),
    "Aes256Sha256RsaPss": (
        ua.SecurityPolicyType.Aes256Sha256RsaPss_Sign,
        ua.SecurityPolicyType.Aes256Sha256RsaPss_SignAndEncrypt,
    ),
}


class _Library(Server):
    """The library's server, listening done by ours."""

    async def open_endpoints(self) -> list[Any]:
        """Make the endpoints known; return the policies that channels may choose."""
        await self._setup_server_nodes()
        await self.iserver.start()
        return list(self._policies)


def now_ticks() -> int:
    """Return the time in ticks."""
    return ticks_of(time.time_ns())


class OpcUaServer:
    """Serves the program of one project."""

    def __init__(self, project: Project, section: OpcUaServerSection) -> None:
        """Take a project that was loaded without faults."""
        self._project = project
        self._section = section
        self._name = project.config.project.name
        self._path = image_path(self._name)
        self._certificates = CertificateFolder(project.folder / section.pki)
        self._gatekeeper = Gatekeeper(
            section, project.folder, self._certificates, time.monotonic_ns, time.time_ns
        )
        self._audit = Audit(AuditLog(audit_path(project)), time.time_ns)
        self._source: FrameSource | None = None

    async def run(self) -> None:
        """Serve until cancelled; a program with other variables gets other nodes."""
        now = dt.datetime.fromtimestamp(time.time_ns() / 1e9, dt.UTC)
        identity = self._certificates.identity(self._name, now)
        while True:
            image = await self._await_image()
            self._source = FrameSource(image, time.monotonic_ns, time.time_ns)
            try:
                await self._serve(identity, self._source)
            finally:
                self._source.close()

    async def _await_image(self) -> Image:
        noted = False
        while True:
            try:
                return attach_image(self._path)
            except ImageError as error:
                if not noted:
                    _LOG.info("OPC UA waits: %s", error)
                noted = True
            await asyncio.sleep(RETRY_S)

    async def _serve(self, identity: Identity, source: FrameSource) -> None:
        """Serve one program until its variables change."""
        server = await self._prepare(identity)
        space = await self._build(server, source)
        served = Served(server.iserver, lambda: source, space.variables, now_ticks, space.methods)
        async with asyncio.TaskGroup() as group:
            book = SubscriptionBook(group, lambda: source, time.monotonic_ns, now_ticks)
            server.iserver.subscription_service = book
            answers = Answers(served, book)
            terms = HistoryTerms(
                self._section.history_interval / 1e9,
                self._section.history_samples,
                self._section.history_age // TICK_NS,
            )
            history = History(served, terms, history_path(self._project))
            await history.open()
            for part in (
                MonitoringServices(served, book), ViewServices(served), history,
                WriteServices(served), MethodServices(served, space.methods, self._audit),
            ):  # fmt: skip
                answers.add(part.services)
            sampler = group.create_task(history.run())
            listener = await self._listen(server, Shared(answers, self._gatekeeper))
            try:
                await _follow(source, self._path)
                _LOG.info("OPC UA: the program has other variables; clients are to connect anew")
            finally:
                sampler.cancel()
                await listener.stop()
                await server.iserver.stop()
                await book.delete_subscriptions(book.subscriptions)

    async def _prepare(self, identity: Identity) -> _Library:
        section = self._section
        server = _Library(Internal(self._gatekeeper))
        await server.init()
        server.set_endpoint(f"opc.tcp://{section.host}:{section.port}/takt")
        server.set_server_name(f"Takt {self._name}")
        server.manufacturer_name = "Takt"
        server.product_uri = "urn:takt"
        await server.set_application_uri(identity.uri)
        await server.load_certificate(identity.certificate_path)
        await server.load_private_key(identity.key_path)
        policies = [kind for name in section.security for kind in _POLICIES[name]]
        server.set_security_policy(policies, SimpleRoleRuleset())
        server.set_identity_tokens(self._gatekeeper.tokens)
        return server

    async def _build(self, server: _Library, source: FrameSource) -> ProgramSpace:
        began = time.monotonic()
        namespaces = [
            await server.register_namespace(uri)
            for uri in (f"urn:takt:program:{self._name}", DEVICES_URI, PLCOPEN_URI)
        ]
        types = put_types(server.iserver.aspace, namespaces[1], namespaces[2])

        def present(variable: Variable) -> ua.DataValue:
            row = encode_row(variable, source.snapshot(), BOTH, now_ticks())
            return struct_from_binary(ua.DataValue, Buffer(row))

        directory = source.image.directory
        interval_ms = min((task.interval_ns for task in directory.tasks), default=0) / 1e6
        space = ProgramSpace(
            server.iserver.aspace, types, namespaces[0], present, interval_ms, version("taktplc")
        )
        choice = Choice(self._section.expose, self._section.write, self._section.history)
        space.put(directory, program_tree(directory, choice))
        took_s = time.monotonic() - began
        _LOG.info("OPC UA: %d variables, built in %.2f s", len(space.variables), took_s)
        for key, pattern in choice.idle(space.variables.values()):
            kind = {"write": "variable that may be written"}.get(key, "variable")
            _LOG.warning("OPC UA: opcua.%s has %r, and there is no such %s", key, pattern, kind)
        return space

    async def _listen(self, server: _Library, shared: Shared) -> Listener:
        """Open the port; one that is taken is reported once and tried again."""
        section = self._section
        policies = await server.open_endpoints()
        reported = False
        while True:
            listener = Listener(server.iserver, section.host, section.port, shared)
            listener.set_policies(policies)
            try:
                await listener.start()
            except OSError as error:
                if not reported:
                    _LOG.error(
                        "OPC UA: cannot listen on %s:%d (%s)",
                        section.host, section.port, listening_reason(error),
                    )  # fmt: skip
                reported = True
                await asyncio.sleep(BIND_RETRY_S)
                continue
            where = f"opc.tcp://{section.host}:{listener.port}/takt"
            _LOG.info("OPC UA: %s", where, extra={"endpoint": where})
            return listener


async def _follow(source: FrameSource, path: Path) -> None:
    """Return when the image at a path has other variables."""
    while source.follow(path):  # noqa: ASYNC110 - shared memory has no event to wait for
        await asyncio.sleep(RETRY_S)


def section_of(project: Project) -> OpcUaServerSection | None:
    """Return the project's [opcua], None where it has none or does not want it."""
    section = project.config.opcua
    return section if section is not None and section.enabled else None


def run(project: Project) -> None:
    """Run the OPC UA server of a project until SIGTERM or SIGINT.

    Raises:
        HostError: The project has no [opcua].
        ProjectError: A secret is missing.
    """
    section = section_of(project)
    if section is None:
        raise HostError(f"{project.folder}: no [opcua] in takt.toml: there is nothing to serve")
    # The library reports what its peers do wrong as if it were its own fault; ours says it once.
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)
    uvloop.run(_until_stopped(OpcUaServer(project, section)))


async def _until_stopped(server: OpcUaServer) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(server.run())]
        if stat.S_ISFIFO(os.fstat(sys.stdin.fileno()).st_mode):
            tasks.append(group.create_task(_stop_with_parent(stop)))
        await stop.wait()
        for task in tasks:
            task.cancel()


async def _stop_with_parent(stop: asyncio.Event) -> None:
    await parent_gone()
    stop.set()
