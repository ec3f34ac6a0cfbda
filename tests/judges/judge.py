"""Judges data sets by foreign eyes: Frictionless reads the CSV package, DuckDB checks keys in the Parquet files.

usage: judge.py PLACEBO SCRATCH PATIENTS_CSV PATIENTS_PARQUET
"""
import json
import pathlib
import shutil
import subprocess
import sys

import duckdb
import frictionless


def generate(placebo, out, rows, form):
    shutil.rmtree(out, ignore_errors=True)
    subprocess.run([placebo, "generate", "healthcare", "--rows", f"patient={rows}", "--format", form, "--out", str(out), "-q"], check=True)
    return json.loads((out / "datapackage.json").read_text())


def columns(names):
    return ", ".join('"' + name + '"' for name in names)


def keys(folder, package):
    """Every primary key is unique and not null, every foreign key leads to a row; the counts are the manifest's."""
    db, wrong, looked = duckdb.connect(), [], 0
    for resource in package["resources"]:
        path = resource["path"] if isinstance(resource["path"], str) else resource["path"][0]
        db.execute(f"CREATE VIEW \"{resource['name']}\" AS SELECT * FROM read_parquet('{folder / path}')")
    manifest = json.loads((folder / "manifest.json").read_text())
    for file in manifest["files"]:
        count = db.execute(f"SELECT count(*) FROM \"{file['table']}\"").fetchone()[0]
        if count != file["rows"]:
            wrong.append(f"{file['table']}: {count} rows, the manifest says {file['rows']}")
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
    csv, parquet = scratch / "csv", scratch / "parquet"
    generate(placebo, csv, small, "csv")
    report = frictionless.validate(str(csv / "datapackage.json"))
    wrong = [f"frictionless: {row}" for row in report.flatten(["type", "title", "rowNumber", "fieldName", "note"])[:10]]
    if not wrong and not report.valid:
        wrong.append(f"frictionless: {report.to_summary()}")
    found, looked = keys(parquet, generate(placebo, parquet, large, "parquet"))
    wrong += found
    if looked < 20:
        wrong.append(f"only {looked} keys were looked at")
    print("\n".join(wrong) or f"frictionless: {small} patients are valid; DuckDB: {looked} keys hold for {large} patients")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
