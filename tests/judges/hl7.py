"""Judges HL7 v2.5.1 messages: hl7apy (strict, with groups), python-hl7, and own checks of what neither of them sees.

usage: hl7.py PLACEBO SCRATCH [COUNT]

TEMPLATES=FOLDER in the environment takes the templates of that folder instead of the embedded ones.
"""
import collections
import csv
import datetime
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys

# This file has the name of a package that it needs.
sys.path.remove(str(pathlib.Path(__file__).parent))

import hl7
from hl7apy.core import Segment
from hl7apy.factories import datatype_factory
from hl7apy.parser import parse_field, parse_message, parse_segment
from hl7apy.v2_5_1.datatypes import DATATYPES_STRUCTS
from hl7apy.v2_5_1.segments import SEGMENTS
from hl7apy.v2_5_1.tables import TABLES
from hl7apy.validation import Validator

csv.field_size_limit(1 << 24)
VERSION = "2.5.1"
STRICT = 1
SEED = "hl7"
# Whole messages of each type for hl7apy, beside one of each skeleton; and messages of each type whose values are compared with the tables.
WHOLE = 3
ROUND_TRIP = 500

# The runs: what makes enough rows of every kind, and the types that are made of them.
RUNS = {
    "stays": (
        ["--set", "duplicate_record_rate=1", "--set", "inpatient_share=0.25", "--set", "observation_share=0.05",
         "--set", "appointment_cancel_rate=0.3", "--set", "message_error_rate=0.2", "--set", "orders_factor=0.4"],
        1.4,
        ["adt_a01", "adt_a02", "adt_a03", "adt_a04", "adt_a08", "adt_a28", "adt_a31", "adt_a40", "oml_o21", "oru_r01", "omp_o09", "vxu_v04",
         "mdm_t02", "dft_p03", "ack", "siu_s12", "siu_s13", "siu_s14", "siu_s15"],
    ),
    # Who comes and leaves unseen is rare: 1.2 % of appointments.
    "unseen": (
        ["--set", "appointment_noshow_rate=0.45", "--set", "appointment_cancel_rate=0.45", "--set", "encounters_per_year=30"],
        1.9,
        ["adt_a04_unseen", "adt_a11"],
    ),
}
BESIDE = ["patient", "person", "practitioner", "patient_merge", "encounter", "encounter_location", "appointment", "condition", "procedure",
          "observation", "service_request", "specimen", "diagnostic_report", "report_observation", "medication_request", "immunization",
          "document", "message_log", "coverage"]

# Tables of HL7 that are not closed, or that hl7apy has older than their codes or as a pattern: coding systems; vaccines and their makers,
# which the CDC keeps; dispositions, of which UB-04 has more; ranks of diagnoses ("2 _" in hl7apy); repeat patterns such as Q6H.
OPEN = {"HL70396", "HL70292", "HL70227", "HL70112", "HL70359", "HL70335"}


def run(args):
    done = subprocess.run(args, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(args[:3])} …: {done.stderr}")
    return done


