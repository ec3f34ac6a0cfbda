"""Judges the identifiers, codes and days in the columns of the shipped profiles by libraries that others keep.

Which judge looks at a column follows from its name. A judge that refuses nothing that is wrong is no judge: each has a planted
defect that it must see, and each kind must be found in some profile.

usage: identifiers.py PLACEBO SCRATCH SCALE PROFILE…
"""
import collections
import datetime
import json
import pathlib
import re
import shutil
import subprocess
import sys

import duckdb
import holidays
import phonenumbers
import schwifty
import simple_icd_10_cm
import stdnum.iban
import stdnum.lei
import stdnum.luhn
import stdnum.us.ein
import stdnum.us.rtn
import stdnum.us.ssn

FEDERAL = holidays.country_holidays("US", years=range(1990, 2035))
TARGET = holidays.financial_holidays("ECB", years=range(1990, 2035))


def iban(text):
    known = schwifty.IBAN(text, allow_invalid=True)
    known.validate(validate_bban=True)
    return stdnum.iban.is_valid(text, check_country=False) and known.bank is None


def bic(text):
    return schwifty.BIC(text).type == "testing"


def phone(text):
    return phonenumbers.is_valid_number(phonenumbers.parse(text, "US"))


def icd10cm(text):
    return simple_icd_10_cm.is_valid_item(text) and simple_icd_10_cm.is_leaf(text)


def day_off(text, calendar):
    day = datetime.date.fromisoformat(str(text)[:10])
    return day.weekday() >= 5 or day in calendar


def luhn(prefix=""):
    return lambda text: stdnum.luhn.is_valid(prefix + text)


# By kind: which columns, the judge, and a value that it must refuse.
KINDS = {
    # The library refuses what nobody can have, which is what we want.
    "ssn": (r"ssn", lambda text: not stdnum.us.ssn.is_valid(text), "536-22-1234"),
    "ein": (r"ein", lambda text: not stdnum.us.ein.is_valid(text), "12-3456789"),
    "npi": (r"(.*_)?npi", luhn("80840"), "9999999990"),
    "icd10cm": (r"icd10cm", icd10cm, "E11"),
    "phone": (r"(.*_)?phone", phone, "217-055-0123"),
    "iban": (r"(.*_)?iban", iban, "DE93999999990000000002"),
    "bic": (r"(.*_)?bic", bic, "DEUTDEFF500"),
    "lei": (r"lei", stdnum.lei.is_valid, "ZZZZ00TESTORG0000145"),
    "routing number": (r"(.*_)?(aba|routing|routing_no|routing_number)", stdnum.us.rtn.is_valid, "999999991"),
    "pan": (r"pan(_token)?", luhn(), "9999990000000015"),
    "TARGET day": (r"target_day", lambda text: not day_off(text, TARGET), "2025-05-01"),
    "US business day": (r"(settled_on|due_on|answer_due)", lambda text: not day_off(text, FEDERAL), "2025-07-04"),
}


def failing(judge, values):
    for value in values:
        try:
            good = judge(value)
        except Exception:  # the libraries have an exception of their own for each defect
            good = False
        if not good:
            yield value


def main(placebo, scratch, scale, profiles):
    for kind, (_, judge, planted) in KINDS.items():
        if not list(failing(judge, [planted])):
            sys.exit(f"{kind}: the judge does not see that {planted} is wrong")
    found, wrong = collections.Counter(), []
    for profile in profiles:
        out = pathlib.Path(scratch) / f"identifiers-{profile}"
        shutil.rmtree(out, ignore_errors=True)
        subprocess.run([placebo, "generate", profile, "--scale", scale, "--format", "parquet", "--out", str(out), "-q"], check=True)
        for table in json.loads((out / "datapackage.json").read_text())["resources"]:
            for field in table["schema"]["fields"]:
                for kind, (name, judge, _) in KINDS.items():
                    if not re.fullmatch(name, field["name"]):
                        continue
                    column = f'"{field["name"]}"'
                    rows = duckdb.execute(f"SELECT DISTINCT {column} FROM '{out}/{table['path']}' WHERE {column} IS NOT NULL").fetchall()
                    found[kind] += len(rows)
                    bad = list(failing(judge, [str(value) for (value,) in rows]))
                    if bad:
                        wrong.append(f"{profile} {table['name']}.{field['name']}: {bad[0]} and {len(bad) - 1} more are no {kind}")
        shutil.rmtree(out)
    wrong += [f"no column has a {kind}" for kind in KINDS if not found[kind]]
    if wrong:
        sys.exit("\n".join(wrong))
    print("identifiers: " + ", ".join(f"{found[kind]} {kind}" for kind in KINDS) + ", all good")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
