"""Judges the X12 messages of the claims profile: by pyx12's maps, by LinuxForHealth's models, and by own checks for what neither sees.

usage: x12.py PLACEBO SCRATCH COUNT

The templates are those that are embedded, or those of the folder that TEMPLATES names.
"""
import csv
import io
import json
import logging
import multiprocessing
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unicodedata
from collections import defaultdict
from decimal import Decimal

import pyx12.params
import pyx12.x12file
from linuxforhealth.x12.io import X12ModelReader
from pyx12.x12n_document import x12n_document

csv.field_size_limit(1 << 24)

# GS01, GS08, and where a judge has a map: P pyx12, L LinuxForHealth. Its 835 reader refuses any PER*BL, and no judge knows the 278.
TYPES = {
    "x12_837p": ("HC", "005010X222A1", "PL"), "x12_837i": ("HC", "005010X223A2", "PL"), "x12_835": ("HP", "005010X221A1", "P"),
    "x12_834": ("BE", "005010X220A1", "PL"), "x12_820": ("RA", "005010X218", "P"), "x12_999": ("FA", "005010X231A1", "P"),
    "x12_277ca": ("HN", "005010X214", "P"), "x12_ta1": (None, None, "P"), "x12_270": ("HS", "005010X279A1", "L"),
    "x12_271": ("HB", "005010X279A1", "L"), "x12_276": ("HR", "005010X212", "L"), "x12_277": ("HN", "005010X212", "L"),
    "x12_278": ("HI", "005010X217", ""), "x12_278_response": ("HI", "005010X217", ""),
}

# What a message consists of, segment by segment, with the qualifier of those that have one.
HEAD_837 = (r"ST BHT NM1\.41 PER NM1\.40 HL\.20 PRV NM1\.85 N3 N4 REF\.EI HL\.22 SBR NM1\.IL "
            r"(N3 N4 DMG NM1\.PR |NM1\.PR HL\.23 PAT NM1\.QC N3 N4 DMG )CLM ")
OTHER = r"(SBR (CAS )*AMT\.D OI NM1\.IL NM1\.PR )?"
ASKED = r"ST BHT HL\.20 NM1\.PR HL\.21 NM1\.%s "
AUTH = (r"ST BHT HL\.20 NM1\.X3 HL\.21 NM1\.1P HL\.22 NM1\.IL (DMG |HL\.23 NM1\.QC DMG )HL\.EV TRN UM %sHI (HL\.SS %sSV1 )+SE")
SHAPES = {
    "x12_837p": HEAD_837 + r"(REF\.G1 )?HI " + OTHER + r"(LX SV1 DTP\.472 REF\.6R )+SE",
    "x12_837i": HEAD_837 + r"(DTP\.096 )?DTP\.434 (DTP\.435 )?CL1 (HI )+NM1\.71 " + OTHER + r"(LX SV2 DTP\.472 REF\.6R )+SE",
    "x12_835": r"ST BPR TRN DTM N1\.PR N3 N4 REF\.2U PER N1\.PE REF\.TJ LX (CLP (CAS )?NM1\.QC (NM1\.IL )?REF\.1L DTM DTM DTM "
               r"(SVC DTM (DTM )?(CAS )*REF\.6R (AMT\.B6 )?(LQ )*)+)+(PLB )?SE",
    "x12_834": r"ST BGN N1\.P5 N1\.IN INS REF\.0F REF\.1L REF\.23 DTP\.\d+ NM1\.IL (PER )?N3 N4 DMG HD DTP\.\d+ SE",
    "x12_820": r"ST BPR TRN N1\.PE N1\.PR ENT NM1\.IL RMR DTM SE",
    "x12_999": r"ST AK1 AK2 IK5 AK9 SE",
    "x12_277ca": r"ST BHT HL\.20 NM1\.PR TRN DTP\.050 DTP\.009 HL\.21 NM1\.41 TRN STC QTY AMT\.Y[UY] HL\.19 NM1\.85 TRN STC QTY AMT\.Y[UY] "
                 r"HL\.PT NM1\.QC TRN STC (REF\.1K )?(REF\.BLT )?DTP\.472 SE",
    "x12_270": ASKED % "1P" + r"HL\.22 (TRN NM1\.IL DMG |NM1\.IL HL\.23 TRN NM1\.03 DMG )DTP\.291 EQ SE",
    "x12_271": ASKED % "1P" + r"HL\.22 (TRN NM1\.IL REF\.6P |NM1\.IL REF\.6P HL\.23 TRN NM1\.03 )N3 N4 DMG INS DTP\.346 (DTP\.347 )?(EB )+SE",
    "x12_276": ASKED % "41" + r"HL\.19 NM1\.1P HL\.22 (DMG NM1\.IL |NM1\.IL HL\.23 DMG NM1\.QC )TRN REF\.1K (REF\.BLT )?AMT\.T3 DTP\.472 SE",
    "x12_277": ASKED % "41" + r"HL\.19 NM1\.1P HL\.22 NM1\.IL (HL\.23 NM1\.QC )?TRN STC REF\.1K (REF\.BLT )?DTP\.472 SE",
    "x12_278": AUTH % (r"DTP\.AAH ", ""),
    "x12_278_response": AUTH % (r"HCR DTP\.AAH (DTP\.007 )?", r"HCR "),
}
QUALIFIED = {"NM1": 1, "N1": 1, "REF": 1, "DTP": 1, "AMT": 1, "HL": 3}
ABOVE = {"20": [""], "21": ["20"], "22": ["20", "21", "19"], "19": ["21"], "23": ["22"], "PT": ["19"], "EV": ["22", "23"], "SS": ["EV"]}

# Runs: the tables whose rows are given, in parts of COUNT, and the messages.
CLAIMS = ["x12_837p", "x12_837i", "x12_835", "x12_999", "x12_277ca", "x12_ta1", "x12_270", "x12_271", "x12_276", "x12_277"]
RUNS = [
    (["member=0.15", "claim=1.05", "provider=0.02"], ["institutional_share=0.45", "cob_share=0.2", "correction_rate=0.1"], CLAIMS),
    (["member=0.15", "claim=1.12", "provider=0.02"], ["institutional_share=0.5"], CLAIMS[:3]),
    (["member=0.78", "claim=0.1"], [], ["x12_834"]),
    (["member=1.9", "claim=0.1"], [], ["x12_820"]),
    (["member=0.5", "claim=15"], ["institutional_share=0"], ["x12_278", "x12_278_response"]),
]
TABLES = ["claim", "claim_line", "claim_diagnosis", "adjudication", "claim_ack", "member", "person", "address", "provider", "health_plan", "remittance",
          "provider_level_adjustment", "prior_auth", "enrollment_event", "policy", "sponsor"]
