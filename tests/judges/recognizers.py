"""Judges by Microsoft Presidio's pattern recognizers, offline: 5,000 rows of each table.

usage: recognizers.py PLACEBO SCRATCH ROWS PROFILE...

In clear columns everything that is recognised lies in ranges that no one has; in encrypted ones nothing is recognised at all; and numbers that
look live, planted into a column, are found. Matches of a score below 0.4 are left out: any nine digits are one.
"""
import csv
import ipaddress
import itertools
import pathlib
import re
import shutil
import subprocess
import sys

import tldextract
from presidio_analyzer.predefined_recognizers import CreditCardRecognizer, EmailRecognizer, IbanRecognizer, IpRecognizer, UsItinRecognizer, UsSsnRecognizer

# The list of suffixes that comes with the package: nothing is fetched.
tldextract.extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
RECOGNIZERS = [CreditCardRecognizer(), UsSsnRecognizer(), UsItinRecognizer(), EmailRecognizer(), IbanRecognizer(), IpRecognizer()]
DOCUMENTATION = [ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")]
LIVE = ["536-22-8726", "4532015112830366", "jane.miller@gmail.com", "8.8.8.8", "DE89370400440532013000"]


def found(text):
    for recognizer in RECOGNIZERS:
        for match in recognizer.analyze(text, recognizer.supported_entities, None):
            if match.score >= 0.4:
                yield match.entity_type, text[match.start:match.end]


def reserved(entity, value, kind):
    """Whether it is of a range that no one has, by rules of our own."""
    digits = re.sub(r"\D", "", value)
    if entity in ("US_SSN", "US_ITIN"):
        return digits[:1] == "9"
    if entity == "CREDIT_CARD":
        return digits.startswith("9999")
    if entity == "EMAIL_ADDRESS":
        return re.search(r"@([\w-]+\.)*(example\.(com|net|org)|[\w-]+\.(test|example|invalid)|test|example|invalid)$", value) is not None
    if entity == "IP_ADDRESS":
        try:
            return any(ipaddress.ip_address(value) in net for net in DOCUMENTATION)
        except ValueError:
            return False
    # No range of IBANs is set aside; ours have bank codes that no bank has, which `ranges.py` judges.
    return entity == "IBAN_CODE" and kind in ("bank_account", "iban")


def rows(path, most):
    with path.open(newline="", encoding="utf-8") as file:
        yield from itertools.islice(csv.DictReader(file), most)


def scan(path, most, kinds):
    hits = cells = 0
    for row in rows(path, most):
        # One text for a row: a value stands on a line of its own.
        for column, value in row.items():
            if len(value) < 7 or re.fullmatch(r"[\d-]{10}(T[\d:.]+Z)?|[0-9a-f]{8}-[0-9a-f-]{27}|[a-z _-]+", value):
                continue
            cells += 1
            for entity, text in found(value):
                if not reserved(entity, text, kinds.get((path.stem, column), "")):
                    hits += 1
                    if hits <= 5:
                        print(f"{path.stem}.{column}: {text!r} is a {entity}")
    return hits, cells


def main():
    placebo, scratch, most = sys.argv[1], pathlib.Path(sys.argv[2]) / "recognizers", int(sys.argv[3])
    assert all(list(found(live)) and not any(reserved(entity, text, "") for entity, text in found(live)) for live in LIVE), "planted values are not found"
    hits = cells = tables = 0
    for profile in sys.argv[4:]:
        catalogue = subprocess.run([placebo, "show", profile, "--catalogue"], check=True, capture_output=True, text=True).stdout
        kinds = {(row["table"], row["column"]): row["kind"] for row in csv.DictReader(catalogue.splitlines())}
        for name, more in (("clear", []), ("sealed", ["--protect", "pii=encrypt", "--protect", "phi=encrypt", "--protect", "pci=encrypt", "--key-source", "test:judges"])):
            out = scratch / profile / name
            subprocess.run([placebo, "generate", profile, "--out", str(out), "--overwrite", "-q", *more], check=True)
            # Answers are counts and sums, which look like numbers of accounts and telephones.
            for path in sorted(path for path in out.glob("*.csv") if path.stem != "answers"):
                own = scan(path, most if name == "clear" else most // 10, kinds)
                hits, cells, tables = hits + own[0], cells + own[1], tables + 1
    shutil.rmtree(scratch)
    assert hits == 0, f"{hits} hits outside reserved ranges"
    print(f"Presidio: {cells} cells of {tables} files, 0 hits outside reserved ranges; {len(LIVE)} planted values found")


main()
