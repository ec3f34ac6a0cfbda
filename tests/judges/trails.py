"""Judges the trails of `placebo cases --pack`: entries under a chain of hashes, intact and tampered with.

trails.py PLACEBO SCRATCH EACH PROFILE:PACK:TABLE…: a verifier that is written from the members of the cases alone names the expected entry of every
trail; one with a planted bug fails at the ways to tamper that the bug hides, and nowhere else; intact trails are those that `generate` writes.
"""

import collections
import csv
import hashlib
import json
import pathlib
import subprocess
import sys

PLACEBO, SCRATCH, EACH, PACKS = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]


def text(cell):
    return "" if cell is None else cell if isinstance(cell, str) else json.dumps(cell)


def first_wrong(case, bug=None):
    """The number of the first entry that does not check, or none. `bug` names a mistake that is made on purpose."""
    chain, anchors = case["chain"], {anchor["number"]: anchor["hash"] for anchor in case["anchors"]}
    link, last = chain["before_first"], 0
    for entry in case["trail"]:
        number, previous = entry[chain["number"]], entry.get(chain["previous"] or "", link)
        if bug == "trusts the first entry" and last == 0:
            link = previous
        if bug == "does not look back":
            link = previous
        cells = [text(entry[column]) for column in chain["over"]]
        if bug == "leaves nulls out":
            cells = [text(entry[column]) for column in chain["over"] if entry[column] is not None]
        own = hashlib.sha256(chain["separator"].join([link, *cells]).encode()).hexdigest()
        wrong = (
            (number != last + 1 and bug != "does not count")
            or previous != link
            or (entry[chain["hash"]] != own and bug != "takes hashes as they are")
            or (anchors.get(number, entry[chain["hash"]]) != entry[chain["hash"]] and bug != "has no anchors")
        )
        if wrong:
            return last + 1 if bug == "counts entries, not numbers" else number
        link, last = entry[chain["hash"]], number
    return last + 1 if last < max(anchors) and bug not in ("has no anchors", "forgets the end") else None


# The ways to tamper that each bug hides or shows at another place: those that it must, and those that it may.
edits = "edited"
BUGS = {
    "does not count": ({"relinked"}, set()),
    "does not look back": ({"resealed", "spliced", "beheaded"}, set()),
    "takes hashes as they are": ({edits}, set()),
    "has no anchors": ({"rehashed", "truncated"}, {"inserted", "resealed"}),
    "trusts the first entry": ({"beheaded"}, set()),
    "forgets the end": ({"truncated"}, set()),
    "counts entries, not numbers": ({"removed", "relinked", "duplicated"}, set()),
    # Intact trails, too, where they have nulls.
    "leaves nulls out": (set(), None),
}


def judged(profile, pack, table):
    place = SCRATCH / profile
    place.mkdir(parents=True, exist_ok=True)
    run = lambda *words: subprocess.run([PLACEBO, *map(str, words), "-q", "--overwrite"], check=True)
    run("cases", profile, "--pack", pack, "--each", EACH, "--out", place / "cases.ndjson")
    with open(place / "cases.ndjson", encoding="utf-8") as file:
        cases = [json.loads(line) for line in file]
    ways = collections.Counter(edits if case["tampered"].startswith("edited-") else case["tampered"] for case in cases)
    assert len(ways) == 12 and all(count >= EACH for count in ways.values()), ways
    for case in cases:
        assert first_wrong(case) == case["expect"]["first"], (case["_case"], first_wrong(case), case["expect"])
        assert case["expect"]["intact"] == (case["tampered"] == "intact") == (case["expect"]["first"] is None), case["_case"]
    found, hashed = {}, lambda case: [entry[column] for entry in case["trail"] for column in case["chain"]["over"]]
    for bug, (must, may) in BUGS.items():
        if bug == "leaves nulls out" and not any(None in hashed(case) for case in cases):
            continue
        failed = {edits if case["tampered"].startswith("edited-") else case["tampered"]
                  for case in cases if first_wrong(case, bug) != case["expect"]["first"]}
        assert failed and must <= failed, (profile, bug, must - failed)
        assert may is None or failed <= must | may, (profile, bug, failed - must - may)
        found[bug] = sorted(failed)
    # The trails are those of the data set: each entry that was not edited is a row of it.
    intact = [case for case in cases if case["tampered"] == "intact"]
    run("generate", profile, "--tables", table, "--out", place / "rows")
    with open(place / "rows" / f"{table}.csv", newline="", encoding="utf-8") as file:
        rows = {row[intact[0]["chain"]["hash"]]: row for row in csv.DictReader(file)}
    for case in intact:
        for entry in case["trail"]:
            row = rows[entry[case["chain"]["hash"]]]
            assert row == {column: text(cell) for column, cell in entry.items()}, (case["_case"], row, entry)
    print(f"{profile}: {len(cases)} trails, {len(ways)} ways to tamper, {len(found)} bugs found and no others")
    for bug, failed in found.items():
        print(f"  {bug}: {' '.join(failed)}")


if __name__ == "__main__":
    for one in PACKS:
        judged(*one.split(":"))
