"""Rules of C-CDA that no judge checks: templates with what they must hold, the text behind the entries, order in time, codes and their systems."""
import datetime
import re

V3, XSI = "{urn:hl7-org:v3}", "{http://www.w3.org/2001/XMLSchema-instance}type"
BASE = "2.16.840.1.113883.10.20.22."
AUTHORED = ["id", "code", "statusCode", "effectiveTime"]
# For each template the versions that name it, and the paths that it must hold (a path ends with what may be there with nullFlavor).
TEMPLATES = {
    "1.1": (["", "2015-08-01"], ["realmCode[@code]", "typeId", "id", "code[@code]", "title", "effectiveTime[@value]", "confidentialityCode[@code]",
                                 "languageCode[@code]", "recordTarget/patientRole/id", "recordTarget/patientRole/addr", "recordTarget/patientRole/telecom",
                                 "recordTarget/patientRole/patient/name/given", "recordTarget/patientRole/patient/name/family",
                                 "recordTarget/patientRole/patient/administrativeGenderCode", "recordTarget/patientRole/patient/birthTime[@value]",
                                 "recordTarget/patientRole/patient/raceCode", "recordTarget/patientRole/patient/ethnicGroupCode",
                                 "author/time[@value]", "author/assignedAuthor/id", "author/assignedAuthor/addr", "author/assignedAuthor/telecom",
                                 "custodian/assignedCustodian/representedCustodianOrganization/id",
                                 "custodian/assignedCustodian/representedCustodianOrganization/name",
                                 "custodian/assignedCustodian/representedCustodianOrganization/telecom",
                                 "custodian/assignedCustodian/representedCustodianOrganization/addr"]),
    "1.2": (["", "2015-08-01"], ["documentationOf/serviceEvent/effectiveTime/low[@value]", "documentationOf/serviceEvent/effectiveTime/high[@value]",
                                 "component/structuredBody/component/section"]),
    **{section: (["", version], ["code[@code]", "title", "text"]) for section, version in [
        ("2.6.1", "2015-08-01"), ("2.1.1", "2014-06-09"), ("2.5.1", "2015-08-01"), ("2.7.1", "2014-06-09"), ("2.3.1", "2015-08-01"),
        ("2.17", "2015-08-01"), ("2.4.1", "2015-08-01"), ("2.2.1", "2015-08-01"), ("2.22.1", "2015-08-01")]},
    "4.30": (["", "2015-08-01"], [*AUTHORED, "effectiveTime/low", "entryRelationship/observation"]),
    "4.7": (["", "2014-06-09"], [*AUTHORED, "value", "participant/participantRole/playingEntity/code"]),
    "4.9": (["", "2014-06-09"], ["id", "code", "statusCode", "value"]),
    "4.8": (["", "2014-06-09"], ["code", "statusCode", "value"]),
    "4.145": ([""], ["code", "statusCode", "value[@code]"]),
    "4.3": (["", "2015-08-01"], [*AUTHORED, "effectiveTime/low", "entryRelationship/observation"]),
    "4.4": (["", "2015-08-01"], [*AUTHORED, "effectiveTime/low", "value"]),
    "4.16": (["", "2014-06-09"], ["id", "statusCode", "effectiveTime/low", "doseQuantity", "consumable/manufacturedProduct/manufacturedMaterial/code"]),
    "4.19": (["", "2014-06-09"], ["id", "code", "statusCode", "value"]),
    "4.23": (["", "2014-06-09"], ["manufacturedMaterial/code[@code]"]),
    "4.25": (["", "2014-06-09"], ["code", "value"]),
    "4.14": (["", "2014-06-09"], [*AUTHORED, "performer/assignedEntity/id", "performer/assignedEntity/addr", "performer/assignedEntity/telecom"]),
    "4.1": (["", "2015-08-01"], ["id", "code[@code]", "statusCode", "component/observation"]),
    "4.2": (["", "2015-08-01"], [*AUTHORED, "value"]),
    "4.200": (["2016-06-01"], ["code", "statusCode", "value[@code]"]),
    "4.78": (["", "2014-06-09"], [*AUTHORED, "effectiveTime[@value]", "value"]),
    "4.26": (["", "2015-08-01"], [*AUTHORED, "component/observation"]),
    "4.27": (["", "2014-06-09"], [*AUTHORED, "value[@unit]"]),
    "4.52": (["", "2015-08-01"], ["id", "statusCode", "effectiveTime[@value]", "consumable/manufacturedProduct/manufacturedMaterial/code"]),
    "4.53": ([""], ["id", "code[@code]", "statusCode"]),
    "4.54": (["", "2014-06-09"], ["manufacturedMaterial/code[@code]"]),
    "4.49": (["", "2015-08-01"], ["id", "code", "effectiveTime/low[@value]"]),
    "4.80": (["", "2015-08-01"], ["code[@code]", "entryRelationship/observation"]),
    "4.119": ([""], ["time[@value]", "assignedAuthor/id"]),
}
PATHS = {root: [re.sub(r"(^|/)(?=[a-z])", r"\1" + V3, path) for path in paths] for root, (_, paths) in TEMPLATES.items()}
SECTIONS = ["2.6.1", "2.1.1", "2.5.1", "2.7.1", "2.3.1", "2.17", "2.4.1", "2.2.1", "2.22.1"]
# What an entry of each section is.
ENTRIES = dict(zip(SECTIONS, [{"4.30"}, {"4.16"}, {"4.3"}, {"4.14"}, {"4.1"}, {"4.78", "4.200"}, {"4.26"}, {"4.52"}, {"4.49"}]))
# Entries that their section's text must show.
TOLD = {"4.7", "4.4", "4.16", "4.14", "4.2", "4.78", "4.200", "4.27", "4.52", "4.49"}


