"""Loads protected data into PostgreSQL and SQLite as its `schema.sql` says: keys, foreign keys and CHECKs on, nothing refused.

usage: ddl.py PLACEBO SCRATCH PROFILE...

That they look is shown as well: a key that leads nowhere, a row that stands twice, a value that is missing, and the data
under the `schema.sql` of an unprotected run are refused by both, or by the one that has types.
"""
import csv
import io
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys

import duckdb

import postgres

KEY = ["--key-source", "test:judges"]
# What the profile wants; all that is personal encrypted, nulls and lengths hidden; tokens, every key hashed (those with dates too); a key
# that is encrypted, and its foreign keys.
CHOICES = {
    "profile": ["--protect", "profile", *KEY],
    "encrypted": ["--protect", "phi=encrypt", "--protect", "pii=encrypt", "--protect", "pci=encrypt", "--pad", "32", "--encrypt-nulls", *KEY],
    "hashed": ["--protect", "profile", "--protect", "pii=token", "--protect", "internal=hash-keyed", "--protect", "dated_key=hash-keyed", *KEY],
    "joinable": ["--protect", "profile", "--protect", "person.person_id=encrypt:who", "--encrypt-nulls", *KEY],
    "safe harbor": ["--deidentify", "safe-harbor", *KEY],
}


def tables(schema):
    """The names of the tables in the order of their statements, each with its columns and their types."""
    for name, body in re.findall(r'CREATE TABLE "([^"]+)" \(\n(.*?)\n\);', schema, re.S):
        yield name, re.findall(r'^  "([^"]+)" ([A-Z][A-Z ]*(?:\([0-9,]+\))?)', body, re.M)


def cells(folder):
    """The CSV text of each table; where the files are Parquet, as DuckDB reads them, bytes in hex as PostgreSQL takes them."""
    for name, columns in tables((folder / "schema.sql").read_text()):
        path = folder / f"{name}.csv"
        if path.exists():
            yield name, path.read_text(encoding="utf-8")
            continue
        shown = [f"""'\\x' || lower(hex("{column}")) AS "{column}\"""" if kind.startswith("BYTEA") else f'"{column}"' for column, kind in columns]
        duckdb.execute(f"SET TimeZone = 'UTC'; COPY (SELECT {', '.join(shown)} FROM read_parquet('{folder / name}.parquet')) TO '{path}' (HEADER)")
        yield name, path.read_text(encoding="utf-8")


def into_postgres(psql, schema, data):
    """How many rows of each table are there, or what was refused."""
    script = ["BEGIN;", schema]
    script += [f"""COPY "{name}" FROM STDIN WITH (FORMAT csv, HEADER true);\n{text}\\.""" for name, text in data]
    script += [f"""SELECT '{name}', count(*) FROM "{name}";""" for name, _ in data] + ["ROLLBACK;"]
    done = subprocess.run(psql, input="\n".join(script) + "\n", capture_output=True, text=True, cwd="/")
    if done.returncode:
        return done.stderr.split("\n")[0]
    return {name: int(count) for name, count in (line.split("|") for line in done.stdout.splitlines())}


def into_sqlite(schema, data):
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.execute("PRAGMA foreign_keys = ON")
    try:
        db.executescript(schema)
        db.execute("BEGIN")
        # Rows of one table may refer to each other in any order, as they may in a statement of PostgreSQL.
        db.execute("PRAGMA defer_foreign_keys = ON")
        for name, text in data:
            kinds = {column: kind for _, column, kind, *_ in db.execute(f'PRAGMA table_info("{name}")')}
            must = {column for _, column, _, must, *_ in db.execute(f'PRAGMA table_info("{name}")') if must}
            header, *rows = csv.reader(io.StringIO(text))
            convert = [(kinds[column], column in must) for column in header]
            rows = [[value(cell, *how) for cell, how in zip(row, convert, strict=True)] for row in rows]
            db.executemany(f'INSERT INTO "{name}" VALUES ({", ".join("?" * len(header))})', rows)
        db.execute("COMMIT")
    except sqlite3.Error as error:
        return f"{error}"
    broken = db.execute("PRAGMA foreign_key_check").fetchall()
    return f"{len(broken)} orphans" if broken else {name: db.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name, _ in data}


def value(cell, kind, must):
    if cell == "" and not (must and kind == "TEXT"):
        return None
    return {"true": 1, "false": 0}.get(cell, cell) if kind == "BOOLEAN" else cell


def planted(schema, data):
    """The schema and the data with one thing wrong, each with a word of what must be said about it."""
    data = dict(data)
    child, key = re.search(r'CREATE TABLE "([^"]+)" \((?:(?!CREATE TABLE).)*?FOREIGN KEY \("([^"]+)"\)', schema, re.S).groups()
    header, first, *rest = csv.reader(io.StringIO(data[child]))

    def text(rows):
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows([header, *rows])
        return out.getvalue()

    other = ["0" if column == key else cell for column, cell in zip(header, first)]
    for what, rows in (("foreign key", [other, *rest]), ("unique", [first, first, *rest])):
        yield what, schema, list({**data, child: text(rows)}.items())


def main():
    placebo, scratch, profiles = sys.argv[1], pathlib.Path(sys.argv[2]) / "ddl", sys.argv[3:]
    shutil.rmtree(scratch, ignore_errors=True)
    loads, rows, protected, wrong, seen = 0, 0, 0, [], 0
    with postgres.server() as psql:
        for profile in profiles:
            make = lambda name, *more: postgres.run(placebo, "generate", profile, "--scale", "0.03", "--out", scratch / f"{profile} {name}", "-q", *more)
            make("clear")
            for name, how in CHOICES.items():
                for form in ("csv", "parquet") if name == "encrypted" else ("csv",):
                    folder = scratch / f"{profile} {name} {form}"
                    make(f"{name} {form}", "--format", form, *how)
                    schema, data = (folder / "schema.sql").read_text(), list(cells(folder))
                    want = {table: sum(1 for _ in csv.reader(io.StringIO(text))) - 1 for table, text in data}
                    protected += schema.count("-- protected: ")
                    for database, got in (("PostgreSQL", into_postgres(psql, schema, data)), ("SQLite", into_sqlite(schema, data))):
                        loads, rows = loads + 1, rows + sum(want.values())
                        if got != want:
                            wrong.append(f"{profile}, {name}, {form}: {database}: {got if isinstance(got, str) else 'rows are missing'}")
                    if name == "profile":
                        cases = list(planted(schema, data))
                        # Types: what was a number or a date is text now, and PostgreSQL looks.
                        cases.append(("invalid input syntax", (scratch / f"{profile} clear/schema.sql").read_text(), data))
                        for what, changed, other in cases:
                            got = [into_postgres(psql, changed, other)]
                            got += [into_sqlite(changed, other)] if what != "invalid input syntax" else []
                            seen += len(got)
                            wrong += [f"{profile}: {what} is not seen: {one}" for one in got if what not in str(one).lower().replace("duplicate key", "unique")]
    shutil.rmtree(scratch)
    print("\n".join(wrong[:20]), end="\n" if wrong else "")
    print(f"schema.sql: {loads} loads of {rows} rows into PostgreSQL and SQLite, {protected} protected columns: {len(wrong)} wrong; {seen} planted defects")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
