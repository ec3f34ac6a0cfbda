"""Measures the distributions that a shipped profile declares, on 100,000 rows, by SciPy: χ² for weights and counts,
Kolmogorov-Smirnov for continuous values. Weights that depend on other columns (a name on sex and decade of birth) are tested within
each value of those; a lognormal amount whose median and σ depend on others (on a category) is brought to the standard normal first. What
is measured goes to docs/domains/NAME.marginals.md; a distribution that is another one is an error.

usage: marginals.py PLACEBO SCRATCH PROFILE… [--write]
"""
import collections
import csv
import json
import math
import pathlib
import re
import shutil
import subprocess
import sys
import tomllib

import duckdb
from scipy import stats

ROWS, ALPHA, LEAST = 100_000, 1e-6, 20
ROOT = pathlib.Path(__file__).parents[2]


def layers(name):
    """The files of a profile and its modules, the profile first, each followed by its parts."""
    waiting, found = [ROOT / "profiles" / name / "profile.toml"], []
    while waiting:
        path = waiting.pop(0)
        if path not in [known for known, _ in found]:
            layer = tomllib.loads(path.read_text())
            parts = [path.with_name(f"{part}.toml") for part in layer.get("parts", [])]
            found += [(path, layer), *((part, tomllib.loads(part.read_text())) for part in parts)]
            waiting += [ROOT / f"profiles/common/{module}.toml" for module in layer.get("include", [])]
    return found


def merged(layers, *kinds):
    """The columns, intermediate values or references of all tables, by table and name; the profile comes before its modules."""
    tables = {}
    for path, layer in layers:
        for table, says in layer.get("tables", {}).items():
            for name, value in (pair for kind in kinds for pair in says.get(kind, {}).items()):
                tables.setdefault(table, {}).setdefault(name, (path, value))
    return tables


def number(text, params):
    """A constant, or the default of a parameter; None for an expression."""
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        return float(text)
    return number(params.get(text.removeprefix("params."), {}).get("value", ""), params) if str(text).startswith("params.") else None


def declared(gen, params):
    """What a generator with constant parameters promises: its name, its distribution or its weights."""
    (name, args), = gen.items() if isinstance(gen, dict) else [(gen, {})]
    if name == "choice" and "weights_by" in args:
        return None
    if name == "choice":
        weights = args.get("weights") or {value: 1 for value in args.get("values", [])}
        weights = {str(key): number(weight, params) for key, weight in weights.items()}
        return None if None in weights.values() else ("weights", {key: weight for key, weight in weights.items() if weight})
    if name == "boolean" and (p := number(args.get("p", 0.5), params)):
        return ("weights", {"true": p, "false": 1 - p}) if p < 1 else None
    if name == "integer" and all(isinstance(args.get(key), int) for key in ("min", "max")) and args["max"] - args["min"] < 500:
        return "weights", {str(n): 1.0 for n in range(args["min"], args["max"] + 1)}
    if name == "uniform" and not args:
        return "uniform 0 to 1", stats.uniform()
    if name == "lognormal" and not {"min", "max", "scale"} & set(args) and {type(args["median"]), type(args["sigma"])} & {str}:
        return f"lognormal, median {args['median']}, σ {args['sigma']}", (str(args["median"]), str(args["sigma"]))
    if name == "lognormal" and not {"min", "max", "scale"} & set(args):
        return f"lognormal, median {args['median']}, σ {args['sigma']}", stats.lognorm(args["sigma"], scale=args["median"])
    if name == "poisson" and (mean := number(args.get("mean"), params)):
        return f"Poisson, mean {mean:g}", stats.poisson(mean)
    if name == "geometric" and (p := number(args.get("p"), params)):
        return f"geometric, p {p:g}", stats.geom(p, loc=-1)
    return None


def records(path, ref):
    """The weights of a data file, within each value of the columns that are matched; and which of its columns is looked at."""
    for folder in (path.parent, ROOT / "profiles/common"):
        file = folder / "data" / ref["file"]
        if file.exists():
            break
    rows = list(csv.DictReader(line for line in file.read_text().splitlines() if not line.startswith("#")))
    # `weight:float` is a column `weight` with its type.
    rows = [{key.split(":")[0]: cell for key, cell in row.items()} for row in rows]
    matched = list(ref.get("match", {}))
    if any(row[key] == "*" for row in rows for key in matched):
        return None
    shown = next(key for key in rows[0] if key not in matched and key != ref.get("weight"))
    groups = collections.defaultdict(lambda: collections.Counter())
    for row in rows:
        groups[tuple(row[key] for key in matched)][row[shown]] += float(row[ref["weight"]]) if "weight" in ref else 1.0
    # A file with one row for each value is looked up, not drawn from.
    return (shown, ref.get("match", {}), groups) if any(len(group) > 1 for group in groups.values()) else None