def template(name):
    folder = os.environ.get("TEMPLATES")
    return f"{folder}/{name}.hl7.j2" if folder else name


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def spread(items, count):
    """At most `count` of a list, from all of it."""
    return items if len(items) <= count else [items[at * len(items) // count] for at in range(count)]


DIGITS = str.maketrans("", "", "-:TZ")


def instant(text):
    """The instant of a TS of a message, or of a timestamp of a table, as 14 digits; all are in UTC."""
    return text.split("+")[0].split(".")[0].translate(DIGITS).ljust(14, "0")


def moment(digits):
    return datetime.datetime.strptime(digits, "%Y%m%d%H%M%S")


# ---------------------------------------------------------------------- hl7apy


class Hl7apy:
    """hl7apy checks messages, segments, fields and components each by a definition of its own. So what it has judged it need not judge again: a
    message by its sequence of segments (repeated ones as one), a segment by the fields that it has, a field by the components that it has,
    and a text by its type."""

    def __init__(self):
        self.messages, self.segments, self.fields, self.texts, self.lines = {}, {}, {}, {}, {}

    def whole(self, message):
        try:
            parse_message(message, validation_level=STRICT, find_groups=True).validate()
            return None
        except Exception as error:
            return f"hl7apy: {type(error).__name__}: {error}"

    def text(self, kind, text):
        key = (kind, text)
        if key not in self.texts:
            try:
                datatype_factory(kind, text, VERSION, STRICT)
                self.texts[key] = None
            except Exception as error:
                self.texts[key] = f"hl7apy: {kind} {text!r}: {type(error).__name__}: {error}"
        return self.texts[key]

    def field(self, segment, number, text):
        known = SEGMENTS[segment][1]
        if number > len(known):
            return f"hl7apy: {segment} has no field {number}"
        name, reference = known[number - 1][:2]
        if reference[2] == "varies":
            return None
        components = [component.split("&") for component in text.split("^")]
        shape = (reference[2], *(tuple(map(bool, parts)) for parts in components))
        if shape not in self.fields:
            try:
                field = parse_field(text, name=name, version=VERSION, validation_level=STRICT)
                Segment(segment, version=VERSION, validation_level=STRICT).add(field)
                Validator.validate(field, reference)
                self.fields[shape] = None
            except Exception as error:
                self.fields[shape] = f"hl7apy: {name} {text!r}: {type(error).__name__}: {error}"
        if self.fields[shape]:
            return self.fields[shape]
        if reference[0] == "leaf":
            return self.text(reference[2], text)
        for (_, inner, *_), parts in zip(DATATYPES_STRUCTS[reference[2]], components):
            kinds = [inner[2]] if inner[0] == "leaf" else [leaf[1][2] for leaf in inner[1]]
            for kind, part_ in zip(kinds, parts):
                if part_ and (wrong := self.text(kind, part_)):
                    return wrong
        return None

    def judge(self, message):
        lines = message.rstrip("\r").split("\r")
        names = [line[:3] for line in lines]
        skeleton = tuple(name for at, name in enumerate(names) if at == 0 or names[at - 1] != name) + (lines[0].split("|")[8],)
        if skeleton not in self.messages:
            self.messages[skeleton] = self.whole(message)
        if self.messages[skeleton]:
            return self.messages[skeleton]
        for line in lines:
            if line not in self.lines:
                self.lines[line] = self.line(line)
            if self.lines[line]:
                return self.lines[line]
        return None

    def line(self, line):
        name, *fields = line.split("|")
        if name == "MSH":
            fields.insert(0, "|")
        repeated = [field.split("~") if (name, at) != ("MSH", 1) else [field] for at, field in enumerate(fields)]
        # Whether a field has no text, one, or more; for the value of an OBX also its type.
        shape = (name, *(min(2, len(texts)) if texts != [""] else 0 for texts in repeated), fields[1] if name == "OBX" else None)
        if shape not in self.segments:
            try:
                segment = parse_segment(line, version=VERSION, validation_level=STRICT)
                segment.validate()
                self.segments[shape] = None
            except Exception as error:
                self.segments[shape] = f"hl7apy: {line[:60]}: {type(error).__name__}: {error}"
        if self.segments[shape]:
            return self.segments[shape]
        for at, texts in enumerate(repeated):
            if name == "MSH" and at < 2:
                continue
            for text in texts:
                if text and (wrong := self.field(name, at + 1, text)):
                    return wrong
        return None


def python_hl7(message):
    """python-hl7 reads the message, and writes it as it was. What it read, and what is wrong."""
    try:
        parsed = hl7.parse(message)
    except Exception as error:
        return None, f"python-hl7: {type(error).__name__}: {error}"
    same = str(parsed).rstrip("\r") == message.rstrip("\r")
    return parsed, None if same else "python-hl7: the message is another one when it is written again"


# ---------------------------------------------------------------- own checks of one message


def luhn(digits):
    total = 0
    for at, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if at % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def divided(line):
    fields = line.split("|")
    return ["MSH", "|", *fields[1:]] if fields[0] == "MSH" else fields


def of_lines(check):
    """A check of segments as one of messages. Messages have many segments in common: each is checked once."""
    known = {}

    def all_lines(message):
        for line, segment in zip(message.lines, message.segments):
            if line not in known:
                known[line] = check(segment)
            if known[line]:
                return known[line]
        return None

    return all_lines


class Message:
    """A message as lists: `fields[3]` of a segment is its field 3."""

    def __init__(self, type_, key, text):
        self.type, self.key, self.text = type_, key, text
        self.lines = text.rstrip("\r").split("\r")
        self.segments = [divided(line) for line in self.lines]

    def all(self, name):
        return [segment for segment in self.segments if segment[0] == name]

    def get(self, name, field, component=1):
        """The text of a component of the first segment of a name, or nothing."""
        for segment in self.segments:
            if segment[0] == name:
                return part(segment, field, component)
        return ""

    @property
    def control(self):
        return self.segments[0][10]

    @property
    def event(self):
        return "^".join(self.segments[0][9].split("^")[:2])

    @property
    def at(self):
        return instant(self.segments[0][7])


def part(segment, field, component=1):
    if field >= len(segment):
        return ""
    parts = segment[field].split("~")[0].split("^")
    return parts[component - 1] if component <= len(parts) else ""


def values(message):
    """OBX-5 is of the type that OBX-2 names, and OBX-8 follows from OBX-7."""
    kinds = {
        "NM": r"[+-]?[0-9]+(\.[0-9]+)?", "DT": r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])", "TX": r"[^~]+", "ST": r"[^~^]+",
        "CE": r"[^~^]*(\^[^~^]*){1,5}", "CWE": r"[^~^]*(\^[^~^]*){1,8}", "TS": r"\d{4,14}([+-]\d{4})?",
    }
    for obx in message.all("OBX"):
        kind, value = obx[2], obx[5]
        if kind not in kinds or not re.fullmatch(kinds[kind], value):
            return f"OBX-5 {value!r} is not of type {kind!r}"
        if kind == "NM" and len(obx) > 8 and obx[7]:
            low, high = re.fullmatch(r"(?:(?P<low>[0-9.]+)-(?P<high>[0-9.]+))|<(?P<below>[0-9.]+)|>(?P<above>[0-9.]+)", obx[7]).group("low", "high")
            low = low or (obx[7][1:] if obx[7][0] == ">" else "-inf")
            high = high or (obx[7][1:] if obx[7][0] == "<" else "inf")
            said = {"L": "L", "LL": "L", "H": "H", "HH": "H", "N": "N"}.get(obx[8])
            found = "L" if float(value) < float(low) else "H" if float(value) > float(high) else "N"
            if said != found:
                return f"OBX-8 {obx[8]!r}: {value} in {obx[7]} is {found}"
    return None


