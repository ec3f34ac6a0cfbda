"""What the tables of a run say that a patient's C-CDA document holds, in the terms of the two libraries that read it."""
import collections
import csv
from decimal import Decimal

TABLES = ["patient", "person", "patient_identifier", "address", "practitioner", "organization", "allergy_intolerance", "medication_request", "condition", "procedure",
          "service_request", "diagnostic_report", "observation", "report_observation", "social_history", "immunization", "encounter"]
NO_KNOWN = "No known allergies"


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def number(cell):
    return None if cell in (None, "") else Decimal(str(cell)).normalize()


def second(text):
    """An instant in one form: `2025-02-21T10:40:00`."""
    return (text or "")[:19]


class World:
    """The rows of a run by patient, those of the last months where the document has only those."""

    def __init__(self, out, since):
        found = {table: rows(out / f"{table}.csv") for table in TABLES}
        self.since = since
        self.person = {row["person_id"]: row for row in found["person"]}
        self.organization = {row["organization_id"]: row for row in found["organization"]}
        self.practitioner = {row["practitioner_id"]: row for row in found["practitioner"]}
        self.patient = {row["patient_id"]: row for row in found["patient"]}
        self.address = {}
        for row in found["address"]:
            last = self.address.get(row["person_id"])
            if last is None or row["valid_from"] > last["valid_from"]:
                self.address[row["person_id"]] = row
        self.of = {table: collections.defaultdict(list) for table in TABLES}
        for table in TABLES:
            for row in found[table] if "patient_id" in found[table][0] else []:
                self.of[table][row["patient_id"]].append(row)
        self.request = {row["service_request_id"]: row for row in found["service_request"]}

    def late(self, table, patient, column, more=lambda row: False):
        return [row for row in self.of[table][patient] if row[column] and (row[column] >= self.since or more(row))]

    def medications(self, patient):
        return self.late("medication_request", patient, "authored_at", lambda row: row["status"] == "active")

    def problems(self, patient):
        return [row for row in self.of["condition"][patient] if not row["dx_rank"]]

    def diagnoses(self, patient):
        seen = {row["encounter_id"] for row in self.late("encounter", patient, "admit_at")}
        return [row for row in self.of["condition"][patient] if row["dx_rank"] and row["encounter_id"] in seen]

    def vitals(self, patient):
        return [row for row in self.late("observation", patient, "effective_at") if row["category"] == "vital-signs"]

    def reports(self, patient):
        return self.late("diagnostic_report", patient, "issued_at")

    def findings(self, patient):
        """The findings of the reports with the report of each."""
        reports = {row["diagnostic_report_id"]: row for row in self.reports(patient)}
        both = self.of["observation"][patient] + self.of["report_observation"][patient]
        return [(row, reports[row["diagnostic_report_id"]]) for row in both if row["diagnostic_report_id"] in reports]


def counted(world, patient):
    """How many resources of each type @medplum/ccda makes of a document, at least those that are of rows."""
    findings, vitals = world.findings(patient), world.vitals(patient)
    found = {
        "Patient": 1, "Composition": 1, "AllergyIntolerance": len(world.of["allergy_intolerance"][patient]),
        "MedicationRequest": len(world.medications(patient)), "Immunization": len(world.of["immunization"][patient]),
        "Procedure": len(world.late("procedure", patient, "performed_start")), "Encounter": len(world.late("encounter", patient, "admit_at")),
    }
    # A report and a set of vital signs are one more each, as are the smoking status and the sex at birth.
    sets = len({row["encounter_id"] for row in vitals})
    found["Observation"] = len(findings) + len(world.reports(patient)) + len(vitals) + sets + len(world.of["social_history"][patient]) + 1
    return found


def bluebutton_says(data):
    """What bluebutton reads, as sorted lists of values."""
    who = data["demographics"]
    return {
        "name": [*who["name"]["given"], who["name"]["family"]], "born": who["dob"][:10], "gender": who["gender"],
        "address": [who["address"][part] for part in ("city", "state", "zip")], "provider": who["provider"]["organization"],
        "race": who["race"], "ethnicity": who["ethnicity"],
        "allergies": sorted((a["allergen"]["code"] or "", a["allergen"]["name"], second(a["date_range"]["start"])) for a in data["allergies"]),
        "medications": sorted((m["product"]["code"], m["product"]["name"], second(m["date_range"]["start"]), second(m["date_range"]["end"]),
                               number(m["dose_quantity"]["value"])) for m in data["medications"]),
        "problems": sorted((p["translation"]["code"], p["translation"]["name"], second(p["date_range"]["start"])) for p in data["problems"]),
        "immunizations": sorted((i["product"]["code"], second(i["date"]), i["product"]["lot_number"] or "", i["product"]["manufacturer_name"] or "")
                                for i in data["immunizations"] + data["immunization_declines"]),
        "procedures": sorted((p["code"], p["name"]) for p in data["procedures"]),
        "results": sorted((r["code"], t["code"], number(t["value"]) if t["unit"] else None, t["unit"] or "", second(t["date"]),
                           number(t["reference_range"]["low_value"]), number(t["reference_range"]["high_value"]))
                          for r in data["results"] for t in r["tests"]),
        "vitals": sorted((v["code"], number(v["value"]), v["unit"]) for group in data["vitals"] for v in group["results"]),
        "smoking": second((data["smoking_status"] or {}).get("date")),
    }


