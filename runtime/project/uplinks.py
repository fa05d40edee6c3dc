"""[[publish]], [outbox], [[uplink]]: what leaves for the cloud, where it waits, where it goes."""

from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from runtime.project.http import HeaderSection, endpoint
from runtime.project.section import Name, RemotePort, Section
from runtime.project.units import DurationNs

Aggregate = Literal["mean", "min", "max", "first", "last", "count"]
_DAY_NS: Final = 86_400_000_000_000


class PublishSection(Section):
    """[[publish]]: variables and when their values are reported.

    A variable follows the first section that names it.
    """

    variables: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    """Paths such as MAIN.Level in any case; `*` stands for any text, `?` for one character."""
    on: Literal["change", "scan", "interval", "event"] = "change"
    """`scan` reports every value of every scan; `event` all values where `trigger` rises."""
    task: Name | None = None
    """Look at the scans of this task only; unset looks at all."""
    deadband: Annotated[float, Field(ge=0)] = 0.0
    """on change: least difference from the value reported last, in the variable's unit."""
    swinging_door: Annotated[float, Field(gt=0)] | None = None
    """on change: report only what straight lines do not tell within this deviation."""
    at_least_every: Annotated[DurationNs, Field(ge=1_000_000)] | None = None
    """on change: report an unchanged value after that time."""
    interval: Annotated[DurationNs, Field(ge=1_000_000)] | None = None
    """on interval: time from report to report."""
    aggregate: Annotated[tuple[Aggregate, ...], Field(strict=False)] = ()
    """on interval: what to report of the scans in between, as PATH/mean and so on."""
    trigger: Annotated[str, Field(min_length=1)] | None = None
    """on event: path of a BOOL."""
    scale: float = 1.0
    """A number is reported as value * scale + offset; deadbands are in the reported unit."""
    offset: float = 0.0

    @model_validator(mode="after")
    def _keys_fit_together(self) -> Self:
        """Reject keys that the way of reporting does not know."""
        required = {"interval": self.interval, "event": self.trigger}
        key = {"interval": "interval", "event": "trigger"}.get(self.on)
        if key is not None and required[self.on] is None:
            raise ValueError(f'the key {key}, for on = "{self.on}"')
        for name, way in _ONLY_ON.items():
            if getattr(self, name) not in {None, (), 0.0} and self.on != way:
                raise ValueError(f'{name} only beside on = "{way}", not on = "{self.on}"')
        if self.deadband and self.swinging_door is not None:
            raise ValueError("deadband or swinging_door, not both")
        return self


_ONLY_ON: Final = {
    "deadband": "change",
    "swinging_door": "change",
    "at_least_every": "change",
    "interval": "interval",
    "aggregate": "interval",
    "trigger": "event",
}


class OutboxSection(Section):
    """[outbox]: the durable queue between the scan and all uplinks."""

    file: Annotated[str, Field(min_length=1)] | None = None
    """As seen from the project's folder; without it $TAKT_STATE/PROJECT.outbox.db, or `outbox.db`
    there."""
    size_max: Annotated[int, Field(ge=1_000_000)] = 1_000_000_000
    """Bytes of waiting samples; beyond it the oldest are dropped and counted."""
    age_max: Annotated[DurationNs, Field(ge=1_000_000_000)] = 30 * _DAY_NS
    """Age, in time of a running gateway, from which samples are dropped and counted."""
    linger: Annotated[DurationNs, Field(ge=0, le=10_000_000_000)] = 10_000_000
    """Time that samples gather before they are stored together: one write to disk for all."""


class Credentials(Section):
    """Who the gateway is at an uplink. Secrets stand in files of mode 0600, or in variables."""

    user: str | None = None
    password_file: Annotated[str, Field(min_length=1)] | None = None
    """File with the password, relative to the project's folder; none but its owner may read it."""
    password_env: Annotated[str, Field(min_length=1)] | None = None
    """Environment variable with the password."""

    @model_validator(mode="after")
    def _one_source_of_the_password(self) -> Self:
        if self.password_file is not None and self.password_env is not None:
            raise ValueError("password_file or password_env, not both")
        return self


class TlsSection(Section):
    """How an uplink is encrypted: the peer is always verified."""

    ca: Annotated[str, Field(min_length=1)] | None = None
    """File of the authorities that may vouch for the peer; unset trusts the machine's."""
    certificate: Annotated[str, Field(min_length=1)] | None = None
    """File of the gateway's own certificate."""
    key: Annotated[str, Field(min_length=1)] | None = None
    """File of its private key; none but its owner may read it."""


