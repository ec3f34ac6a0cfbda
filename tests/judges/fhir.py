"""Judges FHIR R4 messages: by fhir.resources (types, cardinality, dates), by the npm package fhir (required value sets), by rules of our own
for what neither sees (fhir_rules.py), and by the tables of the same run (fhir_rows.py). Planted defects must be refused.

usage: fhir.py PLACEBO SCRATCH COUNT; TEMPLATES=FOLDER takes the templates from FOLDER/PROFILE/ instead of by name

COUNT messages of each type are judged, spread evenly over the run, or all where a table has a fixed size; a tenth as many Bundles, each with a
hundred resources. References are followed from every message of a run.
"""
import copy
import csv
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

from fhir.resources import construct_fhir_element

from fhir_rows import ROWS, at, same
from fhir_rules import bundled, faults, identifiers, references

HERE = pathlib.Path(__file__).parent
SEED = "fhir"
# Tables of a fixed size, which are judged whole.
FIXED = {"fhir_organization", "fhir_payer", "fhir_pharmacy", "fhir_nurse", "fhir_claims_sponsor", "fhir_claims_insurer"}
# What only stays have.
STAYS = ["fhir_encounter_part", "fhir_medication_administration"]
BUNDLE = "fhir_patient_bundle"
# What is loaded before the Bundles, which find it by its identifiers.
LOADED = {"fhir_practitioner", "fhir_nurse", "fhir_organization", "fhir_payer", "fhir_pharmacy", "fhir_location"}
COMPARED = 500
NAMES = {
    "claims": [name for name in ROWS if name.startswith("fhir_claim") or name == "fhir_eob"],
    # The Bundle last: what it refers to has been read then.
    "healthcare": [*(name for name in ROWS if not name.startswith("fhir_claim") and name != "fhir_eob"), BUNDLE],
}
csv.field_size_limit(1 << 30)