KEYS = {"claim": "claim_id", "member": "member_id", "person": "person_id", "provider": "provider_id", "policy": "policy_id", "sponsor": "sponsor_id",
        "health_plan": "health_plan_id", "remittance": "remittance_id", "enrollment_event": "enrollment_event_id", "prior_auth": "prior_auth_id"}
ROUND_TRIPS = 500


def segments(text):
    return [segment.split("*") for segment in text.split("~")[:-1]]


def element(segment, n):
    return segment[n] if n < len(segment) else ""


def tag(segment):
    at = QUALIFIED.get(segment[0])
    return f"{segment[0]}.{element(segment, at)}" if at else segment[0]


def values(found, wanted, n):
    """An element of all segments of a name."""
    return [element(segment, n) for segment in found if segment[0] == wanted or tag(segment) == wanted]


def cents(text):
    return int(Decimal(text or "0") * 100)


def total(found, wanted, n):
    return sum(map(cents, values(found, wanted, n)))


def adjusted(found, group=None):
    """The sum of the adjustments of CAS segments, of one group or of all."""
    rows = [segment for segment in found if segment[0] == "CAS" and group in (None, segment[1])]
    return sum(cents(amount) for segment in rows for amount in segment[3::3])


def luhn(digits):
    total = 0
    for at, digit in enumerate(reversed(digits)):
        number = int(digit) * (1 + at % 2)
        total += number - 9 * (number > 9)
    return total % 10 == 0


# Own checks: of one message.

def envelope(name, text):
    """The envelope: lengths, counts and numbers that agree, test data, the group and the guide of the type."""
    found, (group, guide, _) = segments(text), TYPES[name]
    isa, iea = found[0], found[-1]
    yield "ISA has 106 characters", len(text.split("~")[0]) == 105 and [len(x) for x in isa[1:]] == [2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1]
    yield "ISA11 to ISA16", (isa[11], isa[12], isa[15], isa[16]) == ("^", "00501", "T", ":")
    yield "IEA02 is ISA13", iea[0] == "IEA" and iea[2] == isa[13] and int(isa[13]) > 0
    yield "characters", re.fullmatch(r"[ -~]*~", text) is not None
    if not group:
        yield "a TA1 has no group", iea[1] == "0" and found[1][0] == "TA1" and len(found) == 3
        return
    gs, st, se, ge = found[1], found[2], found[-3], found[-2]
    yield "IEA01, GE01 count", iea[1] == "1" and ge[:2] == ["GE", "1"] and gs[0] == "GS" and st[0] == "ST"
    yield "GE02 is GS06", ge[2] == gs[6]
    yield "SE01 counts the segments", se[0] == "SE" and int(se[1]) == len(found) - 4
    yield "SE02 is ST02", se[2] == st[2] and 4 <= len(st[2]) <= 9
    yield "GS01 and the guide", gs[1] == group and gs[8] == guide and (element(st, 3) or guide) == guide
    yield "GS02 to GS05 are those of ISA", (gs[2], gs[3], gs[4][2:], gs[5]) == (isa[6], isa[8], isa[9], isa[10])


def shape(name, text):
    if name in SHAPES:
        found = " ".join(map(tag, segments(text)[2:-2]))
        yield f"segments: {found[:200]}", re.fullmatch(SHAPES[name], found) is not None


def levels(_, text):
    """HL: numbered from 1, below a level above, and 1 in HL04 where there is one below."""
    rows = [segment for segment in segments(text) if segment[0] == "HL"]
    kinds = {row[1]: row[3] for row in rows}
    parents = {element(row, 2) for row in rows}
    for at, row in enumerate(rows, 1):
        above = kinds.get(row[2], "") if not row[2] or (row[2].isdigit() and int(row[2]) < at) else "?"
        yield f"HL {row[1]}", row[1] == str(at) and above in ABOVE.get(row[3], [])
        if element(row, 4):
            yield f"HL04 of {row[1]}", element(row, 4) == ("1" if row[1] in parents else "0")


def identifiers(_, text):
    for segment in segments(text):
        npi = {"NM1": (8, 9), "N1": (3, 4)}.get(segment[0])
        if npi and element(segment, npi[0]) == "XX":
            yield "NPI", len(segment[npi[1]]) == 10 and luhn("80840" + segment[npi[1]])
        if segment[0] == "PLB":
            yield "NPI of PLB", luhn("80840" + segment[1])
        if segment[0] == "BPR" and element(segment, 7):
            for routing in (segment[7], segment[13]):
                yield "routing number", len(routing) == 9 and sum(w * int(d) for w, d in zip([3, 7, 1] * 3, routing)) % 10 == 0


def sums_837(name, text):
    if "837" in name:
        found = segments(text)
        charge = total(found, "CLM", 2)
        yield "CLM02 is the sum of the lines (C-AMT-1)", charge == total(found, "SV1", 2) + total(found, "SV2", 3)
        if values(found, "AMT.D", 2):
            yield "the other payer's payment and adjustments add up", charge == total(found, "AMT.D", 2) + adjusted(found)
        many = sum(len(segment) - 1 for segment in found if segment[0] == "HI")
        yield "pointers", all(1 <= int(at) <= many for at in values(found, "SV1", 7))
        yield "lines are numbered", values(found, "LX", 1) == [str(n) for n in range(1, len(values(found, "LX", 1)) + 1)]


def claims_835(found):
    """The segments of every claim of an 835."""
    parts = []
    for segment in found:
        if segment[0] == "CLP":
            parts.append([])
        if parts and segment[0] not in ("PLB", "SE", "GE", "IEA"):
            parts[-1].append(segment)
    return parts


def lines_835(claim):
    parts = [[]]
    for segment in claim:
        if segment[0] == "SVC":
            parts.append([])
        parts[-1].append(segment)
    return parts[0], parts[1:]


def sums_835(name, text):
    if name == "x12_835":
        found = segments(text)
        for claim in claims_835(found):
            clp, (_, lines) = claim[0], lines_835(claim)
            yield "CLP03 less adjustments is CLP04 (C-AMT-2)", cents(clp[3]) - adjusted(claim) == cents(clp[4])
            yield "CLP03 is the sum of the lines", cents(clp[3]) == total(claim, "SVC", 2)
            yield "CLP05 is group PR", cents(clp[5]) == (adjusted(claim, "PR") if clp[2] != "22" else 0)
            for line in lines:
                yield "a line's charge less adjustments is its payment", cents(line[0][2]) - adjusted(line) == cents(line[0][3])
                groups = values(line, "CAS", 1)
                yield "a CAS a group", len(set(groups)) == len(groups)
        yield "BPR02 is CLP04 less PLB (C-AMT-6)", total(found, "BPR", 2) == total(found, "CLP", 4) - total(found, "PLB", 4)
        back = [claim[0] for claim in claims_835(found) if claim[0][2] == "22"]
        before = {tuple(row[n] for n in (1, 3, 4)) for row in found if row[0] == "CLP"}
        yield "a reversal takes back a payment", all((row[1], row[3][1:], row[4].removeprefix("-")) in before for row in back)


