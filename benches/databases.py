"""Loads against the tools of the servers, in alternating rounds: `load` into PostgreSQL beside `\\copy` of the same rows, into MariaDB beside
`LOAD DATA`, and into SQLite beside `.import`.

usage: databases.py PLACEBO SCRATCH [PATIENTS]

All of them fill tables with the same primary keys and without foreign keys, so that the rows alone are timed. The time of `load` includes
making the rows, and the statistics that the server's planner needs (`ANALYZE`), without which its own tools leave the tables: a line of its own
has them with it. `\\copy`, `LOAD DATA` and `.import` read files that are ready. CPU is that of the client, and of the server where it says so."""
import contextlib
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tests" / "judges"))
import postgres

ROUNDS = 3
TICKS = os.sysconf("SC_CLK_TCK")


def spent(server):
    """CPU seconds of a server's process, of those it has ended, and of those that it has."""
    if server is None:
        return 0.0
    with contextlib.suppress(OSError):
        fields = pathlib.Path(f"/proc/{server}/stat").read_text().rsplit(")", 1)[1].split()
        children = pathlib.Path(f"/proc/{server}/task/{server}/children").read_text().split()
        return sum(map(int, fields[11:15])) / TICKS + sum(map(spent, children))
    return 0.0


def measured(commands, server=None):
    """Wall seconds, CPU seconds of the client and of the server, and the most memory of the client in MB; a command is its words and its input."""
    wall = cpu = memory = 0.0
    before = spent(server)
    for words, given in commands:
        with open(given or os.devnull, "rb") as text:
            start = time.perf_counter()
            process = subprocess.Popen([str(word) for word in words], stdin=text, stdout=subprocess.DEVNULL, cwd="/")
            _, status, usage = os.wait4(process.pid, 0)
        assert status == 0, words
        wall, cpu, memory = wall + time.perf_counter() - start, cpu + usage.ru_utime + usage.ru_stime, max(memory, usage.ru_maxrss / 1024)
    return wall, cpu, spent(server) - before, memory


def tables(sql, quote='"'):
    """The tables of `schema.sql`, or of `SHOW CREATE TABLE`, with their primary keys alone, and their names."""
    text = re.sub(r"^\s*--.*\n", "", sql, flags=re.MULTILINE)
    made, names = [], []
    for name, body in re.findall(rf"CREATE TABLE {quote}([^{quote}]+){quote} \((.*?)\n\)", text, flags=re.DOTALL):
        lines = [line.strip().rstrip(",") for line in body.strip().split("\n")]
        kept = [re.sub(r" CHECK \(.*", "", line) for line in lines if not re.match(r"(FOREIGN KEY|CHECK|CONSTRAINT|UNIQUE|KEY)\b", line)]
        made.append(f"CREATE TABLE {quote}{name}{quote} ({', '.join(kept)});")
        names.append(name)
    return made, names


def told(place, kinds, seen, rows):
    """Medians of the rounds, and of the ratios to the server's own tool."""
    own = next(iter(kinds))
    for kind, words in kinds.items():
        wall, cpu, server, memory = (statistics.median(run[i] for run in seen[kind]) for i in range(4))
        ratio = statistics.median(a[0] / b[0] for a, b in zip(seen[own], seen[kind]))
        print(f"| {place} | {words} | {wall:.1f} | {rows / wall:,.0f} | {ratio:.2f} | {cpu:.1f} | {server:.1f} | {rows / (cpu + server):,.0f} | {memory:.0f} |", flush=True)


def in_postgres(placebo, profile, scratch, out, rows):
    made, names = tables((out / "schema.sql").read_text())
    kinds, seen = {"copy": "`psql \\copy`", "analyzed": "`psql \\copy`, then `ANALYZE`", "1": "`load`, 1 connection", "2": "`load`, 2 connections"}, {}
    with postgres.server() as psql:
        folder = pathlib.Path(psql[psql.index("-h") + 1])
        server = int((folder / "data" / "postmaster.pid").read_text().split()[0])
        own = [*psql[:-1], "bench"]
        for _ in range(ROUNDS):
            for kind in kinds:
                subprocess.run([*psql, "-c", "DROP DATABASE IF EXISTS bench", "-c", "CREATE DATABASE bench"], check=True, stderr=subprocess.DEVNULL, cwd="/")
                subprocess.run(own, input="\n".join(made) + "CHECKPOINT;", text=True, check=True, cwd="/")
                if kind in ("copy", "analyzed"):
                    commands = [([*own, "-c", f'COPY "{name}" FROM STDIN WITH (FORMAT csv, HEADER)'], out / f"{name}.csv") for name in names]
                    if kind == "analyzed":
                        commands.append(([*own, "-c", "ANALYZE"], None))
                else:
                    to = f"postgres://postgres@{str(folder).replace('/', '%2F')}:{postgres.PORT}/bench"
                    commands = [([placebo, "load", *profile, "--threads", "2", "--connections", kind, "-q", "--mode", "append", "--test-database", "bench", "--to", to], None)]
                seen.setdefault(kind, []).append(measured(commands, server))
    told("PostgreSQL", kinds, seen, rows)


