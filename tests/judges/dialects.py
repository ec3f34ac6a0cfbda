"""Judges the dialects of CSV: DuckDB, Polars and Frictionless read each file as `datapackage.json` describes it, and find the values of the Parquet file.

Texts have every delimiter, quotes, line ends, blanks at their ends and the markers of nulls themselves.

usage: dialects.py PLACEBO SCRATCH ROWS
"""
import itertools
import json
import pathlib
import shutil
import subprocess
import sys

import duckdb
import frictionless
import polars

PROFILE = """name = "dialects"
as_of = 2025-06-30
[tables.t]
rows = %d
[tables.t.columns]
id = { expr = "row + 1", key = true }
text = { gen.choice.values = ["NULL", '\\N', "a;b", "x,y", "say \\"hi\\"", "tab\\tbed", "p|q", " blank ", "two\\nlines", "cr\\r\\nlf", "Zoé"], null = 0.3 }
whole = { gen.integer = { min = -9, max = 9 }, null = 0.2 }
money = { gen.decimal = { min = 0, max = 9, scale = 2 }, null = 0.2 }
yes = "whole > 4"
near = { gen.normal = { mean = 0, sd = 1 }, null = 0.1 }
day = { gen.date = { from = "as_of - 10", to = "as_of" }, null = 0.1 }
moment = { gen.timestamp = { from = "as_of - 10", to = "as_of" }, null = 0.1 }
"""
CASTS = "id::BIGINT, text, whole::BIGINT, money::DECIMAL(18,2), yes::BOOLEAN, near::DOUBLE, day::DATE, epoch_us(moment::TIMESTAMPTZ)"


def generate(placebo, profile, out, *args):
    subprocess.run([placebo, "generate", profile, "--out", out, "--overwrite", "-q", *args], check=True)
    subprocess.run([placebo, "verify", out, "--profile", profile], check=True, stdout=subprocess.DEVNULL)


def described(out):
    """The dialect and the text of a null, as the data package has them."""
    resource = json.loads((out / "datapackage.json").read_text())["resources"][0]
    return resource["dialect"], resource["schema"]["missingValues"][0]


def by_duckdb(out, quotes):
    dialect, null = described(out)
    line_end = dialect["lineTerminator"].replace("\n", "\\n").replace("\r", "\\r")
    return duckdb.sql(
        f"""SELECT {CASTS} FROM read_csv('{out}/t.csv', delim = '{dialect["delimiter"]}', header = {dialect["header"]}, quote = '"', escape = '"',
        nullstr = '{null}', allow_quoted_nulls = {quotes == "all"}, new_line = '{line_end}', all_varchar = true, auto_detect = false,
        columns = {{{", ".join(f"'{name}': 'VARCHAR'" for name in "id text whole money yes near day moment".split())}}})"""
    ).fetchall()


def by_polars(out):
    """How many rows and nulls Polars finds: it does not tell a null from an equal text in quotes."""
    dialect, null = described(out)
    # Polars takes one byte as the end of a line.
    frame = polars.read_csv(out / "t.csv", separator=dialect["delimiter"], has_header=dialect["header"], null_values=[null], infer_schema=False)
    return frame.height, frame.to_series(2).null_count()


def main():
    placebo, scratch, rows = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve(), int(sys.argv[3])
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    duckdb.execute("SET TimeZone = 'UTC'")
    profile = scratch / "dialects.toml"
    profile.write_text(PROFILE % rows)
    generate(placebo, profile, scratch / "parquet", "--format", "parquet")
    wanted = duckdb.sql(f"SELECT {CASTS} FROM '{scratch}/parquet/t.parquet'").fetchall()
    nulls = sum(row[2] is None for row in wanted)
    assert len(wanted) == rows and nulls > rows // 10
    tried = 0
    for delimiter, quotes, null in itertools.product(["comma", "semicolon", "tab", "pipe"], ["minimal", "nonnull", "all"], ["", "\\N", "NIL"]):
        # Every other setting in turn.
        header, bom, line_end = ["on", "off"][tried % 2], ["off", "on"][tried // 2 % 2], ["lf", "crlf"][tried // 3 % 2]
        if quotes == "all" and null == "\\N":
            continue  # There a text is equal to it, which is refused below.
        out = scratch / f"csv{tried}"
        chosen = {"delimiter": delimiter, "quote": quotes, "null": null, "header": header, "bom": bom, "line-end": line_end}
        generate(placebo, profile, out, *(part for name, value in chosen.items() for part in (f"--csv-{name}", value)))
        text = (out / "t.csv").read_bytes()
        assert text.startswith(b"\xef\xbb\xbf") == (bom == "on"), chosen
        assert text.endswith(b"\r\n") == (line_end == "crlf"), chosen
        assert by_duckdb(out, quotes) == wanted, f"DuckDB finds other values: {chosen}"
        assert by_polars(out) == (rows, nulls), f"Polars finds {by_polars(out)} instead of {rows, nulls}: {chosen}"
        if bom == "off":
            report = frictionless.validate(str(out / "datapackage.json"))
            assert report.valid, f"{chosen}: {report.flatten(['rowNumber', 'fieldName', 'message'])[:3]}"
        tried += 1
    refused = subprocess.run([placebo, "generate", profile, "--out", "-", "--csv-quote", "all", "--csv-null", "\\N"], capture_output=True, text=True)
    assert refused.returncode == 2 and "null marker" in refused.stderr, refused
    # Without any option, DuckDB finds the quotes by itself where every text has them.
    out = scratch / "sniffed"
    generate(placebo, profile, out, "--csv-quote", "nonnull", "--rows", f"t={rows}")
    assert duckdb.sql(f"SELECT count(*) FROM '{out}/t.csv'").fetchall() == [(rows,)]
    print(f"{tried} dialects of {rows} rows: DuckDB, Polars and Frictionless read them as described")


main()