def loinc(code):
    """LOINC's check digit: Luhn over the digits before the hyphen. Those of answers (LA) are counted in another way."""
    if not re.fullmatch(r"\d{1,6}-\d", code):
        return bool(re.fullmatch(r"LA\d{1,6}-\d", code))
    digits = [int(d) for d in code[-3::-1]]
    total = sum(sum(divmod(2 * d, 10)) if at % 2 == 0 else d for at, d in enumerate(digits))
    return (10 - total % 10) % 10 == int(code[-1])


def npi(number):
    digits = [int(d) for d in "80840" + number]
    return len(number) == 10 and sum(sum(divmod(2 * d, 10)) if at % 2 else d for at, d in enumerate(reversed(digits))) % 10 == 0


def matches(pattern):
    return re.compile(pattern).fullmatch


# Which codes a code system has, by its OID.
SYSTEMS = {
    "2.16.840.1.113883.6.1": loinc,
    "2.16.840.1.113883.6.88": matches(r"[1-9]\d{0,6}"),
    "2.16.840.1.113883.6.90": matches(r"[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?"),
    "2.16.840.1.113883.6.4": matches(r"[0-9A-HJ-NP-Z]{7}"),
    "2.16.840.1.113883.6.285": matches(r"[A-V]\d{4}"),
    "2.16.840.1.113883.19.5.7": matches(r"ZZ\d{3}"),
    "2.16.840.1.113883.12.292": matches(r"\d{2,3}"),
    "2.16.840.1.113883.6.101": matches(r"[0-9A-Z]{9}X"),
    "2.16.840.1.113883.6.238": matches(r"\d{4}-\d"),
    "2.16.840.1.113883.6.301.5": matches(r"\d{2}"),
    "2.16.840.1.113883.3.26.1.1": matches(r"C(38216|38288|28161|38299)"),
    "2.16.840.1.113883.5.1": matches(r"F|M|UN"),
    "2.16.840.1.113883.5.2": matches(r"[ADILMPSTUCW]"),
    "2.16.840.1.113883.5.4": matches(r"ASSERTION|SEV|ALG|[DFE](ALG|INT)|AMB|VR|EMER|OBSENC|IMP"),
    "2.16.840.1.113883.5.6": matches(r"CONC"),
    "2.16.840.1.113883.5.8": matches(r"PATOBJ|OSTOCK|MEDPREC"),
    "2.16.840.1.113883.5.25": matches(r"[NRV]"),
    "2.16.840.1.113883.5.83": matches(r"N|L|H|LL|HH|A"),
    "2.16.840.1.113883.5.88": matches(r"PCP"),
    "2.16.840.1.113883.5.111": matches(r"[A-Z]+"),
    "2.16.840.1.113883.5.1063": matches(r"H|M|L|CRIT[LHU]"),
}
# Codes of these elements have their code system in the standard.
FIXED = {V3 + name for name in ("realmCode", "languageCode", "statusCode", "signatureCode", "event")}
TIME = re.compile(r"(\d{4})(\d\d)?(\d\d)?(?:(\d\d)(\d\d)(\d\d)?(?:\.\d+)?)?([+-]\d{4})?")