@of_lines
def npis(segment):
    """Every NPI has its check digit."""
    for field in segment[1:]:
        for text in field.split("~") if "NPI" in field else []:
            parts = text.split("^")
            number = parts[0] if parts[12:13] == ["NPI"] else parts[9] if parts[6:7] == ["NPI"] else None
            if number is not None and not (re.fullmatch(r"\d{10}", number) and luhn("80840" + number)):
                return f"{segment[0]}: {number} is no NPI"
    return None


@of_lines
def codes(segment):
    """Coded fields have codes of the tables of HL7: of the table of the field, and of the one that the code itself names."""
    for at, field in enumerate(segment[1:], 1):
        if not field or (segment[0], at) == ("MSH", 2):
            continue
        name, reference = SEGMENTS[segment[0]][1][at - 1][:2]
        for text in field.split("~"):
            parts = text.split("^")
            for table in [reference[4], *parts[2:3]]:
                if parts[0] and table in TABLES and table not in OPEN and parts[0] not in TABLES[table][1]:
                    return f"{name}: {parts[0]!r} is not in table {table}"
    return None


def flags(message):
    """The message says that it is a test, and its control id fits into MSH-10."""
    msh = message.segments[0]
    return None if msh[11] == "T" and 1 <= len(msh[10]) <= 20 and msh[12] == VERSION else f"MSH-10 to 12: {msh[10:13]}"


def order(message):
    """Within a result: taken, received, measured, reported; and ORC and OBR have the same numbers."""
    for orc, obr in zip(message.all("ORC"), message.all("OBR")):
        if part(orc, 2) != part(obr, 2) or part(orc, 3) != part(obr, 3):
            return f"ORC-2 and 3 {part(orc, 2)}, {part(orc, 3)}; OBR has others"
    if message.type == "oru_r01":
        reported = instant(message.get("OBR", 22))
        steps = [instant(message.get("OBR", 7))]
        if message.all("SPM"):
            steps = [instant(message.get("SPM", 17)), instant(message.get("SPM", 18))]
        measured = [instant(obx[14]) for obx in message.all("OBX")]
        if steps != sorted(steps) or not measured or min(measured) < steps[-1] or max(measured) > reported or reported > message.at:
            return f"taken and received {steps}, measured {measured[:1]}, reported {reported}"
    return None


ONE = [values, npis, codes, flags, order]


# ------------------------------------------------------------- own checks of messages together


def unique(messages, _):
    """No control id is used twice."""
    seen = collections.Counter(message.control for message in messages)
    return [f"control id {control} of {times} messages" for control, times in seen.items() if times > 1]


def logged(messages, tables):
    """A message with a row in the log has its type and its second, and what the log has is there."""
    log, wrong = {row["control_id"]: row for row in tables["message_log"]}, []
    found = set()
    for message in messages:
        row = log.get(message.control)
        if row is None:
            if message.type in ("adt_a01", "adt_a02", "adt_a03", "adt_a04", "adt_a08", "oru_r01", "mdm_t02"):
                wrong.append(f"{message.type} {message.control} is not in the log")
            continue
        found.add(message.control)
        # The log may name the order after the older message for it.
        if row["type"] not in ([message.event] if message.type != "oml_o21" else ["ORM^O01", "OML^O21"]):
            wrong.append(f"{message.control} is {row['type']} in the log, not {message.event}")
        late = (moment(instant(row["sent_at"])) - moment(message.at)).total_seconds() if instant(row["sent_at"]) != message.at else 0
        if late:
            wrong.append(f"{message.type} {message.control}: the log says that it was sent {late} s later")
        if message.type in ("oml_o21", "oru_r01") and message.get("ORC", 2) != row["placer_order_no"]:
            wrong.append(f"{message.control}: order {message.get('ORC', 2)}, in the log {row['placer_order_no']}")
    missing = [row["control_id"] for row in tables["message_log"] if row["control_id"] not in found]
    return wrong + [f"{control} of the log is not there" for control in missing]


