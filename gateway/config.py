"""Limits and periods of the gateway, each with its unit and its reason.

What a user sets stands in `takt.toml` (`runtime.project.config`); these are the constants behind.
"""

from typing import Final

# -- process image ------------------------------------------------------------------------------
OUTPUT_CHECK_NS: Final = 1_000_000
"""Longest time between two looks for new outputs; those of a task of an interval are foretold."""

IMAGE_CHECK_S: Final = 0.1
"""Period of the gateway's heartbeat and of asking whether the runtime was restarted."""

ATTACH_RETRY_S: Final = 0.1
"""Period of looking for an image: a runtime that starts is served within that time."""

OTHER_GATEWAY_NS: Final = 1_000_000_000
"""Age below which the heartbeat of another gateway means that it is alive: ten of its beats."""

# -- authority over the outputs -----------------------------------------------------------------
RUNTIME_SILENT_NS: Final = 1_000_000_000
"""Shortest silence of the runtime after which the gateway writes the safe values: a restart under
the supervisor takes less, and outputs need not jump for it."""

RUNTIME_SILENT_INTERVALS: Final = 10
"""The same in task intervals: a task of a long interval may have scans that take long."""

RUNTIME_SILENT_MAX_NS: Final = 10_000_000_000
"""Longest silence, whatever the interval: the runtime's heartbeat goes on between its scans."""

# -- devices ------------------------------------------------------------------------------------
RECONNECT_FIRST_S: Final = 0.05
"""Wait before the first attempt to reconnect: most breaks are short."""

RECONNECT_FACTOR: Final = 2.0
"""Growth of that wait from attempt to attempt."""

RECONNECT_KNOWN_S: Final = 0.75
"""Longest wait for a device that has answered before: with a timeout of 1 s for an attempt that was
under way, it is back in service within 2 s of its return."""

RECONNECT_MAX_S: Final = 5.0
"""Longest wait for a device that has never answered."""

WRITE_RETRY_NS: Final = 1_000_000_000
"""Wait before a value that the device refused is offered again."""

REPORT_AGAIN_NS: Final = 10_000_000_000
"""Time without a fault after which the next is logged again: a link that flaps fills no disk."""

READ_REQUEST_NS: Final = 1_000_000
"""Guess of what a request costs before round trips were measured."""

READ_UNIT_NS: Final = 60_000
"""Guess of what a register costs in it: with the one above, gaps of 16 are read along."""

MEASURE_READS: Final = 7
"""One read of so many tells its round trip to the fit: no even number, lest it be always the same
reads of a poll."""

REPLAN_READS: Final = 1000
"""Reads after which the plan is made anew with what they measured."""

# -- servers ------------------------------------------------------------------------------------
SERVER_RETRY_S: Final = 5.0
"""Wait before a server's address that was taken is tried again."""

SERVER_WRITES_MAX: Final = 32
"""Places of the state that one Modbus request may set, neighbours being one: half of what a task's
queue of commands holds."""

SERVER_BURST_NS: Final = 100_000_000
"""How far ahead of its rate a client may be before it has to wait."""

REPORTED_CLIENTS_MAX: Final = 1000
"""Clients whose deeds are remembered, so that the log has each once in a while."""

# -- shutdown and metrics -----------------------------------------------------------------------
STOP_S: Final = 2.0
"""Longest wait for the tasks of a session to end."""

FLUSH_S: Final = 0.5
"""Longest wait of a gateway that stops for outputs that are still to be written: the runtime stops
first, and its safe outputs are to find their way."""

FLUSH_CHECK_S: Final = 0.005
"""Period of looking whether they are written."""

METRICS_RETRY_S: Final = 5.0
"""Wait before a metrics port that was taken is tried again."""

METRICS_REQUEST_S: Final = 5.0
"""Longest time one request for `/metrics` may take."""

METRICS_CONNECTIONS_MAX: Final = 8
"""Scrapes served at a time; more are told to come back."""

METRICS_REQUEST_BYTES_MAX: Final = 8192
"""Bytes of a request's head."""

# -- samples and their outbox -------------------------------------------------------------------
FRAME_CHECK_S: Final = 0.002
"""Period of looking for new scans: a sample waits half of it on average."""

