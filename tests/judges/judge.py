"""Judges data sets by foreign eyes: Frictionless reads the CSV package, DuckDB checks keys in the Parquet files.

A run in parts must be as good as a run in one: each CSV part has a header, and no reader may take it for a row.

usage: judge.py PLACEBO SCRATCH PATIENTS_CSV PATIENTS_PARQUET PROFILE…
"""
import collections
import json
import pathlib
import shutil
import subprocess
import sys

import duckdb
import frictionless
from schema import planted, schema

FIXTURES = ["bank", "telecom", "trial"]


def generate(placebo, out, rows, form, parts=1, profile="healthcare"):
    """The data package of a run; `rows` are patients as a text, or the scale as a number."""
    shutil.rmtree(out, ignore_errors=True)
    size = ["--rows", f"patient={rows}"] if isinstance(rows, str) else ["--scale", str(rows)]
    for part in range(1, parts + 1):
        share = ["--part", f"{part}/{parts}"] if parts > 1 else []
        subprocess.run([placebo, "generate", profile, *size, "--format", form, "--out", str(out), "-q", *share], check=True)
    return json.loads((out / "datapackage.json").read_text())


def counts(folder):
    """The rows of each table, as the manifests of all parts have them."""
    rows = collections.Counter()
    for manifest in folder.glob("manifest*.json"):
        for file in json.loads(manifest.read_text())["files"]:
            rows[file["table"]] += file["rows"]
    return rows


def csv(folder):
    """Frictionless finds every CSV file as the package says; the rows that it and DuckDB read are the manifests'."""
    db, expected = duckdb.connect(), counts(folder)
    report = frictionless.validate(str(folder / "datapackage.json"))
    wrong = [f"frictionless: {row}" for row in report.flatten(["type", "title", "rowNumber", "fieldName", "note"])[:10]]
    if not wrong and not report.valid:
        wrong.append(f"frictionless: {report.to_summary()}")
    for task in report.tasks:
        files = folder / task.name / "part-*.csv" if (folder / task.name).is_dir() else folder / f"{task.name}.csv"
        read = db.execute(f"SELECT count(*) FROM read_csv('{files}', header = true, all_varchar = true)").fetchone()[0]
        if {task.stats.get("rows", 0), read} != {expected[task.name]}:
            wrong.append(f"{files}: Frictionless reads {task.stats.get('rows', 0)} rows, DuckDB {read}, the manifest says {expected[task.name]}")
    return wrong


def columns(names):
    return ", ".join('"' + name + '"' for name in names)


def keys(folder, package):
    """Every primary key is unique and not null, every foreign key leads to a row; the counts are the manifest's."""
    db, wrong, looked = duckdb.connect(), [], 0
    for resource in package["resources"]:
        paths = [resource["path"]] if isinstance(resource["path"], str) else resource["path"]
        db.execute(f"CREATE VIEW \"{resource['name']}\" AS SELECT * FROM read_parquet({[str(folder / path) for path in paths]})")
    for table, rows in counts(folder).items():
        count = db.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]
        if count != rows:
            wrong.append(f"{table}: {count} rows, the manifest says {rows}")
    for resource in package["resources"]:
        name, schema = resource["name"], resource["schema"]
        key = schema.get("primaryKey", [])
        key = [key] if isinstance(key, str) else key
        if key:
            looked += 1
            sql = f'SELECT count(*) - count(DISTINCT ({columns(key)})), count(*) FILTER (WHERE {" OR ".join(chr(34) + k + chr(34) + " IS NULL" for k in key)}) FROM "{name}"'
            if db.execute(sql).fetchone() != (0, 0):
                wrong.append(f"{name}: primary key {key} is not unique or null")
        for foreign in schema.get("foreignKeys", []):
            looked += 1
            own = foreign["fields"] if isinstance(foreign["fields"], list) else [foreign["fields"]]
            to = foreign["reference"]["fields"]
            to = to if isinstance(to, list) else [to]
            other = foreign["reference"]["resource"] or name
            on = " AND ".join(f'a."{a}" = b."{b}"' for a, b in zip(own, to))
            known = " AND ".join(f'a."{a}" IS NOT NULL' for a in own)
            lost = db.execute(f'SELECT count(*) FROM "{name}" a WHERE {known} AND NOT EXISTS (SELECT 1 FROM "{other}" b WHERE {on})').fetchone()[0]
            if lost:
                wrong.append(f"{name}: {lost} rows whose {own} is no row of {other}")
    return wrong, looked


def main():
    placebo, scratch, small, large = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3], sys.argv[4]
    wrong, looked = [], 0
    for parts, rows in [(1, small), (3, small)]:
        generate(placebo, scratch / "csv", rows, "csv", parts)
        wrong += [f"CSV in {parts}: {what}" for what in csv(scratch / "csv")]
    for parts, rows in [(1, large), (3, small)]:
        found, looked = keys(scratch / "parquet", generate(placebo, scratch / "parquet", rows, "parquet", parts))
        wrong += [f"Parquet in {parts}: {what}" for what in found]
        if looked < 20:
            wrong.append(f"only {looked} keys were looked at")
    constraints = 0
    for shipped in sys.argv[5:]:
        generate(placebo, scratch / "csv", 0.2, "csv", 1, shipped)
        wrong += [f"{shipped}: {what}" for what in csv(scratch / "csv") + planted(scratch / "csv")]
        found, seen = schema(scratch / "csv")
        wrong += [f"{shipped} in DuckDB: {what}" for what in found]
        constraints += seen
    for fixture in FIXTURES:
        profile = f"tests/fixtures/{fixture}"
        generate(placebo, scratch / "csv", 1, "csv", 2, profile)
        wrong += [f"{fixture} as CSV: {what}" for what in csv(scratch / "csv")]
        found, seen = keys(scratch / "parquet", generate(placebo, scratch / "parquet", 5, "parquet", 1, profile))
        wrong += [f"{fixture}: {what}" for what in found]
        if seen < 5:
            wrong.append(f"{fixture}: only {seen} keys were looked at")
    good = f"frictionless: {small} patients are valid, in one and in parts; DuckDB: {looked} keys hold for {large} patients, and for {small} in parts; as for {', '.join(FIXTURES)}; {constraints} constraints of schema.sql hold in DuckDB"
    print("\n".join(wrong) or good)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
