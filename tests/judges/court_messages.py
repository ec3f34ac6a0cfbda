"""Judges the messages of the legal profile: LEDES invoices, court e-filing (ECF), docket sheets, pleadings and orders.

usage: court_messages.py PLACEBO SCRATCH COUNT

Makes COUNT messages of each type at least, with their tables, and looks at every message: ledes-parser, lxml and html5lib read it,
eyecite, reporters-db and courts-db read its citations and its court, and checks of our own compare it with the tables. Each of them
must find a defect that is planted. TEMPLATES names a folder whose templates are taken instead of the embedded ones.
"""
import collections
import csv
import datetime
import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
from decimal import ROUND_HALF_EVEN, Decimal

import html5lib
from courts_db import find_court
from eyecite import get_citations
from eyecite.models import FullCaseCitation, FullLawCitation, UnknownCitation
from ledes_parser import get_parser
from lxml import etree
from reporters_db import REPORTERS

SEED = "court messages"
DATA = pathlib.Path(__file__).parents[2] / "profiles" / "legal" / "data"
EXTENSIONS = {"ledes_1998b": "txt", "ledes_1998bi": "txt", "docket_sheet_text": "txt", "docket_sheet_html": "html",
              "pleading_html": "html", "order_html": "html", "ecf4_review_filing": "xml", "ecf4_filing_callback": "xml",
              "ecf5_review_filing": "xml", "ecf5_filing_callback": "xml"}
csv.field_size_limit(1 << 24)


def paths(names):
    folder = os.environ.get("TEMPLATES")
    return ",".join(f"{folder}/{name}.{EXTENSIONS[name]}.j2" if folder else name for name in names)


def generate(placebo, out, names, tables, *more):
    """Generates messages of these types, and tables; gives all rows by table."""
    shutil.rmtree(out, ignore_errors=True)
    command = [placebo, "generate", "legal", "--seed", SEED, "--messages", paths(names), "--tables", ",".join(names + tables)]
    subprocess.run([*command, "--format", "csv", "--out", str(out), "-q", *more], check=True)
    found = {}
    for name in names + tables:
        with open(out / f"{name}.csv", newline="", encoding="utf-8") as file:
            found[name] = list(csv.DictReader(file))
    return found


def by(rows, key):
    return {row[key]: row for row in rows}


def groups(rows, key):
    made = collections.defaultdict(list)
    for row in rows:
        made[row[key]].append(row)
    return made


def cents(text):
    return int((Decimal(text) * 100).to_integral_exact())


def codes(file, column=0):
    """The codes of a data file of the profile."""
    with open(DATA / file, encoding="utf-8") as lines:
        return {row[column] for row in csv.reader(line for line in lines if not line.startswith("#"))}


# LEDES

LEDES_B = """INVOICE_DATE INVOICE_NUMBER CLIENT_ID LAW_FIRM_MATTER_ID INVOICE_TOTAL BILLING_START_DATE BILLING_END_DATE INVOICE_DESCRIPTION
LINE_ITEM_NUMBER EXP/FEE/INV_ADJ_TYPE LINE_ITEM_NUMBER_OF_UNITS LINE_ITEM_ADJUSTMENT_AMOUNT LINE_ITEM_TOTAL LINE_ITEM_DATE
LINE_ITEM_TASK_CODE LINE_ITEM_EXPENSE_CODE LINE_ITEM_ACTIVITY_CODE TIMEKEEPER_ID LINE_ITEM_DESCRIPTION LAW_FIRM_ID LINE_ITEM_UNIT_COST
TIMEKEEPER_NAME TIMEKEEPER_CLASSIFICATION CLIENT_MATTER_ID""".split()
LEDES_BI = LEDES_B + """PO_NUMBER CLIENT_TAX_ID MATTER_NAME INVOICE_TAX_TOTAL INVOICE_NET_TOTAL INVOICE_CURRENCY TIMEKEEPER_LAST_NAME
TIMEKEEPER_FIRST_NAME ACCOUNT_TYPE LAW_FIRM_NAME LAW_FIRM_ADDRESS_1 LAW_FIRM_ADDRESS_2 LAW_FIRM_CITY LAW_FIRM_STATEorREGION
LAW_FIRM_POSTCODE LAW_FIRM_COUNTRY CLIENT_NAME CLIENT_ADDRESS_1 CLIENT_ADDRESS_2 CLIENT_CITY CLIENT_STATEorREGION CLIENT_POSTCODE
CLIENT_COUNTRY LINE_ITEM_TAX_RATE LINE_ITEM_TAX_TOTAL LINE_ITEM_TAX_TYPE INVOICE_REPORTED_TAX_TOTAL INVOICE_TAX_CURRENCY""".split()
REQUIRED = """INVOICE_DATE INVOICE_NUMBER CLIENT_ID LAW_FIRM_MATTER_ID INVOICE_TOTAL BILLING_START_DATE BILLING_END_DATE LINE_ITEM_NUMBER
EXP/FEE/INV_ADJ_TYPE LINE_ITEM_NUMBER_OF_UNITS LINE_ITEM_TOTAL LINE_ITEM_DATE LINE_ITEM_DESCRIPTION LAW_FIRM_ID
LINE_ITEM_UNIT_COST CLIENT_MATTER_ID""".split()
REQUIRED_BI = "CLIENT_TAX_ID MATTER_NAME INVOICE_NET_TOTAL INVOICE_CURRENCY ACCOUNT_TYPE LINE_ITEM_TAX_TOTAL".split()
LONGEST = {"INVOICE_NUMBER": 20, "CLIENT_ID": 20, "LAW_FIRM_MATTER_ID": 20, "LINE_ITEM_TASK_CODE": 20, "LINE_ITEM_EXPENSE_CODE": 20,
           "LINE_ITEM_ACTIVITY_CODE": 20, "TIMEKEEPER_ID": 20, "TIMEKEEPER_NAME": 30, "TIMEKEEPER_CLASSIFICATION": 10,
           "CLIENT_MATTER_ID": 20, "CLIENT_TAX_ID": 20, "MATTER_NAME": 255, "LAW_FIRM_NAME": 60, "CLIENT_NAME": 60}
CLASSES = codes("timekeeper_classes.csv", 1)
TASKS, ACTIVITIES, EXPENSES = codes("utbms_tasks.csv"), codes("utbms_activities.csv"), codes("utbms_expenses.csv")
PARSER = get_parser(spec="LEDES98B")


def rounded(amount):
    return amount.quantize(Decimal("0.01"), ROUND_HALF_EVEN)