def sums_820(name, text):
    if name == "x12_820":
        found = segments(text)
        yield "BPR02 is the sum of RMR04", total(found, "BPR", 2) == total(found, "RMR", 4) > 0


CHECKS = [envelope, shape, levels, identifiers, sums_837, sums_835, sums_820]


def own(name, text):
    """What own checks find wrong in a message."""
    try:
        return [what for check in CHECKS for what, right in check(name, text) if not right]
    except (IndexError, ValueError, ArithmeticError, KeyError) as error:
        return [f"it cannot be read: {error!r}"]


# Own checks: of messages with each other.

def unique(messages):
    """No sender uses a control number twice for a receiver."""
    seen = {}
    for name, text in messages:
        isa = text[:105].split("*")
        key = (isa[6], isa[8], isa[13])
        if seen.setdefault(key, text) != text:
            yield f"{name}: ISA13 {key} twice"


def stamp(found):
    return found[0][9] + found[0][10]


IN_TIME = ["x12_270", "x12_271", "837", "x12_ta1", "x12_999", "x12_277ca", "x12_276", "x12_277"]


def agreement(of):
    """What of the messages about one claim does not agree; of 835s their segments about it, in `835`."""
    there = [name for name in IN_TIME if name in of]
    yield f"only {there}", there == IN_TIME[: len(there)]
    if len(there) < len(IN_TIME):  # what is not submitted, received or asked about by the end of the data
        return
    claim, ack, seen = of["837"], of["x12_999"], of["x12_277ca"]
    number, charge = values(claim, "CLM", 1)[0], values(claim, "CLM", 2)[0]
    billing = values(claim, "NM1.85", 9)
    yield "999 cites the group", ack[3][1:4] == ["HC", claim[1][6], claim[1][8]]
    yield "999 cites the set", ack[4][1:4] == ["837", claim[2][2], claim[2][3]]
    yield "TA1 cites the interchange", of["x12_ta1"][1][1:4] == [claim[0][13], claim[0][9], claim[0][10]]
    yield "277CA cites the batch and the claim", values(seen, "TRN", 2)[1:] == [values(claim, "BHT", 3)[0], "0", number]
    yield "277CA has the charge", set(values(seen, "STC", 4) + values(seen, "AMT.YU", 2)) == {charge}
    yield "277CA has the provider", values(seen, "NM1.85", 9) == billing
    control = values(seen, "REF.1K", 2)
    for name in ("x12_276", "x12_277"):
        yield f"{name} cites the claim", (values(of[name], "TRN", 2), values(of[name], "REF.1K", 2)) == ([number], control)
        yield f"{name} has the provider", values(of[name], "NM1.1P", 9) == billing
    yield "276 has the charge", values(of["x12_276"], "AMT.T3", 2) == values(of["x12_277"], "STC", 4) == [charge]
    yield "271 answers the 270", (values(of["x12_270"], "TRN", 2), values(of["x12_270"], "BHT", 3)) == (values(of["x12_271"], "TRN", 2), values(of["x12_271"], "BHT", 3))
    times = [stamp(of[name]) for name in IN_TIME]
    yield "their order in time", times == sorted(times)
    paid = of["835"]
    yield "835 has the claim once, or as it was first paid, taken back and corrected", len(paid) in (0, 1, 3)
    for remittance, rows in paid:
        clp = rows[0]
        yield "835 cites the claim", (clp[1], [clp[7]]) == (number, control) and values(remittance, "N1.PE", 4) == billing
        yield "835 has the charge", clp[3] == ("-" if clp[2] == "22" else "") + charge
        yield "835 has the lines", values(rows, "REF.6R", 2) == values(claim, "REF.6R", 2)
        charges = values(claim, "SV1", 2) + values(claim, "SV2", 3)
        yield "835 has the lines' charges", [x.removeprefix("-") for x in values(rows, "SVC", 2)] == charges
        yield "835 comes after the 277CA", stamp(remittance) > stamp(seen)
    if paid:
        final = sum(cents(rows[0][4]) for _, rows in paid)
        yield "277 has the payment", total(of["x12_277"], "STC", 5) == final


def by_claim(messages, keys):
    """The messages about each claim."""
    of, paid = defaultdict(dict), defaultdict(list)
    for name in CLAIMS:
        for key, text in zip(keys[name], messages[name]):
            found = segments(text)
            if name == "x12_835":
                for rows in claims_835(found):
                    paid[rows[0][1]].append((found, rows))
            else:
                of[key[0]]["837" if "837" in name else name] = found
    for one in of.values():
        one["835"] = paid[values(one["837"], "CLM", 1)[0]] if "837" in one else []
    return of


# The judges.

def judged_by_pyx12(texts):
    """What pyx12 finds wrong, and the segments of the 999s that it writes itself."""
    logging.disable(logging.CRITICAL)
    found, acknowledgements = io.StringIO(), io.StringIO()
    try:
        good = x12n_document(pyx12.params.params(), io.StringIO("\n".join(texts)), acknowledgements, None, None, found)
    except Exception as error:  # what it finds in a TA1 it cannot report
        return [f"pyx12 fails: {error!r}"], ""
    told = json.loads(found.getvalue() or "{}").get("interchanges", [])
    wrong = []

    def look(at, where):
        if isinstance(at, dict):
            where = at.get("isa_trn_set_id") or where
            for key, value in at.items():
                if key == "errors" and value:
                    wrong.append(f"{where} {at.get('seg_id', '')} {at.get('name', '')}: {value}"[:300])
                look(value, where)
        elif isinstance(at, list):
            for one in at:
                look(one, where)

    look(told, "")
    if not good and not wrong:
        wrong.append("pyx12 refuses it without a reason")
    if len(told) != len(texts):
        wrong.append(f"pyx12 saw {len(told)} of {len(texts)} interchanges")
    return wrong, acknowledgements.getvalue()