@contextlib.contextmanager
def mariadb():
    """A server of our own in a folder: its client, its port and its process."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="placebo-bench-mariadb-", dir="/tmp"))
    user = ["--user=mysql"] if os.getuid() == 0 else []
    if user:
        shutil.chown(folder, "mysql")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = f"--datadir={folder / 'data'}"
    postgres.run("mariadb-install-db", "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", data, *user)
    options = ["--bind-address=127.0.0.1", f"--port={port}", f"--socket={folder / 's'}", "--local-infile=1", "--innodb-buffer-pool-size=512M",
               "--innodb-flush-log-at-trx-commit=0", "--secure-file-priv=", f"--pid-file={folder / 'pid'}"]
    server = subprocess.Popen(["mariadbd", "--no-defaults", data, *options, *user], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
    client = ["mariadb", "--no-defaults", "-uroot", f"--socket={folder / 's'}", "--local-infile=1", "-N", "-B", "-r"]
    try:
        started = time.monotonic()
        while subprocess.run([*client, "-e", "SELECT 1"], capture_output=True).returncode:
            assert server.poll() is None and time.monotonic() - started < 60, "MariaDB does not start"
            time.sleep(0.1)
        # The account of the loopback has a password as the clients want it, over plain text.
        postgres.run(*client, "-e", "CREATE USER loader@'127.0.0.1' IDENTIFIED BY 'sesame'; GRANT ALL ON *.* TO loader@'127.0.0.1'")
        yield client, port, server.pid, folder
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def in_mariadb(placebo, profile, scratch, out, rows):
    kinds, seen = {"file": "`LOAD DATA LOCAL`", "analyzed": "`LOAD DATA LOCAL`, then `ANALYZE TABLE`", "1": "`load`, 1 connection", "2": "`load`, 2 connections"}, {}
    with mariadb() as (client, port, server, folder):
        base = f"mysql://loader:sesame@127.0.0.1:{port}"
        # The rows as the server itself writes them are what LOAD DATA reads best.
        postgres.run(*client, "-e", "CREATE DATABASE made CHARACTER SET utf8mb4")
        postgres.run(placebo, "load", *profile, "-q", "--to", f"{base}/made")
        names = [name for name in postgres.run(*client, "made", "-e", "SHOW TABLES").split() if (out / f"{name}.csv").exists()]
        made, _ = tables("".join(postgres.run(*client, "made", "-e", f"SHOW CREATE TABLE `{name}`").split("\t", 1)[1] for name in names), "`")
        files = folder / "rows"
        files.mkdir()
        files.chmod(0o777)
        for name in names:
            postgres.run(*client, "made", "-e", f"SELECT * FROM `{name}` INTO OUTFILE '{files / name}' CHARACTER SET utf8mb4")
        postgres.run(*client, "-e", "DROP DATABASE made")
        for _ in range(ROUNDS):
            for kind in kinds:
                postgres.run(*client, "-e", "DROP DATABASE IF EXISTS bench; CREATE DATABASE bench CHARACTER SET utf8mb4")
                subprocess.run([*client, "bench"], input="\n".join(made), text=True, check=True)
                if kind in ("file", "analyzed"):
                    load = "LOAD DATA LOCAL INFILE '{}' INTO TABLE `{}` CHARACTER SET utf8mb4"
                    commands = [([*client, "bench", "-e", load.format(files / name, name)], None) for name in names]
                    if kind == "analyzed":
                        commands.append(([*client, "bench", "-e", "ANALYZE TABLE " + ", ".join(f"`{name}`" for name in names)], None))
                else:
                    to = f"{base}/bench"
                    commands = [([placebo, "load", *profile, "--threads", "2", "--connections", kind, "-q", "--mode", "append", "--test-database", "bench", "--to", to], None)]
                seen.setdefault(kind, []).append(measured(commands, server))
                count = sum(int(postgres.run(*client, "bench", "-e", f"SELECT count(*) FROM `{name}`")) for name in names)
                assert count == rows, f"{kind}: {count} rows of {rows}"
    told("MariaDB", kinds, seen, rows)


def in_sqlite(placebo, profile, scratch, out, rows):
    made, names = tables((out / "schema.sql").read_text())
    kinds, seen = {"import": "`.import`", "load": "`load`"}, {}
    file, commands = scratch / "bench.db", scratch / "import.sql"
    commands.write_text("PRAGMA synchronous = off;\n.mode csv\n" + "".join(f'.import --skip 1 {out / name}.csv "{name}"\n' for name in names))
    for _ in range(ROUNDS):
        for kind in kinds:
            file.unlink(missing_ok=True)
            if kind == "import":
                subprocess.run(["sqlite3", file], input="\n".join(made), text=True, check=True)
                run = [(["sqlite3", file], commands)]
            else:
                run = [([placebo, "load", *profile, "--threads", "1", "-q", "--to", f"sqlite:{file}"], None)]
            seen.setdefault(kind, []).append(measured(run))
    told("SQLite", kinds, seen, rows)


def main():
    placebo, scratch = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve() / "bench-databases"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    profile = ["healthcare", "--rows", f"patient={sys.argv[3] if len(sys.argv) > 3 else '10k'}"]
    out = scratch / "out"
    making = measured([([placebo, "generate", *profile, "--threads", "1", "-q", "--out", out], None)])
    _, names = tables((out / "schema.sql").read_text())
    rows = sum(sum(1 for _ in open(out / f"{name}.csv", "rb")) - 1 for name in names)
    print(f"{rows:,} rows in {len(names)} tables; one thread makes their CSV files in {making[0]:.1f} s, {making[1]:.1f} s of CPU; medians of {ROUNDS} rounds\n")
    print("| into | with | seconds | rows/s | times its own tool | client CPU s | server CPU s | rows per CPU second | client MB |\n|---|---|---|---|---|---|---|---|---|")
    for place, tool in ((in_postgres, "psql"), (in_mariadb, "mariadbd"), (in_sqlite, "sqlite3")):
        if shutil.which(tool):
            place(placebo, profile, scratch, out, rows)
        else:
            print(f"| {tool} is not here, so it was not measured | | | | | | | | |")
    shutil.rmtree(scratch)


main()