def ledes(key, text, world, international=False):
    fields, mark = (LEDES_BI, "LEDES98BI V2[]") if international else (LEDES_B, "LEDES1998B[]")
    head, names, *lines, end = text.split("\n")
    if (head, end) != (mark, "") or names != "|".join(fields) + "[]":
        yield "the first two lines are not those of the format"
        return
    if not text.isascii():
        yield "not ASCII"
    cut = "\n".join("|".join(line.removesuffix("[]").split("|")[:24]) + "[]" for line in [names, *lines])
    try:
        parsed = PARSER.parse("LEDES1998B[]\n" + cut if international else text)["line_items"]
    except Exception as error:
        yield f"ledes-parser: {str(error)[:120]}"
        return
    invoice = world["invoice"][key]
    matter = world["matter"][invoice["matter_id"]]
    wanted = world["lines"][key]
    if len(lines) != len(wanted):
        yield f"{len(lines)} lines, the table has {len(wanted)}"
    total = tax = Decimal(0)
    for line, item, row in zip(lines, parsed, sorted(wanted, key=lambda row: int(row["line_no"]))):
        values = line.removesuffix("[]").split("|")
        if not line.endswith("[]") or len(values) != len(fields):
            yield f"{len(values)} fields"
            continue
        value = dict(zip(fields, values))
        for name in REQUIRED + (REQUIRED_BI if international else []):
            if not value[name]:
                yield f"{name} is missing"
        for name in value.keys() & LONGEST.keys():
            if len(value[name]) > LONGEST[name]:
                yield f"{name} is too long: {value[name]}"
        # What ledes-parser read, and the table.
        same = {"invoice_number": invoice["invoice_no"], "client_id": matter["client_org_id"], "client_matter_id": matter["client_matter_id"],
                "law_firm_matter_id": matter["law_firm_matter_id"], "law_firm_id": world["firm"][matter["firm_id"]]["ein"],
                "line_item_number": row["line_no"], "exp_fee_inv_adj_type": row["type"], "line_item_task_code": row["task_code"],
                "line_item_activity_code": row["activity_code"], "line_item_expense_code": row["expense_code"],
                "timekeeper_id": row["timekeeper_id"], "timekeeper_name": row["timekeeper_name"][:30],
                "timekeeper_classification": row["timekeeper_class"], "line_item_description": row["description"]}
        dates = {"invoice_date": invoice["invoice_date"], "billing_start_date": invoice["period_start"],
                 "billing_end_date": invoice["period_end"], "line_item_date": row["line_date"]}
        same |= {name: datetime.date.fromisoformat(date) for name, date in dates.items()}
        same |= {"line_item_number_of_units": Decimal(row["units"]), "line_item_unit_cost": Decimal(row["unit_cost"]),
                 "line_item_adjustment_amount": Decimal(row["adjustment"]) / 100}
        if not international:
            same |= {"line_item_total": Decimal(row["total"]) / 100, "invoice_total": Decimal(invoice["total"]) / 100}
        for name, want in same.items():
            if item[name] != want:
                yield f"{name} is {item[name]!r}, the table has {want!r}"
        # What no judge sees.
        net = rounded(Decimal(value["LINE_ITEM_NUMBER_OF_UNITS"]) * Decimal(value["LINE_ITEM_UNIT_COST"]))
        net += Decimal(value["LINE_ITEM_ADJUSTMENT_AMOUNT"])
        own_tax = Decimal(value["LINE_ITEM_TAX_TOTAL"]) if international else Decimal(0)
        if Decimal(value["LINE_ITEM_TOTAL"]) != net + own_tax:
            yield f"line {row['line_no']}: {value['LINE_ITEM_TOTAL']} is not units × cost + adjustment + tax, {net + own_tax}"
        total, tax = total + Decimal(value["LINE_ITEM_TOTAL"]), tax + own_tax
        fee = value["EXP/FEE/INV_ADJ_TYPE"] == "F"
        if fee and not (value["TIMEKEEPER_CLASSIFICATION"] in CLASSES and value["LINE_ITEM_TASK_CODE"] in TASKS
                        and value["LINE_ITEM_ACTIVITY_CODE"] in ACTIVITIES and not value["LINE_ITEM_EXPENSE_CODE"]):
            yield "a fee without a timekeeper of a class, or with codes that are not of UTBMS"
        if not fee and (value["LINE_ITEM_EXPENSE_CODE"] not in EXPENSES or value["TIMEKEEPER_ID"] or value["LINE_ITEM_TASK_CODE"]):
            yield "an expense with a timekeeper or a task, or with a code that is not of UTBMS"
        if not value["BILLING_START_DATE"] <= value["LINE_ITEM_DATE"] <= value["BILLING_END_DATE"] <= value["INVOICE_DATE"]:
            yield "a line outside of the period, or an invoice before its end"
        if international:
            if own_tax != rounded(net * Decimal(value["LINE_ITEM_TAX_RATE"])):
                yield f"the tax {own_tax} is not {value['LINE_ITEM_TAX_RATE']} of {net}"
            if fee != (f"{value['TIMEKEEPER_LAST_NAME']}, {value['TIMEKEEPER_FIRST_NAME']}"[:30] == value["TIMEKEEPER_NAME"]):
                yield "the names of the timekeeper differ"
            client = world["org"][matter["client_org_id"]]
            pairs = {"CLIENT_NAME": client["name"], "CLIENT_TAX_ID": client["ein"], "CLIENT_CITY": client["city"],
                     "MATTER_NAME": matter["description"], "LAW_FIRM_NAME": world["firm"][matter["firm_id"]]["name"],
                     "INVOICE_CURRENCY": invoice["currency"]}
            for name, want in pairs.items():
                if value[name] != want:
                    yield f"{name} is {value[name]}, the table has {want}"
    if lines and Decimal(value["INVOICE_TOTAL"]) != total:
        yield f"INVOICE_TOTAL is {value['INVOICE_TOTAL']}, the lines sum up to {total}"
    if lines and international:
        net_total, tax_totals = Decimal(value["INVOICE_NET_TOTAL"]), {value["INVOICE_TAX_TOTAL"], value["INVOICE_REPORTED_TAX_TOTAL"]}
        if {Decimal(one) for one in tax_totals} != {tax} or net_total != total - tax or net_total * 100 != int(invoice["total"]):
            yield "totals of tax and without tax do not fit the lines and the table"


def ledes_bi(key, text, world):
    return ledes(key, text, world, international=True)


# ECF: what may be in an element, as a regular expression over the names of its children. After the schemas of ECF 4.01 (errata 01)
# and ECF 5.0 and the subsets of NIEM that they use. An element that is not listed holds text.

SPACES_4 = {"ws": "urn:oasis:names:tc:legalxml-courtfiling:wsdl:WebServicesProfile-Definitions-4.0",
            "core": "urn:oasis:names:tc:legalxml-courtfiling:schema:xsd:CoreFilingMessage-4.0",
            "reviewcb": "urn:oasis:names:tc:legalxml-courtfiling:schema:xsd:ReviewFilingCallbackMessage-4.0",
            "payment": "urn:oasis:names:tc:legalxml-courtfiling:schema:xsd:PaymentMessage-4.0",
            "receipt": "urn:oasis:names:tc:legalxml-courtfiling:schema:xsd:PaymentReceiptMessage-4.0",
            "civil": "urn:oasis:names:tc:legalxml-courtfiling:schema:xsd:CivilCase-4.0",
            "criminal": "urn:oasis:names:tc:legalxml-courtfiling:schema:xsd:CriminalCase-4.0",
            "appellate": "urn:oasis:names:tc:legalxml-courtfiling:schema:xsd:AppellateCase-4.0",
            "ecf": "urn:oasis:names:tc:legalxml-courtfiling:schema:xsd:CommonTypes-4.0",
            "nc": "http://niem.gov/niem/niem-core/2.0", "j": "http://niem.gov/niem/domains/jxdm/4.0",
            "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
            "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"}
SENDER_4 = "ecf:SendingMDELocationID ecf:SendingMDEProfileCode"
CASE_4 = "(civil:CivilCase|criminal:CriminalCase|appellate:AppellateCase)"
HEAD_4 = "nc:CaseTitleText? nc:CaseCategoryText? nc:CaseTrackingID? nc:CaseDocketID?"
DOCUMENT_4 = "nc:DocumentDescriptionText? nc:DocumentFiledDate? nc:DocumentIdentification* nc:DocumentSequenceID? " \
             "ecf:DocumentMetadata ecf:DocumentRendition+"
REVIEWED_4 = f"{DOCUMENT_4} ecf:DocumentHashText? ecf:DocumentDocketID? ecf:SealDocumentIndicator?"
PAYMENT_4 = "payment:FeeExceptionReasonCode? payment:FeeExceptionSupportingText? payment:PayerName cac:AllowanceCharge* cac:Address cac:Payment"
BOTH = {"nc:DocumentFiledDate": "(nc:DateTime|nc:Date)", "nc:DocumentReceivedDate": "(nc:DateTime|nc:Date)",
        "nc:DocumentPostDate": "(nc:DateTime|nc:Date)", "nc:StatusDate": "(nc:DateTime|nc:Date)",
        "ecf:FilingCompletionDate": "(nc:DateTime|nc:Date)", "nc:DocumentIdentification": "nc:IdentificationID",
        "ecf:SendingMDELocationID": "nc:IdentificationID", "nc:OrganizationIdentification": "nc:IdentificationID"}