def judged_by_models(name, text):
    """What LinuxForHealth's models find wrong. Of the 837 they know the next errata, and no range of days on a line; of the 837 and the 834
    no unknown gender (U), which pyx12's maps of both have."""
    text = text.replace("005010X222A1", "005010X222A2").replace("005010X223A2", "005010X223A3")
    if name in ("x12_834", "x12_837p", "x12_837i"):
        text = re.sub(r"(DMG\*D8\*\d+\*)U", r"\1F", text)
    if name == "x12_837i":
        text = re.sub(r"DTP\*472\*RD8\*(\d{8})-\d{8}", r"DTP*472*D8*\1", text)
    try:
        with X12ModelReader(text) as reader:
            return [] if len(list(reader.models())) == 1 else ["not one model"]
    except Exception as error:
        return [str(error)[:300]]


def judge(task):
    """Everything that is wrong with the messages of a type in a run, and pyx12's 999s for them. It wants their ISA13 unique, too."""
    name, at, texts = task
    logging.disable(logging.CRITICAL)
    wrong, acknowledgements = [], ""
    for text in texts:
        wrong += [(name, what, text) for what in own(name, text)]
    if "P" in TYPES[name][2]:
        found, acknowledgements = judged_by_pyx12(texts)
        wrong += [(name, f"pyx12: {what}", "") for what in found]
    if "L" in TYPES[name][2]:
        # Of what pyx12 has judged already, the first 500.
        some = texts[: 500 if "P" in TYPES[name][2] else None]
        wrong += [(name, f"LinuxForHealth: {what}", text) for text in some for what in judged_by_models(name, text)]
    return (name, at), wrong, acknowledgements


def acknowledged(written, ours):
    """Where pyx12's 999s for the 837s are not ours for the same."""
    mine = {}
    for segment in segments(written.replace("\n", "")):
        if segment[0] == "AK1":
            mine[segment[2]] = rows = []
        if segment[0] in ("AK1", "AK2", "IK5", "AK9"):
            rows.append(segment)
    for text in ours:
        rows = segments(text)[3:7]
        if rows[0][2] in mine and mine[rows[0][2]] != rows:
            yield f"pyx12 writes {mine[rows[0][2]]}, the 999 has {rows}"


# Round trips: what tables have, and where it has to be in the message.

def fold(text):
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def money(amount):
    return "" if amount == "" else f"{Decimal(int(amount)).scaleb(-2).normalize():f}"


def day(text):
    return text.replace("-", "")