CLOCK_JUMP_NS: Final = 100_000_000
"""Difference between two looks at the wall clock, beyond what passed, that counts as a jump."""

OUTBOX_BATCH_SAMPLES: Final = 1_000
"""Samples of one batch, unless a single scan has more: some 50 kB of JSON, one message."""

OUTBOX_WAITING_SAMPLES_MAX: Final = 500_000
"""Samples in memory while the disk refuses them; beyond it the oldest are dropped and counted."""

OUTBOX_RETRY_S: Final = 1.0
"""Wait before a disk that refused is tried again."""

OUTBOX_FLUSH_S: Final = 1.0
"""Longest time that acknowledgements wait for being written: what a crash would send again."""

OUTBOX_RECENT_BYTES: Final = 16_000_000
"""Payload kept in memory after it was stored, so that live samples are not read back from disk."""

OUTBOX_CHECKPOINT_BYTES: Final = 4_000_000
"""Written to the log before it is copied to the file: small enough to cost a commit little."""

# -- uplinks ------------------------------------------------------------------------------------
UPLINK_GROUP_SAMPLES: Final = 10_000
"""Samples sent before an acknowledgement is awaited: many messages share one round trip."""

UPLINK_BACKLOG_S: Final = 0.05
"""Time at the backlog's rate that one group of it takes: the live lane waits no longer for it."""

UPLINK_LATE_NS: Final = 2_000_000_000
"""Age from which samples that wait in the live lane become backlog."""

UPLINK_RANGES_MAX: Final = 256
"""Ranges of a backlog; with more of them the live lane stays as late as it is."""

UPLINK_IDLE_S: Final = 1.0
"""Longest time that an uplink without anything to send goes without looking for more."""

UPLINK_HOLD_FIRST_S: Final = 1.0
"""Wait before samples that a peer refuses are offered again, doubled with each refusal."""

UPLINK_HOLD_MAX_S: Final = 60.0
"""Longest such wait, and time between two lines of the log about one reason."""

UPLINK_RETRY_AFTER_MAX_S: Final = 600.0
"""Longest time that a peer can keep us away by asking for it."""

HTTP_RESPONSE_BYTES: Final = 65_536
"""Read of the body of a response; of more than that the connection is closed."""

FAULT_WAIT_FIRST_S: Final = 1.0
"""Wait before an uplink begins anew after a fault of ours, doubled with each one that follows."""

FAULT_WAIT_MAX_S: Final = 60.0
"""Longest such wait; an uplink that worked for longer begins with the shortest again."""

JETSTREAM_WINDOW_S: Final = 120.0
"""Time in which a server drops a message that comes twice, in streams that the gateway makes."""

# -- commands from the cloud ----------------------------------------------------------------------
COMMAND_BYTES_MAX: Final = 4096
"""Longest message of a command: an id, a path and a text of 255 characters take less."""

COMMAND_LIFE_NS: Final = 3_600_000_000_000
"""Farthest expiry of a command, and how long its id is remembered: none can come twice."""

COMMAND_RATE: Final = 20
"""Commands a second of one uplink; each costs two writes to disk before its answer."""

COMMAND_BURST_S: Final = 1.0
"""Time at that rate whose commands may come at once."""

COMMAND_QUEUE: Final = 100
"""Commands of one uplink that wait for the ones before them; further ones are dropped, counted."""

COMMAND_PATIENCE_S: Final = 2.0
"""Longest wait for the scan that takes a command, beside the interval of its task."""

COMMAND_POLL_S: Final = 0.002
"""Period of looking for that scan."""

LEASE_RENEWALS: Final = 3
"""Renewals of a lease within its time: two may fail before it is lost."""

LEASE_RETRY_S: Final = 1.0
"""Wait before the lease's server is tried again, and longest wait between two looks at a lease."""
# -- Sparkplug ------------------------------------------------------------------------------------
SPARKPLUG_CHECK_S: Final = 0.1
"""Period of looking for a new program, for one that stopped, and at the links of the devices."""

SPARKPLUG_LINK_LOST_NS: Final = 500_000_000
"""Time without a link after which a device is dead: samples of before have been sent by then."""
