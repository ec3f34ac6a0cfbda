"""The ranges of identifiers that belong to nobody, written down from their sources alone: a million rows of each kind stay in them.

usage: ranges.py PLACEBO SCRATCH ROWS
"""
import ipaddress
import multiprocessing
import pathlib
import re
import shutil
import subprocess
import sys

import duckdb

# Prefixes that the IRS has never assigned; Federal Reserve districts are 00-12, 21-32, 61-72 and 80.
EIN = {"00", "07", "08", "09", "17", "18", "19", "28", "29", "49", "69", "70", "78", "79", "89", "96", "97"}
ABA = {f"{n:02}" for n in [*range(13, 21), *range(33, 61), *range(73, 80), *range(81, 100)]}
DOCUMENTATION = [ipaddress.ip_network(net) for net in
                 ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"]]


def luhn(digits):
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


def mod97(text):
    return int("".join(str(int(sign, 36)) for sign in text)) % 97 == 1


def matches(pattern):
    return re.compile(pattern).fullmatch


def aba(text):
    weights = zip((3, 7, 1) * 3, map(int, text))
    return len(text) == 9 and text[:2] in ABA and sum(weight * digit for weight, digit in weights) % 10 == 0


def dea(text):
    if not matches(r"Z[A-Z9]\d{7}")(text):
        return False
    digits = [int(sign) for sign in text[2:]]
    return (sum(digits[0:6:2]) + 2 * sum(digits[1:6:2])) % 10 == digits[6]


def vin(text):
    values = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9]))
    if not matches(r"ZZZ[A-HJ-NPR-Z\d]{14}")(text):
        return False
    weights = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2]
    return text[8] == "0123456789X"[sum(w * (int(s) if s.isdigit() else values[s]) for w, s in zip(weights, text)) % 11]


def cusip(text):
    if not matches(r"99\d{4}[A-Z\d]{2}\d")(text):
        return False
    total = 0
    for place, sign in enumerate(text[:8]):
        value = int(sign, 36) * (1 + place % 2)
        total += value // 10 + value % 10
    return (10 - total % 10) % 10 == int(text[8])


def isin(text):
    return text[:2] == "US" and cusip(text[2:11]) and luhn("".join(str(int(sign, 36)) for sign in text))


def documented(text):
    return any(ipaddress.ip_address(text) in net for net in DOCUMENTATION)


def iban(text):
    if not (matches(r"[A-Z]{2}\d\d[A-Z\d]{11,30}")(text) and mod97(text[4:] + text[:4])):
        return False
    bank = text[4:]
    return {
        "AE": bank[:3] == "999", "AT": bank[:5] == "99999", "BE": bank[:3] == "999",
        "CH": bank[:5] == "99999", "CY": bank[:8] == "99999999", "DE": bank[:8] == "99999999", "ES": bank[:8] == "99999999",
        "FR": bank[:10] == "9999999999", "GB": bank[:4] == "ZZZZ", "IE": bank[:4] == "ZZZZ",
        "IT": bank[1:11] == "9999999999", "LT": bank[:5] == "99999", "LU": bank[:3] == "555", "LV": bank[:4] == "ZZZZ",
        "NL": bank[:4] == "TEST", "PL": bank[:8] == "00000996", "PT": bank[:8] == "99999999", "RO": bank[:4] == "ZZZZ",
        "SA": bank[:2] == "99", "TR": bank[:6] == "999990",
    }[text[:2]]


# A check for each kind, and a value just outside of its range, or with a wrong check digit, that it must refuse.
KINDS = {
    "ssn": (matches(r"9\d\d-(0[1-9]|[1-4]\d)-(?!0000)\d{4}"), "899-01-0001"),
    "ein": (lambda text: text[:2] in EIN and matches(r"\d\d-\d{7}")(text), "12-3456789"),
    "aba": (aba, "021000021"),
    "phone": (matches(r"[2-9]\d\d-555-01\d\d"), "217-555-0200"),
    "npi": (lambda text: matches(r"[3-9]\d{9}")(text) and luhn("80840" + text), "1234567893"),
    "dea": (dea, "AB1234563"),
    "mbi": (matches(r"[1-9]S[AC-HJKMNP-RT-Y\d]\d[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y\d]\d[AC-HJKMNP-RT-Y]{2}\d\d"), "1EG4TE5MK73"),
    "mrn": (matches(r"SYN\d{8}"), "12345678"),
    "ndc": (matches(r"99999-\d{4}-\d\d"), "00002-0001-01"),
    "pan": (lambda text: matches(r"9999\d{12}")(text) and luhn(text), "4111111111111111"),
    "lei": (lambda text: matches(r"ZZZZ00[A-Z\d]{12}\d\d")(text) and mod97(text), "529900T8BM49AURSDO55"),
    "bic": (matches(r"[A-Z]{6}[A-Z\d]0([A-Z\d]{3})?"), "DEUTDEFF500"),
    "cusip": (cusip, "037833100"),
    "isin": (isin, "US0378331005"),
    "iban": (iban, "DE89370400440532013000"),
    "ipv4": (documented, "8.8.8.8"),
    "ipv6": (documented, "2001:4860:4860::8888"),
    "mac": (matches(r"[\da-f][26ae](:[\da-f]{2}){5}"), "00:1b:21:00:00:01"),
    "email": (matches(r"[a-z.]+\d*@example\.(com|net|org)"), "zoe@mail.com"),
    "vin": (vin, "1M8GDM9AXKP042788"),
}


def outside(kind, folder, rows):
    values = duckdb.execute(f"SELECT {kind} FROM '{folder}/identifier.parquet'").fetchall()
    wrong = [value for (value,) in values if value is None or not KINDS[kind][0](value)]
    found = [f"{kind}: {value} and {len(wrong) - 1} more are outside of the range" for value in wrong[:1]]
    return found + [f"{kind}: {len(values)} rows instead of {rows}"] * (len(values) != rows)


def main(placebo, scratch, rows):
    for kind, (inside, planted) in KINDS.items():
        if inside(planted):
            sys.exit(f"{kind}: the judge does not see that {planted} is outside")
    out = pathlib.Path(scratch) / "identifiers"
    shutil.rmtree(out, ignore_errors=True)
    subprocess.run([placebo, "generate", "tests/fixtures/identifiers", "--rows", f"identifier={rows}", "--format", "parquet",
                    "--out", str(out), "-q"], check=True)
    with multiprocessing.Pool() as pool:
        wrong = [line for lines in pool.starmap(outside, [(kind, out, rows) for kind in KINDS]) for line in lines]
    shutil.rmtree(out)
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"ranges: {len(KINDS)} kinds of identifiers, {rows} of each, all within their reserved ranges")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