class Data:
    """The tables of a run, and what a message has to say by them: lists of (segment, element, the values in their order)."""

    def __init__(self, folder):
        self.folder, self.read = folder, {}

    def groups(self, table, key):
        """The rows of a table by a column, read when they are first asked for."""
        if (table, key) not in self.read:
            made = self.read[table, key] = defaultdict(list)
            with open(self.folder / f"{table}.csv", newline="", encoding="utf-8") as file:
                for row in csv.DictReader(file):
                    made[row[key]].append(row)
        return self.read[table, key]

    def row(self, table, value):
        return self.groups(table, KEYS[table])[value][0]

    def member(self, number):
        return self.row("member", number)

    def person(self, member):
        return self.row("person", member["person_id"])

    def home(self, member):
        return next(row for row in self.groups("address", "person_id")[member["person_id"]] if row["use"] == "home")

    def of_claim(self, table, claim):
        return self.groups(table, "claim_id")[claim["claim_id"]]

    def sponsor(self, member):
        return self.row("sponsor", self.row("policy", member["policy_id"])["sponsor_id"])

    def provider(self, claim):
        return self.row("provider", claim["provider_id"])

    def ack(self, key):
        return next(row for row in self.groups("claim_ack", "claim_id")[key[0]] if row["seq"] == key[1])

    def name(self, member, what):
        person = self.person(member)
        parts = {3: "family_name", 4: "given_name", 5: "middle_name", 7: "suffix"}
        return [(f"NM1.{what}", n, [fold(person[column])]) for n, column in parts.items()]

    def birth(self, member):
        return [("DMG", 2, [day(self.person(member)["birth_date"])])]

    def lives(self, member, first):
        home = self.home(member)
        return [("N3", 1, first + [fold(home["line1"])]), ("N4", 1, ["*"] * len(first) + [fold(home["city"])]), ("N4", 3, ["*"] * len(first) + [home["postal_code"]])]

    def x12_837p(self, key):
        claim = self.row("claim", key[0])
        member, lines = self.member(claim["member_id"]), self.of_claim("claim_line", claim)
        subscriber, provider = self.member(member["subscriber_member_id"]), self.provider(claim)
        sponsor = self.sponsor(member)
        own, institutional = member is subscriber, claim["type"] == "I"
        charge = ("SV2", 3) if institutional else ("SV1", 2)
        code = [(("HC:" if row["proc_code"] else "") + row["proc_code"]) for row in lines]
        wanted = [("CLM", 1, [claim["patient_control_no"]]), ("CLM", 2, [money(claim["total_billed"])]), (*charge, [money(row["billed"]) for row in lines]),
                  (charge[0], charge[1] - 1, code), (charge[0], charge[1] + 2, [row["units"] for row in lines]),
                  ("NM1.85", 3, [fold(provider["name"])]), ("NM1.85", 9, [provider["npi"]]), ("REF.EI", 2, [day(provider["tin"])]),
                  ("GS", 4, [day(claim["submitted_on"])]), ("PRV", 3, [provider["taxonomy_code"]]), ("SBR*1", 3, [sponsor["group_no"]]),
                  ("SBR*1", 9, [claim["filing_indicator"]]), *self.birth(member), *self.lives(member, [provider["provider_id"] + " NOWHERE TEST RD"])]
        if not own:
            wanted += self.name(member, "QC") + [("PAT", 1, [member["relationship"]])]
        if own or member["cob_order"] == "1":
            wanted += [(f"{tag}*1", n, values) for tag, n, values in self.name(subscriber, "IL") + [("NM1.IL", 9, [subscriber["member_no"]])]]
        codes = [row["icd10cm"].replace(".", "") for row in self.of_claim("claim_diagnosis", claim)]
        if institutional:
            wanted += [("SV2", 1, [row["revenue_code"] for row in lines]), ("DTP.434", 3, [f"{day(claim['service_from'])}-{day(claim['service_to'])}"]),
                       ("CLM", 5, [f"{claim['type_of_bill'][:2]}:A:1"]), ("HI*1", 1, [f"ABK:{codes[0]}" + (":" * 7 + self.of_claim("claim_diagnosis", claim)[0]["poa"]).rstrip(":")])]
        else:
            wanted += [("SV1", 7, [row["dx_pointer"] for row in lines]), ("DTP.472", 3, [day(row["service_from"]) for row in lines]),
                       ("CLM", 5, [f"{claim['pos']}:B:1"])] + [("HI", n, [("ABK:" if n == 1 else "ABF:") + code]) for n, code in enumerate(codes, 1)]
        return wanted

    x12_837i = x12_837p

    def x12_835(self, key):
        row = self.row("remittance", key[0])
        provider = self.provider(row)
        claims = sorted(self.groups("claim", "remittance_id")[key[0]], key=lambda claim: claim["patient_control_no"])
        all_of = [(claim, decision) for claim in claims for decision in sorted(self.of_claim("adjudication", claim), key=lambda one: int(one["version"]))]
        person = [self.person(self.member(claim["member_id"])) for claim, _ in all_of]
        adjustments = [one["amount"] for one in self.groups("provider_level_adjustment", "remittance_id")[key[0]]]
        backs = [decision["processed_status"] == "22" for _, decision in all_of]
        lines = [(line, back) for (claim, _), back in zip(all_of, backs) for line in self.of_claim("claim_line", claim)]
        signed = lambda amount, back: money(-int(amount) if back else amount)
        return [("TRN", 2, [row["trn_no"]]), ("BPR", 2, [money(row["payment_amount"])]), ("BPR", 4, [row["method"]]), ("BPR", 16, [day(row["payment_date"])]),
                ("N1.PE", 4, [provider["npi"]]), ("REF.TJ", 2, [day(provider["tin"])]), ("CLP", 1, [claim["patient_control_no"] for claim, _ in all_of]),
                ("CLP", 2, [decision["processed_status"] for _, decision in all_of]), ("CLP", 3, [money(decision["billed"]) for _, decision in all_of]),
                ("CLP", 4, [money(decision["paid"]) for _, decision in all_of]), ("CLP", 7, [claim["payer_claim_control_no"] for claim, _ in all_of]),
                ("NM1.QC", 3, [fold(one["family_name"]) for one in person]), ("NM1.QC", 9, [self.member(claim["member_id"])["member_no"] for claim, _ in all_of]),
                ("DTM.232", 2, [day(claim["service_from"]) for claim, _ in all_of]), ("SVC", 2, [signed(line["billed"], back) for line, back in lines]),
                ("SVC", 3, [signed(line["paid"], back) for line, back in lines]), ("PLB", 4, [money(amount) for amount in adjustments])]

    def x12_834(self, key):
        event = self.row("enrollment_event", key[0])
        member = self.member(event["member_id"])
        policy = self.row("policy", member["policy_id"])
        sponsor = self.row("sponsor", policy["sponsor_id"])
        return [("BGN", 2, [event["transaction_no"]]), ("INS", 2, [member["relationship"]]), ("INS", 3, [event["maintenance_type"]]),
                ("REF.0F", 2, [self.member(member["subscriber_member_id"])["member_no"]]), ("REF.23", 2, [member["member_no"]]), ("REF.1L", 2, [sponsor["group_no"]]),
                ("N1.P5", 4, [day(sponsor["ein"])]), ("NM1.IL", 9, [day(self.person(member)["ssn"])]), ("HD", 4, [policy["policy_no"]]), ("HD", 5, [policy["tier"]]),
                ("GS", 4, [day(event["processed_at"][:10])]), ("GS", 5, [event["processed_at"][11:16].replace(":", "")]), *self.name(member, "IL"), *self.birth(member),
                *self.lives(member, [])] + [(f"DTP*{n}", 3, [day(event["event_date"])]) for n in (1, 2)]

    def x12_820(self, key):
        policy = self.row("policy", key[0])
        member, sponsor = self.member(policy["policy_id"]), self.row("sponsor", policy["sponsor_id"])
        return [("BPR", 2, [money(policy["premium_monthly"])]), ("RMR", 2, [policy["policy_no"]]), ("RMR", 4, [money(policy["premium_monthly"])]),
                ("N1.PR", 2, [fold(sponsor["name"])]), ("N1.PR", 4, [day(sponsor["ein"])]), ("NM1.IL", 9, [member["member_no"]]), *self.name(member, "IL")]

    def about(self, key):
        claim = self.row("claim", key[0])
        return claim, self.member(claim["member_id"]), self.provider(claim)

    def attempt(self, key):
        """Whether an acknowledgement is of a file that was sent again."""
        return int(key[1]) < len(self.groups("claim_ack", "claim_id")[key[0]]) - 1

    def x12_999(self, key):
        ack = self.ack(key)
        return [("GS", 4, [day(ack["acknowledged_on"])]), ("IK5", 1, [ack["code"]]), ("AK9", 1, [ack["code"]]), ("AK9", 4, ["0" if ack["code"] == "R" else "1"])]

    def x12_ta1(self, key):
        claim, ack = self.about(key)[0], self.ack(key)
        sent = ack["acknowledged_on"] if self.attempt(key) else claim["submitted_on"]
        return [("TA1", 2, [day(sent)[2:]]), ("ISA", 9, [day(ack["acknowledged_on"])[2:]])]

    def x12_277ca(self, key):
        claim, member, provider = self.about(key)
        ack = self.ack(key)
        taken, status = ack["code"] == "A2", {"A2": "A2:20:PR", "A3": "A3:21", "A7": "A7:164:IL"}[ack["code"]]
        return [("TRN*3", 2, ["0"]), ("TRN*4", 2, [claim["patient_control_no"]]), ("STC*3", 1, [status]), ("STC*3", 3, ["WQ" if taken else "U"]),
                ("STC*3", 4, [money(claim["total_billed"])]), ("REF.1K", 2, [claim["payer_claim_control_no"]] if taken else []), ("NM1.85", 9, [provider["npi"]]),
                ("NM1.QC", 9, [member["member_no"]]), ("DTP.050", 3, [day(ack["acknowledged_on"])]), ("DTP.009", 3, [day(ack["acknowledged_on"])]),
                ("AMT.YU", 2, [money(claim["total_billed"])] * (2 if taken else 0)), *self.name(member, "QC")]

    def asked(self, key, dependant):
        """Those of whom an inquiry is: the member, or the subscriber and the member."""
        claim, member, provider = self.about(key)
        subscriber = self.member(member["subscriber_member_id"])
        wanted = [("NM1.IL", 9, [subscriber["member_no"]]), ("NM1.1P", 9, [provider["npi"]]), *self.name(subscriber, "IL")]
        return claim, member, wanted + (self.name(member, dependant) if member is not subscriber else [])

    def x12_270(self, key):
        claim, member, wanted = self.asked(key, "03")
        return wanted + self.birth(member) + [("DTP.291", 3, [day(claim["service_from"])])]

    def x12_271(self, key):
        claim, member, wanted = self.asked(key, "03")
        plan = self.row("health_plan", member["health_plan_id"])
        insured = not member["term_date"] or claim["service_from"] <= member["term_date"]
        amounts = ["", money(plan["deductible"]), money(plan["oop_max"]), "", money(plan["copay_office"]), money(plan["copay_er"])]
        return wanted + self.birth(member) + self.lives(member, []) + [("DTP.346", 3, [day(member["eff_date"])]), ("INS", 2, [member["relationship"]]),
                                               ("EB*1", 1, ["1" if insured else "6"]), ("EB", 7, amounts if insured else [""])]

    def x12_276(self, key):
        claim, member, wanted = self.asked(key, "QC")
        return wanted + self.birth(member) + [("TRN", 2, [claim["patient_control_no"]]), ("AMT.T3", 2, [money(claim["total_billed"])]), ("REF.1K", 2, [claim["payer_claim_control_no"]])]

    def x12_277(self, key):
        claim, _, wanted = self.asked(key, "QC")
        state = {"pended": "P1", "denied": "F2"}.get(claim["status"], "F1" if int(claim["paid"] or 0) > 0 and claim["payment_day"] else "F0")
        return wanted + [("TRN", 2, [claim["patient_control_no"]]), ("STC", 4, [money(claim["total_billed"])]), ("STC", 5, [money(claim["paid"] or "0")]),
                         ("STC", 6, [day(claim["decided_on"])]), ("STC/", 1, [state]), ("REF.1K", 2, [claim["payer_claim_control_no"]])]

    def x12_278(self, key):
        auth = self.row("prior_auth", key[0])
        claim, member, wanted = self.asked([auth["claim_id"]], "QC")
        lines = self.of_claim("claim_line", claim)
        return wanted + self.birth(member) + [("GS", 4, [day(auth["requested_on"])]), ("DTP.AAH", 3, [day(claim["service_from"])]),
                                              ("SV1", 1, ["HC:" + row["proc_code"] for row in lines]), ("SV1", 4, [row["units"] for row in lines])]

    def x12_278_response(self, key):
        auth = self.row("prior_auth", key[0])
        wanted = [one for one in self.x12_278(key) if one[0] != "GS"]
        wanted.append(("GS", 4, [day(auth["decided_on"])]))
        if auth["status"] == "denied":
            return wanted + [("HCR*1", 1, ["A3"]), ("HCR*1", 2, [""]), ("DTP.007", 3, [])]
        return wanted + [("HCR*1", 1, ["A1"]), ("HCR*1", 2, [auth["auth_no"]]), ("DTP.007", 3, [f"{day(auth['valid_from'])}-{day(auth['valid_to'])}"])]