def acknowledged(messages, tables):
    """Every logged ADT message has one answer: later, with the code of the log, from the receiver to the sender."""
    by_control = {message.control: message for message in messages}
    codes = {row["control_id"]: row["ack_code"] for row in tables["message_log"]}
    wrong, answers = [], collections.Counter()
    for ack in (message for message in messages if message.type == "ack"):
        asked = by_control.get(ack.get("MSA", 2))
        answers[ack.get("MSA", 2)] += 1
        if asked is None:
            wrong.append(f"{ack.control} answers {ack.get('MSA', 2)}, which is not there")
        elif ack.at < asked.at or ack.get("MSA", 1) != codes[asked.control] or ack.event[4:] != asked.event[4:]:
            wrong.append(f"{ack.control} does not fit to {asked.control}")
        elif ack.segments[0][3:7] != asked.segments[0][5:7] + asked.segments[0][3:5]:
            wrong.append(f"{ack.control} goes to somebody else")
        if (ack.get("MSA", 1) == "AA") == bool(ack.all("ERR")):
            wrong.append(f"{ack.control}: {ack.get('MSA', 1)} with {len(ack.all('ERR'))} ERR")
    asked = [message.control for message in messages if message.event.startswith("ADT") and message.control in codes]
    return wrong + [f"{control} has {answers[control]} answers" for control in asked if answers[control] != 1]


def causal(messages, _):
    """Admitted or registered, then updated and moved, then discharged; booked, then kept or cancelled; added first; ordered, then reported."""
    visits, books, people, orders, wrong = (collections.defaultdict(list) for _ in range(5))
    for message in messages:
        if message.type.startswith("adt") and message.get("PV1", 19):
            visits[message.get("PV1", 19)].append(message)
        if message.type.startswith("siu"):
            books[message.get("SCH", 1)].append(message)
        elif message.type not in ("ack",):
            people[message.get("PID", 18)].append(message)
        if message.type in ("oml_o21", "oru_r01"):
            orders[message.get("ORC", 2)].append(message)
    out = []
    for visit, sent in visits.items():
        kinds = {kind: [m.at for m in sent if m.event[4:] in kind.split()] for kind in ("A01 A04", "A08 A02", "A03 A11")}
        first, middle, last = kinds.values()
        if len(first) != 1 or len(last) > 1 or any(at < first[0] for at in middle + last) or any(at > last[0] for at in middle if last):
            out.append(f"visit {visit}: {[(m.event, m.at) for m in sent]}")
    for book, sent in books.items():
        sent.sort(key=lambda m: m.at)
        if [m.event for m in sent][0] not in ("SIU^S12", "SIU^S13") or len(sent) > 2 or sum(m.event in ("SIU^S12", "SIU^S13") for m in sent) != 1:
            out.append(f"appointment {book}: {[(m.event, m.at) for m in sent]}")
    for person, sent in people.items():
        added = [m.at for m in sent if m.type == "adt_a28"]
        merged = [m for m in sent if m.type == "adt_a40"]
        if added and any(m.at < added[0] for m in sent):
            out.append(f"{person}: a message before the person was added")
        for merge in merged:
            late = [m for m in sent if m.at > merge.at and m.get("PID", 3) == merge.get("MRG", 1)]
            if late or merge.get("MRG", 1) == merge.get("PID", 3):
                out.append(f"{merge.get('MRG', 1)} is used after it was merged")
    for number, sent in orders.items():
        ordered = [m for m in sent if m.type == "oml_o21"]
        for result in (m for m in sent if m.type == "oru_r01"):
            taken = result.get("SPM", 17) or result.get("OBR", 7)
            if len(ordered) != 1 or not instant(ordered[0].get("ORC", 9)) <= instant(taken) <= result.at:
                out.append(f"order {number}: taken {taken}, ordered {[m.get('ORC', 9) for m in ordered]}")
    return out


TOGETHER = [unique, logged, acknowledged, causal]


# ---------------------------------------------------------------------- round trip


def stamp(text):
    return re.sub(r"[^0-9]", "", text)[:14] + "+0000" if text else ""


def day(text):
    return text.replace("-", "")


