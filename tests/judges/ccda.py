"""Judges C-CDA documents: by ccda-to-fhir (what the templates of C-CDA must hold), malac-models-cda (classes made from the XSD of CDA: elements,
their order, attributes and their values) and the npm package @medplum/ccda (makes FHIR of them), by rules of our own for what none of them sees
(ccda_rules.py), and by the tables of the same run as ccda-to-fhir and the npm package bluebutton read them (ccda_rows.py). Planted defects must be
refused.

usage: ccda.py PLACEBO SCRATCH COUNT; TEMPLATES=FOLDER takes the template from FOLDER instead of by name

A quarter of COUNT documents have the months that the template has by itself, and are compared with the tables and judged by all; the others have one
month, and malac-models-cda, the slowest, does not read them.
"""
import collections
import copy
import csv
import functools
import io
import json
import logging
import os
import pathlib
import shutil
import subprocess
import sys

# The judge of FHIR beside this file has the name of a package that ccda-to-fhir needs.
sys.path.append(sys.path.pop(0))

from lxml import etree

from ccda_rows import TABLES, World, bluebutton_says, bluebutton_wants, counted, model_says, model_wants, rows
from ccda_rules import V3, XSI, faults

from ccda_to_fhir.ccda import parser
from malac.models.cda import at_ext as cda

logging.disable(logging.CRITICAL)
# What it works out of the names and types of fields anew for each element is remembered: the judge takes half the time.
for helper in ("_to_snake_case", "_to_camel_case", "_unwrap_field_type", "_is_list_field", "_strip_namespace"):
    setattr(parser, helper, functools.cache(getattr(parser, helper)))

HERE = pathlib.Path(__file__).parent
SEED, NAME = "ccda", "ccda_ccd"
# The template's own number of months, and the first instant of them at the profile's date.
SINCE = "2024-12-30T00:00:00Z"
COMPARED = 500
csv.field_size_limit(1 << 30)


def template():
    folder = os.environ.get("TEMPLATES")
    return f"{folder}/{NAME}.xml.j2" if folder else NAME


def run(placebo, out, *args):
    shutil.rmtree(out, ignore_errors=True)
    done = subprocess.run([placebo, "generate", *args, "--format", "csv", "--out", str(out), "-q"], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"placebo does not run: {done.stderr}")


def templates_judge(text):
    """The document as ccda-to-fhir reads it, and why it refuses it."""
    try:
        return parser.parse_ccda(text), []
    except Exception as error:  # noqa: BLE001: its own errors, and what pydantic throws
        return None, ["ccda-to-fhir: " + " ".join(str(error).split())[:300]]


def schema_judge(root):
    """What the classes of CDA's schema do not know of a document, or put in another order."""
    document, found = cda.POCD_MT000040_ClinicalDocument.factory(), cda.GdsCollector_()
    out = io.StringIO()
    try:
        document.build(root, gds_collector_=found)
        spaces = f'xmlns="{V3[1:-1]}" xmlns:sdtc="urn:hl7-org:sdtc" xmlns:xsi="{XSI[1:].split("}")[0]}"'
        document.export(out, 0, namespaceprefix_="", namespacedef_=spaces, name_="ClinicalDocument", pretty_print=False)
        again = etree.fromstring(out.getvalue().encode())
    except Exception as error:  # noqa: BLE001
        return [" ".join(str(error).split())[:300]]
    # It compares Python's words for true and false with those of the schema.
    wrong = [message for message in found.get_messages() if not message.startswith(('Value "True"', 'Value "False"'))]
    unequal(root, again, "", wrong)
    return wrong


def unequal(root, again, path, wrong):
    """Where a document that was written again from the classes has lost something, or has another order."""
    for name, value in root.attrib.items():
        if again.get(name) != value:
            wrong.append(f"{path} {name} {value} is {again.get(name)}")
    # Text of a section is written with other spaces.
    if root.tag == V3 + "text" and root.getparent().tag == V3 + "section":
        return
    # The classes write HL7's later additions without their namespace.
    mine, theirs = ([child.tag.split("}")[1] for child in side] for side in (root, again))
    if mine != theirs:
        # Of a data type with text, such as a name, the classes write the parts twice or in an order of their own.
        if not (set(mine) == set(theirs) and root.tag.removeprefix(V3) in MIXED):
            wrong.append(f"{path} has {mine}, the schema {theirs}")
        return
    for child, other in zip(root, again):
        unequal(child, other, f"{path}/{child.tag.split('}')[1]}", wrong)


MIXED = {"text", "code", "value", "originalText", "effectiveTime", "addr", "name", "approachSiteCode", "useablePeriod", "routeCode"}