MODEL_4 = BOTH | {
    "ws:ReviewFilingRequestMessage": f"{SENDER_4} core:CoreFilingMessage payment:PaymentMessage",
    "core:CoreFilingMessage": f"nc:DocumentFiledDate? nc:DocumentIdentification+ {SENDER_4} {CASE_4} core:FilingConfidentialityIndicator? "
                              "core:FilingLeadDocument+ core:FilingConnectedDocument*",
    "ws:NotifyFilingReviewCompleteRequestMessage": f"{SENDER_4} reviewcb:ReviewFilingCallbackMessage receipt:PaymentReceiptMessage",
    "reviewcb:ReviewFilingCallbackMessage": f"nc:DocumentFiledDate? nc:DocumentIdentification+ nc:DocumentReceivedDate? {SENDER_4} {CASE_4} "
                                            "ecf:FilingCompletionDate? ecf:FilingStatus ecf:ReviewedLeadDocument ecf:ReviewedConnectedDocument*",
    "core:FilingLeadDocument": DOCUMENT_4, "core:FilingConnectedDocument": DOCUMENT_4,
    "ecf:ReviewedLeadDocument": REVIEWED_4, "ecf:ReviewedConnectedDocument": REVIEWED_4,
    "payment:PaymentMessage": PAYMENT_4, "receipt:PaymentReceiptMessage": PAYMENT_4,
    "cac:AllowanceCharge": "cbc:ID? cbc:ChargeIndicator cbc:AllowanceChargeReasonCode? cbc:AllowanceChargeReason* cbc:Amount",
    "cac:Address": "cac:Country?", "cac:Country": "cbc:IdentificationCode?", "cac:Payment": "cbc:ID? cbc:PaidAmount?",
    "civil:CivilCase": f"{HEAD_4} j:CaseAugmentation ecf:CaseAugmentation ecf:CauseOfActionCode+ civil:AmountInControversy? "
                       "civil:ClassActionIndicator civil:JuryDemandIndicator civil:ReliefTypeCode+",
    "criminal:CriminalCase": f"{HEAD_4} j:CaseAugmentation ecf:CaseAugmentation criminal:CaseCharge+",
    "appellate:AppellateCase": f"{HEAD_4} j:AppellateCaseOriginalCase* j:CaseAugmentation ecf:CaseAugmentation",
    "j:AppellateCaseOriginalCase": HEAD_4, "j:CaseAugmentation": "j:CaseCourt", "j:CaseCourt": "nc:OrganizationIdentification? j:CourtName?",
    "ecf:CaseAugmentation": "ecf:CaseParticipant*",
    "ecf:CaseParticipant": "(ecf:EntityPerson|ecf:EntityOrganization) ecf:CaseParticipantRoleCode",
    "ecf:EntityPerson": "nc:PersonName", "nc:PersonName": "nc:PersonGivenName? nc:PersonSurName?", "ecf:EntityOrganization": "nc:OrganizationName",
    "criminal:CaseCharge": "j:ChargeDescriptionText? j:ChargeSequenceID? criminal:ChargeOffense "
                           "criminal:ChargeChargingAgencyJurisdictionStatute* criminal:ChargeAmendedIndicator",
    "criminal:ChargeOffense": "nc:ActivityDate?", "nc:ActivityDate": "(nc:DateTime|nc:Date)",
    "criminal:ChargeChargingAgencyJurisdictionStatute": "j:StatuteCodeIdentification?", "j:StatuteCodeIdentification": "nc:IdentificationID",
    "ecf:DocumentMetadata": "j:RegisterActionDescriptionText ecf:ParentDocumentReference? ecf:FilingAttorneyID ecf:FilingPartyID+",
    "ecf:ParentDocumentReference": "", "ecf:FilingAttorneyID": "nc:IdentificationID?", "ecf:FilingPartyID": "nc:IdentificationID",
    "ecf:DocumentRendition": "ecf:DocumentRenditionMetadata", "ecf:DocumentRenditionMetadata": "ecf:DocumentAttachment+ ecf:RedactedIndicator?",
    "ecf:DocumentAttachment": "nc:BinaryDescriptionText? nc:BinaryFormatStandardName? nc:BinaryLocationURI? nc:BinarySizeValue? "
                              "ecf:AttachmentSequenceID?",
    "ecf:FilingStatus": "nc:StatusText? nc:StatusDate? nc:StatusDescriptionText* ecf:FilingStatusCode", "ecf:DocumentDocketID": "nc:IdentificationID",
}
SPACES_5 = {"filing": "https://docs.oasis-open.org/legalxml-courtfiling/ns/v5.0/filing",
            "reviewcb": "https://docs.oasis-open.org/legalxml-courtfiling/ns/v5.0/reviewfilingcallback",
            "civil": "https://docs.oasis-open.org/legalxml-courtfiling/ns/v5.0/civil",
            "ecf": "https://docs.oasis-open.org/legalxml-courtfiling/ns/v5.0/ecf",
            "nc": "http://release.niem.gov/niem/niem-core/4.0/", "j": "http://release.niem.gov/niem/domains/jxdm/6.1/"}
HEAD_5 = "nc:DocumentIdentification+ nc:DocumentSubmitter? ecf:SendingMDELocationID ecf:ServiceInteractionProfileCode j:CaseCourt nc:DocumentPostDate"
DOCUMENT_5 = "nc:DocumentDescriptionText? nc:DocumentIdentification+ nc:DocumentSequenceID? ecf:DocumentAugmentation?"
REVIEW_5 = "ecf:DocumentReviewDisposition ecf:ReviewedDocument"
MODEL_5 = BOTH | {
    "filing:FilingMessage": f"{HEAD_5} filing:FilingConnectedDocument* filing:FilingLeadDocument+ nc:Case",
    "reviewcb:NotifyFilingReviewCompleteMessage": f"{HEAD_5} ecf:ConnectedDocumentReview* ecf:FilingCompletionDate? ecf:FilingStatus "
                                                  "ecf:LeadDocumentReview+ nc:Case",
    "filing:FilingConnectedDocument": DOCUMENT_5, "filing:FilingLeadDocument": DOCUMENT_5,
    "ecf:ConnectedDocumentReview": REVIEW_5, "ecf:LeadDocumentReview": REVIEW_5,
    "ecf:ReviewedDocument": f"{DOCUMENT_5} ecf:ReviewedDocumentAugmentation?",
    "ecf:ReviewedDocumentAugmentation": "ecf:SealDocumentIndicator? nc:CaseDocketID?",
    "ecf:DocumentReviewDisposition": "ecf:DocumentReviewStatus?", "ecf:DocumentReviewStatus": "nc:StatusDescriptionText? nc:StatusDate?",
    "ecf:FilingStatus": "nc:StatusDescriptionText? nc:StatusDate? ecf:FilingDocketingStatusCode? ecf:FilingReviewStatusCode",
    "ecf:DocumentAugmentation": "ecf:DocumentFiler* ecf:DocumentRendition* ecf:DocumentTypeCode? ecf:RegisterActionDescriptionCode?",
    "ecf:DocumentFiler": "(nc:EntityPerson|nc:EntityOrganization)", "nc:DocumentSubmitter": "(nc:EntityPerson|nc:EntityOrganization)",
    "ecf:DocumentRendition": "nc:DocumentIdentification+ ecf:DocumentRenditionHash? ecf:RedactedIndicator? nc:Attachment",
    "nc:Attachment": "nc:BinaryDescriptionText? nc:BinaryFormatText? nc:BinaryURI? nc:BinarySizeValue?",
    "j:CaseCourt": "nc:OrganizationIdentification? j:CourtName?",
    "nc:Case": "nc:CaseTitleText? nc:CaseTrackingID? (civil:CaseAugmentation|ecf:CaseAugmentation)+",
    "civil:CaseAugmentation": "civil:AmountInControversy? civil:CivilClassActionIndicator? civil:JuryDemandIndicator? civil:ReliefTypeCode+ "
                              "ecf:CauseOfActionCode",
    "civil:AmountInControversy": "nc:Amount",
    "ecf:CaseAugmentation": "ecf:CaseCategoryCode? ecf:CaseNewIndicator? ecf:CaseParty* ecf:CaseTypeCode? j:CaseNumberText?",
    "ecf:CaseParty": "(nc:EntityPerson|nc:EntityOrganization)", "nc:EntityPerson": "(nc:PersonName? ecf:PersonAugmentation?)",
    "nc:PersonName": "nc:PersonGivenName? nc:PersonSurName?",
    "ecf:PersonAugmentation": "ecf:CaseParticipantRoleCode* ecf:CasePartySelfRepresentationIndicator? ecf:ParticipantID?",
    "ecf:ParticipantID": "nc:IdentificationID", "nc:EntityOrganization": "(nc:OrganizationName ecf:OrganizationAugmentation)?",
    "ecf:OrganizationAugmentation": "ecf:CaseParticipantRoleCode+",
}


