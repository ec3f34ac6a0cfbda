"""Judges how doubles are written: Polars and DuckDB infer a double although only a late row has a fraction.

A column of 1.0, 1.0, … and a 2.5 far below is a double to each reader by its first rows; were it written `1`, Polars would
fail at the 2.5 and DuckDB would read 3. Very small and very large numbers, which have an exponent, must read back equal.

usage: doubles.py PLACEBO SCRATCH ROWS
"""
import pathlib
import shutil
import subprocess
import sys

import duckdb
import polars

PROFILE = """name = "doubles"
as_of = 2025-06-30
[tables.t]
rows = %d
[tables.t.columns]
late = "CASE WHEN row = %d THEN 2.5e0 ELSE 1e0 END"
whole = "CAST(row AS double)"
power = "CASE row %% 5 WHEN 0 THEN 1e20 WHEN 1 THEN 1e-7 WHEN 2 THEN -1.5e300 WHEN 3 THEN 5e-324 ELSE 0.0001e0 END"
"""
POWERS = [1e20, 1e-7, -1.5e300, 5e-324, 0.0001]


def wanted(rows):
    return {
        "late": [2.5 if row == rows - 1 else 1.0 for row in range(rows)],
        "whole": [float(row) for row in range(rows)],
        "power": [POWERS[row % 5] for row in range(rows)],
    }


def columns(relation):
    """The columns of a DuckDB relation as lists by name."""
    return dict(zip(relation.columns, map(list, zip(*relation.fetchall()))))


def main(placebo, scratch, rows):
    folder = pathlib.Path(scratch) / "doubles"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "profile.toml").write_text(PROFILE % (rows, rows - 1))
    want, wrong = wanted(rows), []
    for form in ("csv", "ndjson", "parquet"):
        out = folder / form
        subprocess.run([placebo, "generate", str(folder), "--format", form, "--out", str(out), "-q"], check=True)
        # Without a schema, as somebody reads a file that came by mail.
        (file,) = [path for path in out.iterdir() if path.name.startswith("t.") or path.name.startswith("t-")]
        reader = {"csv": polars.read_csv, "ndjson": polars.read_ndjson, "parquet": polars.read_parquet}[form]
        scan = {"csv": "read_csv", "ndjson": "read_json", "parquet": "read_parquet"}[form]
        read = {
            "Polars": reader(file).to_dict(as_series=False),
            "DuckDB": columns(duckdb.sql(f"SELECT * FROM {scan}('{file}')")),
        }
        for name, table in read.items():
            for column, values in want.items():
                got = list(table[column])
                if got != values or not all(isinstance(x, float) for x in got):
                    at = next((row for row in range(rows) if got[row] != values[row]), 0)
                    wrong.append(f"{name}, {form}: {column} in row {at} is {got[at]!r}, not {values[at]!r}")
    print(f"{len(want)} columns of {rows} doubles in 3 formats by Polars and DuckDB: {len(wrong)} wrong")
    for line in wrong:
        print(" ", line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