class Npm:
    """The npm judges: one process, which reads documents while others are made."""

    def __init__(self, folder):
        self.out, self.sent = folder / "npm.ndjson", 0
        self.process = subprocess.Popen(["node", "read.js", str(self.out.resolve())], cwd=HERE / "ccda-npm", stdin=subprocess.PIPE)

    def send(self, text, read=False):
        self.process.stdin.write(("R" if read else "J").encode() + text.encode() + b"\n")
        self.sent += 1
        return self.sent - 1

    def finish(self):
        """What was found of each document."""
        self.process.stdin.close()
        found = [json.loads(line) for line in self.out.read_text().splitlines()] if self.process.wait() == 0 else []
        if not found or found.pop() != {"judged": self.sent}:
            sys.exit("the npm judges do not run")
        return found


def judge(text):
    """The document as ccda-to-fhir reads it and as lxml does, and all that is wrong with it."""
    root = etree.fromstring(text.encode())
    document, wrong = templates_judge(text)
    return document, root, wrong + [f"rules: {fault}" for fault in faults(root)]


def differences(key, says, wants):
    return [f"{key}: {name} is {says[name]!r}, the tables say {wants[name]!r}"[:400] for name in wants if says[name] != wants[name]]


def miscounted(found, world, patient):
    return [f"{patient}: medplum makes {found['made'].get(name, 0)} {name}, the tables have {number}" for name, number in counted(world, patient).items()
            if found["made"].get(name, 0) != number]


def values(wants):
    return sum(len(value) if isinstance(value, list) else 1 for value in wants.values())


# ---------------------------------------------------------------------- planted defects


def at(path):
    return "/".join(V3 + step if step[0].isalpha() and step != "sdtc" else step for step in path.split("/"))


def gone(path):
    """A document without an element."""

    def change(root):
        element = root.find(at(path))
        element.getparent().remove(element)

    return change


def put(path, name, value):
    """A document with another attribute; with `None`, without it."""

    def change(root):
        element = root.find(at(path))
        if value is None:
            del element.attrib[name]
        else:
            element.set(name, value)

    return change


def of(template, path="."):
    """The path of an element below the first entry of a template."""
    root = f"2.16.840.1.113883.10.20.22.{template}"
    return lambda tree: tree.xpath(f"//h:templateId[@root='{root}']/..", namespaces={"h": V3[1:-1]})[0].find(at(path))


def entry(template, path, change):
    """A change of an element below the first entry of a template."""
    return lambda root: change(of(template, path)(root))


def remove(element):
    element.getparent().remove(element)


def last(element):
    """The element behind those that follow it."""
    element.getparent().append(element)


def setting(name, value):
    def change(element):
        if value is None:
            del element.attrib[name]
        else:
            element.set(name, value)

    return change


def spelled(text):
    def change(element):
        element.text = text

    return change


def added(tag):
    def change(element):
        etree.SubElement(element, V3 + tag)

    return change


def unknown(element):
    for child in element.findall(V3 + "templateId"):
        child.set("root", "1.2.3")