def compiled(model):
    """Content models as regular expressions over names with a space after each."""
    named = re.compile(r"[a-z]+:[A-Za-z0-9]+")
    return {name: re.compile(named.sub(r"(?:\g<0>~)", content).replace(" ", "").replace("~", " ")) for name, content in model.items()}


ECF = {"4": (SPACES_4, compiled(MODEL_4), "{http://niem.gov/niem/structures/2.0}"),
       "5": (SPACES_5, compiled(MODEL_5), "{http://release.niem.gov/niem/structures/4.0/}")}
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|\d{4}-\d\d-\d\d")
TYPED = {"Indicator": re.compile("true|false"), "DateTime": INSTANT, "Date": INSTANT, "BinarySizeValue": re.compile(r"\d+"),
         "Amount": re.compile(r"\d+\.\d\d"), "AmountInControversy": re.compile(r"\d+\.\d\d"), "PaidAmount": re.compile(r"\d+\.\d\d"),
         "FilingStatusCode": re.compile("accepted|rejected"), "FilingReviewStatusCode": re.compile("accepted|rejected"),
         "DocumentHashText": re.compile("[0-9a-f]{64}"), "DocumentRenditionHash": re.compile("[0-9a-f]{64}")}


def structure(root, version):
    """What of a message is not as the schemas have it."""
    spaces, model, structures = ECF[version]
    prefixes = {uri: prefix for prefix, uri in spaces.items()}
    ids, refs = [], []

    def short(element):
        name = etree.QName(element)
        return f"{prefixes.get(name.namespace, '?')}:{name.localname}"

    for element in root.iter():
        name = short(element)
        if name.startswith("?"):
            yield f"{element.tag} is of a namespace that the format does not have"
            continue
        children = [short(child) for child in element]
        ids += [element.get(structures + "id")] if element.get(structures + "id") else []
        refs += [element.get(structures + "ref")] if element.get(structures + "ref") else []
        if name in model and not (version == "4" and name == "civil:AmountInControversy"):
            if element.get(NIL) != "true" and not model[name].fullmatch("".join(child + " " for child in children)):
                yield f"{name} has {' '.join(children) or 'nothing'}"
            continue
        if children:
            yield f"{name} has {' '.join(children)} instead of text"
            continue
        ending = next((kind for kind in TYPED if name.endswith(f":{kind}") or kind == "Indicator" and name.endswith(kind)), None)
        if not (element.text or "").strip() or ending and not TYPED[ending].fullmatch(element.text):
            yield f"{name} has {element.text!r}"
    if len(set(ids)) != len(ids):
        yield "an id occurs twice"
    for ref in refs:
        if ref not in ids:
            yield f"the reference {ref} leads nowhere"
    for one in ids:
        if not re.fullmatch(r"[A-Za-z_][\w.-]*", one):
            yield f"{one} is not an XML name"


def ecf(key, text, world, version, callback):
    try:
        root = etree.fromstring(text.encode())
    except etree.XMLSyntaxError as error:
        yield f"lxml: {error}"
        return
    yield from structure(root, version)
    spaces, _, structures = ECF[version]

    def all_of(path, at=root):
        return at.xpath(path, namespaces=spaces)

    def one(path, at=root):
        found = all_of(path, at)
        return (found[0].text or "") if found else ""

    filing = world["filing"][key]
    documents = sorted(world["documents"][key], key=lambda row: int(row["attachment_no"]))
    # The case of a rejected envelope that would have opened it has no key in the table of filings.
    case = world["case"][key.split("-")[0]]
    accepted, initiating = filing["status"] == "accepted", filing["type"] == "initiating"
    is_open = not initiating or callback and accepted
    wanted = {"//nc:CaseTitleText": case["caption"], "//nc:CaseTrackingID": case["case_id"] if is_open else "",
              "//nc:OrganizationIdentification/nc:IdentificationID": f"{world['court'][case['court_id']]['pacer_id']}:{case['case_type']}",
              "//j:CourtName": world["court"][case["court_id"]]["name"]}
    if version == "4":
        case_path = "//civil:CivilCase|//criminal:CriminalCase|//appellate:AppellateCase"
        message = "//core:CoreFilingMessage" if not callback else "//reviewcb:ReviewFilingCallbackMessage"
        own_case = all_of(case_path)[0] if all_of(case_path) else root
        wanted = {f".{path}": value for path, value in wanted.items()}
        found = {path: one(path.replace(".//nc:Case", "./nc:Case"), own_case) for path in wanted}
        wanted |= {"number": case["case_number"] if is_open else ""}
        found |= {"number": one("./nc:CaseDocketID", own_case), "envelope": one(f"{message}/nc:DocumentIdentification/nc:IdentificationID")}
        parties = all_of("./ecf:CaseAugmentation/ecf:CaseParticipant", own_case)
        lead, connected = (("//ecf:ReviewedLeadDocument", "//ecf:ReviewedConnectedDocument") if callback
                           else ("//core:FilingLeadDocument", "//core:FilingConnectedDocument"))
        hashes, numbers = ".//ecf:DocumentHashText", ".//ecf:DocumentDocketID/nc:IdentificationID"
        uri, size, status = ".//nc:BinaryLocationURI", ".//nc:BinarySizeValue", "//ecf:FilingStatusCode"
        filed = one(f"{message}/nc:DocumentFiledDate/nc:DateTime")
        code, filers = ".//j:RegisterActionDescriptionText", all_of("//ecf:FilingPartyID/nc:IdentificationID/text()")
        attorneys = set(all_of("//ecf:FilingAttorneyID/nc:IdentificationID/text()"))
    else:
        found = {path: one(path) for path in wanted}
        wanted |= {"number": case["case_number"] if is_open else ""}
        found |= {"number": one("//j:CaseNumberText"), "envelope": one("/*/nc:DocumentIdentification/nc:IdentificationID")}
        parties = all_of("//ecf:CaseParty/*")
        lead, connected = (("//ecf:LeadDocumentReview/ecf:ReviewedDocument", "//ecf:ConnectedDocumentReview/ecf:ReviewedDocument") if callback
                           else ("//filing:FilingLeadDocument", "//filing:FilingConnectedDocument"))
        hashes, numbers = ".//ecf:DocumentRenditionHash", ".//nc:CaseDocketID"
        uri, size, status = ".//nc:BinaryURI", ".//nc:BinarySizeValue", "//ecf:FilingReviewStatusCode"
        filed = one("/*/nc:DocumentPostDate/nc:DateTime") if not callback else ""
        code, filers = ".//ecf:RegisterActionDescriptionCode", all_of(f"//ecf:DocumentFiler/*/@*[namespace-uri()='{structures[1:-1]}']")
        attorneys = set(all_of("//nc:DocumentSubmitter//nc:IdentificationID/text()"))
    wanted["envelope"] = filing["envelope_no"]
    for what, want in wanted.items():
        if found[what] != want:
            yield f"{what} is {found[what]!r}, the table has {want!r}"
    if set(filers) != {f"PARTY-{filing['filer_party_id']}"} or len(filers) != len(documents):
        yield f"filed by {set(filers)}, the table has {filing['filer_party_id']}"
    if (version == "4" or not callback) and attorneys != ({filing["filer_attorney_id"]} - {""}):
        yield f"filed by the attorney {attorneys}, the table has {filing['filer_attorney_id']}"
    # The parties with their names and roles.
    names = []
    for party in parties:
        own = [text for text in all_of(".//nc:PersonGivenName/text()|.//nc:PersonSurName/text()|.//nc:OrganizationName/text()", party)]
        ident = all_of(f"descendant-or-self::*/@*[namespace-uri()='{structures[1:-1]}']", party)
        names.append((ident[0].removeprefix("PARTY-") if ident else "", " ".join(own), one(".//ecf:CaseParticipantRoleCode", party)))
    if names != [(row["party_id"], row["name"], row["role"]) for row in sorted(world["parties"][case["case_id"]], key=lambda row: row["party_id"])]:
        yield f"the parties are {names}"
    # Documents: hash and docket number come with those that were accepted, and are those of the table.
    papers = sorted([(all_of(lead), 0), (all_of(connected), 1)], key=lambda pair: pair[1])
    papers = [paper for kind, _ in papers for paper in kind]
    if len(papers) != len(documents):
        yield f"{len(papers)} documents, the table has {len(documents)}"
    for paper, row in zip(papers, documents):
        event = world["task"].get(row["doc_id"].rsplit("-", 1)[0], {}).get("event_code")
        want = (row["doc_id"], row["title"], row["sha256"] if (accepted if callback else version == "5") else "",
                row["reference"] if callback and accepted else "", f"https://docs.example.org/{row['sha256']}.pdf", row["bytes"], event)
        have = (one("./nc:DocumentIdentification/nc:IdentificationID", paper), one("./nc:DocumentDescriptionText", paper), one(hashes, paper),
                one(numbers, paper), one(uri, paper), one(size, paper), one(code, paper))
        if have != want:
            yield f"the document is {have}, the table has {want}"
    instants = [filing[name].replace("+00:00", "Z").replace(" ", "T") for name in ["submitted_at", "accepted_at", "rejected_at"]]
    if callback:
        if one(status) != filing["status"] or one("//ecf:FilingStatus/nc:StatusDescriptionText") != filing["reject_reason"]:
            yield f"the status is {one(status)}, the table has {filing['status']} {filing['reject_reason']}"
        reviewed = one("//ecf:FilingStatus/nc:StatusDate/nc:DateTime")
        if one("//ecf:FilingCompletionDate/nc:DateTime") != instants[1] or reviewed != (instants[1] or instants[2]):
            yield "the instant of the review is not that of the table"
        if reviewed < instants[0]:
            yield "reviewed before it was submitted"
    elif filed != instants[0]:
        yield f"filed at {filed}, the table has {instants[0]}"
    if version == "4":
        charges = sum(cents(amount.text) for amount in all_of("//cac:AllowanceCharge/cbc:Amount"))
        paid = cents(one("//cac:Payment/cbc:PaidAmount") or "0")
        if charges != int(filing["fee_total"]) or paid != (0 if callback and not accepted else world["paid"][key]):
            yield f"fees of {charges} and a payment of {paid} cents, the tables have {filing['fee_total']} and {world['paid'][key]}"