RACES = {"1002-5": "American Indian or Alaska Native", "2028-9": "Asian", "2054-5": "Black or African American",
         "2076-8": "Native Hawaiian or Other Pacific Islander", "2106-3": "White", "2131-1": "Other Race", "": None}
ETHNICITIES = {"2135-2": "Hispanic or Latino", "2186-5": "Not Hispanic or Latino", "": None}


def bluebutton_wants(world, patient):
    row = world.patient[patient]
    who = world.person[row["person_id"]]
    address = world.address[row["person_id"]]
    smoking = world.of["social_history"][patient]
    return {
        "name": [name for name in (who["given_name"], who["middle_name"], who["family_name"]) if name], "born": who["birth_date"],
        "gender": {"F": "female", "M": "male", "O": "undifferentiated"}.get(who["administrative_sex"]),
        "address": [address["city"], address["state"], address["postal_code"]],
        "provider": world.organization[row["managing_organization_id"]]["name"], "race": RACES[who["race_omb"]], "ethnicity": ETHNICITIES[who["ethnicity_omb"]],
        "allergies": sorted((a["rxcui"], a["display"], second(a["recorded_at"])) for a in world.of["allergy_intolerance"][patient]),
        "medications": sorted((m["rxcui"], m["display"], second(m["authored_at"]), second(m["stop_at"]), number(m["dose_qty"]))
                              for m in world.medications(patient)),
        "problems": sorted((p["icd10cm"], p["display"], second(p["recorded_at"])) for p in world.problems(patient)),
        "immunizations": sorted((i["cvx"], second(i["occurrence_at"]), i["lot_no"], i["mvx"]) for i in world.of["immunization"][patient]),
        "procedures": sorted((p["code"], p["display"]) for p in world.late("procedure", patient, "performed_start")),
        "results": sorted((r["code"], f["loinc"], number(f["value_num"]), f["unit_ucum"], second(f["effective_at"]), number(f["ref_low"]), number(f["ref_high"]))
                          for f, r in world.findings(patient)),
        "vitals": sorted((v["loinc"], number(v["value_num"]), v["unit_ucum"]) for v in world.vitals(patient)),
        "smoking": second(smoking[0]["effective_at"]) if smoking else "",
    }


def at(value, path):
    """The value at a path such as `id/0/root` in the models of ccda-to-fhir; None if it is not there."""
    for step in path.split("/"):
        if value is None:
            return None
        if step.isdigit():
            value = value[int(step)] if isinstance(value, list) and int(step) < len(value) else None
        else:
            value = getattr(value, step, None)
    return value


def stamp(text):
    """A point in time of HL7 as FHIR has it; a day alone stays one."""
    if not text:
        return ""
    day = f"{text[:4]}-{text[4:6]}-{text[6:8]}"
    return f"{day}T{text[8:10]}:{text[10:12]}:{text[12:14]}" if len(text) > 8 else day


def cells(value, *paths):
    """The values at paths, as texts; those that are times are asked for with a `@` before their path."""
    return tuple(stamp(at(value, path[1:])) if path[0] == "@" else at(value, path) or "" for path in paths)


def template(thing):
    return (at(thing, "template_id/0/root") or "").removeprefix("2.16.840.1.113883.10.20.22.")