def expected(message, tables):
    """What the tables say of a message: places in the message, and the values of the columns."""
    type_, key, want = message.type, message.key, {}
    of = lambda table, value: tables[table, value]
    patient = encounter = None
    if type_ == "ack":
        log = of("message_log", key)
        return {("MSA", 1, 1): log["ack_code"], ("MSA", 2, 1): log["ack_control_id"], ("MSH", 7, 1): stamp(log["acked_at"])}
    if type_ in ("adt_a01", "adt_a03", "adt_a04", "adt_a08", "dft_p03"):
        encounter = of("encounter", key)
    elif type_ == "adt_a02":
        place = of("encounter_location", key)
        encounter = of("encounter", place["encounter_id"])
        want["EVN", 6, 1] = stamp(place["from_at"])
    elif type_ in ("adt_a28", "adt_a31"):
        patient = of("patient", key)
    elif type_ == "adt_a40":
        merge = of("patient_merge", key)
        patient = of("patient", merge["merged_into_patient_id"])
        want |= {("MRG", 1, 1): merge["retired_mrn"], ("PID", 3, 1): patient["mrn"], ("MSH", 7, 1): stamp(merge["merged_at"])}
    elif type_ in ("oml_o21", "oru_r01"):
        order = of("service_request", key)
        encounter = of("encounter", order["encounter_id"])
        want |= {("OBR", 2, 1): order["placer_order_no"], ("OBR", 4, 1): order["code"], ("OBR", 4, 2): order["display"]}
        if type_ == "oml_o21":
            want |= {("TQ1", 9, 1): order["priority"], ("ORC", 9, 1): stamp(order["authored_at"])}
        else:
            report = of("report", key)
            want |= {("ORC", 3, 1): order["filler_order_no"], ("OBR", 22, 1): stamp(report["issued_at"])}
            if specimen := tables.get(("specimen", key)):
                want |= {("SPM", 2, 2): specimen["accession_no"] + "&TESTLAB", ("SPM", 17, 1): stamp(specimen["collected_at"])}
            found = [(obx[3].split("^")[0], obx[5]) for obx in message.all("OBX")]
            meant = [(row["loinc"], row["value_num"] or row["value_text"]) for row in tables["findings"][report["diagnostic_report_id"]]]
            if sorted(found) != sorted(meant):
                want["OBX", 5, 1] = str(meant)
    elif type_ == "omp_o09":
        drug = of("medication_request", key)
        encounter = of("encounter", drug["encounter_id"])
        want |= {("ORC", 2, 1): key, ("RXO", 1, 1): drug["rxcui"], ("RXO", 1, 2): drug["display"], ("RXO", 2, 1): drug["dose_qty"],
                 ("RXO", 11, 1): drug["qty"], ("RXO", 13, 1): drug["refills"], ("ORC", 9, 1): stamp(drug["authored_at"])}
    elif type_ == "vxu_v04":
        shot = of("immunization", key)
        patient = of("patient", shot["patient_id"])
        want |= {("ORC", 3, 1): key, ("RXA", 5, 1): shot["cvx"], ("RXA", 5, 2): shot["display"], ("RXA", 15, 1): shot["lot_no"],
                 ("RXA", 16, 1): day(shot["expiration_date"]), ("RXA", 3, 1): stamp(shot["occurrence_at"]), ("RXR", 2, 1): shot["site"]}
    elif type_ == "mdm_t02":
        document = of("document", key)
        encounter = of("encounter", document["encounter_id"])
        want |= {("TXA", 12, 1): key, ("OBX", 3, 1): document["loinc"], ("OBX", 3, 2): document["title"], ("TXA", 4, 1): stamp(document["authored_at"])}
    else:
        appointment = of("appointment", key)
        patient = of("patient", appointment["patient_id"])
        doctor = of("practitioner", appointment["practitioner_id"])
        if type_.startswith("siu"):
            want |= {("SCH", 1, 1): key, ("SCH", 7, 2): appointment["reason_text"], ("SCH", 11, 4): stamp(appointment["start_at"]),
                     ("SCH", 11, 5): stamp(appointment["end_at"]), ("AIP", 3, 1): doctor["npi"], ("AIP", 3, 2): doctor["family_name"]}
        else:
            want |= {("PV1", 44, 1): stamp(appointment["start_at"]), ("PV1", 7, 1): doctor["npi"]}
    if encounter:
        patient = of("patient", encounter["patient_id"])
        doctor = of("practitioner", encounter["practitioner_id"])
        want |= {("PV1", 19, 1): encounter["visit_no"], ("PV1", 44, 1): stamp(encounter["admit_at"]), ("PV1", 7, 1): doctor["npi"],
                 ("PV1", 7, 2): doctor["family_name"], ("PV1", 7, 3): doctor["given_name"]}
        if type_ in ("adt_a03", "dft_p03"):
            want |= {("PV1", 45, 1): stamp(encounter["discharge_at"]), ("PV1", 36, 1): encounter["discharge_disposition"]}
            found = [tuple(dg1[3].split("^")[:2]) for dg1 in message.all("DG1")]
            meant = [(row["icd10cm"], row["display"]) for row in tables["diagnoses"][encounter["encounter_id"]]]
            if found != meant:
                want["DG1", 3, 1] = str(meant)
        if type_ == "dft_p03":
            found = sorted((ft1[7].split("^")[0], pr1[19].split("^")[0]) for ft1, pr1 in zip(message.all("FT1"), message.all("PR1")))
            meant = sorted((row["code"], row["procedure_id"]) for row in tables["procedures"][encounter["encounter_id"]])
            if found != meant:
                want["FT1", 7, 1] = str(meant)
        if type_ == "adt_a01":
            want["PID", 3, 1] = encounter["recorded_mrn"]
    person = of("person", patient["person_id"])
    want |= {("PID", 5, 1): person["family_name"], ("PID", 5, 2): person["given_name"], ("PID", 5, 3): person["middle_name"],
             ("PID", 7, 1): day(person["birth_date"]), ("PID", 8, 1): person["administrative_sex"], ("PID", 18, 1): patient["account_no"]}
    return want


