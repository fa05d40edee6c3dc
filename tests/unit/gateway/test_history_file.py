"""The file of the OPC UA server's history: what it keeps, and what a bad disk or file comes to."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from gateway.serve.opcua.archive import Archive
from gateway.store.history import HistoryFile, Sample
from gateway.store.sqlite import StoreCorruptError, StoreUnavailableError

EVER = (0, 10**18)
A1, B2, A3 = Sample(1, "A", 100, b"a1"), Sample(2, "B", 200, b"b2"), Sample(3, "A", 300, b"a3")


def test_what_was_kept_comes_back_in_its_order_without_what_was_forgotten(tmp_path: Path) -> None:
    file = HistoryFile(tmp_path / "history.db")
    file.change([A1, B2], ())
    file.change([A3], [1])
    file.close()
    again = HistoryFile(tmp_path / "history.db")
    assert again.load(*EVER) == [B2, A3]
    again.close()


def test_what_is_too_old_or_has_not_been_yet_is_forgotten(tmp_path: Path) -> None:
    file = HistoryFile(tmp_path / "history.db")
    file.change([A1, B2, A3], ())
    assert file.load(150, 250) == [B2]
    assert file.load(*EVER) == [B2]
    file.change([Sample(4, "A", 260, b"a4")], ())
    assert [item.path for item in file.load(*EVER)] == ["B", "A"]
    file.close()


def test_the_log_is_copied_to_the_file_before_it_grows_large(tmp_path: Path) -> None:
    file = HistoryFile(tmp_path / "history.db")
    row = bytes(10_000)
    for number in range(1, 2_001):  # 20 MB in all, of which one sample is kept at a time
        file.change([Sample(number, "A", number, row)], [number - 1])
    assert (tmp_path / "history.db-wal").stat().st_size < 8_000_000
    file.close()


def test_two_processes_do_not_share_a_file(tmp_path: Path) -> None:
    file = HistoryFile(tmp_path / "history.db")
    with pytest.raises(StoreUnavailableError, match="locked by another process"):
        HistoryFile(tmp_path / "history.db")
    file.close()
    HistoryFile(tmp_path / "history.db").close()


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" + bytes(84)])
def test_what_is_no_history_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "history.db").write_bytes(content)
    with pytest.raises(StoreCorruptError):
        HistoryFile(tmp_path / "history.db")


def with_archive(
    path: Path, scenario: Callable[[Archive, list[Sample]], Coroutine[None, None, None]]
) -> None:
    """Run a scenario on an open archive, with what it held."""

    async def run() -> None:
        archive = Archive(path, lambda: [A1])
        found = await archive.open(*EVER)
        await scenario(archive, found)
        await archive.close()

    asyncio.run(run())


def test_a_damaged_file_is_set_aside_and_a_new_one_begun(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "history.db"
    path.write_bytes(b"garbage" * 1000)

    async def keep(archive: Archive, found: list[Sample]) -> None:
        assert found == []
        archive.add("A", 100, b"a1")

    with_archive(path, keep)
    assert (tmp_path / "history.db.damaged-1").read_bytes() == b"garbage" * 1000
    assert "set aside as history.db.damaged-1" in caplog.text

    async def look(_archive: Archive, found: list[Sample]) -> None:
        assert found == [A1]

    with_archive(path, look)


def test_damage_while_it_is_written_costs_nothing_that_memory_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "history.db"

    async def damage(archive: Archive, _found: list[Sample]) -> None:
        def fail(*_: object) -> None:
            raise StoreCorruptError("malformed")

        archive.add("A", 100, b"a1")
        with monkeypatch.context() as patch:
            patch.setattr(HistoryFile, "change", fail)
            await archive.flush()
        assert (tmp_path / "history.db.damaged-1").exists()

    with_archive(path, damage)

    async def look(_archive: Archive, found: list[Sample]) -> None:
        assert found == [A1]

    with_archive(path, look)


def test_what_a_full_disk_refuses_is_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "history.db"

    async def fill(archive: Archive, _found: list[Sample]) -> None:
        def fail(*_: object) -> None:
            raise StoreUnavailableError("disk full")

        archive.add("A", 100, b"a1")
        with monkeypatch.context() as patch:
            patch.setattr(HistoryFile, "change", fail)
            await archive.flush()
            await archive.flush()
        archive.add("B", 200, b"b2")
        await archive.flush()

    with_archive(path, fill)
    assert caplog.text.count("trying again") == 1
    assert "is written again" in caplog.text

    async def look(_archive: Archive, found: list[Sample]) -> None:
        assert found == [A1, B2]

    with_archive(path, look)


def test_without_a_place_for_the_file_history_is_in_memory_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def keep(archive: Archive, _found: list[Sample]) -> None:
        archive.add("A", 100, b"a1")
        await archive.flush()

    with_archive(tmp_path / "nowhere" / "history.db", keep)
    assert "in memory only" in caplog.text
