"""The bytes of the image: processes of different versions rely on them, so a test pins them."""

import os
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from runtime.artifact.abi import FaultKind
from runtime.artifact.program import Area, Site, Symbol
from runtime.datatypes.elementary import ELEMENTARY
from runtime.errors import HostError, ImageError
from runtime.image import layout
from runtime.image.directory import DeviceEntry, Directory, TaskEntry, decode, encode, io_hash
from runtime.image.layout import Mode, SectionKind
from runtime.image.segment import attach_image, create_image, image_path

DIRECTORY = Directory(
    project="pinned",
    tasks=(TaskEntry("Fast", 1_000_000),),
    devices=(DeviceEntry("plc", 500, ("%IX0.0", "%IW1", "%IL1")), DeviceEntry("far", 7, ())),
    input_area=Area(0, 0),
    memory_area=Area(0, 0),
    outputs=Area(offset=80, size=5),
    state_bytes=130,
    symbols=(Symbol("MAIN.X", 96, ELEMENTARY["INT"]), Symbol("MAIN.B", 64, ELEMENTARY["BOOL"], 3)),
    sites=(Site(FaultKind.INDEX, "main.st", 12),),
)
LAYOUT_HASH = 0x1122334455667788


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pinned.image"


def test_the_header_s_bytes_are_pinned(path: Path) -> None:
    with create_image(path, DIRECTORY, LAYOUT_HASH, now_ns=1000) as image:
        image.mode = Mode.RUNNING
        image.runtime_heartbeat_ns = 5
        image.gateway_heartbeat_ns = 6
        image.gateway_pid = 77
        data = path.read_bytes()
        generation, pid = image.generation, image.runtime_pid
    assert data[:8] == b"TAKTIMG\0"
    assert struct.unpack_from("<II", data, 8) == (7, 16_384)
    assert struct.unpack_from("<QQQ", data, 16) == (len(data), LAYOUT_HASH, generation)
    assert struct.unpack_from("<II", data, 40) == (pid, 2)
    assert struct.unpack_from("<qqII", data, 48) == (5, 6, 77, 10)
    assert data[72:128] == bytes(56)