def reread(text):
    """The segments of a message as pyx12's reader has them."""
    return [[segment.get_seg_id(), *(segment.get_value(f"{segment.get_seg_id()}{n:02}") or "" for n in range(1, len(segment) + 1))]
            for segment in pyx12.x12file.X12Reader(io.StringIO(text))]


def found_at(found, wanted, n):
    """An element of segments by name; `EB*2` the second of them, `STC/` the first component, `DTM.232` by their qualifier."""
    name, _, at = wanted.partition("*")
    if name.startswith("DTM."):
        rows = [element(row, n) for row in found if row[0] == "DTM" and row[1] == name[4:]]
    else:
        rows = values(found, name.rstrip("/"), n)
    rows = [row.split(":")[0] for row in rows] if name.endswith("/") else rows
    return rows[int(at) - 1 : int(at)] if at else rows


def trip(data, name, key, text):
    """Where a message says something else than the tables."""
    found = reread(text)
    for wanted, n, expected in getattr(data, name)(key):
        got = found_at(found, wanted, n)
        if len(got) != len(expected) or any(e != "*" and e != g for e, g in zip(expected, got)):
            yield f"{name} {key}: {wanted} {n} is {got[:9]}, the tables say {expected[:9]}"


# Planted defects: a type, what is replaced, by what, and who has to see it.