def model_says(document):
    """What ccda-to-fhir reads of a document, as sorted lists of values."""
    role = document.record_target[0].patient_role
    who = role.patient
    of = collections.defaultdict(list)
    for component in document.component.structured_body.component:
        of[template(component.section)] = component.section.entry or []
    concerns = lambda name: [(entry.act, entry.act.entry_relationship[0].observation) for entry in of[name]]
    problem = ("id/0/root", "value/translation/0/code", "value/translation/0/display_name", "@effective_time/low/value", "@effective_time/high/value")
    encounters = [entry.encounter for entry in of["2.22.1"]]
    reports = [entry.organizer for entry in of["2.3.1"]]
    name = who.name[0]
    observations = [part.observation for group in reports + [entry.organizer for entry in of["2.4.1"]] for part in group.component]
    return {
        "ids": sorted(one.extension for one in role.id), "name": [at(part, "value") or part for part in name.given] + [at(name.family, "value") or name.family],
        "born": stamp(who.birth_time.value), "gender": at(who, "administrative_gender_code/code") or "",
        "race": at(who, "race_code/code") or "", "ethnicity": at(who, "ethnic_group_code/code") or "",
        "line": role.addr[0].street_address_line, "telecom": sorted(t.value for t in role.telecom if t.value),
        "problems": sorted(cells(o, *problem) + cells(a, "@effective_time/low/value", "status_code/code") for a, o in concerns("2.5.1")),
        "allergies": sorted(cells(o, "id/0/root", "@effective_time/low/value", "participant/0/participant_role/playing_entity/code/code", "value/translation/0/code")
                            + cells(a, "@effective_time/low/value") + (bool(o.negation_ind),) for a, o in concerns("2.6.1")),
        "medications": sorted(cells(entry.substance_administration, "id/0/root", "consumable/manufactured_product/manufactured_material/code/code", "status_code/code",
                                    "@effective_time/0/low/value", "@effective_time/0/high/value") for entry in of["2.1.1"]),
        "procedures": sorted(cells(entry.procedure, "id/0/root", "code/code", "@effective_time/low/value", "@effective_time/high/value",
                                   "performer/0/assigned_entity/id/0/extension") for entry in of["2.7.1"]),
        "encounters": sorted(cells(e, "id/0/root", "id/1/extension", "code/translation/0/code", "@effective_time/low/value", "@effective_time/high/value")
                             for e in encounters),
        "diagnoses": sorted((e.id[0].root, *cells(r.act.entry_relationship[0].observation, *problem)) for e in encounters for r in e.entry_relationship or []),
        "reports": sorted(cells(r, "id/0/root", "code/code", "@effective_time/low/value") for r in reports),
        "observations": sorted((*cells(o, "id/0/root", "code/code", "@effective_time/value"), number(o.value.value) if type(o.value).__name__ == "PQ" else o.value.value,
                                at(o.value, "unit") or "", at(o, "interpretation_code/0/code") or "") for o in observations),
        "immunizations": sorted((*cells(entry.substance_administration, "id/0/root", "consumable/manufactured_product/manufactured_material/code/code"),
                                 bool(entry.substance_administration.negation_ind)) for entry in of["2.2.1"]),
    }


def model_wants(world, patient, telecoms):
    row = world.patient[patient]
    who = world.person[row["person_id"]]
    address = world.address[row["person_id"]]
    problem = lambda c: (c["condition_id"], c["icd10cm"], c["display"], c["onset_date"], c["abatement_date"])
    kind = lambda a: "ALG" if not a["type"] else {"medication": "D", "biologic": "D", "food": "F"}.get(a["category"], "E") + {"allergy": "ALG"}.get(a["type"], "INT")
    value = lambda f: number(f["value_num"]) if f["value_num"] else f["value_text"]
    return {
        "ids": sorted([row["mrn"], *(i["value"] for i in world.of["patient_identifier"][patient] if i["type"] == "SS" and i["value"])]),
        "name": [name for name in (who["given_name"], who["middle_name"], who["family_name"]) if name], "born": who["birth_date"],
        "gender": {"O": "UN", "U": ""}.get(who["administrative_sex"], who["administrative_sex"]), "race": who["race_omb"], "ethnicity": who["ethnicity_omb"],
        "line": [line for line in (address["line1"], address["line2"]) if line],
        "telecom": sorted("mailto:" + t["value"] if t["system"] == "email" else "tel:+1-" + t["value"] for t in telecoms[row["person_id"]]),
        "problems": sorted(problem(c) + (second(c["recorded_at"]), "active" if c["clinical_status"] == "active" else "completed") for c in world.problems(patient)),
        "allergies": sorted((a["allergy_id"], a["onset_date"], a["rxcui"], kind(a), second(a["recorded_at"]), a["display"] == NO_KNOWN)
                            for a in world.of["allergy_intolerance"][patient]),
        "medications": sorted((m["medication_request_id"], m["rxcui"], {"stopped": "aborted"}.get(m["status"], m["status"]), second(m["authored_at"]), second(m["stop_at"]))
                              for m in world.medications(patient)),
        "procedures": sorted((p["procedure_id"], p["code"], second(p["performed_start"]), second(p["performed_end"]), world.practitioner[p["practitioner_id"]]["npi"])
                             for p in world.late("procedure", patient, "performed_start")),
        "encounters": sorted((e["encounter_id"], e["visit_no"], e["class"], second(e["admit_at"]), second(e["discharge_at"]))
                             for e in world.late("encounter", patient, "admit_at")),
        "diagnoses": sorted((c["encounter_id"], *problem(c)) for c in world.diagnoses(patient)),
        "reports": sorted((r["diagnostic_report_id"], r["code"], second(r["effective_at"])) for r in world.reports(patient)),
        "observations": sorted((f.get("observation_id") or f["report_observation_id"], f["loinc"], second(f["effective_at"]), value(f), f["unit_ucum"], f["interpretation"])
                               for f in [*world.vitals(patient), *(f for f, _ in world.findings(patient))]),
        "immunizations": sorted((i["immunization_id"], i["cvx"], i["status"] != "completed") for i in world.of["immunization"][patient]),
    }
