"""Makes profiles of databases, and loads their rows into the very tables that they were made of, in PostgreSQL.

usage: catalog.py PLACEBO SCRATCH ROWS

Every constraint of `tests/fixtures/catalog/*.sql` is on: foreign keys are checked at the end of the transaction, because some lead around a
circle. Of OMOP there are at least ROWS rows. The profile is then made again of the server's own catalog, with the query that the
program brings for it, and has the same tables, columns and keys. That PostgreSQL looks is shown by a row that it refuses.
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys

import postgres

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FIXTURES = ROOT / "tests/fixtures/catalog"
# Makes every foreign key wait for the end of the transaction.
DEFER = """
SELECT format('ALTER TABLE %s ALTER CONSTRAINT %I DEFERRABLE INITIALLY DEFERRED;', conrelid::regclass, conname)
FROM pg_constraint WHERE contype = 'f' AND conparentid = 0"""
KEYS = """
SELECT conrelid::regclass::text || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype IN ('p', 'u', 'f') AND connamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema') ORDER BY 1"""


def ask(psql, sql):
    return postgres.run(*psql, "-c", sql, cwd="/")


def statements(name):
    """The statements of a fixture, without the placeholder of a schema, and without rows."""
    text = (FIXTURES / f"{name}.sql").read_text().replace("@cdmDatabaseSchema.", "")
    return re.sub(r"^COPY .*?^\\\.$", "", text, flags=re.S | re.M)


def names(profile):
    """The tables of a profile, each with its name in the database and its columns."""
    tables, remark, inside = {}, None, False
    text = profile.read_text()
    for line in text.splitlines():
        if found := re.match(r"# in the database: (.+)$", line):
            remark = found[1]
        elif found := re.match(r"\[tables\.(\w+)\]$", line):
            table, inside = found[1], False
            tables[table] = (remark or table, [])
            remark = None
        elif found := re.match(r"\[tables\.(\w+)\.(\w+)\]$", line):
            inside = found[2] == "columns"
        elif (found := re.match(r"(\w+) = ", line)) and inside:
            tables[table][1].append(found[1])
    return tables


def load(psql, out, tables):
    """Copies the rows of all tables in one transaction, and gives how many there are."""
    script = ["BEGIN;", "SET CONSTRAINTS ALL DEFERRED;"]
    for name, (original, columns) in tables.items():
        text = (out / f"{name}.csv").read_text(encoding="utf-8")
        listed = ", ".join(f'"{column}"' for column in columns)
        target = ".".join(f'"{part}"' for part in original.split("."))
        script.append(f"COPY {target} ({listed}) FROM STDIN WITH (FORMAT csv, HEADER true);\n{text}\\.")
    script.append("COMMIT;")
    done = subprocess.run(psql, input="\n".join(script) + "\n", capture_output=True, text=True, cwd="/")
    assert done.returncode == 0, done.stderr[:2000]
    count = "SELECT sum((xpath('/row/c/text()', query_to_xml(format('SELECT count(*) AS c FROM %s', c.oid::regclass), false, true, '')))[1]::text::bigint)"
    return int(ask(psql, count + " FROM pg_class c WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace::regnamespace::text NOT LIKE 'pg\\_%' AND relnamespace::regnamespace::text <> 'information_schema'"))


def judge(placebo, scratch, psql, name, least):
    folder = scratch / name
    folder.mkdir(parents=True)
    subprocess.run(psql, input=statements(name), check=True, capture_output=True, text=True, cwd="/")
    subprocess.run(psql, input=ask(psql, DEFER), check=True, capture_output=True, text=True, cwd="/")
    said = postgres.run(placebo, "new", "made", "--from", FIXTURES / f"{name}.sql", cwd=folder)
    assert "not held" not in said, said
    tables = names(folder / "made/profile.toml")
    postgres.run(placebo, "generate", "made", "--out", "one", "-q", cwd=folder)
    rows = sum(table["rows"] for table in json.loads((folder / "one/manifest.json").read_text())["tables"])
    scale = max(1, -(-least // rows))
    postgres.run(placebo, "generate", "made", "--scale", scale, "--out", "out", "-q", cwd=folder)
    count = load(psql, folder / "out", tables)
    assert count >= least, f"{name}: {count} rows"
    # From the server itself: the same tables, columns and keys.
    query = (ROOT / "src/catalog/server/postgres.sql").read_text()
    (folder / "server.sql").write_text(ask(psql, query))
    said = postgres.run(placebo, "new", "again", "--from", "server.sql", "--dialect", "postgres", cwd=folder)
    assert "not held" not in said, said
    again = names(folder / "again/profile.toml")
    assert {k: sorted(v[1]) for k, v in again.items()} == {k: sorted(v[1]) for k, v in tables.items()}, name
    for words in ("FOREIGN KEY", "key = true", "unique = true", "null = \"passes\"", "about = "):
        counts = [(folder / f"{made}/profile.toml").read_text().count(words) for made in ("made", "again")]
        assert counts[0] == counts[1], f"{name}: {words}: {counts}"
    # That it looks: rows that are there already are refused.
    try:
        load(psql, folder / "out", dict(list(tables.items())[:1]))
        raise SystemExit(f"{name}: rows were taken twice")
    except AssertionError as error:
        assert "duplicate key" in str(error), error
    return len(tables), len(ask(psql, KEYS).splitlines()), count


def main():
    placebo, scratch, rows = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve() / "catalog", int(sys.argv[3])
    shutil.rmtree(scratch, ignore_errors=True)
    for name, least in (("pagila", 5_000), ("omop", rows)):
        with postgres.server() as psql:
            tables, keys, count = judge(placebo, scratch, psql, name, least)
            print(f"catalog: {name}: {tables} tables, {keys} keys, {count} rows loaded with every constraint on, 0 errors")
    shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