def chi_square(counts, weights):
    """χ² and its degrees of freedom; values of which fewer than ten are expected are one value."""
    total, whole = sum(counts.values()), sum(weights.values())
    if set(counts) - set(weights):
        return math.inf, 1
    expected = {value: total * weight / whole for value, weight in weights.items()}
    rare = [value for value, n in expected.items() if n < 10]
    bins = [(counts[value], n) for value, n in expected.items() if n >= 10]
    if rare and sum(expected[value] for value in rare) >= 10:
        bins.append((sum(counts[value] for value in rare), sum(expected[value] for value in rare)))
    return sum((seen - n) ** 2 / n for seen, n in bins), max(len(bins) - 1, 0)


def test(values, promise):
    """The name of the test, its statistic and p, and what was most frequent. `values` are rows, or how often each value was seen."""
    if isinstance(promise, dict) or hasattr(promise, "pmf"):
        counts = collections.Counter()
        for value, seen in values.items():
            counts[str(value).lower() if isinstance(value, bool) else str(value)] += seen
        if hasattr(promise, "pmf"):
            promise = {str(n): float(promise.pmf(n)) for n in range(200) if promise.pmf(n) > 1e-12}
        statistic, freedom = chi_square(counts, promise)
        whole, rows = sum(promise.values()), sum(counts.values())
        top = sorted(promise, key=promise.get, reverse=True)[:3]
        shown = ", ".join(f"{value} {100 * promise[value] / whole:.1f} → {100 * counts[value] / rows:.1f} %" for value in top)
        return f"χ²({freedom})", statistic, stats.chi2.sf(statistic, freedom) if freedom else 1.0, shown
    result = stats.kstest(values, promise.cdf)
    return "KS", result.statistic, result.pvalue, f"median {promise.median():.3g} → {middle(values):.3g}"


def middle(values):
    return sorted(values)[len(values) // 2]


def profile_of(name, scratch):
    """A profile that writes what the shipped one hides, and the promises to test, by table and column."""
    found = layers(name)
    params = {key: value for _, layer in reversed(found) for key, value in layer.get("params", {}).items()}
    columns, refs = merged(found, "columns", "let"), merged(found, "refs")
    lines, promises = [], []
    for table, named in columns.items():
        for column, (_, value) in named.items():
            if not (isinstance(value, dict) and "gen" in value):
                continue
            promise = declared(value["gen"], params)
            if promise:
                lines.append(f'tables.{table}.columns.m_{column} = {{ expr = "{column}" }}')
                by = []
                if isinstance(promise[1], tuple):
                    by = ["median", "sigma"]
                    lines += [f'tables.{table}.columns.m_{column}_{key} = {{ expr = "{text}" }}' for key, text in zip(by, promise[1])]
                promises.append((table, f"m_{column}", column, by, *promise))
    for table, named in refs.items():
        for ref, (path, value) in named.items():
            if "file" not in value or value.get("pick") not in (None, "random") or "null" in value:
                continue
            record = records(path, value)
            if record:
                shown, by, groups = record
                lines.append(f'tables.{table}.columns.m_{ref} = {{ expr = "{ref}.{shown}" }}')
                lines += [f"tables.{table}.columns.m_{ref}_{key} = {{ expr = {json.dumps(text)} }}" for key, text in by.items()]
                promises.append((table, f"m_{ref}", f"{ref}.{shown}", list(by), f"weights of {value['file']}", groups))
    folder = pathlib.Path(scratch) / f"marginals-{name}"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "profiles" / name, folder)
    (folder / "measured.toml").write_text('name = "measured"\ninclude = ["profile"]\n' + "\n".join(lines) + "\n")
    return folder, promises


