"""What neither FHIR judge sees: ids, references, code systems and units, periods that run backwards, sums, the label of test data."""
import functools
import json
import re
from decimal import Decimal

HL7 = "http://terminology.hl7.org/CodeSystem/"
LABEL = {"system": HL7 + "v3-ActReason", "code": "HTEST", "display": "test health data"}
ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
# The codes that the templates may use, by system, as FHIR R4, US Core 6.1.0, CARIN Blue Button 2.0.0, HL7 v2 and DICOM have them; of large
# systems the form of a code.
CODES = {
    HL7 + name: set(codes.split())
    for name, codes in {
        "adjudication": "submitted copay eligible deductible benefit",
        "allergyintolerance-clinical": "active inactive resolved",
        "allergyintolerance-verification": "unconfirmed confirmed refuted",
        "appointment-cancellation-reason": "pat prov maint meds-inc other",
        "audit-entity-type": "1 2 3 4",
        "audit-event-type": "rest",
        "claim-type": "institutional oral pharmacy professional vision",
        "condition-category": "problem-list-item encounter-diagnosis",
        "condition-clinical": "active recurrence relapse inactive remission resolved",
        "condition-ver-status": "unconfirmed provisional differential confirmed refuted",
        "consentpolicycodes": "hipaa-auth hipaa-npp hipaa-restrictions hipaa-research hipaa-self-pay",
        "consentscope": "adr research patient-privacy treatment",
        "coverage-class": "group subgroup plan subplan class subclass sequence rxbin rxpcn rxid rxgroup",
        "data-absent-reason": "not-applicable",
        "diagnosis-role": "AD DD CC CM pre-op post-op billing",
        "dose-rate-type": "calculated ordered",
        "ex-diagnosis-on-admission": "y n u w",
        "ex-diagnosistype": "admitting clinical differential discharge laboratory nursing prenatal principal radiology remote retrospective self",
        "ex-paymenttype": "complete partial",
        "immunization-funding-source": "private public",
        "iso-21089-lifecycle": "access attest disclose report",
        "location-physical-type": "si bu wi wa lvl co ro bd ve ho ca rd area jdn",
        "medication-admin-category": "inpatient outpatient community",
        "medicationrequest-category": "inpatient outpatient community discharge",
        "object-role": " ".join(str(n) for n in range(1, 25)),
        "observation-category": "social-history vital-signs imaging laboratory procedure survey exam therapy activity",
        "organization-type": "prov dept team govt ins pay edu reli crs cg bus other",
        "payeetype": "subscriber provider beneficiary other",
        "processpriority": "stat normal deferred",
        "provenance-participant-type": "enterer performer author verifier legal attester informant custodian assembler composer",
        "security-source-type": "1 2 3 4 5 6 7 8 9",
        "subscriber-relationship": "child parent spouse common other self injured",
        "v2-0074": "LAB RAD EC",
        "v2-0131": "C E F I N O S U",
        "v2-0162": "IM SC PO IH IV",
        "v2-0163": "LA RA LT RT LD RD LG RG",
        "v2-0203": "AN DEA DL EN FILL MB MC MR NPI PI PLAC SS TAX VN",
        "v2-0276": "CHECKUP EMERGENCY FOLLOWUP ROUTINE WALKIN",
        "v2-0443": "AP OP",
        "v2-0487": "BLD PLAS SER",
        "v3-ActCode": "AMB EMER IMP OBSENC VR FF RF OPTIN",
        "v3-ActPriority": "EM UR EL R",
        "v3-ActReason": "HTEST TREAT HPAYMT HOPERAT HMARKT HRESCH HLEGAL PATRQT BTG PATOBJ OSTOCK MEDPREC",
        "v3-DocumentCompletion": "AU LA",
        "v3-GTSAbbreviation": "QD BID TID QID Q6H BED",
        "v3-MaritalStatus": "A D I L M P S T U W",
        "v3-ObservationInterpretation": "N L H LL HH A",
        "v3-ParticipationType": "ATND ADM CON REF PPRF IRCP",
        "v3-RoleCode": "MTH FTH SPS CHILD SIB GRPRN AUNT FRND GUARD",
        "v3-substanceAdminSubstitution": "N",
    }.items()
}
CODES |= {
    "http://dicom.nema.org/resources/ontology/DCM": {"110101", "110106", "110112", "110113", "110114", "110122", "110123", "110127"},
    "http://hl7.org/fhir/restful-interaction": {"read", "create", "update", "delete"},
    "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication": {"coinsurance", "noncovered", "memberliability", "discount", "priorpayerpaid"},
    "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBSupportingInfoType": {"admissionperiod", "clmrecvddate", "discharge-status", "drg", "typeofbill"},
    "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category": {"clinical-note"},
    "http://hl7.org/fhir/us/core/CodeSystem/us-core-provenance-participant-type": {"transmitter"},
    "http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode": {"urn:ihe:iti:xds:2017:mimeTypeSufficient"},
    "https://nahdo.org/sopt": {"1", "11", "2", "311", "5"},
    "urn:oid:2.16.840.1.113883.6.238": {"1002-5", "2028-9", "2054-5", "2076-8", "2106-3", "2131-1", "2135-2", "2186-5"},
    "http://unitsofmeasure.org": set(
        "% /min 10*3/uL 10*6/uL Cel U/L cm d fL g/dL kg kg/m2 mL/min/{1.73_m2} m[IU]/L mg/L mg/dL min mm[Hg] mmol/L ng/mL pg pg/mL "
        "{INR} {PackYears}".split()
    ),
    "http://loinc.org": re.compile(r"[0-9]{1,6}-[0-9]|L[AP][0-9]{3,6}-[0-9]"),
    "http://hl7.org/fhir/sid/icd-10-cm": re.compile(r"[A-TV-Z][0-9][0-9A-Z]([.][0-9A-Z]{1,4})?|U07[.]1"),
    "http://www.cms.gov/Medicare/Coding/ICD10": re.compile(r"[0-9A-HJ-NP-Z]{7}"),
    "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets": re.compile(r"[A-V][0-9]{4}"),
    "http://placebo.example/CodeSystem/local-procedure": re.compile(r"ZZ[0-9]{3}"),
    "http://placebo.example/CodeSystem/local-service": re.compile(r"ZZ[0-9]{3}"),
    "http://www.nlm.nih.gov/research/umls/rxnorm": re.compile(r"[1-9][0-9]{1,7}"),
    "http://hl7.org/fhir/sid/ndc": re.compile(r"99999[0-9]{6}"),
    "http://hl7.org/fhir/sid/cvx": re.compile(r"[0-9]{2,3}"),
    "http://nucc.org/provider-taxonomy": re.compile(r"[0-9A-Z]{9}X"),
    "https://www.nubc.org/CodeSystem/PatDischargeStatus": re.compile(r"[0-9]{2}"),
    "https://www.nubc.org/CodeSystem/PointOfOrigin": re.compile(r"[1-9A-G]"),
    "https://www.nubc.org/CodeSystem/RevenueCodes": re.compile(r"0[0-9]{3}"),
    "https://www.nubc.org/CodeSystem/TypeOfBill": re.compile(r"[1-9][0-9]{2}"),
    "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set": re.compile(r"[0-9]{2}"),
    "https://www.cms.gov/Medicare/Medicare-Fee-for-Service-Payment/AcuteInpatientPPS/MS-DRG-Classifications-and-Software": re.compile(r"[0-9]{3}"),
    "https://x12.org/codes/claim-adjustment-reason-codes": re.compile(r"[0-9]{1,3}|[A-Z][0-9]{1,2}"),
    "urn:ietf:bcp:47": re.compile(r"[a-z]{2,3}"),
}