def round_trip(message, tables, parsed=None):
    """The values of a message, as python-hl7 reads them, are those of the tables."""
    parsed, wrong = parsed or hl7.parse(message.text), []
    for (segment, field, component), value in expected(message, tables).items():
        try:
            first = parsed.segment(segment)[field][0]
            text = str(first[component - 1]) if not isinstance(first, str) else first if component == 1 else ""
        except (IndexError, KeyError):
            text = ""
        text = parsed.unescape(text) if "\\" in text else text
        if text != value:
            wrong.append(f"{message.type} {message.key} {segment}-{field}.{component}: {text!r}, the tables say {value!r}")
    return wrong


def index(found):
    """The tables by their keys, and what belongs to a report or an encounter together."""
    tables = dict(found)
    for table, key in [("patient", "patient_id"), ("person", "person_id"), ("practitioner", "practitioner_id"), ("encounter", "encounter_id"),
                       ("patient_merge", "patient_merge_id"), ("encounter_location", "encounter_location_id"), ("appointment", "appointment_id"),
                       ("service_request", "service_request_id"), ("specimen", "service_request_id"), ("medication_request", "medication_request_id"),
                       ("immunization", "immunization_id"), ("document", "document_id"), ("message_log", "message_id")]:
        for row in found[table]:
            tables[table, row[key]] = row
    for row in found["diagnostic_report"]:
        tables["report", row["service_request_id"]] = row
    findings, diagnoses, procedures = (collections.defaultdict(list) for _ in range(3))
    for row in found["observation"] + found["report_observation"]:
        if row["diagnostic_report_id"]:
            findings[row["diagnostic_report_id"]].append(row)
    for row in found["condition"]:
        if row["encounter_id"]:
            diagnoses[row["encounter_id"]].append(row)
    for row in found["procedure"]:
        procedures[row["encounter_id"]].append(row)
    for listed in diagnoses.values():
        listed.sort(key=lambda row: int(row["dx_rank"]))
    return tables | {"findings": findings, "diagnoses": diagnoses, "procedures": procedures}


# ---------------------------------------------------------------------- planted defects


def changed(message, segment, field, text):
    """A message with another text in a field; with `None` for the field, without the segment."""
    lines = []
    for line in message.text.rstrip("\r").split("\r"):
        if line[:3] == segment:
            if field is None:
                continue
            parts = line.split("|")
            at = field - 1 if segment == "MSH" else field
            parts += [""] * (at + 1 - len(parts))
            parts[at] = text
            line = "|".join(parts)
        lines.append(line)
    return Message(message.type, message.key, "\r".join(lines) + "\r")


