"""What the tables of a run say that a FHIR resource holds: paths into the resource, and the cells of its row."""
import datetime
from decimal import Decimal


def at(value, path):
    """The value at a path such as `name/0/family`; None if it is not there."""
    for step in path.split("/"):
        try:
            value = value[int(step)] if step.isdigit() and isinstance(value, list) else value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def same(value, cell):
    """True if a value of the judge's library is what a CSV cell says; an empty cell is no value."""
    if value is None or cell == "":
        return value is None and cell == ""
    if isinstance(value, bool):
        return cell == str(value).lower()
    if isinstance(value, (int, float, Decimal)):
        return Decimal(cell) == Decimal(str(value))
    if isinstance(value, datetime.datetime):
        return datetime.datetime.fromisoformat(cell.replace("Z", "+00:00") if "T" in cell else cell + "T00:00:00+00:00") == value
    if isinstance(value, datetime.date):
        return cell == value.isoformat()
    return cell == str(value)


def cents(cell):
    return cell and str(Decimal(cell) / 100)


def ref(kind, cell):
    return cell and f"{kind}{cell}"


def quantity(row):
    return {"valueQuantity/value": row["value_num"], "valueQuantity/code": row["unit_ucum"], "valueQuantity/unit": row["unit_ucum"]}


def pressure(row, rows, key):
    """A blood pressure's two values; else the value."""
    if row["loinc"] != "8480-6":
        return quantity(row) | {"code/coding/0/code": row["loinc"]}
    low = rows.after[row[key]]
    return {
        "code/coding/0/code": "85354-9", "component/0/code/coding/0/code": "8480-6", "component/1/code/coding/0/code": low["loinc"],
        "component/0/valueQuantity/value": row["value_num"], "component/1/valueQuantity/value": low["value_num"],
        "component/0/valueQuantity/code": row["unit_ucum"], "component/1/valueQuantity/code": low["unit_ucum"],
    }


def person(row):
    return {
        "name/0/family": row["family_name"], "name/0/given/0": row["given_name"], "name/0/given/1": row["middle_name"],
        "birthDate": row["birth_date"], "gender": {"F": "female", "M": "male", "O": "other", "U": "unknown"}[row["administrative_sex"]],
        "deceasedDateTime": row["death_date"],
    }