class Table(dict):
    """Rows by key, and `after`: each key's next row."""

    def __init__(self, path, keys):
        self.after, last = {}, None
        with open(path, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                key = "\t".join(row[k] for k in keys) if keys else next(iter(row.values()))
                self[key] = row
                if last is not None:
                    self.after[last] = row
                last = key


def template(profile, name):
    folder = os.environ.get("TEMPLATES")
    return f"{folder}/{profile}/{name}.ndjson.j2" if folder else name


def generate(placebo, out, profile, names, tables=(), extra=()):
    """Runs the templates, with tables beside their messages."""
    shutil.rmtree(out, ignore_errors=True)
    args = [placebo, "generate", profile, "--seed", SEED, "--format", "csv", "--out", str(out), "-q", *extra]
    args += ["--messages", ",".join(template(profile, name) for name in names), "--tables", ",".join([*names, *sorted(tables)])]
    done = subprocess.run(args, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"placebo does not run: {done.stderr}")


def messages(out, name):
    """The columns of the key, and for each message its key and its text."""
    with open(out / f"{name}.csv", newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        keys = next(rows)[:-1]
        return keys, [("\t".join(row[:-1]), row[-1]) for row in rows]


def spread(rows, count):
    step = max(1, len(rows) // count)
    return rows[::step][:count]


class Findings(list):
    def add(self, where, what):
        self.append(f"{where}: {what}")


class Npm:
    """The npm judge: one process, which reads messages while others are made."""

    def __init__(self, folder):
        self.out, self.where = folder / "refused.ndjson", []
        self.process = subprocess.Popen(["node", "validate.js", str(self.out)], cwd=folder, stdin=subprocess.PIPE)

    def send(self, where, text, planted=False):
        self.where.append((where, planted))
        self.process.stdin.write(text.encode() + b"\n")

    def finish(self, wrong):
        """What it refused and should not have, and the planted defects that it accepted."""
        self.process.stdin.close()
        lines = [json.loads(line) for line in self.out.read_text().splitlines()] if self.process.wait() == 0 else []
        if not lines or lines.pop() != {"judged": len(self.where)}:
            sys.exit("the npm judge does not run")
        refused = {line["at"]: line["found"] for line in lines}
        for position, (where, planted) in enumerate(self.where):
            if planted != (position in refused):
                wrong.add(where, "npm fhir does not refuse it" if planted else f"npm fhir: {refused[position]}")


def resources_judge(message):
    """The parsed resource, or why fhir.resources refuses it."""
    try:
        return construct_fhir_element(message["resourceType"], message), None
    except Exception as error:  # noqa: BLE001: pydantic's errors, and what the library itself throws
        return None, " ".join(str(error).split())[:300]


class Named(dict):
    """The tables of a run by name and key columns, read when they are asked for; by name alone, the first column is the key."""

    def __init__(self, out):
        super().__init__()
        self.out = out

    def __missing__(self, name):
        table, keys = name if isinstance(name, tuple) else (name, ())
        self[name] = Table(self.out / f"{table}.csv", keys)
        return self[name]


def compare(name, keys, key, value, tables, wrong):
    """The values of a message, as the judge's library has them, beside those of the tables; how many."""
    table, expected = ROWS[name]
    rows = tables[table, tuple(keys)]
    value, cells = value.dict(), expected(rows[key], tables)
    for path, cell in cells.items():
        if not same(at(value, path), cell):
            wrong.add(f"{name} {key}", f"{path} is {at(value, path)!r}, the table says {cell!r}")
    return len(cells)


def judge(where, text, npm, wrong):
    """A message under both judges and our own rules; the message, and as the judge's library has it."""
    npm.send(where, text)
    message = json.loads(text)
    value, refused = resources_judge(message)
    if refused:
        wrong.add(where, f"fhir.resources: {refused}")
    for fault in faults(message):
        wrong.add(where, fault)
    return message, value


def whole(placebo, folder, profile, count, extra, npm, wrong, judged):
    """A run with all types: both judges, our rules, references and the round trip. Some messages of each type, the ids, the identifiers."""
    out = folder / profile
    tables = {ROWS[name][0] for name in NAMES[profile] if name in ROWS} | {"person"} | ({"plan"} if profile == "healthcare" else set())
    generate(placebo, out, profile, NAMES[profile], tables, extra)
    ids, refs, outside, samples, cells = set(), set(), set(), {}, 0
    read = Named(out)
    for name in NAMES[profile]:
        keys, rows = messages(out, name)
        chosen = {key for key, _ in spread(rows, count // 10 if name == BUNDLE else count)}
        compared = {key for key, _ in spread(rows, COMPARED)} & chosen
        samples[name], judged[name] = [], len(chosen)
        for key, text in rows:
            if key in chosen:
                message, value = judge(f"{name} {key}", text, npm, wrong)
                if len(samples[name]) < 40:
                    samples[name].append(message)
                if name == BUNDLE:
                    for fault in bundled(message, outside):
                        wrong.add(f"{name} {key}", fault)
                elif value and key in compared:
                    cells += compare(name, keys, key, value, read, wrong)
            if name in LOADED:
                message = json.loads(text)
                outside.update((message["resourceType"], one) for one in identifiers(message))
            if name != BUNDLE:
                own = "/".join(re.match(r'\{"resourceType":"([^"]+)","id":"([^"]+)"', text).groups())
                if own in ids:
                    wrong.add(f"{name} {key}", f"{own} is there twice")
                ids.add(own)
                refs.update(references(text))
    for reference in dangling(ids, refs)[:5]:
        wrong.add(profile, f"{reference} is the id of no message")
    print(f"{profile}: {len(refs):,} references lead to {len(ids):,} resources; {cells:,} values are those of the tables", flush=True)
    shutil.rmtree(out)
    return samples, ids, outside


def dangling(ids, refs):
    return sorted(reference for reference in refs if reference not in ids)


def more(placebo, folder, names, count, extra, npm, wrong, judged):
    """Further messages of the types that are rare."""
    out = folder / "more"
    generate(placebo, out, "healthcare", names, (), extra)
    for name in names:
        rows = spread(messages(out, name)[1], count)
        judged[name] = len(rows)
        for key, text in rows:
            judge(f"{name} {key}", text, npm, wrong)
    shutil.rmtree(out)


def put(path, value):
    """A change of a message: a value at a path; `None` takes away what is there."""

    def change(message):
        *steps, last = path.split("/")
        for step in steps:
            message = message[int(step) if step.isdigit() else step]
        last = int(last) if last.isdigit() else last
        if value is None:
            del message[last]
        else:
            message[last] = value

    return change


# A defect for each judge and each rule: the type, who must refuse it, and the change.
PLANTED = [
    ("fhir_patient", "resources", put("birthDate", "1980-02-30")),
    ("fhir_patient", "resources", put("nickname", "Al")),
    ("fhir_encounter", "resources", put("class", None)),
    ("fhir_encounter", "resources", put("period/start", "yesterday")),
    ("fhir_claim", "resources", put("total/value", "much")),
    ("fhir_coverage", "resources", put("payor", None)),
    ("fhir_patient", "npm", put("gender", "femail")),
    ("fhir_patient", "npm", put("nickname", "Al")),
    ("fhir_observation", "npm", put("status", "done")),
    ("fhir_condition", "npm", put("clinicalStatus/coding/0/code", "ill")),
    ("fhir_claim", "npm", put("provider", None)),
    ("fhir_encounter", "npm", put("subject/reference", "Location/location-1")),
    ("fhir_patient", "own", put("id", "patient_1")),
    ("fhir_patient", "own", put("id", "x" * 65)),
    ("fhir_patient", "own", put("meta/security", None)),
    ("fhir_patient", "own", put("address/0/period", {"start": "2024-03-01", "end": "2024-02-29"})),
    ("fhir_patient", "own", put("name/0/given", [])),
    ("fhir_practitioner", "own", put("identifier/0/value", "9999999990")),
    ("fhir_encounter", "own", put("class/code", "OUTPATIENT")),
    ("fhir_condition", "own", put("code/coding/0/code", "E119")),
    ("fhir_specimen", "own", put("type/coding/0/code", "SERUM")),
    ("fhir_report_observation", "own", put("code/coding/0/code", "2345-8")),
    ("fhir_social_history", "own", put("code/coding/0/system", "http://loinc.example")),
    ("fhir_medication_request", "own", put("dispenseRequest/expectedSupplyDuration/unit", "days")),
    ("fhir_claim", "own", put("item/0/net/value", 0.01)),
    ("fhir_eob", "own", put("item/0/adjudication/0/amount/value", 0.01)),
    ("fhir_claim_response", "own", put("total/0/amount/value", 0.01)),
    (BUNDLE, "own", put("entry/0/resource/meta", None)),
    ("fhir_encounter", "reference", put("subject/reference", "Patient/patient-0")),
    ("fhir_eob", "reference", put("claim/reference", "Claim/0")),
    (BUNDLE, "bundle", put("entry/0/resource/generalPractitioner/0/reference", "Practitioner?identifier=http://placebo.example/id/practitioner|0")),
    (BUNDLE, "bundle", put("entry/0/fullUrl", "http://placebo.example/fhir/Patient/patient-0")),
    (BUNDLE, "bundle", put("entry/0/request/url", "Patient/patient-0")),
]


def plant(samples, ids, outside, npm, wrong):
    """Each defect must be refused by its judge."""
    for number, (name, who, change) in enumerate(PLANTED, 1):
        # A message in which the place to change is there.
        for message in samples[name]:
            message = copy.deepcopy(message)
            try:
                change(message)
                break
            except (KeyError, IndexError, TypeError):
                continue
        else:
            wrong.add(f"planted defect {number}", f"no {name} has the place to change")
            continue
        text = json.dumps(message, separators=(",", ":"))
        if who == "npm":
            npm.send(f"planted defect {number}, {name}", text, planted=True)
            continue
        seen = {
            "resources": lambda: resources_judge(message)[1], "own": lambda: faults(message), "reference": lambda: dangling(ids, references(text)),
            "bundle": lambda: bundled(message, outside),
        }[who]()
        if not seen:
            wrong.add(f"planted defect {number}, {name}", f"{who} does not refuse it")


# FHIR's strings have no control characters but tab and line ends, and its pattern has no line or paragraph separators (U+2028, U+2029).
HOSTILE = [
    'Quote " and back\\slash \\" \\n', "{{ braces }} {% if %} {# #}", "a,b;c|d^e~f&g", "</script><b>&amp;", "line one\nline two\r\nline three",
    "tab\there", "\u202eright to left\u202c \u05e9\u05dc\u05d5\u05dd", "\U0001f600\U0001f469\u200d\U0001f52c", "\U00020bb7 \u0301combined", "x" * 300,
    "null", "true", "zero\u200b\u200dwidth\ufeff", "O'Neil-\u00c7elik Nu\u00f1ez", " leading and trailing ",
]


def hostile(placebo, folder, npm, wrong):
    """A profile whose texts hold the format's own signs: they come out as they went in."""
    home = folder / "hostile"
    shutil.rmtree(home, ignore_errors=True)
    (home / "data").mkdir(parents=True)
    with open(home / "data" / "texts.csv", "w", newline="", encoding="utf-8") as file:
        file.write("# about: hostile texts\n# source: own\n# licence: Apache-2.0\n")
        csv.writer(file, lineterminator="\n").writerows([["no:int", "text"], *enumerate(HOSTILE)])
    (home / "profile.toml").write_text(
        f'name = "hostile"\nas_of = 2025-06-30\n[tables.patient]\nrows = {len(HOSTILE)}\n'
        '[tables.patient.refs]\nfound = { file = "texts.csv", match.no = "row" }\n'
        '[tables.patient.columns]\npatient_id = { expr = "row", key = true }\ntext = "found.text"\n'
    )
    (home / "fhir_hostile.ndjson.j2").write_text(
        '+++\nabout = "hostile texts"\nstandard = "FHIR R4"\nrow = "patient"\nsyntax = "json"\nclass = "phi"\n+++\n'
        '{"resourceType": "Patient", "id": "patient-{{ patient_id }}", "identifier": [{"system": "http://x.example", "value": {{ text }} }],\n'
        '"name": [{"family": {{ text }}, "given": ["{{ text }}", {{ text }}]}], "address": [{"line": ["at {{ text }} street"]}]}\n'
    )
    args = [placebo, "generate", str(home / "profile.toml"), "--messages", str(home / "fhir_hostile.ndjson.j2"), "--tables", "fhir_hostile"]
    done = subprocess.run([*args, "--format", "csv", "--out", str(home / "out"), "-q"], capture_output=True, text=True)
    if done.returncode:
        wrong.add("hostile", f"placebo does not run: {done.stderr}")
        return
    for text, (key, line) in zip(HOSTILE, messages(home / "out", "fhir_hostile")[1], strict=True):
        npm.send(f"hostile {text!r}", line)
        value, why = resources_judge(json.loads(line))
        if why:
            wrong.add(f"hostile {text!r}", f"fhir.resources: {why}")
        elif not (value.name[0].family == value.name[0].given[0] == value.name[0].given[1] == value.identifier[0].value == text):
            wrong.add(f"hostile {text!r}", f"comes out as {value.name[0].family!r}")
        elif value.address[0].line[0] != f"at {text} street":
            wrong.add(f"hostile {text!r}", f"comes out within a text as {value.address[0].line[0]!r}")


def unlabelled(placebo, folder, wrong):
    """The parameter takes the label away."""
    out = folder / "unlabelled"
    generate(placebo, out, "healthcare", ["fhir_patient"], (), ["--rows", "patient=20", "--set", "fhir_security=none"])
    for key, text in messages(out, "fhir_patient")[1]:
        for fault in faults(json.loads(text), labelled=False):
            wrong.add(f"unlabelled {key}", fault)
    shutil.rmtree(out)


def main():
    placebo, folder, count = sys.argv[1], pathlib.Path(sys.argv[2]).resolve() / "fhir", int(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    home = folder / "npm"
    home.mkdir(exist_ok=True)
    for file in ["package.json", "package-lock.json", "validate.js"]:
        shutil.copy(HERE / "fhir-npm" / file, home / file)
    # `make` has installed the package where NODE_PATH leads.
    if "NODE_PATH" not in os.environ:
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=home, check=True)
    npm = Npm(home)
    wrong, judged = Findings(), {}
    claims = ["--rows", f"member={count}", "--rows", f"claim={count * 6 // 5}", "--rows", f"provider={count}"]
    samples, ids, outside = whole(placebo, folder, "claims", count, claims, npm, wrong, judged)
    found = whole(placebo, folder, "healthcare", count, ["--rows", f"patient={max(50, count // 5)}"], npm, wrong, judged)
    samples, ids, outside = samples | found[0], ids | found[1], outside | found[2]
    rare = [name for name in NAMES["healthcare"] if judged[name] < count and name not in FIXED and name not in STAYS and name != BUNDLE]
    extra = ["--rows", f"patient={count * 2}", "--rows", f"practitioner={count}", "--rows", f"location={count + 32}"]
    more(placebo, folder, rare, count, extra, npm, wrong, judged)
    more(placebo, folder, STAYS, count, ["--rows", f"patient={count}", "--set", "inpatient_share=0.8"], npm, wrong, judged)
    plant(samples, ids, outside, npm, wrong)
    hostile(placebo, folder, npm, wrong)
    unlabelled(placebo, folder, wrong)
    npm.finish(wrong)
    for name, number in sorted(judged.items()):
        if number < count and name not in FIXED and name != BUNDLE:
            wrong.add(name, f"only {number} messages were judged")
        print(f"ok {name} {number:,} messages")
    if wrong:
        print(f"{len(wrong):,} findings", *wrong[:20], sep="\n")
        sys.exit(1)
    print(f"FHIR R4: {sum(judged.values()):,} messages of {len(judged)} types accepted by both judges, {len(PLANTED)} planted defects refused, "
          f"{len(HOSTILE)} hostile texts intact")


main()