PLANTS = [
    ("x12_837p", r"DTP\*472\*D8\*\d{4}", "DTP*472*D8*20231", "pyx12"), ("x12_837i", r"DTP\*434\*RD8", "DTP*434*D8", "pyx12"),
    ("x12_835", r"CAS\*CO", "CAS*XX", "pyx12"), ("x12_834", r"INS\*(Y|N)\*(..)\*0..", r"INS*\1*\2*999", "pyx12"),
    ("x12_820", r"RMR\*AZ", "RMR*ZZ", "pyx12"), ("x12_999", r"IK5\*A", "IK5*Q", "pyx12"), ("x12_277ca", r"HL\*3\*2\*19", "HL*7*2*19", "pyx12"),
    ("x12_ta1", r"\*A\*000", "*A*999", "pyx12"),
    ("x12_837p", r"BHT\*0019", "BHT*0020", "LinuxForHealth"), ("x12_837i", r"BHT\*0019", "BHT*0020", "LinuxForHealth"),
    ("x12_834", r"BGN\*00", "BGN*99", "LinuxForHealth"), ("x12_270", r"\*0022\*13", "*0022*77", "LinuxForHealth"),
    ("x12_271", r"EB\*1\*", "EB*ZZZ*", "LinuxForHealth"), ("x12_276", r"HL\*1\*\*20", "HL*1**99", "LinuxForHealth"),
    ("x12_277", r"\*0010\*08", "*0010*09", "LinuxForHealth"),
    ("x12_837p", r"SE\*\d+", "SE*7", "SE01"), ("x12_835", r"GE\*1", "GE*2", "GE01"), ("x12_834", r"IEA\*1", "IEA*2", "IEA01"),
    ("x12_820", r"IEA\*1\*\d", "IEA*1*9", "IEA02"), ("x12_270", r"GE\*1\*\d", "GE*1*9", "GE02"), ("x12_271", r"ST\*271\*\d", "ST*271*9", "SE02"),
    ("x12_276", r"\*T\*:~", "*P*:~", "ISA11"), ("x12_277", r"ISA\*00\* ", "ISA*00*", "106"), ("x12_278", r"GS\*HI", "GS*HC", "GS01"),
    ("x12_999", r"GS\*FA\*SYN", "GS*FA*SYX", "GS02"), ("x12_ta1", r"IEA\*0", "IEA*1", "TA1"), ("x12_834", r"NM1\*IL\*1\*.", "NM1*IL*1*é", "characters"),
    ("x12_278", r"HL\*3\*2\*22", "HL*3*1*23", "HL 3"), ("x12_270", r"HL\*2\*1\*21\*1", "HL*2*1*21*0", "HL04"), ("x12_277", r"HL\*4\*3", "HL*5*3", "HL 5"),
    ("x12_837i", r"(NM1\*85.*\*XX\*\d{9})(\d)", lambda m: m[1] + str((int(m[2]) + 1) % 10), "NPI"),
    ("x12_835", r"(PLB\*\d{9})(\d)", lambda m: m[1] + str((int(m[2]) + 1) % 10), "NPI of PLB"),
    ("x12_835", r"ACH\*CCP\*01\*999999992", "ACH*CCP*01*999999991", "routing"),
    ("x12_837p", r"(CLM\*\w+\*)", r"\g<1>1", "C-AMT-1"), ("x12_837i", r"(SV2\*\d+\*[^*]*\*)", r"\g<1>1", "C-AMT-1"), ("x12_837p", r"AMT\*D\*", "AMT*D*1", "other payer"),
    ("x12_837p", r"(SV1\*[^~]*)\d~", r"\g<1>13~", "pointers"), ("x12_837i", r"LX\*1~", "LX*3~", "numbered"),
    ("x12_835", r"(CLP\*\w+\*1\*)", r"\g<1>1", "C-AMT-2"), ("x12_835", r"(SVC\*[^*]+\*)", r"\g<1>1", "a line's charge"),
    ("x12_835", r"(SVC\*[^*]+\*)", r"\g<1>1", "CLP03 is the sum"), ("x12_835", r"BPR\*I\*", "BPR*I*1", "C-AMT-6"), ("x12_835", r"(CAS\*)PR", r"\1OA", "CLP05"),
    ("x12_835", r"CAS\*CO\*45\*([^~]*)~(CAS\*PR)", r"CAS*PR*45*\1~\2", "a CAS a group"), ("x12_835", r"(CLP\*\w+\*22\*-)", r"\g<1>1", "reversal"),
    ("x12_820", r"(RMR\*AZ\*\w+\*\*)", r"\g<1>1", "RMR04"),
]
# A segment that a type cannot be without.
NEEDED = {
    "x12_837p": "CLM", "x12_837i": "CL1", "x12_835": "TRN", "x12_834": "HD", "x12_820": "ENT", "x12_999": "AK9", "x12_277ca": "QTY",
    "x12_270": "EQ", "x12_271": "INS", "x12_276": "AMT", "x12_277": "STC", "x12_278": "UM", "x12_278_response": "HCR",
}
# Messages about one claim that stop agreeing.
APART = [
    ("x12_999", 3, 2, "999 cites the group"), ("x12_999", 4, 2, "999 cites the set"), ("x12_ta1", 1, 1, "TA1 cites"), ("x12_277ca", 11, 2, "277CA cites"),
    ("x12_277ca", "STC", 4, "277CA has the charge"), ("x12_277ca", "NM1.85", 9, "277CA has the provider"), ("x12_276", "REF.1K", 2, "x12_276 cites"),
    ("x12_277", "TRN", 2, "x12_277 cites"), ("x12_276", "AMT.T3", 2, "276 has the charge"), ("x12_276", "NM1.1P", 9, "x12_276 has the provider"), ("x12_271", "TRN", 2, "271 answers"),
    ("x12_ta1", 0, 9, "order in time"), ("835", "CLP", 7, "835 cites"), ("835", "CLP", 3, "835 has the charge"), ("835", "REF.6R", 2, "835 has the lines"),
    ("835", "SVC", 2, "835 has the lines' charges"), ("x12_277", "STC", 5, "277 has the payment"),
]


def seen_by(name, text, who):
    if who == "pyx12":
        return judged_by_pyx12([text])[0]
    return judged_by_models(name, text) if who == "LinuxForHealth" else [what for what in own(name, text) if who in what]


def plants(messages, claims):
    """Plants defects. Gives how many, and those that nobody saw."""
    count, missed = 0, []
    planted = [(name, lambda text, old=old, new=new: re.sub(old, new, text, count=1), who) for name, old, new, who in PLANTS]
    planted += [(name, lambda text, gone=gone: re.sub(rf"~{gone}\*[^~]*", "", text, count=1), "segments") for name, gone in NEEDED.items()]
    for name, change, who in planted:
        changed = next(((text, change(text)) for text in messages[name] if change(text) != text), None)
        count += 1
        if not changed or not seen_by(name, changed[1], who):
            missed.append(f"{name}: a defect for {who} ({'not caught' if changed else 'nothing to change'})")
    whole = next(of for of in claims.values() if of["835"] and of["835"][0][1][0][4] != "0")
    for name, at, n, who in APART:
        copy = json.loads(json.dumps(whole))
        rows = copy["835"][0][1] if name == "835" else copy[name]
        row = rows[at] if isinstance(at, int) else next(row for row in rows if at in (row[0], tag(row)))
        row[n] = str(9) + row[n]
        count += 1
        if not any(who in what for what, right in agreement(copy) if not right):
            missed.append(f"{name}: {who} is not caught")
    count += 1
    if all(right for _, right in agreement({name: found for name, found in whole.items() if name != "x12_999"})):
        missed.append("a claim without its 999")
    ours = messages["x12_999"][:20]
    forged = [text.replace("IK5*A", "IK5*R") for text in ours]
    written = "".join(f"AK1*{'*'.join(segments(text)[3][1:])}~AK2*{'*'.join(segments(text)[4][1:])}~IK5*A~AK9*A*1*1*1~" for text in ours)
    first = messages["x12_270"][0]
    twice = [("x12_270", first), ("x12_270", first.replace("EQ*30", "EQ*98"))]
    for what, caught in [("ISA13 twice", list(unique(twice)) and not list(unique(twice[:1]))),
                         ("a 999 that pyx12 writes otherwise", list(acknowledged(written, forged)) and not list(acknowledged(written, ours)))]:
        count += 1
        if not caught:
            missed.append(what)
    return count, missed


# Hostile values: a template of the segments in which people's texts stand, over a table of one value.

HOSTILE = {
    "plain": "plain", "quotes": "O'Neil \"Q\" & <Sons>", "backslash": "a\\b|c", "accents": "Müller-Nuñez", "star": "a*b", "tilde": "a~b", "caret": "a^b", "colon": "a:b",
    "line": "a\nb", "return": "a\r\nb", "right to left": "a\u202eb", "emoji": "a\U0001f600b", "four bytes": "\U00020000x", "nul-like": "a\u0001b", "delete": "a\u007fb",
    "braces": "{{ 1 }}{% if %}", "segment": "X~SE*1*1~IEA*0*1", "long": "x" * 300,
}
HOSTILE_PROFILE = 'name = "hostile"\nas_of = 2025-06-30\n[tables.thing]\nrows = 1\n[tables.thing.refs]\nvalue = {{ file = "values.csv", match.no = "{no}" }}\n' \
                  '[tables.thing.columns]\nthing_id = {{ expr = "row + 1", key = true }}\ntext = "value.text"\n'