# For each template its table, and a function of the row and of all tables (by key, under their names).
ROWS = {
    "fhir_patient": ("patient", lambda r, t: person(t["person"][r["person_id"]]) | {
        "id": "patient-" + r["patient_id"], "identifier/0/value": r["mrn"], "multipleBirthBoolean": r["multiple_birth"],
        "managingOrganization/reference": "Organization/organization-" + r["managing_organization_id"]}),
    "fhir_related_person": ("related_person", lambda r, t: {
        "id": r["related_person_id"], "patient/reference": "Patient/patient-" + r["patient_id"], "name/0/family": r["family_name"],
        "telecom/0/value": r["phone"], "relationship/0/coding/0/code": r["relationship"]}),
    "fhir_coverage": ("coverage", lambda r, t: {
        "id": r["coverage_id"], "subscriberId": r["member_id"], "period/start": r["period_start"], "period/end": r["period_end"],
        "order": r["priority"], "beneficiary/reference": "Patient/patient-" + r["patient_id"], "identifier/1/value": r["mbi"],
        "payor/0/reference": "Organization/payer-" + t["plan"][r["plan_id"]]["payer_id"]}),
    "fhir_consent": ("consent", lambda r, t: {
        "id": r["consent_id"], "patient/reference": "Patient/patient-" + r["patient_id"], "dateTime": r["granted_at"],
        "provision/purpose/0/code": r["purpose_code"], "provision/period/end": r["withdrawn_at"] or r["expires_at"]}),
    "fhir_appointment": ("appointment", lambda r, t: {
        "id": r["appointment_id"], "status": r["status"], "start": r["start_at"], "end": r["end_at"], "created": r["created_at"],
        "participant/2/actor/reference": "Location/location-" + r["location_id"]}),
    "fhir_encounter": ("encounter", lambda r, t: {
        "id": r["encounter_id"], "identifier/0/value": r["visit_no"], "status": r["status"], "class/code": r["class"], "period/start": r["admit_at"],
        "period/end": r["discharge_at"], "subject/reference": "Patient/patient-" + r["patient_id"],
        "hospitalization/dischargeDisposition/coding/0/code": r["discharge_disposition"], "reasonCode/0/text": r["reason_text"],
        "participant/0/individual/reference": "Practitioner/practitioner-" + r["practitioner_id"]}),
    "fhir_encounter_part": ("encounter_part", lambda r, t: {
        "id": r["encounter_part_id"], "partOf/reference": "Encounter/" + r["part_of_encounter_id"], "period/start": r["admit_at"],
        "period/end": r["discharge_at"]}),
    "fhir_condition": ("condition", lambda r, t: {
        "id": r["condition_id"], "code/coding/0/code": r["icd10cm"], "code/coding/0/display": r["display"], "onsetDateTime": r["onset_date"],
        "abatementDateTime": r["abatement_date"], "recordedDate": r["recorded_at"], "encounter/reference": ref("Encounter/", r["encounter_id"]),
        "clinicalStatus/coding/0/code": r["clinical_status"], "category/0/coding/0/code": r["category"]}),
    "fhir_observation": ("observation", lambda r, t: pressure(r, t["observation"], "observation_id") | {
        "id": r["observation_id"], "status": r["status"], "effectiveDateTime": r["effective_at"], "issued": r["issued_at"],
        "encounter/reference": "Encounter/" + r["encounter_id"],
        "interpretation/0/coding/0/code": r["interpretation"]}),
    "fhir_stay_observation": ("stay_observation", lambda r, t: pressure(r, t["stay_observation"], "stay_observation_id") | {
        "id": r["stay_observation_id"], "effectiveDateTime": r["effective_at"], "performer/0/reference": "Practitioner/nurse-" + r["nurse_id"]}),
    "fhir_report_observation": ("report_observation", lambda r, t: (quantity(r) if r["value_num"] else {"valueString": r["value_text"]}) | {
        "id": r["report_observation_id"], "code/coding/0/code": r["loinc"], "interpretation/0/coding/0/code": r["interpretation"],
        "referenceRange/0/low/value": r["ref_low"], "referenceRange/0/high/value": r["ref_high"], "issued": r["issued_at"], "status": r["status"]}),
    "fhir_social_history": ("social_history", lambda r, t: {
        "id": r["social_history_id"], "valueCodeableConcept/coding/0/code": r["value_code"], "effectiveDateTime": r["effective_at"],
        "component/0/valueQuantity/value": r["pack_years"]}),
    "fhir_procedure": ("procedure", lambda r, t: {
        "id": r["procedure_id"], "code/coding/0/code": r["code"], "performedPeriod/start": r["performed_start"],
        "performedPeriod/end": r["performed_end"], "encounter/reference": "Encounter/" + r["encounter_id"]}),
    "fhir_service_request": ("service_request", lambda r, t: {
        "id": r["service_request_id"], "identifier/0/value": r["placer_order_no"], "identifier/1/value": r["filler_order_no"], "status": r["status"],
        "code/coding/0/code": r["code"], "authoredOn": r["authored_at"], "priority": {"R": "routine", "S": "stat", "A": "asap"}[r["priority"]]}),
    "fhir_specimen": ("specimen", lambda r, t: {
        "id": r["specimen_id"], "accessionIdentifier/value": r["accession_no"], "type/coding/0/code": r["type"], "receivedTime": r["received_at"],
        "collection/collectedDateTime": r["collected_at"], "request/0/reference": "ServiceRequest/" + r["service_request_id"]}),
    "fhir_diagnostic_report": ("diagnostic_report", lambda r, t: {
        "id": r["diagnostic_report_id"], "status": r["status"], "code/coding/0/code": r["code"], "effectiveDateTime": r["effective_at"],
        "issued": r["issued_at"], "performer/0/reference": "Organization/organization-" + r["organization_id"],
        "basedOn/0/reference": "ServiceRequest/" + r["service_request_id"]}),
    "fhir_medication_request": ("medication_request", lambda r, t: {
        "id": r["medication_request_id"], "medicationCodeableConcept/coding/0/code": r["rxcui"], "status": r["status"], "authoredOn": r["authored_at"],
        "dispenseRequest/quantity/value": r["qty"], "dispenseRequest/numberOfRepeatsAllowed": r["refills"], "note/0/text": r["override_reason"],
        "dosageInstruction/0/doseAndRate/0/doseQuantity/value": r["dose_qty"], "dispenseRequest/expectedSupplyDuration/value": r["days_supply"]}),
    "fhir_medication_dispense": ("medication_dispense", lambda r, t: {
        "id": f"{r['medication_request_id']}-{r['refill_no']}", "medicationCodeableConcept/coding/1/code": r["ndc11"], "quantity/value": r["qty"],
        "whenHandedOver": r["filled_at"], "performer/0/actor/reference": "Organization/pharmacy-" + r["pharmacy_id"]}),
    "fhir_medication_administration": ("medication_administration", lambda r, t: {
        "id": f"{r['medication_request_id']}-{r['dose_no']}", "status": r["status"], "effectiveDateTime": r["given_at"] or r["scheduled_at"],
        "dosage/dose/value": r["dose_qty"], "statusReason/0/text": r["reason_not_done"]}),
    "fhir_allergy_intolerance": ("allergy_intolerance", lambda r, t: {
        "id": r["allergy_id"], "code/text": r["display"], "code/coding/0/code": r["rxcui"], "recordedDate": r["recorded_at"],
        "onsetDateTime": r["onset_date"], "criticality": r["criticality"], "reaction/0/severity": r["severity"]}),
    "fhir_immunization": ("immunization", lambda r, t: {
        "id": r["immunization_id"], "vaccineCode/coding/0/code": r["cvx"], "status": r["status"], "occurrenceDateTime": r["occurrence_at"],
        "lotNumber": r["lot_no"], "expirationDate": r["expiration_date"], "encounter/reference": ref("Encounter/", r["encounter_id"])}),
    "fhir_document_reference": ("document", lambda r, t: {
        "id": r["document_id"], "type/coding/0/code": r["loinc"], "docStatus": r["status"], "date": r["authored_at"],
        "content/0/attachment/size": r["bytes"], "content/0/attachment/title": r["title"]}),
    "fhir_provenance": ("document", lambda r, t: {
        "id": "provenance-" + r["document_id"], "recorded": r["authenticated_at"], "target/0/reference": "DocumentReference/" + r["document_id"]}),
    "fhir_audit_event": ("audit_event", lambda r, t: {
        "id": r["audit_id"], "action": r["action"], "outcome": r["outcome"], "recorded": r["recorded_at"], "agent/0/network/address": r["source_ip"],
        "agent/0/who/reference": "Practitioner/practitioner-" + r["practitioner_id"], "entity/1/what/identifier/value": r["entity_id"]}),
    "fhir_practitioner": ("practitioner", lambda r, t: {
        "id": "practitioner-" + r["practitioner_id"], "identifier/0/value": r["npi"], "name/0/family": r["family_name"],
        "qualification/0/code/coding/0/code": r["taxonomy_code"]}),
    "fhir_practitioner_role": ("practitioner_role", lambda r, t: {
        "id": r["practitioner_role_id"], "period/start": r["starts_on"], "period/end": r["ends_on"],
        "organization/reference": "Organization/organization-" + r["organization_id"]}),
    "fhir_nurse": ("nurse", lambda r, t: {"id": "nurse-" + r["nurse_id"], "name/0/family": r["family_name"]}),
    "fhir_organization": ("organization", lambda r, t: {
        "id": "organization-" + r["organization_id"], "name": r["name"], "partOf/reference": ref("Organization/organization-", r["parent_organization_id"])}),
    "fhir_payer": ("payer", lambda r, t: {"id": "payer-" + r["payer_id"], "name": r["name"]}),
    "fhir_pharmacy": ("pharmacy", lambda r, t: {"id": "pharmacy-" + r["pharmacy_id"], "name": r["name"], "identifier/1/value": r["npi"]}),
    "fhir_location": ("location", lambda r, t: {
        "id": "location-" + r["location_id"], "name": r["name"], "partOf/reference": ref("Location/location-", r["parent_location_id"])}),
    "fhir_claim": ("claim", lambda r, t: {
        "id": r["claim_id"], "identifier/0/value": r["patient_control_no"], "created": r["submitted_on"], "total/value": cents(r["total_billed"]),
        "billablePeriod/start": r["service_from"], "billablePeriod/end": r["service_to"], "patient/reference": "Patient/member-" + r["member_id"]}),
    "fhir_claim_response": ("claim", lambda r, t: {
        "id": r["claim_id"], "identifier/0/value": r["payer_claim_control_no"], "created": r["decided_on"] or r["received_on"],
        "disposition": r["status"], "total/0/amount/value": r["paid"] and cents(r["total_billed"]), "total/7/amount/value": cents(r["paid"])}),
    "fhir_eob": ("claim", lambda r, t: {
        "id": r["claim_id"], "identifier/0/value": r["payer_claim_control_no"], "created": r["decided_on"], "total/7/amount/value": cents(r["paid"]),
        "total/2/amount/value": cents(r["deductible"]), "total/6/amount/value": cents(r["patient_resp"]),
        "payment/date": r["payment_day"] if r["paid"] != "0" else ""}),
    "fhir_claims_coverage": ("member", lambda r, t: {
        "id": "coverage-" + r["member_id"], "subscriberId": r["member_no"], "period/end": r["term_date"], "order": r["cob_order"],
        "subscriber/reference": "Patient/member-" + r["subscriber_member_id"]}),
    "fhir_claims_patient": ("member", lambda r, t: person(t["person"][r["person_id"]]) | {
        "id": "member-" + r["member_id"], "identifier/0/value": r["member_no"]}),
    "fhir_claims_provider": ("provider", lambda r, t: {
        "id": "provider-" + r["provider_id"], "name": r["name"], "identifier/0/value": r["npi"], "identifier/1/value": r["tin"]}),
    "fhir_claims_sponsor": ("sponsor", lambda r, t: {"id": "sponsor-" + r["sponsor_id"], "name": r["name"], "identifier/0/value": r["group_no"]}),
    "fhir_claims_insurer": ("organization", lambda r, t: {"id": "organization-" + r["organization_id"], "name": r["name"]}),
}
