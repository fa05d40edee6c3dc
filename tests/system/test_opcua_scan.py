"""`takt scan opcua` of servers with many nodes, and of such that bear few at once."""

import asyncio
from pathlib import Path

import pytest

from gateway.field.opcua_scan import address_map, scan
from tests.support.opcua_peers import node_server

pytestmark = pytest.mark.system

COUNT = 1000
VARIABLES = [{"id": f"V{number}", "type": "Float", "value": number / 2} for number in range(COUNT)]


@pytest.mark.parametrize("limits", [{}, {"maxNodesPerBrowse": 7, "maxNodesPerRead": 30}])
def test_all_variables_of_node_opcua_are_found_in_their_order(
    tmp_path: Path, limits: dict[str, int]
) -> None:
    settings = {"name": "peer", "security": "None"}
    with node_server(tmp_path / "peer", VARIABLES, limits=limits) as peer:
        settings["endpoint"] = peer.endpoint
        found = asyncio.run(scan(settings, tmp_path))
    own = [item for item in found.browsed.found if item.path.startswith("/V")]
    assert [(item.path, item.value) for item in own] == [
        (f"/V{number}", number / 2) for number in range(COUNT)
    ]
    assert all(item.is_writable and item.type_name == "float32" for item in own)
    last = f'address = "%ID{COUNT - 1}"'
    assert last in address_map(found, settings)
