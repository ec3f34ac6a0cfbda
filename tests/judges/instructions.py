"""The cost of ten kernels and four small runs, as instructions counted by callgrind: within 3 % of those in instructions.csv.

usage: instructions.py PLACEBO SCRATCH [--write]

A kernel is a table of tests/fixtures/kernels; its figure is the difference between a run and one of half as many rows, so that start-up is
not in it. Instructions do not depend on what else a machine does, but on the compiler and the C library, which the file names: on others the
figures are shown and not judged. More instructions fail, and so do fewer, so that a gain is written down (`--write`) before it can be lost.
Valgrind has no SHA instructions; the functions of the hash are left out.
"""
import concurrent.futures
import csv
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
FIGURES = HERE / "instructions.csv"
KERNELS = str(HERE.parent / "fixtures" / "kernels")
ROWS = 20_000
WITHIN = 0.03
LEFT_OUT = re.compile(r"sha2::")
TABLES = ["case_numbers", "case_texts", "conditions", "choices", "decimals", "texts", "instants", "identifiers", "children", "referring"]
RUNS = {"healthcare": 0.05, "claims": 0.05, "payments": 0.05, "legal": 0.05}


def counted(placebo, scratch, name, arguments):
    out, report = scratch / f"{name}.out", scratch / f"{name}.callgrind"
    run = subprocess.run(
        ["valgrind", "--tool=callgrind", f"--callgrind-out-file={report}", placebo, "generate", *arguments, "--threads", "1", "--out", out],
        capture_output=True, text=True)
    shutil.rmtree(out, ignore_errors=True)
    if run.returncode != 0:
        sys.exit(f"{name}: {run.stderr}")
    shown = subprocess.run(["callgrind_annotate", "--threshold=100", report], capture_output=True, text=True, check=True).stdout
    report.unlink()
    total = 0
    for line in shown.splitlines():
        found = re.match(r"\s*([\d,]+) \([ \d.]+%\)\s+(.*)", line)
        if found and "PROGRAM TOTALS" not in line and not LEFT_OUT.search(line):
            total += int(found[1].replace(",", ""))
    return total


def kernel(placebo, scratch, table, rows=ROWS):
    root, of_root = ("parents", rows // 5) if table == "children" else (table, rows)
    whole, half = (counted(placebo, scratch, f"{table}-{rows}-{part}", [KERNELS, "--tables", table, "--rows", f"{root}={of_root // part}"])
                   for part in (1, 2))
    return whole - half


def machine(placebo):
    libc = "-".join(platform.libc_ver())
    compiler = subprocess.run(["rustc", "--version"], capture_output=True, text=True).stdout.split()
    return f"rustc {compiler[1] if len(compiler) > 1 else '?'}, {libc}, {platform.machine()}"


def main():
    placebo, scratch = sys.argv[1], pathlib.Path(sys.argv[2])
    scratch.mkdir(parents=True, exist_ok=True)
    scratch = scratch.resolve()
    with concurrent.futures.ThreadPoolExecutor(max(2, os.cpu_count() or 2)) as pool:
        work = {table: pool.submit(kernel, placebo, scratch, table) for table in TABLES}
        work |= {name: pool.submit(counted, placebo, scratch, name, [name, "--scale", str(scale)]) for name, scale in RUNS.items()}
        # A slowdown on purpose: seven in a hundred rows more than the figure is of.
        slower = pool.submit(kernel, placebo, scratch, "choices", ROWS * 107 // 100)
        found = {name: done.result() for name, done in work.items()}
        slower = slower.result()
    here = machine(placebo)
    if "--write" in sys.argv:
        with FIGURES.open("w") as file:
            csv.writer(file, lineterminator="\n").writerows([("what", "instructions", "measured_with"), *((name, n, here) for name, n in found.items())])
        return
    known = {row["what"]: row for row in csv.DictReader(FIGURES.open())}
    if known.keys() != found.keys():
        sys.exit(f"instructions.csv has other lines: {sorted(known.keys() ^ found.keys())}; write it again with --write")
    same = all(row["measured_with"] == here for row in known.values())
    off = []
    for name, count in found.items():
        ratio = count / int(known[name]["instructions"])
        print(f"{name:14} {count:>14,} {ratio:.3f}")
        if abs(ratio - 1) > WITHIN:
            off.append(f"{name}: {ratio - 1:+.1%}")
    if slower / int(known["choices"]["instructions"]) <= 1 + WITHIN and same:
        sys.exit("a slowdown on purpose was not found")
    if off and same:
        sys.exit("instructions differ by more than 3 %: " + ", ".join(off) + "; find the reason, then write them with --write")
    if not same:
        print(f"not judged: the figures are of other tools than {here}")


main()