def luhn(digits):
    """True if the last digit is the Luhn check digit of the others."""
    total = sum(int(d) for d in digits[-1::-2]) + sum(sum(divmod(2 * int(d), 10)) for d in digits[-2::-2])
    return total % 10 == 0


@functools.cache
def known(system, code):
    """True if the code may stand in its system."""
    rule = CODES.get(system)
    if rule is None or code is None:
        return False
    if isinstance(rule, set):
        return code in rule
    # The check digit of LOINC codes; answers (LA) and parts (LP) have another.
    return bool(rule.fullmatch(code)) and (system != "http://loinc.org" or code[0] == "L" or luhn(code.replace("-", "")))


def references(message):
    """Every reference in a message, from its text."""
    return re.findall(r'"reference":"([^"]*)"', message)


def identifiers(resource):
    """`system|value` of a resource, by which a conditional reference finds it."""
    return [f"{i['system']}|{i['value']}" for i in resource.get("identifier", []) if isinstance(i, dict) and "system" in i and "value" in i]


def money(amount):
    return Decimal(str(amount["value"]))


def amounts(lines):
    """The amounts of an `adjudication` or `total` by category code."""
    found = {}
    for line in lines:
        code = line["category"]["coding"][0]["code"]
        found[code] = found.get(code, Decimal(0)) + money(line["amount"])
    return found


