"""Judges the diagnoses of encounters by an independent grouper (`msdrg`) and by the notes of ICD-10-CM (`simple_icd_10_cm`).

Every stay must have the MS-DRG to which the grouper assigns its diagnoses and procedures, none may be ungroupable or an operation that does not
belong to its diagnosis, and no encounter may have two codes of which one excludes the other (Excludes1).

usage: coding.py PLACEBO SCRATCH PATIENTS
"""
import collections
import pathlib
import re
import shutil
import subprocess
import sys

import duckdb
import msdrg
import simple_icd_10_cm as icd

VERSION = 430
# MS-DRGs of operations unrelated to the principal diagnosis, and of what no group fits.
UNRELATED, UNGROUPABLE = {981, 982, 983, 987, 988, 989}, {998, 999}


def group(grouper, codes, procedures, sex, age, disposition):
    """The MS-DRG of a stay as a number."""
    plain = [code.replace(".", "") for code in codes]
    claim = msdrg.create_claim(VERSION, age, 0 if sex == "M" else 1, int(disposition or 1), plain[0], sdx=plain[1:], procedures=procedures)
    return grouper.group(claim)["final_drg"]


def excluded(code, known):
    """The ranges of codes that the notes of a code and of its categories exclude (Excludes1)."""
    if code not in known:
        ranges, at = [], code
        while at:
            for note in icd.get_excludes1(at):
                for part in re.findall(r"\(([^()]*[A-Z]\d[^()]*)\)", note):
                    for one in re.split(r",\s*", part):
                        one = one.strip().rstrip("-").rstrip(".")
                        pair = re.fullmatch(r"([A-Z]\d[0-9A-Z](?:\.[0-9A-Z]+)?)-([A-Z]\d[0-9A-Z](?:\.[0-9A-Z]+)?)", one)
                        if pair:
                            ranges.append(pair.groups())
                        elif re.match(r"[A-Z]\d[0-9A-Z]", one):
                            ranges.append((one, one))
            at = icd.get_parent(at)
        known[code] = ranges
    return known[code]


def clash(one, other, known):
    """Whether the notes of one code exclude the other."""
    return any(low <= other[: len(low)] and other[: len(high)] <= high for low, high in excluded(one, known))


def main(placebo, scratch, patients):
    grouper, known = msdrg.MsdrgGrouper(), {}
    # What a judge must see: a group without the complication, an operation on the wrong organ, asthma beside hay fever.
    assert group(grouper, ["J18.9", "J96.01"], [], "F", 60, "01") != group(grouper, ["J18.9"], [], "F", 60, "01"), "a complication is not seen"
    assert group(grouper, ["J18.9"], ["0SRC0J9"], "F", 60, "01") in UNRELATED, "an unrelated operation is not seen"
    assert clash("J30.9", "J45.909", known) and not clash("I10", "E11.9", known), "Excludes1 is not read"
    out = pathlib.Path(scratch) / "coding"
    shutil.rmtree(out, ignore_errors=True)
    subprocess.run([placebo, "generate", "healthcare", "--rows", f"patient={patients}", "--format", "parquet", "--out", str(out), "-q",
                    "--tables", "person,patient,encounter,condition,procedure"], check=True)
    table = lambda name: f"'{out}/{name}.parquet'"
    stays = duckdb.execute(f"""
        SELECT encounter_id, drg, discharge_disposition, administrative_sex, date_sub('year', birth_date, CAST(admit_at AS date)),
               list(icd10cm ORDER BY dx_rank)
        FROM {table("encounter")} AS e JOIN {table("condition")} USING (encounter_id) JOIN {table("patient")} AS p ON p.patient_id = e.patient_id
        JOIN {table("person")} USING (person_id) WHERE dx_rank IS NOT NULL GROUP BY ALL""").fetchall()
    done = dict(duckdb.execute(f"SELECT encounter_id, list(code) FROM {table('procedure')} WHERE code_system = 'ICD-10-PCS' GROUP BY 1").fetchall())
    wrong, groups = collections.Counter(), 0
    for encounter, drg, disposition, sex, age, codes in stays:
        for one in codes:
            for other in codes:
                if one != other and clash(one, other, known):
                    wrong[f"{one} excludes {other}"] += 1
        if drg is not None:
            groups += 1
            found = group(grouper, codes, done.get(encounter, []), sex, age, disposition)
            if found in UNRELATED | UNGROUPABLE or found != int(drg):
                wrong[f"MS-DRG {drg}, by the grouper {found:03}: {' '.join(codes)}"] += 1
    grouper.close()
    if wrong or groups < int(patients) // 50:
        sys.exit("\n".join(f"{count} x {what}" for what, count in wrong.most_common(20)) or f"only {groups} stays")
    print(f"coding: {len(stays)} encounters without excluded pairs, {groups} stays with the group of the grouper")


if __name__ == "__main__":
    main(*sys.argv[1:])
