"""Judges logical digests and signatures by foreign eyes: the scripts of docs/verification.md, and DuckDB for Parquet.

usage: digest.py PLACEBO SCRATCH PROFILE…
"""
import datetime
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys

import duckdb

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "verification.md"


def script(name):
    """A script of the page, as it stands there."""
    return PAGE.read_text().split(f"<!-- check: {name} -->\n```python\n")[1].split("```")[0]


def run(args):
    return subprocess.run(args, check=True, capture_output=True, text=True).stdout.strip()


def double(value):
    """The shortest digits, with a point or an exponent: `2.0`, `1e16`, `1e-5`."""
    return repr(value).replace("e+", "e").replace("e-0", "e-")


def instant(micros):
    at = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=micros)
    part = f".{at.microsecond:06}" if at.microsecond else ""
    return f"{at.year:04}-{at.month:02}-{at.day:02}T{at.hour:02}:{at.minute:02}:{at.second:02}{part}Z"


def text(value):
    if value == "" or value[0] == " " or value[-1] == " " or any(c in value for c in ',"\n\r'):
        return '"' + value.replace('"', '""') + '"'
    return value


def form(kind):
    """How a value of a type stands in a canonical row, and what to ask DuckDB for."""
    if kind == "DOUBLE":
        return double
    if kind.startswith("TIMESTAMP"):
        return instant
    return {"BOOLEAN": lambda value: "true" if value else "false", "VARCHAR": text}.get(kind, str)


def parquet(path):
    """Rows and digest of a Parquet file."""
    db = duckdb.connect()
    columns = [(name, kind) for name, kind, *_ in db.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()]
    quoted = ['"' + name.replace('"', '""') + '"' for name, _ in columns]
    asked = [f"epoch_us({name})" if kind.startswith("TIMESTAMP") else name for name, (_, kind) in zip(quoted, columns)]
    forms = [form(kind) for _, kind in columns]
    read, rows, total = db.execute(f"SELECT {', '.join(asked)} FROM '{path}'"), 0, 0
    while batch := read.fetchmany(10_000):
        for row in batch:
            cells = ["" if value is None else shown(value) for value, shown in zip(row, forms)]
            total += int.from_bytes(hashlib.sha256((",".join(cells) + "\n").encode()).digest(), "big")
        rows += len(batch)
    return f"{rows} {total % 2**256:064x}"


def main():
    placebo, scratch, wrong, tables = sys.argv[1], pathlib.Path(sys.argv[2]) / "digest", [], 0
    for profile in sys.argv[3:]:
        for kind in ["csv", "parquet"]:
            shutil.rmtree(scratch, ignore_errors=True)
            run([placebo, "generate", profile, "--format", kind, "--out", str(scratch), "-q"])
            for file in json.loads((scratch / "manifest.json").read_text())["files"]:
                path = str(scratch / file["path"])
                found = parquet(path) if kind == "parquet" else run([sys.executable, "-c", script("digest"), path])
                tables += 1
                if found != f"{file['rows']} {file['digest']}":
                    wrong.append(f"{profile} {file['path']}: {found}, the manifest says {file['rows']} {file['digest']}")
    keys = scratch.parent / "keys"
    shutil.rmtree(keys, ignore_errors=True)
    keys.mkdir(parents=True)
    for name in ["own", "other"]:
        run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(keys / name)])
        run(["openssl", "pkey", "-in", str(keys / name), "-pubout", "-out", str(keys / (name + ".pub"))])
    run([placebo, "sign", str(scratch), "--key", str(keys / "own")])
    check = [sys.executable, "-c", script("signature"), str(scratch)]
    if run([*check, str(keys / "own.pub")]) != "good":
        wrong.append("the signature does not hold in Python")
    if subprocess.run([*check, str(keys / "other.pub")], capture_output=True).returncode == 0:
        wrong.append("the signature holds under another key")
    path = scratch / file["path"]
    path.write_bytes(path.read_bytes()[:-1])
    if subprocess.run([*check, str(keys / "own.pub")], capture_output=True).returncode == 0:
        wrong.append("a changed file is not seen in Python")
    shutil.rmtree(scratch)
    shutil.rmtree(keys)
    print(*wrong, sep="\n", end="\n" if wrong else "")
    if wrong or not tables:
        sys.exit(1)
    print(f"digests: {tables} files of {len(sys.argv) - 3} profiles as the manifests say; the signature holds in Python")


main()
