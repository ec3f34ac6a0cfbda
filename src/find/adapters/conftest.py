"""A row of fixtures.json for each pytest test that takes `TABLE`: def test_it(TABLE): …

No other test gets the row: each worker of pytest-xdist has a pool of its own, and a test that is run again takes the next row.
A worker without a pool, or a pool without rows, is an error of the test.
"""

import json
import os
import pathlib

import pytest

_FILE = pathlib.Path(__file__).with_name("fixtures.json")
_rows = None


def _pool():
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    pools = json.loads(_FILE.read_text(encoding="utf-8"))["pools"]
    if worker >= len(pools):
        raise LookupError(f"placebo: worker {worker} has no pool, {_FILE.name} has {len(pools)}: placebo find … --workers N")
    return worker, iter(pools[worker]), len(pools[worker])


@pytest.fixture
def TABLE(request):
    global _rows
    _rows = _rows or _pool()
    worker, rows, count = _rows
    row = next(rows, None)
    if row is None:
        raise LookupError(f"placebo: worker {worker} has used its {count} rows: placebo find … --each N")
    request.node.user_properties.append(("placebo", row["_case"]))
    return row