def ecf_of(version, callback):
    return lambda key, text, world: ecf(key, text, world, version, callback)


# HTML and text of a court.

REPORTER_NAMES = {name for known in REPORTERS.values() for reporter in known for name in [*reporter["editions"], *reporter["variations"]]}


@functools.cache
def known_courts(name):
    """What courts-db takes a name for; a test court is none."""
    return find_court(name)


def parsed(text):
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(text)


def plain(element):
    return " ".join("".join(element.itertext()).split()) if element is not None else ""


def by_id(tree, name):
    return plain(next((element for element in tree.iter() if element.get("id") == name), None))


def american(iso):
    return f"{iso[5:7]}/{iso[8:10]}/{iso[:4]}"


def judge_name(world, judge_id):
    return f"{world['judge'][judge_id]['given_name']} {world['judge'][judge_id]['family_name']}"


def docket_html(key, text, world):
    try:
        tree = parsed(text)
    except html5lib.html5parser.ParseError as error:
        yield f"html5lib: {error}"
        return
    case = world["case"][key]
    wanted = {"court": world["court"][case["court_id"]]["name"], "case-number": case["case_number"], "caption": case["caption"],
              "judge": f"Judge {judge_name(world, case['presiding_judge_id'])}", "filed": american(case["filed_on"]),
              "closed": american(case["closed_on"]) if case["closed_on"] else "",
              "cause": " U.S.C. § ".join(case["cause"].split(":")) if case["cause"] else ""}
    yield from differing(tree, wanted)
    parties = [(item.get("data-party"), plain(item.find("b"))) for item in tree.iter("li")]
    if parties != [(row["party_id"], row["name"]) for row in world["parties"][key]]:
        yield f"the parties are {parties}"
    counsel = plain(next((item for item in tree.iter("ul")), None))
    for row in world["counsel"][key]:
        attorney = world["attorney"][row["attorney_id"]]
        if f"{attorney['given_name']} {attorney['family_name']}, {world['firm'][row['firm_id']]['name']}, {attorney['bar_no']}" not in counsel:
            yield f"the attorney {row['attorney_id']} is missing"
    rows = [(row.get("data-entry"), *(plain(cell) for cell in row)) for row in tree.iter("tr") if row.get("data-entry")]
    yield from entries(rows, world["entries"][key])


def entries(rows, wanted):
    """Compares (key, date, number, text) of rows with the table, and looks at the order of the numbers."""
    numbers = [int(row[2]) for row in rows if row[2]]
    if numbers != list(range(1, len(numbers) + 1)):
        yield "the numbers of entries have gaps or are out of order"
    table = [(row["docket_entry_id"], american(row["date_filed"]), row["entry_number"],
              f"{'SEALED ENTRY' if row['sealed'] == 'true' else row['text']} (Entered: {american(row['entered_at'])})") for row in wanted]
    if len(rows) != len(table):
        yield f"{len(rows)} entries, the table has {len(table)}"
    for have, want in zip(rows, table):
        if have != want:
            yield f"the entry is {have}, the table has {want}"


def docket_text(key, text, world):
    case = world["case"][key]
    lines = text.split("\n")
    head = lines[:lines.index("PARTIES")] if "PARTIES" in lines else []
    labels = dict(line.split(": ", 1) for line in head[3:] if ": " in line)
    if not head or lines[0] != world["court"][case["court_id"]]["name"] or lines[1] != f"DOCKET FOR CASE #: {case['case_number']}" \
            or lines[3] != case["caption"]:
        yield f"the head is {lines[:4]}"
        return
    wanted = {"Cause": case["cause"], "Nature of Suit": f"{case['nature_of_suit']} {case['nature_text']}",
              "Date Filed": american(case["filed_on"]), "Date Terminated": american(case["closed_on"]) if case["closed_on"] else "",
              "Demand": f"${Decimal(case['demand']) / 100:.2f}" if case["demand"] else ""}
    for name, want in wanted.items():
        if labels.get(name, "") != want:
            yield f"{name} is {labels.get(name)!r}, the table has {want!r}"
    if not labels.get("Assigned to", "").startswith(f"Judge {judge_name(world, case['presiding_judge_id'])}"):
        yield f"the judge is {labels.get('Assigned to')}"
    start = next(n for n, line in enumerate(lines) if line.startswith("DATE FILED  #"))
    block = lines[len(head) + 1:start]
    parties = [line for line in block if line and not line.startswith(" ")]
    if parties != [f"{row['name']} ({row['role']})" for row in world["parties"][key]]:
        yield f"the parties are {parties}"
    counsel = "\n".join(block)
    for row in world["counsel"][key]:
        attorney = world["attorney"][row["attorney_id"]]
        if f"{attorney['given_name']} {attorney['family_name']}, {world['firm'][row['firm_id']]['name']}, {attorney['bar_no']}" not in counsel:
            yield f"the attorney {row['attorney_id']} is missing"
    wanted = world["entries"][key]
    rows = [(want["docket_entry_id"], line[:10], line[12:18].split(" ")[0], line[18:])
            for line, want in zip([line for line in lines[start + 1:] if line], wanted)]
    if len([line for line in lines[start + 1:] if line]) != len(wanted):
        yield "the docket has more or fewer entries than the table"
    yield from entries(rows, wanted)