def test_the_sections_stand_where_they_stood(path: Path) -> None:
    with create_image(path, DIRECTORY, LAYOUT_HASH, now_ns=1000) as image:
        data = path.read_bytes()
        directory_bytes = image.places[SectionKind.DIRECTORY, 0].size
    rows = [struct.unpack_from("<IIQQ", data, 128 + 24 * number) for number in range(10)]
    sizes = [
        (1, 0, directory_bytes),
        (2, 0, 64 + 4 * (64 + 192)),  # 64 header + 3 entries of 24, to cache lines
        (2, 1, 64 + 4 * (64 + 64)),
        (3, 0, 64 + 4 * (64 + 128)),  # 40 header + 2 * 16 consumed + 5
        (4, 0, 64 + 4 * (64 + 256)),  # 64 header + 8 qualities + 130 state
        (5, 0, 64 + 4 * (64 + 8 * 1152)),
        (6, 0, 64 + 2 * (64 + 8 * 1152)),
        (6, 1, 64 + 2 * (64 + 8 * 1152)),
        (7, 0, 64 + 64 * (64 + 1024)),
        (8, 0, 64),
    ]
    assert [(kind, index, size) for kind, index, _, size in rows] == sizes
    offset = 16_384
    for _, _, place, size in rows:
        assert place == offset
        offset += -(-size // 64) * 64
    assert offset == len(data)


def test_the_numbers_of_states_and_qualities_are_pinned() -> None:
    assert [mode.name for mode in layout.Mode] == ["STOPPED", "READY", "RUNNING", "FAULTED"]
    assert [item.name for item in layout.Quality] == [
        "GOOD", "UNCERTAIN", "STALE", "BAD", "MISSING",
    ]  # fmt: skip
    assert [int(item) for item in layout.Quality] == list(range(5))
    assert [item.name for item in layout.CommandKind] == [
        "WRITE", "FORCE", "UNFORCE", "UNFORCE_ALL",
    ]  # fmt: skip
    assert [int(item) for item in layout.CommandKind] == [1, 2, 3, 4]
    assert [int(item) for item in layout.CommandStatus] == [0, 1, 2]
    assert [item.name for item in layout.Link] == ["DOWN", "CONNECTING", "UP"]


def test_the_places_in_the_payloads_are_pinned() -> None:
    assert layout.MAILBOX_HEADER.size == 64
    assert layout.ENTRY.size == 24
    assert layout.OUTPUT_HEADER.size == 40
    assert layout.CONSUMED.size == 16
    assert layout.FRAME_HEADER.size == 64
    assert layout.COMMAND.size == 64
    assert (layout.COMMAND_VALUE, layout.COMMAND_BYTES) == (64, 1088)
    assert (layout.RING_HEADER_BYTES, layout.SLOT_HEADER_BYTES) == (64, 64)
    assert (layout.TASK_LATENESS, layout.TASK_EXECUTION) == (64, 64 + 9280)
    assert (layout.TASK_JITTER, layout.TASK_REACTION) == (64 + 2 * 9280, 64 + 3 * 9280)


def test_who_attaches_reads_the_directory_that_was_written(path: Path) -> None:
    with create_image(path, DIRECTORY, LAYOUT_HASH, now_ns=1) as made, attach_image(path) as seen:
        assert seen.directory == DIRECTORY
        assert seen.layout_hash == LAYOUT_HASH
        assert seen.places == made.places


def test_a_project_may_be_named_like_the_directorys_own_keys() -> None:
    odd = replace(DIRECTORY, project='x", "symbols": [], "sites": []')
    assert decode(encode(odd)) == odd


def test_instances_of_one_program_share_its_names_in_memory() -> None:
    first, second = (decode(encode(replace(DIRECTORY, project=name))) for name in ("a", "b"))
    assert first.project != second.project
    assert first.symbols is second.symbols
    assert first.sites is second.sites


def test_both_sides_see_each_other_s_words(path: Path) -> None:
    with create_image(path, DIRECTORY, LAYOUT_HASH, now_ns=1) as made, attach_image(path) as seen:
        made.mode = Mode.FAULTED
        assert seen.mode is Mode.FAULTED
        seen.gateway_heartbeat_ns = 123
        assert made.gateway_heartbeat_ns == 123


def test_a_newer_image_replaces_the_file_and_the_old_mapping_stays_sound(path: Path) -> None:
    old = create_image(path, DIRECTORY, LAYOUT_HASH, now_ns=1)
    new = create_image(path, DIRECTORY, LAYOUT_HASH, now_ns=2)
    assert not old.is_current()
    assert new.is_current()
    assert old.directory == DIRECTORY
    old.close()
    new.close()


def test_an_image_without_its_file_is_not_current(path: Path) -> None:
    with create_image(path, DIRECTORY, LAYOUT_HASH, now_ns=1) as image:
        path.unlink()
        assert not image.is_current()


def test_the_file_is_the_owner_s_alone(path: Path) -> None:
    with create_image(path, DIRECTORY, LAYOUT_HASH, now_ns=1):
        assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_no_image_is_refused_with_a_reason(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no process image; expected a running runtime"):
        attach_image(tmp_path / "absent")
    for content in (b"short", bytes(8192)):
        (tmp_path / "other").write_bytes(content)
        with pytest.raises(ImageError, match="not a process image"):
            attach_image(tmp_path / "other")


def test_an_image_of_another_version_or_size_is_refused(path: Path) -> None:
    create_image(path, DIRECTORY, LAYOUT_HASH, now_ns=1).close()
    whole = path.read_bytes()
    path.write_bytes(whole[:8] + b"\x01" + whole[9:])
    with pytest.raises(ImageError, match=r"image version 1 .* expected version 7"):
        attach_image(path)
    path.write_bytes(whole[:-64])
    with pytest.raises(ImageError, match=f"of {len(whole)} bytes: expected"):
        attach_image(path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"the image of \d+ KiB cannot be created"):
        create_image(tmp_path / "absent" / "x.image", DIRECTORY, LAYOUT_HASH, now_ns=1)


def test_the_io_hash_moves_with_devices_inputs_and_output_bytes() -> None:
    one = (DeviceEntry("a", 1, ("%IW0",)),)
    hashes = {
        io_hash(one, 4),
        io_hash(one, 5),
        io_hash((DeviceEntry("b", 1, ("%IW0",)),), 4),
        io_hash((DeviceEntry("a", 1, ("%IW1",)),), 4),
    }
    assert len(hashes) == 4
    assert io_hash((DeviceEntry("a", 999, ("%IW0",)),), 4) == io_hash(one, 4)


def test_the_path_is_the_user_s_and_the_project_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(tmp_path))
    assert image_path("line/../7").parent == tmp_path
    assert image_path("a") != image_path("b")


def test_an_image_for_which_there_is_no_room_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(HostError, match="No space left"):
        create_image(tmp_path / "x.image", DIRECTORY, LAYOUT_HASH, now_ns=1)
    assert list(tmp_path.iterdir()) == []