def plant(samples, messages, tables, apy):
    """Defects that each judge and each own check must find; those that it does not find are told."""
    missed, planted = [], 0

    def must(what, found):
        nonlocal planted
        planted += 1
        if not found:
            missed.append(f"not found: {what}")

    for type_, message in samples.items():
        defects = [("a date that does not exist", changed(message, "MSH", 7, "20240231083000+0000")), ("no message type", changed(message, "MSH", 9, ""))]
        if type_ != "ack":
            defects += [("no PID-3", changed(message, "PID", 3, "")), ("no PID", changed(message, "PID", None, "")),
                        ("a birth on the 30th of February", changed(message, "PID", 7, "19900230"))]
        else:
            defects += [("no MSA-1", changed(message, "MSA", 1, "")), ("no MSA", changed(message, "MSA", None, ""))]
        if type_ in ("adt_a01", "adt_a02", "adt_a03", "adt_a04", "adt_a08", "adt_a11", "mdm_t02"):
            defects += [("no PV1", changed(message, "PV1", None, "")), ("a unit that is too long", changed(message, "PV1", 3, "x" * 21))]
        for what, defect in defects:
            must(f"{type_}: {what}, by hl7apy", apy.judge(defect.text))
        must(f"{type_}: {what}, by hl7apy over the whole message", apy.whole(defect.text))
        must(f"{type_}: no header, by python-hl7", python_hl7(message.text[4:])[1])
        must(f"{type_}: a production flag", flags(changed(message, "MSH", 11, "P")))
    # Neither judge sees these.
    result = next(m for m in messages if m.type == "oru_r01" and m.get("OBX", 2) == "NM" and m.get("OBX", 7) and m.all("SPM"))
    must("a word for a number", values(changed(result, "OBX", 5, "high")))
    must("a flag that does not follow", values(changed(result, "OBX", 8, "HH" if result.get("OBX", 8) != "HH" else "LL")))
    must("an NPI without its check digit", npis(changed(result, "ORC", 12, "9999999990^A^B^^^^^^NPI^L^^^NPI")))
    must("a code that is not in its table", codes(changed(result, "PID", 8, "X")))
    must("a code that is not in the table that it names", codes(changed(result, "PID", 16, "L^^HL70002")))
    must("numbers of another order", order(changed(result, "OBR", 2, "SYNP0000000000000000^PLACEBO")))
    must("a specimen after the result", order(changed(result, "SPM", 17, "20990101000000+0000")))
    first = next(m for m in messages if m.type == "adt_a01")
    ack = next(m for m in messages if m.type == "ack" and m.get("MSA", 1) == "AA")
    end = next(m for m in messages if m.type == "adt_a03")
    with_ = lambda defect, all_=messages: [defect if (m.type, m.key) == (defect.type, defect.key) else m for m in all_]

    def caused(defect):
        """What `causal` finds among the messages of the defect's patient, with the defect in its place."""
        own = [m for m in messages if m.get("PID", 18) == defect.get("PID", 18)]
        return not causal(own, tables) and causal(with_(defect, own), tables)

    must("a control id twice", unique(messages + [first], tables))
    must("another second than in the log", logged(with_(changed(first, "MSH", 7, "20200101000000+0000")), tables))
    must("a message that the log does not have", logged(with_(changed(first, "MSH", 10, "SYNM9999999990001001")), tables))
    must("an answer to nobody", acknowledged(with_(changed(ack, "MSA", 2, "SYNM9999999990001001")), tables))
    must("an answer before the message", acknowledged(with_(changed(ack, "MSH", 7, "20000101000000+0000")), tables))
    must("an answer with another code", acknowledged(with_(changed(ack, "MSA", 1, "AE")), tables))
    must("a discharge before the admission", caused(changed(end, "MSH", 7, "20000101000000+0000")))
    must("an order after its specimen", caused(changed(
        next(m for m in messages if m.type == "oml_o21" and m.get("ORC", 2) == result.get("ORC", 2)), "ORC", 9, "20990101000000+0000")))
    must("a cancellation before the booking", caused(changed(next(m for m in messages if m.type == "siu_s15"), "MSH", 7, "20000101000000+0000")))
    merge = next(m for m in messages if m.type == "adt_a40")
    must("a record that is merged into itself", caused(changed(merge, "MRG", 1, merge.get("PID", 3))))
    must("a name that the tables do not have", round_trip(changed(first, "PID", 5, "Nobody^Anna"), tables))
    must("a value that the tables do not have", round_trip(changed(result, "OBX", 5, "1234567.00"), tables))
    return planted, missed


# ---------------------------------------------------------------------- hostile values

HOSTILE = [
    "O'Brien|Smith", "A^B&C~D", r"back\slash", r"\F\already escaped\E", "two\r\nlines", "line\nfeed", "carriage\rreturn", "tab\there",
    "«quotes» \"and\" 'more'",
    "\u202eright to left\u202c", "\u200fמזל\u200f", "😀👩‍👩‍👧 emoji", "𝔘𝔫𝔦 𐍈", "é́ combining", "x" * 300, "^^^", "|", "\\", "MSH|^~\\&|x",
    " leading and trailing ",
    "\ufeffmark", "a\u2028b", "null\u00a0space", "'; DROP TABLE patient; --", "<b>&amp;</b>",
]
PROFILE = """name = "hostile"
as_of = 2025-06-30
[tables.person]
rows = %d
[tables.person.refs]
text = { file = "hostile.csv", match.no = "row" }
[tables.person.columns]
person_id = { expr = "row", key = true }
name = "text.value"
"""
TEMPLATE = """+++
about = "hostile values"
standard = "HL7 v2.5.1"
row = "person"
syntax = "hl7"
class = "phi"
+++
MSH|^~\\&|PLACEBO|TESTHOSP|TESTRCV|TESTFAC|{{ as_of }}||ORU^R01^ORU_R01|{{ person_id }}|T|2.5.1|||NE|AL|USA|UNICODE UTF-8
PID|1||X{{ person_id }}^^^PLACEBO^MR||{{ left(name, 50) }}^{{ left(name, 30) }}^^^^^L||||||{{ left(name, 120) }}^{{ left(name, 99) }}^{{ left(name, 50) }}
OBR|1|||1^{{ left(name, 99) }}^L
OBX|1|TX|1^{{ left(name, 99) }}^L||{{ left(name, 199) }}||||||F
NTE|1|L|{{ name }}|RE^Remark^HL70364
"""


