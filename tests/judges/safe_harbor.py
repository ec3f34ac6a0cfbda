"""Judges `--deidentify safe-harbor`: looks at values, and knows nothing of classes or kinds.

usage: safe_harbor.py PLACEBO SCRATCH ROWS

Over at least ROWS rows: no identifier of 45 CFR 164.514(b)(2)(i), by the form of values and by the names of columns.
"""
import csv
import pathlib
import re
import shutil
import subprocess
import sys

# (A) to (R), by the name of a column of a table of persons: those must be empty.
NAMES = re.compile(
    r"(^|_)(given_name|family_name|middle_name|suffix|ssn|mrn|account_no|visit_no|member_id|mbi|member_no|policy_no|phone|fax|email|"
    r"line1|line2|city|county_fips|source_ip|license_no|dea_number|url|vin|plate|serial|control_id|accession_no|lot_no|order_no|value_text)$")
# Tables of organisations, whose names and telephones are no one's.
NOBODY = {"location", "organization", "pharmacy", "payer", "plan", "retention_policy", "practitioner", "practitioner_role", "nurse", "user_account"}
# By the form of a value, in any table of persons.
FORMS = {
    "a date": re.compile(r"(?<!\d)(19|20)\d\d-[01]\d-[0-3]\d"),
    "a social security number": re.compile(r"(?<!\d)\d{3}-\d{2}-\d{4}(?!\d)"),
    "an e-mail address": re.compile(r"[\w.+-]+@[\w-]+\.\w+"),
    "a telephone number": re.compile(r"(?<!\d)\(?\d{3}\)?[ -.]555[ -.]?01\d\d(?!\d)"),
    "an internet address": re.compile(r"(?<![\d.])(192\.0\.2|198\.51\.100|203\.0\.113)\.\d+(?![\d.])|2001:db8:", re.I),
    "a web address": re.compile(r"https?://"),
}
FEW = {"036", "059", "063", "102", "203", "556", "692", "790", "821", "823", "830", "831", "878", "879", "884", "890", "893"}
KEY = re.compile(r"_id$")


def main():
    placebo, scratch, wanted = sys.argv[1], pathlib.Path(sys.argv[2]) / "safe_harbor", int(sys.argv[3])
    subprocess.run([placebo, "generate", "healthcare", "--rows", f"patient={max(wanted // 150, 50)}", "--deidentify", "safe-harbor",
                    "--out", str(scratch), "--overwrite", "-q"], check=True)
    rows = violations = 0
    for path in sorted(scratch.glob("*.csv")):
        table = path.stem
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                rows += 1
                if table in NOBODY:
                    continue
                for column, value in row.items():
                    if not value or KEY.search(column):
                        continue
                    wrong = None
                    if NAMES.search(column):
                        wrong = "an identifier by its name"
                    elif column == "postal_code" and (len(value) != 3 or value in FEW):
                        wrong = "a postal code that is too narrow"
                    elif re.search(r"(^|_)age$", column) and int(value) > 90:
                        wrong = "an age over 89"
                    elif column == "birth_date" and int(value) < 2025 - 90:
                        wrong = "a year of birth that tells an age over 89"
                    else:
                        wrong = next((what for what, form in FORMS.items() if form.search(value)), None)
                    if wrong:
                        violations += 1
                        if violations <= 10:
                            print(f"{table}.{column}: {value!r} is {wrong}")
    assert rows >= wanted, f"{rows} rows are too few"
    # What the checker is for, it sees.
    clear = scratch / "clear"
    subprocess.run([placebo, "generate", "healthcare", "--rows", "patient=20", "--tables", "person", "--out", str(clear), "-q"], check=True)
    text = (clear / "person.csv").read_text()
    assert all(FORMS[form].search(text) for form in ("a date", "a social security number")), "the checker is blind"
    shutil.rmtree(scratch)
    assert violations == 0, f"{violations} violations in {rows} rows"
    print(f"Safe Harbor: 0 violations in {rows} rows")


main()