def paper(tree, case, world):
    """What pleadings and orders have in common: caption and citations."""
    wanted = {"court": world["court"][case["court_id"]]["name"], "case-number": case["case_number"],
              "judge": f"Judge {judge_name(world, case['presiding_judge_id'])}",
              "referred": f"Magistrate Judge {judge_name(world, case['referred_judge_id'])}" if case["referred_judge_id"] else ""}
    yield from differing(tree, wanted)
    if known_courts(by_id(tree, "court")):
        yield f"courts-db knows the court {by_id(tree, 'court')}"
    # The government of a juvenile case and the trustee of a bankruptcy are not in a caption.
    kind = case["case_type"]
    rows = [row for row in world["parties"][case["case_id"]] if not (kind == "jv" and row["role"] == "government")
            and not (kind == "bk" and row["role"] == "trustee")]
    parties = [(item.get("data-party"), plain(item)) for item in tree.iter("p") if item.get("class") == "party"]
    if parties != [(row["party_id"], row["name"] + ",") for row in rows]:
        yield f"the parties are {parties}"
    statutes = [plain(item) for item in tree.iter("cite") if item.get("class") == "statute"]
    allowed = {" U.S.C. § ".join(cause.split(":")) for cause in [case["cause"], *world["statutes"][case["case_id"]]] if ":" in cause}
    allowed |= {"18 U.S.C. § 3142"} if case["case_type"] in ("cr", "mj") else set()
    if not set(statutes) <= allowed:
        yield f"cites {set(statutes) - allowed}, which the case does not have"
    if case["cause"] and " U.S.C. § ".join(case["cause"].split(":")) not in statutes:
        yield "the cause of the case is not cited"
    # eyecite reads a section up to its first letter or parenthesis; it does not know one such as 2000e.
    body = plain(tree.find("body"))
    found = get_citations(body)
    laws = sorted(f"{one.groups['title']} U.S.C. § {one.groups['section']}" for one in found if isinstance(one, FullLawCitation))
    if laws != sorted(one.split("(")[0] for one in statutes if not re.search(r"§ \d+[A-Za-z]", one)):
        yield f"eyecite finds the statutes {laws}, the paper has {sorted(statutes)}"
    cases = [one for one in found if isinstance(one, FullCaseCitation)]
    if len(cases) != 1 or cases[0].matched_text() != "999 U.S. 999" or cases[0].metadata.defendant != "Example Corp.":
        yield f"eyecite finds the cases {[one.matched_text() for one in cases]} instead of the one for tests"
    elif cases[0].groups["reporter"] not in REPORTER_NAMES:
        yield "reporters-db does not know the reporter"
    if sum(isinstance(one, UnknownCitation) for one in found) != sum(bool(re.search(r"§ \d+[A-Za-z]", one)) for one in statutes):
        yield "eyecite finds a citation that it cannot read"


def differing(tree, wanted):
    """The elements of a page whose text is not the one of the tables, by id."""
    for name, want in wanted.items():
        if by_id(tree, name) != want:
            yield f"{name} is {by_id(tree, name)!r}, the table has {want!r}"


def pleading(key, text, world):
    row = world["document"][key]
    case = world["case"][row["case_id"]]
    filing = world["filing"][row["filing_id"]]
    try:
        tree = parsed(text)
    except html5lib.html5parser.ParseError as error:
        yield f"html5lib: {error}"
        return
    yield from paper(tree, case, world)
    party = next(party for party in world["parties"][case["case_id"]] if party["party_id"] == filing["filer_party_id"])
    attorney = world["attorney"].get(filing["filer_attorney_id"])
    signer = f"{attorney['given_name']} {attorney['family_name']}" if attorney else party["name"]
    is_complaint = row["title"] in ("Complaint", "Adversary Complaint")
    wanted = {"title": row["title"].upper(), "docket-number": row["reference"], "signer": signer, "filed": american(filing["submitted_at"]),
              "demand": f"${Decimal(case['demand']) / 100:.2f}" if case["demand"] and is_complaint else ""}
    yield from differing(tree, wanted)
    if attorney and (attorney["bar_no"] not in plain(tree) or world["firm"][attorney["firm_id"]]["name"] not in plain(tree)):
        yield "the attorney's number or firm is missing"


def order(key, text, world):
    row = world["order"][key]
    case = world["case"][row["case_id"]]
    entry = world["entry"][row["docket_entry_id"]]
    try:
        tree = parsed(text)
    except html5lib.html5parser.ParseError as error:
        yield f"html5lib: {error}"
        return
    yield from paper(tree, case, world)
    related = world["entry"].get(entry["relates_to_entry_id"], {}).get("entry_number", "")
    wanted = {"disposition": row["disposition"], "signer": judge_name(world, row["judge_id"]), "signed": american(row["signed_at"]),
              "docket-number": entry["entry_number"], "related": related,
              "amount": f"${Decimal(row['amount']) / 100:.2f}" if row["amount"] else ""}
    yield from differing(tree, wanted)
    if related and int(related) >= int(entry["entry_number"]):
        yield "an order about a later entry"


CHECKS = {"ledes_1998b": ledes, "ledes_1998bi": ledes_bi, "ecf4_review_filing": ecf_of("4", False), "ecf4_filing_callback": ecf_of("4", True),
          "ecf5_review_filing": ecf_of("5", False), "ecf5_filing_callback": ecf_of("5", True), "docket_sheet_html": docket_html,
          "docket_sheet_text": docket_text, "pleading_html": pleading, "order_html": order}


# Defects: a type, what finds it, and how it is planted: a text and what comes instead of its first occurrence.

def field(name, value, fields=LEDES_B):
    """Puts a value into a field of the first line of an invoice."""
    def plant(text):
        lines = text.split("\n")
        values = lines[2].removesuffix("[]").split("|")
        values[fields.index(name)] = value
        lines[2] = "|".join(values) + "[]"
        return "\n".join(lines)
    return plant


def swap(pattern, to):
    return lambda text: re.sub(pattern, to, text, count=1, flags=re.DOTALL)


def cut(tag):
    return swap(rf"<{tag}(?: [^>]*)?>.*?</{tag}>", "")