def hostile(placebo, scratch, apy):
    """Values with all that a message is made of come out of it as they were."""
    folder = scratch / "hostile"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "data").mkdir(parents=True)
    with open(folder / "data" / "hostile.csv", "w", newline="") as file:
        file.write("# about: hostile values\n# source: own\n# licence: Apache-2.0\n")
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        file.write("no:int,value\n")
        for at, value in enumerate(HOSTILE):
            writer.writerow([at, value])
    (folder / "profile.toml").write_text(PROFILE % len(HOSTILE))
    (folder / "hostile_r01.hl7.j2").write_text(TEMPLATE)
    out = folder / "out"
    run([placebo, "generate", str(folder), "--messages", str(folder / "hostile_r01.hl7.j2"), "--tables", "person,hostile_r01", "--out", str(out), "-q"])
    names = [row["name"] for row in rows(out / "person.csv")]
    wrong = [] if names == HOSTILE else [f"the table has other values: {[n for n, h in zip(names, HOSTILE) if n != h][:3]}"]
    for row in rows(out / "hostile_r01.csv"):
        value, message = HOSTILE[int(row["person_id"])], row["message"]
        parsed, refused = python_hl7(message)
        for found in [apy.whole(message), refused]:
            if found:
                wrong.append(f"{value[:30]!r}: {found}")
        places = [("PID", 5, 1, 50), ("PID", 5, 2, 30), ("PID", 11, 1, 120), ("PID", 11, 2, 99), ("PID", 11, 3, 50), ("OBR", 4, 2, 99),
                  ("OBX", 5, 1, 199), ("NTE", 3, 1, 999)]
        for segment, field, component, length in places:
            first = parsed.segment(segment)[field][0]
            text = parsed.unescape(first if isinstance(first, str) else str(first[component - 1]))
            # Blanks at the end of a text mean nothing in HL7.
            if text != value[:length].rstrip(" "):
                wrong.append(f"{segment}-{field}.{component}: {value[:length]!r} came out as {text!r}")
        if message.count("\r") != 5 or "\n" in message:
            wrong.append(f"{value[:30]!r}: {message.count(chr(13))} segments")
    return len(HOSTILE), wrong


# ---------------------------------------------------------------------- all of it


def main():
    placebo, scratch = sys.argv[1], pathlib.Path(sys.argv[2]) / "hl7"
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 2000
    apy, wrong, judged, compared, planted = Hl7apy(), [], 0, 0, 0
    random.seed(0)
    for name, (settings, factor, types) in RUNS.items():
        out = scratch / name
        shutil.rmtree(out, ignore_errors=True)
        run([placebo, "generate", "healthcare", "--rows", f"patient={max(400, int(count * factor))}", "--seed", SEED, *settings, "--messages",
             ",".join(template(type_) for type_ in types), "--tables", ",".join(types + BESIDE), "--out", str(out), "-q"])
        found = {table: rows(out / f"{table}.csv") for table in BESIDE}
        tables, messages = index(found), []
        for type_ in types:
            made = [Message(type_, next(iter(row.values())), row["message"]) for row in rows(out / f"{type_}.csv")]
            messages += made
            chosen = spread(made, count)
            if len(made) < count:
                wrong.append(f"{type_}: only {len(made)} messages of {count}")
            bad = []
            compare = {id(message) for message in spread(chosen, ROUND_TRIP)}
            for message in chosen:
                parsed, refused = python_hl7(message.text)
                verdicts = [apy.judge(message.text), refused, *(check(message) for check in ONE)]
                bad += [f"{type_} {message.key}: {verdict}" for verdict in verdicts if verdict]
                if id(message) in compare and parsed:
                    bad += round_trip(message, tables, parsed)
                    compared += 1
            bad += [f"{type_} {m.key}: {verdict}" for m in spread(chosen, WHOLE) if (verdict := apy.whole(m.text))]
            judged += len(chosen)
            print(f"{'ok' if not bad else 'WRONG'} {type_} {len(chosen):,} messages")
            wrong += bad[:3] + ([f"{type_}: {len(bad) - 3} more"] if len(bad) > 3 else [])
        for check in TOGETHER if name == "stays" else [unique, causal]:
            bad = check(messages, tables)
            wrong += [f"{check.__name__}: {text}" for text in bad[:3]] + ([f"{check.__name__}: {len(bad) - 3} more"] if len(bad) > 3 else [])
        if name == "stays" and not wrong:
            samples = {type_: next(m for m in messages if m.type == type_) for type_ in types}
            planted, missed = plant(samples, messages, tables, apy)
            wrong += missed
    values_, bad = hostile(placebo, scratch, apy)
    wrong += bad[:5]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    if wrong or not judged or not planted:
        sys.exit(1)
    print(f"HL7 v2.5.1: {judged:,} messages, 0 rejections by hl7apy and python-hl7; {compared:,} as the tables say; {planted} planted defects found; "
          f"{values_} hostile values intact ({len(apy.messages)} skeletons, {len(apy.segments)} shapes of segments, {len(apy.fields)} of fields, "
          f"{len(apy.texts):,} texts)")


main()