class UplinkBase(Credentials):
    """What every [[uplink]] has, whatever its kind."""

    name: Name
    backlog_rate: Annotated[int, Field(ge=1)] = 50_000
    """Samples a second that a backlog is drained with, beside the live ones."""
    timeout: Annotated[DurationNs, Field(ge=1_000_000)] = 10_000_000_000
    """Longest wait for a connection, and for an acknowledgement."""
    tls: TlsSection | None = None


class HostedUplink(UplinkBase):
    """An uplink to a host and port."""

    host: str = "127.0.0.1"


class CommandRule(Section):
    """[[uplink.command]]: a variable that commands from the cloud may set; no other may be."""

    variable: Annotated[str, Field(min_length=1)]
    """Path such as MAIN.SetPoint in any case, without wildcards."""
    min: Annotated[float, Field(allow_inf_nan=False)] | None = None
    max: Annotated[float, Field(allow_inf_nan=False)] | None = None
    """Least and greatest value of a number, in the program's unit."""
    confirm: bool = False
    """Answer with a token first, and apply the command when the token comes back."""

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min not above max")
        return self


class CommandedUplink(HostedUplink):
    """An uplink that may bring commands back; it brings none without a rule."""

    command: Annotated[tuple[CommandRule, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _one_rule_a_variable(self) -> Self:
        paths = [rule.variable.upper() for rule in self.command]
        twice = next((path for path in paths if paths.count(path) > 1), None)
        if twice is not None:
            raise ValueError(f"one [[uplink.command]] for {twice}")
        return self


class MqttUplink(CommandedUplink):
    """Batches of samples as JSON over MQTT, quality of service 1: at least once, in order."""

    kind: Literal["mqtt"]
    port: RemotePort = 1883
    version: Literal["5", "3.1.1"] = "5"
    topic: Annotated[str, Field(pattern=r"^[^+#]+$")] = "takt/{project}"
    """Topic; /live and /backlog are appended, /command and /answer for commands."""
    client_id: str | None = None
    """Unset takes takt-PROJECT-NAME."""


class JetStreamUplink(CommandedUplink):
    """Batches of samples as JSON into a JetStream stream, exactly once by message ids."""

    kind: Literal["jetstream"]
    port: RemotePort = 4222
    stream: Name = "TAKT"
    """Stream; made where the server has none."""
    subject: Annotated[str, Field(pattern=r"^[A-Za-z0-9_{}-]+(\.[A-Za-z0-9_{}-]+)*$")] = (
        "takt.{project}"
    )
    """Subject; .live and .backlog are appended, .command and .answer for commands."""


class LeaseSection(Section):
    """[lease]: of several gateways of one project, who holds it takes commands from the cloud."""

    uplink: Name
    """Name of an [[uplink]] of kind jetstream, whose server keeps the lease."""
    ttl: Annotated[DurationNs, Field(ge=1_000_000_000, le=3_600_000_000_000)] = 5_000_000_000
    """Time after which another takes over from a gateway that is gone or frozen."""
    bucket: Name = "TAKT_LEASE"
    """Key-value bucket; made where the server has none. The key is the project's name."""


class PostgresqlUplink(HostedUplink):
    """Samples as rows of a table, exactly once by keys and a row of progress."""

    kind: Literal["postgresql"]
    port: RemotePort = 5432
    database: str = "takt"
    table: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,40}$")] = "takt_sample"


class HttpUplink(UplinkBase):
    """Batches of samples as JSON, POSTed to a URL: at least once, in order."""

    kind: Literal["http"]
    url: Annotated[str, AfterValidator(endpoint("https://10.0.0.5/takt"))]
    """`{project}` stands for the project's name."""
    format: Literal["ndjson", "json"] = "ndjson"
    """ndjson: all batches that are ready in one request, a line each; json: one batch a request."""
    requests: Annotated[int, Field(ge=1, le=32)] = 1
    """json: requests open at once; with more than one, batches may overtake each other."""
    body_max: Annotated[int, Field(ge=10_000)] = 1_000_000
    """ndjson: bytes of a request, unless a single batch has more."""
    token_file: Annotated[str, Field(min_length=1)] | None = None
    """File with a bearer token in its first line, as `password_file`; read for each connection."""
    token_env: Annotated[str, Field(min_length=1)] | None = None
    """Environment variable with a bearer token."""
    header: Annotated[tuple[HeaderSection, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _one_way_to_log_in(self) -> Self:
        has_password = self.password_file is not None or self.password_env is not None
        has_token = self.token_file is not None or self.token_env is not None
        if self.token_file is not None and self.token_env is not None:
            raise ValueError("token_file or token_env, not both")
        if has_token and (self.user is not None or has_password):
            raise ValueError("a token, or user and password, not both")
        if has_password != (self.user is not None):
            raise ValueError("user and password together")
        if self.user is not None and ":" in self.user:
            raise ValueError("user without a colon, which ends it in HTTP")
        return self

    @model_validator(mode="after")
    def _keys_fit_together(self) -> Self:
        if self.tls is not None and not self.url.startswith("https:"):
            raise ValueError("tls only beside a url of https")
        if self.requests > 1 and self.format != "json":
            raise ValueError('requests above 1 only beside format = "json"')
        names = [header.name.lower() for header in self.header]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"one [[uplink.header]] named {twice}")
        logs_in = self.user is not None or self.token_file is not None or self.token_env is not None
        own = _OWN_HEADERS | ({"authorization"} if logs_in else set())
        taken = next((name for name in names if name in own or name.startswith("takt-")), None)
        if taken is not None:
            raise ValueError(f"no [[uplink.header]] named {taken}: the gateway sends its own")
        return self


_OWN_HEADERS: Final = {
    "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "expect",
    "host", "idempotency-key", "transfer-encoding", "upgrade", "user-agent",
}  # fmt: skip


SparkplugId = Annotated[str, Field(pattern=r"^[^+#/]+$", max_length=255)]
"""A part of a topic."""
_COMMAND_TTL_NS: Final = 5_000_000_000
_HOUR_NS: Final = 3_600_000_000_000


class SparkplugDevice(Section):
    """[[uplink.device]]: a device of the node, made of variables."""

    name: SparkplugId
    variables: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    """Paths in any case; `*` stands for any text, `?` for one character."""
    link: Name | None = None
    """Field device whose link decides whether this one lives; unset takes the one of its name, and
    where there is none, it always lives."""


class SparkplugUplink(CommandedUplink):
    """The published variables as metrics of a Sparkplug B edge node and its devices."""

    kind: Literal["sparkplug"]
    port: RemotePort = 1883
    version: Literal["5", "3.1.1"] = "3.1.1"
    """Of MQTT."""
    group: SparkplugId = "takt"
    node: SparkplugId = "{project}"
    client_id: str | None = None
    """Unset takes takt-PROJECT-NAME."""
    primary_host: SparkplugId | None = None
    """Host application that must be online before anything is sent; samples wait meanwhile."""
    other_brokers: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[^:\s]+:[1-9][0-9]{0,4}$")], ...], Field(strict=False)
    ] = ()
    """HOST:PORT of the brokers to try next when one is lost, or has no primary host."""
    field_devices: bool = True
    """Make a device of each field device with variables at its addresses."""
    device: Annotated[tuple[SparkplugDevice, ...], Field(strict=False)] = ()
    templates: bool = False
    """Make instances of templates of structures and function blocks that are published whole."""
    command_ttl: Annotated[DurationNs, Field(ge=1_000_000, le=_HOUR_NS)] = _COMMAND_TTL_NS
    """How long a command may take from its arrival; Sparkplug has no expiry of its own."""

    @model_validator(mode="after")
    def _keys_that_sparkplug_has(self) -> Self:
        """Reject what has no counterpart, and devices that stand twice."""
        if any(rule.confirm for rule in self.command):
            raise ValueError("no confirm: Sparkplug has no answer that could bear a token")
        names = [device.name for device in self.device]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"one [[uplink.device]] named {twice}")
        return self


UplinkSection = Annotated[
    MqttUplink | JetStreamUplink | PostgresqlUplink | SparkplugUplink | HttpUplink,
    Field(discriminator="kind"),
]
"""Every kind of uplink; a further one joins here and in `UPLINK_KINDS`."""

UPLINK_KINDS: Final[dict[str, type[UplinkBase]]] = {
    "mqtt": MqttUplink,
    "jetstream": JetStreamUplink,
    "postgresql": PostgresqlUplink,
    "sparkplug": SparkplugUplink,
    "http": HttpUplink,
}
"""The class of each value of `kind`."""