def instant(text):
    """A point in time of HL7 as a datetime in UTC; None if there is none such."""
    found = TIME.fullmatch(text or "")
    if not found:
        return None
    year, month, day, hour, minute, second = (int(part or low) for part, low in zip(found.groups(), [0, 1, 1, 0, 0, 0]))
    try:
        return datetime.datetime(year, month, day, hour, minute, second)
    except ValueError:
        return None


def templates(root, wrong):
    """Each template is known, in all its versions, and holds what it must."""
    seen = set()
    for element in root.iter(V3 + "templateId"):
        seen.add(element.getparent())
    for owner in seen:
        versions = {}
        for child in owner:
            if child.tag == V3 + "templateId":
                versions.setdefault(child.get("root", "").removeprefix(BASE), []).append(child.get("extension", ""))
        for name, found in versions.items():
            if name not in TEMPLATES:
                wrong.append(f"template {name} is not known")
            elif sorted(found) != sorted(TEMPLATES[name][0]):
                wrong.append(f"template {name} has the versions {found}")
            else:
                wrong += [f"template {name} has no {path.replace(V3, '')}" for path in PATHS[name] if owner.find(path) is None]
    return seen


def name_of(owner):
    """The template of an entry or section, without the arc that all have."""
    return next((child.get("root", "").removeprefix(BASE) for child in owner if child.tag == V3 + "templateId"), "")


def sections(root, wrong):
    """All sections once; each has entries of its kind, or says that it has none; what entries and text say of each other."""
    found = [name_of(section) for section in root.iter(V3 + "section")]
    if sorted(found) != sorted(SECTIONS):
        wrong.append(f"the sections are {found}")
    for section in root.iter(V3 + "section"):
        name, text = name_of(section), section.find(V3 + "text")
        entries = section.findall(V3 + "entry")
        if (section.get("nullFlavor") == "NI") == bool(entries):
            wrong.append(f"section {name}: nullFlavor {section.get('nullFlavor')}, {len(entries)} entries")
        wrong += [f"section {name} has an entry {name_of(entry[0])}" for entry in entries if name_of(entry[0]) not in ENTRIES.get(name, ())]
        if text is None or not "".join(text.itertext()).strip():
            wrong.append(f"section {name} has no text")
            continue
        ids = [element.get("ID") for element in text.iter() if element.get("ID")]
        if len(ids) != len(set(ids)):
            wrong.append(f"section {name}: an ID is there twice")
        used = {reference.get("value") for entry in entries for reference in entry.iter(V3 + "reference")}
        wrong += [f"section {name}: {value} leads nowhere" for value in sorted(used - {"#" + one for one in ids})]
        if entries and name != "2.3.1":
            rows = {"#" + row.get("ID") for row in text.iter(V3 + "tr") if row.get("ID")}
            bare = {value.rsplit("-w", 1)[0] for value in used}
            wrong += [f"section {name}: the text has {row}, no entry does" for row in sorted(rows - bare - used)]
        if text.find(f".//{V3}table") is not None and (text.find(f".//{V3}tbody/{V3}tr") is None or not entries):
            wrong.append(f"section {name}: a table and no entry")
    return found


