"""Loads against the tools of the servers: `load` into PostgreSQL beside `\\copy` of the same rows, and into SQLite beside `.import`.

usage: postgres.py PLACEBO SCRATCH [PATIENTS]

All of them fill tables with the same primary keys and without foreign keys, so that the rows alone are timed. The time of `load` includes
making the rows; `\\copy` and `.import` read files that are ready."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tests" / "judges"))
import postgres

ROUNDS = 3


def measured(command, **more):
    """Seconds of wall and of the processor, and the most memory in MB of a command."""
    start = time.perf_counter()
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, **more)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    assert status == 0, command
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def tables(sql):
    """The tables of `schema.sql` with their primary keys alone, and their names."""
    text = re.sub(r"^\s*--.*\n", "", sql, flags=re.MULTILINE)
    made, names = [], []
    for name, body in re.findall(r'CREATE TABLE ("[^"]+") \((.*?)\n\);', text, flags=re.DOTALL):
        lines = [line.strip().rstrip(",") for line in body.strip().split("\n")]
        kept = [line for line in lines if not re.match(r"(FOREIGN KEY|CHECK|CONSTRAINT|UNIQUE)\b", line)]
        made.append(f"CREATE TABLE {name} ({', '.join(kept)});")
        names.append(name.strip('"'))
    return made, names


def main():
    placebo, scratch = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]) / "bench-databases"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    profile = ["healthcare", "--rows", f"patient={sys.argv[3] if len(sys.argv) > 3 else '40k'}"]
    out = scratch / "out"
    making = measured([placebo, "generate", *profile, "--threads", "1", "-q", "--out", out])
    made, names = tables((out / "schema.sql").read_text())
    rows = sum(sum(1 for _ in open(out / f"{name}.csv", "rb")) - 1 for name in names)
    print(f"{rows:,} rows in {len(names)} tables; one thread makes their CSV files in {making[0]:.1f} s")
    with postgres.server() as psql:
        place = "postgres://postgres@%2Ftmp%2Fplacebo-judge-pg:" + postgres.PORT
        best = {}
        for round in range(ROUNDS):
            for kind in ("copy", "one", "two"):
                subprocess.run([*psql, "-c", "DROP DATABASE IF EXISTS bench", "-c", "CREATE DATABASE bench"], check=True, stderr=subprocess.DEVNULL, cwd="/")
                own = [*psql[:-1], "bench"]
                subprocess.run(own, input="\n".join(made) + "CHECKPOINT;", text=True, check=True, cwd="/")
                if kind == "copy":
                    copies = scratch / "copies.sql"
                    copies.write_text("".join(f"\\copy \"{name}\" FROM PSTDIN WITH (FORMAT csv, HEADER)\n" for name in names))
                    wall = cpu = 0.0
                    for name in names:
                        with open(out / f"{name}.csv", "rb") as rows_of:
                            one = measured([*own, "-c", f'COPY "{name}" FROM STDIN WITH (FORMAT csv, HEADER)'], stdin=rows_of, cwd="/")
                        wall, cpu = wall + one[0], cpu + one[1]
                    took = (wall, cpu, 0)
                else:
                    threads = {"one": "1", "two": "2"}[kind]
                    took = measured([placebo, "load", *profile, "--threads", threads, "-q", "--mode", "append", "--test-database", "bench", "--to", f"{place}/bench"])
                best[kind] = min(best.get(kind, took), took)
    for kind, words in (("copy", "psql \\copy"), ("one", "load, 1 connection"), ("two", "load, 2 connections")):
        wall, cpu, memory = best[kind]
        ratio = best["copy"][0] / wall
        print(f"{words:20} {wall:6.2f} s  {rows / wall:10,.0f} rows/s  {ratio:5.2f}x  client CPU {cpu / wall:4.0%}  {memory:5.0f} MB")
    if shutil.which("sqlite3"):
        best = {}
        for _ in range(ROUNDS):
            for kind in ("import", "load"):
                file = scratch / "bench.db"
                file.unlink(missing_ok=True)
                if kind == "import":
                    subprocess.run(["sqlite3", file], input="\n".join(made), text=True, check=True)
                    script = "PRAGMA synchronous = off;\n.mode csv\n" + "".join(f'.import --skip 1 {out / name}.csv "{name}"\n' for name in names)
                    commands = scratch / "import.sql"
                    commands.write_text(script)
                    with open(commands, "rb") as words:
                        took = measured(["sqlite3", file], stdin=words)
                else:
                    took = measured([placebo, "load", *profile, "--threads", "1", "-q", "--to", f"sqlite:{file}"])
                best[kind] = min(best.get(kind, took), took)
        for kind in ("import", "load"):
            wall, cpu, memory = best[kind]
            print(f"SQLite {kind:13} {wall:6.2f} s  {rows / wall:10,.0f} rows/s  {best['import'][0] / wall:5.2f}x  {memory:5.0f} MB")
    shutil.rmtree(scratch)


main()