HOSTILE_TEMPLATE = """+++
about = "An inquiry about a hostile name"
standard = "ASC X12 005010X279A1"
row = "thing"
syntax = "x12"
class = "internal"
+++
ISA*00*          *00*          *ZZ*SYNHOSTILE00001*ZZ*SYNHOSTILE00002*250630*0700*^*00501*000000001*0*T*:~
GS*HS*SYNHOSTILE00001*SYNHOSTILE00002*20250630*0700*1*X*005010X279A1~
ST*270*0001*005010X279A1~
BHT*0022*13*ELIG1*20250630*0700~
HL*1**20*1~
NM1*PR*2*{{ left(text, 60) }}*****PI*SYNPAYER1~
HL*2*1*21*1~
NM1*1P*2*{{ left(text, 60) }}*****XX*9999999995~
HL*3*2*22*0~
NM1*IL*1*{{ left(text, 60) }}*ALEX****MI*SYN1~
DMG*D8*19800229*F~
DTP*291*D8*20250630~
EQ*30~
SE*{{ records() }}*0001~
GE*1*1~
IEA*1*000000001~
"""


def hostile(placebo, scratch):
    """Makes a message of each hostile value: it is intact, or the run is refused by the expression and the character."""
    folder, wrong, refused = scratch / "hostile", [], 0
    (folder / "data").mkdir(parents=True)
    (folder / "hostile.x12.j2").write_text(HOSTILE_TEMPLATE)
    with open(folder / "data" / "values.csv", "w", newline="", encoding="utf-8") as file:
        file.write("# about: hostile texts\n# source: own\n# licence: Apache-2.0\n")
        csv.writer(file, lineterminator="\n").writerows([("no:int", "text"), *enumerate(HOSTILE.values())])
    for no, (what, value) in enumerate(HOSTILE.items()):
        (folder / "profile.toml").write_text(HOSTILE_PROFILE.format(no=no))
        out = folder / "out"
        made = subprocess.run([placebo, "generate", str(folder / "profile.toml"), "--messages", str(folder / "hostile.x12.j2"), "--out", str(out), "--overwrite", "-q"],
                              capture_output=True, text=True)
        bad = next((c for c in value[:60] if c in "*~^:" or not " " <= c <= "~"), None)
        if made.returncode:
            refused += 1
            told = re.sub(r"\s*\n\s*│?\s*", " ", made.stderr)
            if bad is None or "left(text, 60)" not in told or "character" not in told:
                wrong.append(f"hostile {what}: {made.stderr[:300]}")
            continue
        with open(out / "hostile.csv", newline="", encoding="utf-8") as file:
            text = next(csv.DictReader(file))["message"]
        if bad is not None or values(reread(text), "NM1", 3) != [value[:60]] * 3 or judged_by_models("x12_270", text):
            wrong.append(f"hostile {what}: {text[:400]}")
    return refused, wrong


def generate(placebo, folder, seed, rows, params, names, count):
    templates = os.environ.get("TEMPLATES")
    given = [str(pathlib.Path(templates).resolve() / f"{name}.x12.j2") if templates else name for name in names]
    args = [placebo, "generate", "claims", "--seed", seed, "--messages", ",".join(given), "--out", str(folder), "-q"]
    for row in rows:
        table, _, share = row.partition("=")
        # Members come in fours: of an incomplete four the last could lack a subscriber.
        args += ["--rows", f"{table}={(20 + int(float(share) * count)) // 4 * 4}"]
    for param in params:
        args += ["--set", param]
    subprocess.run([*args, "--tables", ",".join([*names, *TABLES])], check=True)
    texts, keys = {}, {}
    for name in names:
        with open(folder / f"{name}.csv", newline="", encoding="utf-8") as file:
            rows = [list(row.values()) for row in csv.DictReader(file)]
        texts[name], keys[name] = [row[-1] for row in rows], [row[:-1] for row in rows]
    return texts, keys


def main():
    placebo, scratch, count = sys.argv[1], pathlib.Path(sys.argv[2]) / "x12", int(sys.argv[3])
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    logging.disable(logging.CRITICAL)
    wrong, texts, claims, trips, tasks = [], defaultdict(list), {}, defaultdict(int), []
    for at, (rows, params, names) in enumerate(RUNS):
        made, keys = generate(placebo, scratch / str(at), f"x12 {at}", rows, params, names, count)
        data = Data(scratch / str(at))
        wrong += [("", what, "") for what in unique((name, text) for name in names for text in made[name])]
        for name in names:
            texts[name] += made[name]
            tasks.append((name, at, made[name]))
            for key, text in list(zip(keys[name], made[name]))[: max(0, ROUND_TRIPS - trips[name])]:
                wrong += [(name, what, text) for what in trip(data, name, key, text)]
                trips[name] += 1
        if names is CLAIMS:
            claims = by_claim(made, keys)
            key, text = keys["x12_837p"][0], made["x12_837p"][0]
            if not list(trip(data, "x12_837p", key, re.sub(r"(NM1\*85\*2\*)", r"\1X", text))):
                wrong.append(("x12_837p", "a planted name is not caught by the round trip", ""))
    wrong += [(name, f"only {len(made)} messages", "") for name, made in texts.items() if len(made) < count]
    with multiprocessing.Pool(min(2, os.cpu_count() or 1)) as pool:
        judged = pool.map(judge, sorted(tasks, key=lambda task: -sum(map(len, task[2]))), chunksize=1)
    written = "".join(acknowledgements for (name, at), _, acknowledgements in judged if "837" in name and at == 0)
    wrong += [problem for _, problems, _ in judged for problem in problems]
    wrong += [("x12_999", what, "") for what in acknowledged(written, texts["x12_999"])]
    wrong += [("", f"claim {key}: {what}", "") for key, of in claims.items() for what, right in agreement(of) if not right]
    planted, missed = plants(texts, claims)
    refused, bad = hostile(placebo, scratch)
    wrong += [("", what, "") for what in missed + bad]
    for name, what, text in wrong[:10]:
        print(f"{name} {what}\n{text[:1000]}")
    for name, made in texts.items():
        if not any(one[0] == name for one in wrong):
            print(f"ok {name} {len(made):,} messages")
    print(f"X12: {sum(map(len, texts.values())):,} messages, {len(claims):,} claims whose messages agree, {sum(trips.values()):,} round trips, {planted} planted defects, "
          f"{len(HOSTILE)} hostile values ({refused} refused): {len(wrong)} findings")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