DEFECTS = [
    ("ledes_1998b", "ledes-parser", "a date", field("LINE_ITEM_DATE", "2024011")),
    ("ledes_1998b", "ledes-parser", "a field too many", swap(r"\[\]\n$", "|[]\n")),
    ("ledes_1998b", "own", "the total of a line", field("LINE_ITEM_TOTAL", "0.01")),
    ("ledes_1998b", "own", "the total of the invoice", lambda text: re.sub(r"(?m)^(\d{8}\|[^|]+\|\d+\|[^|]+)\|[\d.]+", r"\1|1.00", text)),
    ("ledes_1998b", "own", "a class of timekeepers", field("TIMEKEEPER_CLASSIFICATION", "BOSS")),
    ("ledes_1998b", "own", "a task that UTBMS does not have", field("LINE_ITEM_TASK_CODE", "L999")),
    ("ledes_1998b", "own", "a letter outside of ASCII", field("LINE_ITEM_DESCRIPTION", "Müller")),
    ("ledes_1998b", "own", "a line after the period", field("LINE_ITEM_DATE", "20991231")),
    ("ledes_1998b", "own", "another client", field("CLIENT_MATTER_ID", "CM-9")),
    ("ledes_1998bi", "ledes-parser", "a date", field("INVOICE_DATE", "2024-1-1", LEDES_BI)),
    ("ledes_1998bi", "own", "the tax of a line", field("LINE_ITEM_TAX_TOTAL", "0.01", LEDES_BI)),
    ("ledes_1998bi", "own", "the rate of the tax", field("LINE_ITEM_TAX_RATE", "0.19", LEDES_BI)),
    ("ledes_1998bi", "own", "the total of the tax", lambda text: re.sub(r"\|[\d.]+(\|USD\[\])", r"|0.01\1", text)),
    ("ledes_1998bi", "own", "no tax number", field("CLIENT_TAX_ID", "", LEDES_BI)),
    *[(f"ecf{version}_{kind}", judge, what, plant) for version in "45" for kind in ["review_filing", "filing_callback"] for judge, what, plant in [
        ("lxml", "a tag that is not closed", swap("</nc:CaseTitleText>", "")),
        ("own", "a namespace", swap(r'xmlns:nc="[^"]*"', 'xmlns:nc="http://niem.gov/niem/niem-core/9.0"')),
        ("own", "no sender", cut("ecf:SendingMDELocationID")),
        ("own", "no envelope number", cut("nc:DocumentIdentification")),
        ("own", "a party's name", swap(r"(<nc:(?:OrganizationName|PersonSurName)>)[^<]*", r"\1Nobody")),
        ("own", "the size of a document", swap(r"(<nc:BinarySizeValue>)\d+", r"\g<1>7")),
        ("own", "an id twice", lambda text: re.sub(r's:id="PARTY-[^"]*"', 's:id="PARTY-X"', text)),
    ]],
    ("ecf4_review_filing", "own", "no lead document", cut("core:FilingLeadDocument")),
    ("ecf4_review_filing", "own", "no jury demand", cut("civil:JuryDemandIndicator")),
    ("ecf4_review_filing", "own", "elements in another order",
     swap(r"(<ecf:FilingAttorneyID>.*?</ecf:FilingAttorneyID>)(<ecf:FilingPartyID>.*?</ecf:FilingPartyID>)", r"\2\1")),
    ("ecf4_review_filing", "own", "an empty title", swap(r"<nc:CaseTitleText>[^<]*", "<nc:CaseTitleText>")),
    ("ecf4_review_filing", "own", "a fee", swap(r'(<cbc:Amount currencyID="USD">)[\d.]+', r"\g<1>1.23")),
    ("ecf4_review_filing", "own", "a number of a case that is not open",
     swap(r"(<nc:CaseCategoryText>[^<]*</nc:CaseCategoryText>)<j:", r"\1<nc:CaseDocketID>1</nc:CaseDocketID><j:")),
    ("ecf4_filing_callback", "own", "a hash", swap(r"(<ecf:DocumentHashText>)[0-9a-f]{4}", r"\g<1>0000")),
    ("ecf4_filing_callback", "own", "a docket number", swap(r"(<ecf:DocumentDocketID><nc:IdentificationID>)", r"\g<1>9")),
    ("ecf4_filing_callback", "own", "a status", swap("accepted</ecf:FilingStatusCode>", "rejected</ecf:FilingStatusCode>")),
    ("ecf4_filing_callback", "own", "a status that ECF does not have", swap("accepted</ecf:FilingStatusCode>", "perhaps</ecf:FilingStatusCode>")),
    ("ecf4_filing_callback", "own", "no case", swap(r"<(civil:CivilCase)>.*</\1>", "")),
    ("ecf4_filing_callback", "own", "a docket number in a rejected envelope",
     swap(r"(.*rejected</ecf:FilingStatusCode>.*?</ecf:DocumentRendition>)",
          r"\1<ecf:DocumentDocketID><nc:IdentificationID>1</nc:IdentificationID></ecf:DocumentDocketID>")),
    ("ecf5_review_filing", "own", "a filer who is no party", swap(r's:ref="PARTY-[^"]*"', 's:ref="PARTY-X"')),
    ("ecf5_review_filing", "own", "a docket number in the case",
     swap("<civil:CaseAugmentation>", "<nc:CaseDocketID>1</nc:CaseDocketID><civil:CaseAugmentation>")),
    ("ecf5_review_filing", "own", "no augmentation", lambda text: cut("ecf:CaseAugmentation")(cut("civil:CaseAugmentation")(text))),
    ("ecf5_filing_callback", "own", "a hash", swap(r"(<ecf:DocumentRenditionHash>)[0-9a-f]{4}", r"\g<1>0000")),
    ("ecf5_filing_callback", "own", "a docket number", swap("(<nc:CaseDocketID>)", r"\g<1>9")),
    ("ecf5_filing_callback", "own", "an instant", swap(r"(<ecf:FilingCompletionDate><nc:DateTime>)\d{4}", r"\g<1>1999")),
    ("docket_sheet_html", "html5lib", "an element that is not closed", swap("</table>", "")),
    ("docket_sheet_html", "own", "an entry out of order", swap(r"(<tr data-entry[^\n]*)\n(<tr data-entry[^\n]*)", r"\2\n\1")),
    ("docket_sheet_html", "own", "a number that is missing", swap("<td>1</td>", "<td></td>")),
    ("docket_sheet_html", "own", "a party's name", swap(r"<b>[^<]*</b>", "<b>Nobody</b>")),
    ("docket_sheet_html", "own", "another judge", swap(r'(<dd id="judge">)[^<]*', r"\1Judge Nobody")),
    ("docket_sheet_text", "own", "an entry that is missing", swap(r"\n[^\n]*\n$", "\n")),
    ("docket_sheet_text", "own", "another number of the case", swap("CASE #: ", "CASE #: 9")),
    ("docket_sheet_text", "own", "a number out of order", swap(r"(\n\d\d/\d\d/\d{4}  )1 ", r"\g<1>2 ")),
    *[(kind, judge, what, plant) for kind in ["pleading_html", "order_html"] for judge, what, plant in [
        ("html5lib", "an element that is not closed", swap("</h2>", "")),
        ("eyecite", "a reporter that does not exist", swap("999 U.S. 999", "999 Nope. 999")),
        ("eyecite", "a statute without a section", swap(r"U\.S\.C\. § \d+", "U.S.C. §")),
        ("own", "a case that exists", swap("999 U.S. 999", "410 U.S. 113")),
        ("own", "a statute that the case does not have", swap(r"\d+ U\.S\.C\. § \d+", "99 U.S.C. § 1")),
        ("courts-db", "a court that exists", swap(r'(<h1 id="court">)[^<]*', r"\1United States District Court for the Northern District of Illinois")),
        ("own", "a party's name", swap(r'(<p class="party"[^>]*>)[^<]*', r"\1Nobody,")),
        ("own", "another number of the case", swap(r'(<span id="case-number">)', r"\g<1>9")),
        ("own", "another signature", swap(r'(<span id="signer"[^>]*>)[^<]*', r"\1Nobody")),
    ]],
    ("order_html", "own", "another ruling", swap(r'(<span id="disposition">)[^<]*', r"\1adjourned")),
]