# A defect, and who must refuse it.
PLANTED = [
    ("templates", gone("custodian")), ("templates", gone("realmCode")), ("templates", put("realmCode", "code", "DE")),
    ("templates", put("typeId", "extension", "POCD_HD000041")), ("templates", gone("recordTarget")), ("templates", gone("effectiveTime")),
    ("templates", entry("4.4", "value", remove)), ("templates", entry("4.4", "statusCode", setting("code", "active"))),
    ("templates", entry("4.4", "effectiveTime/low", remove)), ("templates", entry("4.7", "participant", remove)),
    ("templates", entry("4.27", "value", setting(XSI, "CD"))), ("templates", entry("4.27", "value", setting(XSI, "XX"))),
    ("templates", entry("4.2", "effectiveTime", remove)), ("templates", entry("4.16", "consumable", remove)),
    ("templates", entry("4.52", "effectiveTime", remove)), ("templates", entry("4.78", "value", remove)),
    ("schema", entry("4.16", "consumable", last)), ("schema", entry("4.4", "code", last)),
    ("schema", entry("4.16", ".", added("dosage"))), ("schema", put("code", "codesystem", "x")),
    ("schema", entry("4.16", ".", setting("moodCode", "DONE"))), ("schema", entry("4.3", ".", setting("classCode", "THING"))),
    ("schema", put("recordTarget/patientRole/patient", "sex", "F")),
    ("medplum", entry("2.5.1", ".", unknown)), ("medplum", entry("2.1.1", ".", unknown)), ("medplum", entry("4.26", "component", remove)),
    ("rules", entry("4.27", "value", setting("unit", None))), ("rules", entry("4.4", "templateId[2]", remove)),
    ("rules", entry("4.16", "text/reference", setting("value", "#nowhere"))), ("rules", entry("4.52", "text", remove)),
    ("rules", entry("2.4.1", ".", setting("nullFlavor", "NI"))), ("rules", entry("2.7.1", "..", remove)),
    ("rules", entry("2.5.1", "text/table/tbody/tr", setting("ID", "prb-99"))),
    ("rules", lambda root: spelled("Continuity of Care Document")(root.find(at("title")))),
    ("rules", entry("4.2", "effectiveTime", setting("value", "20250230101500+0000"))), ("rules", entry("4.2", "effectiveTime", setting("value", "20990101"))),
    ("rules", entry("4.49", "effectiveTime/low", setting("value", "20250629235959+0000"))),
    ("rules", put("recordTarget/patientRole/patient/birthTime", "value", "20250629")),
    ("rules", entry("4.2", "code", setting("codeSystem", None))), ("rules", entry("4.2", "code", setting("code", "2345-8"))),
    ("rules", entry("4.23", "manufacturedMaterial/code", setting("code", "0B"))), ("rules", entry("4.4", "value", setting("nullFlavor", None))),
    ("rules", entry("4.4", "value/translation", setting("codeSystem", "2.16.840.1.113883.6.96"))),
    ("rules", entry("4.54", "manufacturedMaterial/code", setting("code", "FLU"))), ("rules", entry("4.119", "time", remove)),
    ("rules", put("author/assignedAuthor/id", "extension", "9999999990")),
    ("bluebutton", put("recordTarget/patientRole/patient/birthTime", "value", "19000101")), ("bluebutton", entry("4.27", "value", setting("value", "1"))),
    ("bluebutton", entry("4.23", "manufacturedMaterial/code", setting("code", "1"))), ("bluebutton", entry("4.2", "value", setting("unit", "g"))),
    ("tables", put("recordTarget/patientRole/patient/birthTime", "value", "19000101")),
    ("tables", lambda root: spelled("Nobody")(root.find(at("recordTarget/patientRole/patient/name/family")))),
    ("tables", entry("4.27", "value", setting("value", "1"))), ("tables", entry("4.23", "manufacturedMaterial/code", setting("code", "1"))),
    ("tables", entry("4.49", "effectiveTime/high", setting("value", "20250629"))), ("tables", entry("4.52", ".", setting("negationInd", "true"))),
]


def plant(texts, world, telecoms, npm, wrong):
    """Each defect must be refused by its judge; those that are for the npm judges, by their position."""
    trees, later = [(patient, etree.fromstring(text.encode())) for patient, text in texts], {}
    for number, (who, change) in enumerate(PLANTED, 1):
        # A document in which the place to change is there.
        for patient, tree in trees:
            tree = copy.deepcopy(tree)
            try:
                change(tree)
                break
            except (AttributeError, IndexError, KeyError, TypeError):
                continue
        else:
            wrong.append(f"planted defect {number}: no document has the place to change")
            continue
        text = etree.tostring(tree, encoding="unicode")
        if who in ("medplum", "bluebutton"):
            later[npm.send(text, read=True)] = number, who, patient
            continue
        seen = {
            "templates": lambda: templates_judge(text)[1], "schema": lambda: schema_judge(etree.fromstring(text.encode())), "rules": lambda: faults(tree),
            "tables": lambda: differences("", model_says(parser.parse_ccda(text)), model_wants(world, patient, telecoms)),
        }[who]()
        if not seen:
            wrong.append(f"planted defect {number}: {who} does not refuse it")
    return later


# ---------------------------------------------------------------------- hostile values

HOSTILE = ["O'Brien & <Sons>", 'said "no"', "]]>", "<!-- -->", "&amp;", "two\nlines", "carriage\r\nreturn", "tab\there", "\u202eright to left\u202c \u05e9\u05dc\u05d5\u05dd",
           "\U0001f600\U0001f469\u200d\U0001f52c", "\U00020bb7 e\u0301", "x" * 300, "a\u2028b\u0085c", "{{ braces }} {% if %}", " leading and trailing ", "\ufeffmark"]
MINE = """+++
about = "hostile texts"
row = "patient"
syntax = "xml"
class = "phi"
+++
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><code displayName="{{ text }}" code="1" codeSystem="1.2"/>
<title>{{ text }}</title><effectiveTime value="2025"/><confidentialityCode code="N"/></ClinicalDocument>
"""