def measure(placebo, scratch, name):
    folder, promises = profile_of(name, scratch)
    out = folder / "out"
    tables = ",".join(sorted({table for table, *_ in promises}))
    subprocess.run([placebo, "generate", str(folder / "measured.toml"), "--scale", "100", "--tables", tables, "--format", "parquet",
                    "--out", str(out), "-q"], check=True)
    lines = []
    for table, column, shown, by, what, promise in promises:
        names = ", ".join(f'"{name}"' for name in [column, *(f"{column}_{key}" for key in by)])
        seen = f"""(SELECT {names} FROM '{out}/{table}.parquet' WHERE "{column}" IS NOT NULL LIMIT {ROWS})"""
        count = duckdb.execute(f"SELECT count(*) FROM {seen}").fetchone()[0]
        if count < ROWS // 10:
            continue
        # DuckDB counts what is tested by its counts; only continuous values are fetched row by row.
        if isinstance(promise, tuple):
            rows = duckdb.execute(f"SELECT * FROM {seen}").fetchall()
            standard = [math.log(float(value) / float(median)) / float(sigma) for value, median, sigma in rows]
            result = stats.kstest(standard, stats.norm.cdf)
            shown_here = f"{len({(m, s) for _, m, s in rows})} medians; standardised median 0 → {middle(standard):.3g}"
            lines.append((f"{table}.{shown}", what, count, "KS", result.statistic, result.pvalue, shown_here))
        elif isinstance(promise, collections.defaultdict):
            parts = collections.defaultdict(collections.Counter)
            for value, *key, times in duckdb.execute(f"SELECT {names}, count(*) FROM {seen} GROUP BY ALL").fetchall():
                parts[tuple(map(str, key))][str(value)] += times
            results = [chi_square(counts, promise[key]) for key, counts in parts.items()]
            # Groups come in any order, so their sum must not round by it.
            statistic, freedom = math.fsum(s for s, _ in results), sum(f for _, f in results)
            if not freedom:
                continue
            p = stats.chi2.sf(statistic, freedom)
            groups = f"within {len(parts)} values of {', '.join(by)}" if by else f"{len(promise[()])} values"
            lines.append((f"{table}.{shown}", what, count, f"χ²({freedom})", statistic, p, groups))
        elif isinstance(promise, dict) or hasattr(promise, "pmf"):
            counts = dict(duckdb.execute(f"SELECT {names}, count(*) FROM {seen} GROUP BY 1").fetchall())
            lines.append((f"{table}.{shown}", what, count, *test(counts, promise)))
        else:
            values = [float(value) for value, in duckdb.execute(f"SELECT * FROM {seen}").fetchall()]
            lines.append((f"{table}.{shown}", what, count, *test(values, promise)))
    shutil.rmtree(folder)
    return lines


def page(name, lines):
    text = f"# Marginals of `{name}`\n\nWritten by `tests/judges/marginals.py --write` from {ROWS:,} rows a column, seed 0; `make test` keeps it true.\n"
    text += "Declared → measured; p is that of the test named beside it. A p below 10⁻⁶ over the number of columns fails.\n\n"
    text += "| column | declared | rows | test | statistic | p | declared → measured |\n|---|---|---|---|---|---|---|\n"
    for column, what, rows, kind, statistic, p, shown in sorted(lines):
        text += f"| `{column}` | {what} | {rows} | {kind} | {statistic:.4g} | {p:.2g} | {shown} |\n"
    return text


def main(placebo, scratch, *arguments):
    # A die that is loaded by one percent must be seen.
    loaded = {"a": ROWS // 2 + ROWS // 100, "b": ROWS // 2 - ROWS // 100}
    assert test(loaded, {"a": 1.0, "b": 1.0})[2] < ALPHA / 100, "the judge does not see a loaded die"
    wrong, seen = [], 0
    for name in [argument for argument in arguments if argument != "--write"]:
        lines = measure(placebo, scratch, name)
        seen += len(lines)
        wrong += [f"{name}: {column}: {kind} {statistic:.4g}, p {p:.2g}: {shown}" for column, _, _, kind, statistic, p, shown in lines if not p >= ALPHA / len(lines)]
        if len(lines) < LEAST:
            wrong.append(f"{name}: only {len(lines)} columns have a distribution to test")
        file = ROOT / f"docs/domains/{name}.marginals.md"
        if "--write" in arguments:
            file.write_text(page(name, lines))
        elif not file.exists() or file.read_text() != page(name, lines):
            wrong.append(f"{file} is old: `make marginals` writes it again")
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"marginals: {seen} columns have the distribution that their profile declares")


if __name__ == "__main__":
    main(*sys.argv[1:])