def sums(resource):
    """Claims: lines add up to totals, and each line's parts to what it bills."""
    kind, items = resource["resourceType"], resource.get("item", [])
    if kind in ("Claim", "ExplanationOfBenefit"):
        net = sum(money(item["net"]) for item in items)
        total = money(resource["total"]) if kind == "Claim" else amounts(resource["total"])["submitted"]
        if net != total:
            yield f"the lines' net amounts are {net}, the total is {total}"
    if kind in ("ClaimResponse", "ExplanationOfBenefit") and items:
        every = {}
        for item in items:
            parts = amounts(item["adjudication"])
            if parts["submitted"] != sum(parts.values()) - parts["submitted"] - parts["eligible"]:
                yield f"a line's parts do not add up to what is submitted: {parts}"
            for code, amount in parts.items():
                every[code] = every.get(code, Decimal(0)) + amount
        for code, amount in amounts(resource["total"]).items():
            if code != "memberliability" and amount != every.get(code, 0):
                yield f"the lines' {code} is {every.get(code, 0)}, the total says {amount}"


def walk(value, found):
    """What is wrong with an element and all within it."""
    if isinstance(value, list):
        if not value:
            found.append("an empty list")
        for part in value:
            if isinstance(part, (dict, list)):
                walk(part, found)
        return
    for part in value.values():
        if isinstance(part, (dict, list)):
            walk(part, found)
        elif part is None or part == "":
            found.append(f"an empty element in {str(value)[:200]}")
    if not value:
        found.append("an empty object")
    system = value.get("system")
    if system is not None:
        if "code" in value and not known(system, value["code"]):
            found.append(f"code {value['code']!r} of {system}")
        if system == "http://unitsofmeasure.org" and (value.get("unit") != value.get("code") or "value" not in value):
            found.append(f"unit {value}")
        if system == "http://hl7.org/fhir/sid/us-npi" and not luhn("80840" + value["value"]):
            found.append(f"NPI {value['value']}")
    start, end = value.get("start"), value.get("end")
    if isinstance(start, str) and isinstance(end, str) and end < start:
        found.append(f"period from {start} to {end}")


def faults(resource, labelled=True):
    """What is wrong with a resource in itself."""
    found = []
    for one in [resource, *(entry["resource"] for entry in resource.get("entry", []))]:
        if not ID.fullmatch(one.get("id", "")):
            found.append(f"id {one.get('id')!r}")
        if (LABEL in one.get("meta", {}).get("security", [])) != labelled:
            found.append(f"{one['resourceType']}: the label HTEST is {'missing' if labelled else 'there'}")
        found += sums(one)
    walk(resource, found)
    return found


def bundled(bundle, outside):
    """What is wrong with the references of a transaction Bundle; `outside` has type and identifier of what is loaded before it."""
    found, urls = [], set()
    for entry in bundle["entry"]:
        resource, full, place = entry["resource"], entry["fullUrl"], entry["request"]["url"]
        if full in urls:
            found.append(f"{full} is there twice")
        urls.add(full)
        own = f"{resource['resourceType']}/{resource['id']}"
        if place != own or full not in (f"urn:uuid:{resource['id']}", f"http://placebo.example/fhir/{own}"):
            found.append(f"{own} is {full} and goes to {place}")
    for reference in references(json.dumps(bundle, separators=(",", ":"))):
        kind, _, asked = reference.partition("?identifier=")
        if reference not in urls and (kind, asked) not in outside:
            found.append(f"{reference} is not in the Bundle")
    return found