def hostile(placebo, folder):
    """Texts with the format's own signs come out as they went in."""
    home = folder / "hostile"
    shutil.rmtree(home, ignore_errors=True)
    (home / "data").mkdir(parents=True)
    with open(home / "data" / "texts.csv", "w", newline="", encoding="utf-8") as file:
        file.write("# about: hostile texts\n# source: own\n# licence: Apache-2.0\n")
        csv.writer(file, lineterminator="\n").writerows([["no:int", "text"], *enumerate(HOSTILE)])
    (home / "profile.toml").write_text(
        f'name = "hostile"\nas_of = 2025-06-30\n[tables.patient]\nrows = {len(HOSTILE)}\n[tables.patient.refs]\n'
        'found = { file = "texts.csv", match.no = "row" }\n[tables.patient.columns]\npatient_id = { expr = "row", key = true }\ntext = "found.text"\n')
    (home / "hostile_ccda.xml.j2").write_text(MINE)
    run(placebo, home / "out", str(home / "profile.toml"), "--messages", str(home / "hostile_ccda.xml.j2"), "--tables", "hostile_ccda")
    wrong = []
    for row, text in zip(rows(home / "out" / "hostile_ccda.csv"), HOSTILE, strict=True):
        root = etree.fromstring(row["message"].encode())
        found = [root.find(V3 + "code").get("displayName"), root.findtext(V3 + "title")]
        wrong += [f"hostile: {text!r} came out as {one!r}" for one in found if one != text]
    return wrong


# ---------------------------------------------------------------------- all of it


def main():
    placebo, folder, count = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    wrong, npm, expected, read = [], Npm(folder), {}, {}
    whole, short = max(COMPARED, count // 4), count - max(COMPARED, count // 4)
    tables = [*TABLES, "telecom", NAME]
    out = folder / "whole"
    run(placebo, out, "healthcare", "--rows", f"patient={whole}", "--seed", SEED, "--messages", template(), "--tables", ",".join(tables))
    world, telecoms = World(out, SINCE), collections.defaultdict(list)
    for row in rows(out / "telecom.csv"):
        if row["value"]:
            telecoms[row["person_id"]].append(row)
    texts, compared, kinds = [], 0, collections.Counter()
    for row in rows(out / f"{NAME}.csv"):
        patient, text = row["patient_id"], row["message"]
        document, root, found = judge(text)
        found += [f"malac: {one}" for one in schema_judge(root)]
        wants = model_wants(world, patient, telecoms)
        found += differences("ccda-to-fhir", model_says(document), wants) if document else []
        compared += values(wants)
        kinds.update(name for name, value in wants.items() if value)
        wrong += [f"{patient}: {one}" for one in found]
        read[npm.send(text, read=True)] = patient
        if len(texts) < 60:
            texts.append((patient, text))
    out = folder / "short"
    if short > 0:
        run(placebo, out, "healthcare", "--rows", f"patient={short}", "--seed", SEED + "2", "--set", "ccd_months=1", "--messages", template(), "--tables", NAME)
        for row in rows(out / f"{NAME}.csv"):
            wrong += [f"short {row['patient_id']}: {one}" for one in judge(row["message"])[2]]
            npm.send(row["message"])
    planted = plant(texts, world, telecoms, npm, wrong) if not wrong else {}
    for position, found in enumerate(npm.finish()):
        if position in planted:
            number, who, patient = planted[position]
            seen = found.get("refused") or (miscounted(found, world, patient) if who == "medplum" else
                                            differences("", bluebutton_says(found["read"]), bluebutton_wants(world, patient)))
            if not seen:
                wrong.append(f"planted defect {number}: {who} does not refuse it")
        elif "refused" in found:
            wrong.append(f"document {position}: npm: {found['refused']}")
        elif position in read:
            patient = read[position]
            wrong += miscounted(found, world, patient)
            wants = bluebutton_wants(world, patient)
            compared += values(wants)
            wrong += differences(f"{patient}: bluebutton", bluebutton_says(found["read"]), wants)
    wrong += hostile(placebo, folder)
    missing = {"problems", "diagnoses", "allergies", "medications", "procedures", "encounters", "reports", "observations", "immunizations"} - set(kinds)
    wrong += [f"no document has {name}" for name in missing]
    print(*wrong[:20], sep="\n", end="\n" if wrong else "")
    if wrong:
        sys.exit(f"{len(wrong)} findings")
    print(f"C-CDA 2.1: {whole + max(0, short):,} documents, 0 rejections by ccda-to-fhir and @medplum/ccda, {whole:,} of them by malac-models-cda; {compared:,} values of "
          f"{whole:,} are those of the tables, as ccda-to-fhir and bluebutton read them; {len(PLANTED)} planted defects refused; {len(HOSTILE)} hostile texts intact")
    shutil.rmtree(folder)


main()