def worlds(placebo, scratch, count):
    """Runs of types that need about as many cases, with their tables by key."""
    runs = [
        (["ledes_1998b", "ledes_1998bi"], ["invoice", "invoice_line", "matter", "law_firm", "litigant_org"],
         ["--rows", f"matter={count // 9 + 40}", "--rows", f"court_case={count // 9 + 40}", "--set", "time_entries_per_month=3"]),
        (["ecf4_review_filing", "ecf4_filing_callback", "ecf5_review_filing", "ecf5_filing_callback"],
         ["filing", "legal_document", "clerk_task", "court_case", "court", "case_party", "filing_fee", "fee_payment"],
         ["--rows", f"court_case={count // 14 + 50}", "--set", "rejection_rate=0.08"]),
        (["docket_sheet_html", "docket_sheet_text"],
         ["court_case", "court", "judge", "case_party", "representation", "attorney", "law_firm", "docket_entry"],
         ["--rows", f"court_case={count * 5 // 4 + 40}", "--set", "routine_entries=2", "--set", "motions_per_case=1.5"]),
        (["pleading_html", "order_html"],
         ["court_case", "court", "judge", "case_party", "attorney", "law_firm", "legal_document", "filing", "court_order", "docket_entry", "charge"],
         ["--rows", f"court_case={count * 7 // 20 + 60}"]),
    ]
    for names, tables, more in runs:
        rows = generate(placebo, scratch / names[0], names, tables, *more)
        world = {key: by(rows.get(table, []), column) for key, table, column in [
            ("invoice", "invoice", "invoice_id"), ("matter", "matter", "matter_id"), ("firm", "law_firm", "firm_id"),
            ("org", "litigant_org", "litigant_org_id"), ("case", "court_case", "case_id"), ("court", "court", "court_id"),
            ("judge", "judge", "judge_id"), ("filing", "filing", "filing_id"), ("attorney", "attorney", "attorney_id"),
            ("document", "legal_document", "doc_id"), ("order", "court_order", "order_id"), ("entry", "docket_entry", "docket_entry_id"),
            ("task", "clerk_task", "task_id")]}
        world |= {key: groups(rows.get(table, []), column) for key, table, column in [
            ("lines", "invoice_line", "invoice_id"), ("documents", "legal_document", "filing_id"), ("parties", "case_party", "case_id"),
            ("counsel", "representation", "case_id"), ("entries", "docket_entry", "case_id")]}
        world["statutes"] = collections.defaultdict(list)
        for row in rows.get("charge", []):
            world["statutes"][row["case_id"]].append(row["statute"])
        world["paid"] = collections.Counter()
        fees = by(rows.get("filing_fee", []), "fee_id")
        for row in rows.get("fee_payment", []):
            world["paid"][fees[row["fee_id"]]["filing_id"]] += int(row["amount"])
        for name in names:
            key = next(column for column in rows[name][0] if column != "message")
            yield name, [(row[key], row["message"]) for row in rows[name]], world


def pairs(made):
    """Envelopes: as many answers as there are filings, each once."""
    for version in "45":
        asked = [key for key, _ in made[f"ecf{version}_review_filing"]]
        answered = [key for key, _ in made[f"ecf{version}_filing_callback"]]
        numbers = [re.search(r"SYNE\d+", text)[0] for _, text in made[f"ecf{version}_review_filing"]]
        if asked != answered or len(set(numbers)) != len(numbers):
            yield f"ecf{version}: filings and callbacks are not pairs, or envelopes share a number"


# Values that are hard to write.

HOSTILE = ["a|b[]c", "a&b<c>d\"e'f", "]]>", "<!-- -->", "</script>", "\u202eabc\u202c", "🏛️ 𝔏𝔢𝔵", "é ü ß ø", "x" * 300, "{{ 7 * 7 }}", "a;b~c^d*e", "a\\b"]
CONTROL = ["a\tb", "a\nb", "a\x07b", "a\r\nb"]
ROWS = """name = "hostile"
as_of = 2025-06-30
[tables.line]
rows = %d
[tables.line.refs]
value = { file = "values.csv", match.no = "row" }
[tables.line.columns]
line_id = { expr = "row", key = true }
text = "value.text"
"""
HEADS = '+++\nabout = "hostile"\nrow = "line"\nsyntax = "%s"\nclass = "pii"\n+++\n'
BODIES = {
    "xml": ("<nc:Case xmlns:nc=\"urn:x\"><nc:CaseTitleText title=\"{{ line.text }}\">{{ line.text }}</nc:CaseTitleText></nc:Case>\n",
            lambda text: (etree.fromstring(text.encode())[0].text, etree.fromstring(text.encode())[0].get("title"))),
    "html": ("<!DOCTYPE html>\n<html lang=\"en\">\n<head><title>x</title></head>\n<body><p title=\"{{ line.text }}\">{{ line.text }}</p></body>\n"
             "</html>\n",
             lambda text: (parsed(text).find("body")[0].text, parsed(text).find("body")[0].get("title"))),
    "text": ("{{ line.text }}\n", lambda text: (text[:-1], text[:-1])),
    # As the templates write a description: LEDES has ASCII and no escape.
    "ledes": ("LEDES1998B[]\n" + "|".join(LEDES_B) + "[]\n20240131|I1|C1|M1|1.00|20240101|20240131|x|1|F|1.0|0.00|1.00|20240102|L110||A101|T1|"
              "{{ regexp_replace(ascii_fold(line.text), '[|\\[\\]]', '/', 'g') }}|00-0000001|1.0000|Test, Pat|PARTNR|CM-1[]\n",
              lambda text: (PARSER.parse(text)["line_items"][0]["line_item_description"],) * 2),
}


def hostile(placebo, scratch):
    """Writes values that hold delimiters, and gives what came out wrong."""
    folder = scratch / "hostile"

    def run(kind, values):
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "data").mkdir(parents=True)
        with open(folder / "data" / "values.csv", "w", newline="", encoding="utf-8") as file:
            file.write("# about: values\n# source: own\n# licence: Apache-2.0\nno:int,text\n")
            csv.writer(file, lineterminator="\n").writerows(enumerate(values))
        (folder / "profile.toml").write_text(ROWS % len(values))
        (folder / f"message.{kind}.j2").write_text(HEADS % kind.replace("ledes", "text") + BODIES[kind][0])
        command = [placebo, "generate", str(folder / "profile.toml"), "--messages", str(folder / f"message.{kind}.j2"), "--tables", "message"]
        done = subprocess.run([*command, "--format", "ndjson", "--out", str(folder / "out"), "-q"], capture_output=True, text=True)
        if done.returncode:
            return done.stderr
        return [json.loads(line)["message"] for line in (folder / "out" / "message.ndjson").read_text(encoding="utf-8").splitlines()]

    for kind, (_, read) in BODIES.items():
        made = run(kind, HOSTILE)
        if isinstance(made, str):
            yield f"{kind}: {made[:400]}"
            continue
        for value, text in zip(HOSTILE, made, strict=True):
            want = value if kind != "ledes" else re.sub(r"[|\[\]]", "/", value) if value.isascii() else read(text)[0]
            if read(text) != (want, want) or kind == "ledes" and not text.isascii():
                yield f"{kind}: {value!r} came out as {read(text)}"
        for value in CONTROL:
            if kind == "html" and "\r" in value:
                # HTML has no form of a carriage return that is free of parse errors.
                continue
            made = run(kind, [value])
            if isinstance(made, str):
                if "line.text" not in made:
                    yield f"{kind}: {value!r} is refused without a word about its place: {made[:300]}"
            elif read(made[0]) != (value, value):
                yield f"{kind}: {value!r} came out as {read(made[0])}"


def main():
    placebo, scratch, count = sys.argv[1], pathlib.Path(sys.argv[2]) / "court_messages", int(sys.argv[3])
    wrong, made, planted = [], {}, 0
    for name, messages, world in worlds(placebo, scratch, count):
        check, made[name] = CHECKS[name], messages
        found = [f"{name} {key}: {error}" for key, text in messages for error in check(key, text, world)]
        if len(messages) < count:
            found.append(f"{name}: {len(messages)} messages, {count} are asked for")
        wrong += found
        for _, judge, what, plant in (defect for defect in DEFECTS if defect[0] == name):
            key, bad = next(((key, bad) for key, text in messages if (bad := plant(text)) != text), (None, None))
            errors = list(check(key, bad, world)) if key else []
            planted += 1
            if not errors:
                wrong.append(f"{name}: {what} was planted, and {judge} " + ("did not find it" if key else "found no place for it"))
            elif judge != "own" and not any(judge in error for error in errors):
                wrong.append(f"{name}: {what} was planted, and {judge} was silent: {errors[:3]}")
        print("ok" if not found else "WRONG", name, f"{len(messages):,} messages", flush=True)
    wrong += pairs(made)
    alone = {name: list(messages) for name, messages in made.items()}
    alone["ecf4_filing_callback"] = alone["ecf4_filing_callback"][1:]
    planted += 1
    if not list(pairs(alone)):
        wrong.append("a filing without an answer was planted and not found")
    wrong += hostile(placebo, scratch)
    for error in wrong[:40]:
        print(error)
    if wrong:
        sys.exit(f"{len(wrong)} findings")
    print(f"ok {planted} planted defects found, {len(HOSTILE) + len(CONTROL)} hard values in {len(BODIES)} syntaxes")


if __name__ == "__main__":
    main()
