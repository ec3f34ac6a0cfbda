"""Judges the expressions of profiles by DuckDB: the same SQL over the same rows, cell by cell.

usage: sql.py PLACEBO SCRATCH EXPRESSIONS [SEED]
"""
import pathlib
import re
import shutil
import subprocess
import sys

import duckdb

from expressions import ALL, FOREIGN, Generator, TEXTS

PER_PROFILE = 250
# DuckDB plans all subqueries of a query together, which takes long for many.
PER_QUERY = 8
ROWS = 200
HEAD = """name = "judged"
as_of = 2025-06-30
[tables.base]
rows = %d
[tables.base.columns]
id = "row"
i1 = { gen.integer = { min = -10, max = 10 }, null = "0.2" }
i2 = { gen.integer = { min = -100000, max = 100000 }, null = "0.2" }
i3 = { gen.integer = { min = 0, max = 12 }, null = "0.1" }

d1 = { gen.decimal = { min = -100, max = 100, scale = 1 }, null = "0.2" }
d2 = { gen.decimal = { min = -5000, max = 5000, scale = 2 }, null = "0.2" }
d4 = { gen.decimal = { min = -2, max = 2, scale = 4 }, null = "0.2" }
x1 = { gen.uniform = { min = -100, max = 100 }, null = "0.2" }
x2 = { expr = "CAST(eighths AS double) / 8", null = "0.2" }
t1 = { gen.choice.weights = { %s }, null = "0.2" }
t2 = { gen.pattern.pattern = "[a-c]{0,4}", null = "0.2" }
plain = { gen.pattern.pattern = "[A-Za-z]{1,6}" }
b1 = { gen.boolean.p = 0.5, null = "0.2" }
b2 = { gen.boolean.p = 0.3, null = "0.2" }
day1 = { gen.date = { from = "DATE '1990-01-01'", to = "DATE '2030-12-31'" } }
day2 = { gen.date = { from = "DATE '2023-12-20'", to = "DATE '2024-03-05'" }, null = "0.2" }
s1 = { gen.timestamp = { from = "DATE '1960-01-01'", to = "DATE '2030-12-31'" }, null = "0.2" }
s2 = { gen.timestamp = { from = "DATE '2024-02-28'", to = "DATE '2024-03-02'" }, null = "0.2" }
%s
[tables.base.let]
eighths = { gen.integer = { min = -40, max = 40 } }
[tables.item]
of = "base"
count.poisson.mean = 2.5
[tables.item.columns]
base_id = "base.id"
nth = "ordinal"
n = { gen.integer = { min = -20, max = 20 }, null = "0.2" }
amount = { gen.decimal = { min = -50, max = 50, scale = 2 }, null = "0.2" }
share = { gen.uniform = { min = 0, max = 1 }, null = "0.2" }
word = { gen.pattern.pattern = "[ab]{0,2}", null = "0.2" }
flag = { gen.boolean.p = 0.5, null = "0.2" }
day = { gen.date = { from = "DATE '2024-01-30'", to = "DATE '2024-03-01'" }, null = "0.2" }
stamp = { gen.timestamp = { from = "DATE '2024-01-30'", to = "DATE '2024-03-01'" }, null = "0.2" }
%s
"""
BASE = {
    "int": [("i1", 10, 0), ("i2", 1e5, 0), ("i3", 12, 0)], "dec": [("d1", 100, 1), ("d2", 5000, 2), ("d4", 2, 4)],
    "dbl": [("x1", 100, 0), ("x2", 5, 0)], "text": [("t1", 0, 0), ("t2", 0, 0)], "bool": [("b1", 0, 0), ("b2", 0, 0)],
    "date": [("day1", 0, 0), ("day2", 0, 0)], "ts": [("s1", 0, 0), ("s2", 0, 0)],
}
OWN = {"int": [("n", 20, 0)], "dec": [("amount", 50, 2)], "dbl": [("share", 1, 0)], "text": [("word", 0, 0)], "bool": [("flag", 0, 0)], "date": [("day", 0, 0)], "ts": [("stamp", 0, 0)]}
FAMILY = {"int": r"BIGINT|INTEGER", "dec": r"DECIMAL\(\d+,(\d+)\)", "dbl": "DOUBLE", "text": "VARCHAR", "bool": "BOOLEAN", "date": "DATE", "ts": "TIMESTAMP"}
# The child's columns as an aggregate names them.
NAMED = {kind: [(f"item.{name}", size, scale) for name, size, scale in columns] for kind, columns in OWN.items()}


