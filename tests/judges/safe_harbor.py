"""Judges `--deidentify safe-harbor`: looks at values, and knows nothing of classes or kinds.

usage: safe_harbor.py PLACEBO SCRATCH ROWS

For every shipped profile, over all cells of all tables, keys included: no day-exact date, no identifier of 45 CFR
164.514(b)(2)(i) by its form or by the name of its column, no value that identifies somebody in a run in the clear, no year
that tells an age over 89; and every foreign key still leads to its row. ROWS is the least number of rows of `healthcare`.
Last, defects are planted, and each must be found.
"""
import collections
import csv
import json
import pathlib
import re
import shutil
import subprocess
import sys

PROFILES = ["healthcare", "claims", "payments", "legal"]
# (A) to (R), by the name of a column of a table of persons: those must be empty.
NAMES = re.compile(
    r"(^|_)(given_name|family_name|middle_name|suffix|ssn|mrn|account_no|visit_no|mbi|member_no|policy_no|group_no|phone|fax|email|"
    r"line1|line2|city|county_fips|source_ip|license_no|dea_number|url|vin|plate|serial|control_id|accession_no|lot_no|order_no|value_text|ein)$")
# Tables of organisations with their places, of markets, and of their staff, whose names and telephones are not those of the people that the data is about.
NOBODY = {
    "location", "organization", "pharmacy", "payer", "plan", "health_plan", "fee_schedule", "provider", "provider_location", "market", "retention_policy", "practitioner",
    "practitioner_role", "nurse", "user_account", "fx_rate", "merchant", "terminal", "clearing_desk", "court", "courtroom", "judge",
    "law_firm", "litigant_org", "attorney", "attorney_bar", "holiday", "fee_rule", "court_retention_rule", "consent_policy", "retention_rule",
}
# By the form of a value, in any table of persons.
DATE = re.compile(r"(?<!\d)(19|20)\d\d[-/.]?(0[1-9]|1[0-2])[-/.]?(0[1-9]|[12]\d|3[01])(?!\d)")
FORMS = {
    "a date": DATE,
    "a month": re.compile(r"(?<![\d-])(19|20)\d\d-(0[1-9]|1[0-2])(?![\d-])|(?<=\w[-/])(19|20)\d\d(0[1-9]|1[0-2])(?!\d)"),
    "a social security number": re.compile(r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])"),
    "an e-mail address": re.compile(r"[\w.+-]+@[\w-]+\.\w+"),
    "a telephone number": re.compile(r"(?<!\d)\(?\d{3}\)?[ -.]555[ -.]?01\d\d(?!\d)"),
    "an internet address": re.compile(r"(?<![\d.])(192\.0\.2|198\.51\.100|203\.0\.113)\.\d+(?![\d.])|2001:db8:", re.I),
    "a web address": re.compile(r"https?://"),
}
FEW = {"036", "059", "063", "102", "203", "556", "692", "790", "821", "823", "830", "831", "878", "879", "884", "890", "893"}
OLDEST = 2025 - 90
TOKEN = re.compile(r"tok_[A-Z2-7]{26}")
UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")
HASH = re.compile(r"[0-9a-f]{64}")
WORDS = re.compile(r"[\s/|,;:=\"']+")


