"""The whole pipeline beside tpchgen-cli, in alternating pairs: CPU seconds, bytes and rows of whole processes.

The schemas differ (18 tables of a hospital, 8 of TPC-H), so a ratio tells an order of magnitude.

usage: peers.py PLACEBO TPCHGEN SCRATCH [PAIRS]
"""
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

# The rows of TPC-H at scale factor 1: the specification's, with lineitem as dbgen makes it.
TPCH_ROWS = 8_661_245


def run(command):
    """Wall and CPU seconds and the peak resident set of one process, in MB."""
    start = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"{command} ended with {status}")
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000


def size(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def main():
    placebo, tpchgen, scratch = sys.argv[1], sys.argv[2], sys.argv[3]
    pairs = int(sys.argv[4]) if len(sys.argv) > 4 else 5
    version = subprocess.run([tpchgen, "--version"], capture_output=True, text=True).stdout.strip()
    print(f"{version}, scale factor 1, all tables; healthcare, 60,000 patients, all tables; one thread; {pairs} pairs")
    print("| format | program | MB | M rows | CPU s | wall s | MB per CPU s | M rows per CPU s | peak MB |")
    print("|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=scratch) as temporary:
        out = pathlib.Path(temporary) / "out"
        for form, extra in [("csv", []), ("parquet", ["--compression", "SNAPPY"])]:
            ours = [placebo, "generate", "healthcare", "--rows", "patient=60k", "--format", form, "--threads", "1", "-q", "--out", str(out)]
            theirs = [tpchgen, form, "-s", "1", "--num-threads", "1", "--quiet", "--output-dir", str(out), *extra]
            seen = {"placebo": [], "tpchgen-cli": []}
            for _ in range(pairs):
                for name, command in [("placebo", ours), ("tpchgen-cli", theirs)]:
                    shutil.rmtree(out, ignore_errors=True)
                    wall, cpu, peak = run(command)
                    rows = TPCH_ROWS
                    if name == "placebo":
                        rows = sum(file["rows"] for file in json.loads((out / "manifest.json").read_text())["files"])
                    seen[name].append((size(out), rows / 1e6, cpu, wall, size(out) / cpu, rows / 1e6 / cpu, peak))
            for name, runs in seen.items():
                median = [statistics.median(run[i] for run in runs) for i in range(7)]
                print(f"| {form} | {name} | " + " | ".join(f"{value:.2f}" if value < 100 else f"{value:.0f}" for value in median) + " |")
            for what, i in [("MB", 4), ("rows", 5)]:
                ratios = [ours[i] / theirs[i] for ours, theirs in zip(seen["placebo"], seen["tpchgen-cli"])]
                print(f"\n{form}: {what} per CPU second, median of the pairs' ratios: {statistics.median(ratios):.2f}\n")


if __name__ == "__main__":
    main()