def toml(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def run(placebo, folder, base, item):
    """Generates the tables with their expressions; what fails at run time is left out and returned with its message."""
    failed = {}
    while True:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        columns = [
            "\n".join(f"e{at} = {toml(term.ours)}" for at, term in terms if at not in failed) for terms in (base, item)
        ]
        weights = ", ".join(f"{toml(text)} = 1" for text in TEXTS)
        (folder / "profile.toml").write_text(HEAD % (ROWS, weights, *columns))
        args = [placebo, "generate", str(folder / "profile.toml"), "--format", "parquet", "--out", str(folder / "out"), "-q"]
        done = subprocess.run(args, capture_output=True, text=True)
        if done.returncode == 0:
            return failed
        message = re.sub(r"\s+", " ", done.stderr)
        place = re.search(r"columns\.e(\d+)", message) or re.search(r"\be(\d+) = ", message)
        if not place or int(place[1]) in failed:
            sys.exit(f"placebo does not run: {done.stderr}")
        failed[int(place[1])] = message


def view(db, table, path):
    """A table as a view whose instants have no time zone, as in our language."""
    columns = db.execute(f"DESCRIBE SELECT * FROM read_parquet('{path}')").fetchall()
    shown = [f"{name} AT TIME ZONE 'UTC' AS {name}" if kind == "TIMESTAMP WITH TIME ZONE" else name for name, kind, *_ in columns]
    db.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT {', '.join(shown)} FROM read_parquet('{path}')")


def same(term, ours, theirs):
    if term.kind == "dec":
        ours, theirs = f"CAST({ours} AS DECIMAL(38,12))", f"CAST({theirs} AS DECIMAL(38,12))"
    if term.close:
        near = f"abs({ours} - {theirs}) <= 1e-12 * (1 + abs({ours}))"
        return f"count(*) FILTER (WHERE NOT coalesce({near}, {ours} IS NOT DISTINCT FROM {theirs}))"
    return f"count(*) FILTER (WHERE {ours} IS DISTINCT FROM {theirs})"


def compare(db, table, terms, wrong):
    """Evaluates expressions over a table and compares them with its columns, types, then cells; how many are not null."""
    theirs = ", ".join(f"{term.duck} AS q{at}" for at, term in terms)
    ours = ", ".join(f"e{at}" for at, _ in terms)
    try:
        db.execute(f"CREATE OR REPLACE TEMP TABLE seen AS SELECT {ours}, {theirs} FROM {table}")
    except duckdb.Error as error:
        if len(terms) > 1:
            half = len(terms) // 2
            return compare(db, table, terms[:half], wrong) + compare(db, table, terms[half:], wrong)
        wrong.append((terms[0][1], f"DuckDB refuses: {str(error).splitlines()[0]}"))
        return 0
    kinds = {name: kind for name, kind, *_ in db.execute("DESCRIBE seen").fetchall()}
    good = []
    for at, term in terms:
        mine, other = (re.fullmatch(FAMILY[term.kind], kinds[f"{side}{at}"]) for side in "eq")
        if not mine or not other or mine.groups() != other.groups():
            wrong.append((term, f"types: {kinds[f'e{at}']} is {kinds[f'q{at}']} in DuckDB"))
        else:
            good.append((at, term))
    if not good:
        return 0
    counts = db.execute("SELECT " + ", ".join(same(term, f"e{at}", f"q{at}") for at, term in good) + " FROM seen").fetchone()
    for (at, term), count in zip(good, counts):
        if count:
            cells = db.execute(f"SELECT e{at}, q{at} FROM seen WHERE e{at} IS DISTINCT FROM q{at} LIMIT 3").fetchall()
            wrong.append((term, f"{count} cells differ: ours, theirs {cells}"))
    return db.execute("SELECT " + " + ".join(f"count(e{at})" for at, _ in good) + " FROM seen").fetchone()[0]


def covered(placebo, used):
    """The functions of the registry that no expression had."""
    text = subprocess.run([placebo, "list", "functions"], capture_output=True, text=True, check=True).stdout
    names = set(re.findall(r"^([a-z_0-9]+)\(", text, re.M)) - FOREIGN
    return sorted(name for name in names if not used.get(name))


def main():
    placebo, scratch, count = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    db, wrong, used, cells, known, errors, kinds = duckdb.connect(), [], {}, 0, 0, [], {}
    db.execute("SET TimeZone = 'UTC'")
    for start in range(0, count, PER_PROFILE):
        inner = Generator(f"{seed} {start} items", NAMED)
        base, item = Generator(f"{seed} {start} base", BASE, inner), Generator(f"{seed} {start} own", OWN)
        size = min(PER_PROFILE, count - start)
        draw = lambda at: base.mean() if at % 50 == 49 else base.any(ALL[at % len(ALL)], 1 + at % 4)
        terms = [(at, draw(at)) for at in range(size * 9 // 10)]
        windows = [(at, item.window()) for at in range(size * 9 // 10, size)]
        folder = scratch / "sql"
        failed = run(placebo, folder, terms, windows)
        for generator in (inner, base, item):
            for name, times in generator.used.items():
                used[name] = used.get(name, 0) + times
        for table, mine in (("base", terms), ("item", windows)):
            view(db, table, folder / "out" / f"{table}.parquet")
        for table, mine in (("base", terms), ("item", windows)):
            mine = [pair for pair in mine if pair[0] not in failed]
            for at in range(0, len(mine), PER_QUERY):
                known += compare(db, table, mine[at : at + PER_QUERY], wrong)
            cells += len(mine) * db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for _, term in mine:
                kinds[term.kind] = kinds.get(term.kind, 0) + 1
        errors += [(dict(terms + windows)[at], message) for at, message in failed.items()]
    for term, what in wrong[:20]:
        print(f"{what}\n  ours   {term.ours}\n  DuckDB {term.duck}")
    for term, message in errors[:5]:
        print(f"placebo refuses {term.ours}\n  {message}")
    missing = covered(placebo, used)
    if missing:
        print(f"no expression has {', '.join(missing)}")
    if known < cells / 2:
        print("most cells are null: the judge sees too little")
    share = ", ".join(f"{kind} {times}" for kind, times in kinds.items())
    print(f"DuckDB: {count} expressions ({share}), {cells} cells, {known} not null: {len(wrong)} differ, {len(errors)} were refused")
    sys.exit(1 if wrong or missing or errors or known < cells / 2 else 0)


if __name__ == "__main__":
    main()