def read(folder):
    tables = {}
    for path in sorted(folder.glob("*.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            tables[path.stem] = list(csv.DictReader(file))
    # First and last days of those tables are theirs.
    tables["answers"] = [row for row in tables["answers"] if row["table"] not in NOBODY]
    return tables


def telling(clear, safe):
    """Values that identify in the clear run: of columns that were changed, as good as unique, and too long for chance."""
    known, others = {}, {value for table in NOBODY & clear.keys() for row in clear[table] for value in row.values()}
    # Names of companies that are customers.
    others |= {row["name"] for row in clear.get("party", [])}
    for table, rows in clear.items():
        # Answers are about many rows.
        if table in NOBODY or table == "answers" or not rows:
            continue
        for column in rows[0]:
            values = [row[column] for row in rows]
            if values == [row[column] for row in safe[table]]:
                continue
            counts = collections.Counter(value for value in values if len(value) >= 8)
            if len(counts) * 3 < sum(counts.values()) and table != "sponsor":
                continue
            for value, count in counts.items():
                # Days are looked for by their form.
                if count <= 3 and not UUID.fullmatch(value) and not DATE.match(value) and value not in others:
                    known[value] = f"{table}.{column}"
    return known


def wrong(table, column, value, known, dates):
    """What is wrong with a cell; None where nothing is."""
    if not value or TOKEN.fullmatch(value) or UUID.fullmatch(value) or HASH.fullmatch(value):
        return None
    for words in (value.split(" "), WORDS.split(value)):
        for start in range(len(words)):
            for end in range(start + 1, min(start + 6, len(words)) + 1):
                told = known.get(" ".join(words[start:end]))
                if told:
                    return f"a value of {told} in the clear"
    if table in NOBODY:
        return None
    if NAMES.search(column):
        return "an identifier by its name"
    if column == "postal_code" and (len(value) != 3 or value in FEW):
        return "a postal code that is too narrow"
    if re.search(r"(^|_)age$", column) and int(value) > 90:
        return "an age over 89"
    if (table, column) in dates and value.isdigit() and int(value) < OLDEST:
        return "a year that tells an age over 89"
    return next((what for what, form in FORMS.items() if form.search(value)), None)


def dated(clear):
    """The columns of days and instants in the clear run."""
    found = set()
    for table, rows in clear.items():
        # Beside days, answers have counts.
        for column in rows[0] if rows and table != "answers" else []:
            if any(DATE.match(row[column]) and "-" in row[column] for row in rows):
                found.add((table, column))
    return found


def violations(safe, clear, known):
    dates, found = dated(clear), []
    for table, rows in safe.items():
        for row in rows:
            for column, value in row.items():
                what = wrong(table, column, value, known, dates)
                if what:
                    found.append((table, column, value, what))
    return found


def dangling(folder, tables):
    """Foreign keys that lead to no row."""
    found = []
    for resource in json.loads((folder / "datapackage.json").read_text())["resources"]:
        for key in resource["schema"].get("foreignKeys", []):
            own, to = key["fields"], key["reference"]
            own = [own] if isinstance(own, str) else own
            theirs = [to["fields"]] if isinstance(to["fields"], str) else to["fields"]
            target = to["resource"] or resource["name"]
            known = {tuple(row[field] for field in theirs) for row in tables[target]}
            lost = [value for value in (tuple(row[field] for field in own) for row in tables[resource["name"]]) if all(value) and value not in known]
            if lost:
                found.append(f"{resource['name']}.{own}: {lost[0]} leads nowhere")
    return found


CHAINS = {
    "healthcare": ("audit_event", "patient_id", ["seq_no", "recorded_at", "event_type", "action", "outcome", "practitioner_id", "purpose_of_use",
                                                 "entity_id", "source_ip", "reason"]),
    "legal": ("case_audit", "case_id", ["seq_no", "recorded_at", "action", "outcome", "user_id", "entity_id", "source_ip"]),
}


def unchained(folder, profile):
    """Chains of hashes that break."""
    if profile not in CHAINS:
        return []
    root = pathlib.Path(__file__).resolve().parents[2]
    blocks, names = re.findall(r"```python\n(.*?)```", (root / "docs/encryption.md").read_text(), re.S), {}
    exec(next(block for block in blocks if "def chain_holds" in block), names)
    table, owner, over = CHAINS[profile]
    path = folder / f"{table}.csv"
    assert not names["chain_holds"](path, owner, over[:-1]), "the code of the docs takes any chain"
    return [] if names["chain_holds"](path, owner, over) else [f"{table}: the chain breaks"]


def judge(placebo, scratch, profile, rows):
    size = ["--rows", f"patient={max(rows // 150, 50)}"] if profile == "healthcare" else ["--scale", "0.1"]
    sized = [*size, "-q", "--seed", "a seed of the judge"]
    safe_dir, clear_dir = scratch / profile / "safe", scratch / profile / "clear"
    subprocess.run([placebo, "generate", profile, *sized, "--deidentify", "safe-harbor", "--key-source", "test:judge", "--out", str(safe_dir)], check=True)
    subprocess.run([placebo, "generate", profile, *sized, "--out", str(clear_dir)], check=True)
    safe, clear = read(safe_dir), read(clear_dir)
    known = telling(clear, safe)
    found, lost = violations(safe, clear, known), dangling(safe_dir, safe) + unchained(safe_dir, profile)
    for (table, column, what), count in collections.Counter((t, c, w.split(" in the clear")[0]) for t, c, _, w in found).most_common(40):
        example = next(value for t, c, value, w in found if (t, c) == (table, column))
        print(f"{profile}: {table}.{column}: {count} cells, such as {example!r}: {what}")
    for line in lost:
        print(f"{profile}: {line}")
    count = sum(map(len, safe.values()))
    assert len(known) > 500, f"{profile}: only {len(known)} values of the clear run to look for"
    # What the judge is for, it sees: each planted defect is one more cell.
    assert len(violations(clear, clear, known)) > count, f"{profile}: the judge does not see a run in the clear"
    someone = next(iter(known))
    for table, column in dict.fromkeys((table, next(iter(rows[0]))) for table, rows in safe.items() if rows and table not in NOBODY):
        for planted in (f"6/2023-09-01", "SYNF00001-20230901", someone, f"note: {someone}"):
            row = safe[table][-1]
            kept, row[column] = row[column], planted
            assert wrong(table, column, planted, known, set()), f"{profile}: {planted!r} in {table}.{column} is not seen"
            row[column] = kept
    return count, len(found) + len(lost)


def main():
    placebo, scratch, wanted = sys.argv[1], pathlib.Path(sys.argv[2]) / "safe_harbor", int(sys.argv[3])
    shutil.rmtree(scratch, ignore_errors=True)
    bad = 0
    for profile in PROFILES:
        rows, found = judge(placebo, scratch, profile, wanted)
        assert profile != "healthcare" or rows >= wanted, f"{rows} rows are too few"
        bad += found
        print(f"Safe Harbor: {found} violations in {rows} rows of {profile}")
    shutil.rmtree(scratch)
    assert bad == 0


main()