def entries(seen, wrong):
    """What must be told in the text is; ids are there once, but those of the reasons of prescriptions."""
    ids = set()
    for owner in seen:
        name = name_of(owner)
        if name in TOLD and owner.find(f"{V3}text/{V3}reference") is None:
            wrong.append(f"{name} has no text")
        if name.startswith("4.") and name not in ("4.19",):
            for child in owner.findall(V3 + "id"):
                key = (name, child.get("root"), child.get("extension"))
                if key in ids:
                    wrong.append(f"the id {key} is there twice")
                ids.add(key)


def codes(root, wrong):
    """Codes with the system that they are of; what has none says why."""
    for element in root.iter("*"):
        code, system = element.get("code"), element.get("codeSystem")
        tag = element.tag
        if code is not None and tag not in FIXED:
            if system not in SYSTEMS:
                wrong.append(f"{tag.split('}')[1]} {code} has the code system {system}")
            elif not SYSTEMS[system](code):
                wrong.append(f"{code} is no code of {system}")
        elif code is None and (system is not None or tag.endswith("}translation")):
            wrong.append(f"{tag.split('}')[1]} has a code system and no code")
        if tag == V3 + "code" or (tag == V3 + "value" and element.get(XSI) in ("CD", "PQ")):
            if (element.get("nullFlavor") is None) == (code is None and element.get("value") is None):
                wrong.append(f"{tag.split('}')[1]} with both a value and nullFlavor, or neither: {dict(element.attrib)}")
        if tag == V3 + "value" and element.get(XSI) is None and element.getparent().tag in (V3 + "observation", V3 + "criterion"):
            wrong.append("a value without its type")
        if tag == V3 + "value" and element.get("nullFlavor") == "OTH" and element.find(V3 + "originalText") is None:
            wrong.append("a value of another code system without its text")
        if tag == V3 + "id" and element.get("root") == "2.16.840.1.113883.4.6" and not npi(element.get("extension", "")):
            wrong.append(f"{element.get('extension')} is no NPI")


def times(root, wrong):
    """Dates that exist; low before high; nothing after the document or before the patient's birth, but what is to come."""
    made = instant(root.find(V3 + "effectiveTime").get("value"))
    born = instant(root.find(f"{V3}recordTarget/{V3}patientRole/{V3}patient/{V3}birthTime").get("value"))
    for name in ("effectiveTime", "time", "birthTime"):
        for element in root.iter(V3 + name):
            low, high = element.find(V3 + "low"), element.find(V3 + "high")
            found = [instant(part.get("value")) for part in (element, low, high) if part is not None and part.get("value") is not None]
            if None in found:
                wrong.append(f"{name}: a time that does not exist")
                continue
            if found != sorted(found):
                wrong.append(f"{name}: {found[0]} is after {found[1]}")
            if found and found[0] > made:
                wrong.append(f"{name}: {found[0]} is after the document")
            if found and found[0].date() < born.date() and element.getparent().tag != V3 + "serviceEvent":
                wrong.append(f"{name}: {found[0]} is before the birth")
            if found == [] and element.get("nullFlavor") is None and not any(child.get("nullFlavor") for child in element) \
                    and element.get(XSI) not in ("PIVL_TS", "EIVL_TS"):
                wrong.append(f"{name} is empty")


def faults(root):
    """All that is wrong with a document."""
    wrong = []
    seen = templates(root, wrong)
    sections(root, wrong)
    entries(seen, wrong)
    codes(root, wrong)
    times(root, wrong)
    if "TEST DATA" not in (root.findtext(V3 + "title") or ""):
        wrong.append("the title does not say that this is test data")
    return wrong
