"""Judges the decisions of `access_request`, and the pack of cases that `placebo cases --pack access` makes of them.

decisions.py PLACEBO SCRATCH REQUESTS PROFILE…: a second oracle, written from the laws alone, agrees on each of REQUESTS requests; a server of
AuthZEN 1.0 that is right passes every case, and one with a planted bug fails those that the bug is about, a pair among them, and no others.
"""

import csv
import datetime
import http.client
import http.server
import json
import pathlib
import subprocess
import sys
import threading

PLACEBO, SCRATCH, REQUESTS, PROFILES = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
EACH = 5
NEEDS_CONSENT = {"HMARKT", "HRESCH"}  # 45 CFR 164.508(a)(2) to (4); what 164.506(c) permits needs none


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None


def rows(folder, table):
    with open(folder / f"{table}.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def decide(bug, accounts, consents, user, purpose, at, consent):
    """What the laws demand: a decision and its reason. `bug` names a mistake that is made on purpose."""
    account = accounts[user]
    active = account["created_at"] <= at and (account["deactivated_at"] is None or at < account["deactivated_at"])
    if not active and bug != "accounts":
        return "deny", "account-inactive"
    if purpose == "ETREAT":
        return "break-glass", "emergency"
    if purpose not in NEEDS_CONSENT or bug == "purpose":
        return "permit", "no-authorization-needed"
    if not consent:
        return "deny", "no-consent"
    given = consents[consent]
    if at < given["effective_from"]:
        return "deny", "consent-not-yet-effective"
    withdrawn = given["withdrawn_at"]
    if withdrawn and (withdrawn < at if bug == "microsecond" else withdrawn <= at):
        return "deny", "consent-withdrawn"
    if given["expires_at"] and given["expires_at"] <= at and bug != "expiry":
        return "deny", "consent-expired"
    return "permit", "consent-in-force"


# Which answers a bug may change: by the reason that is right.
BUGS = {
    "microsecond": {"consent-withdrawn"},
    "expiry": {"consent-expired"},
    "purpose": {"no-consent", "consent-not-yet-effective", "consent-withdrawn", "consent-expired", "consent-in-force"},
    "accounts": {"account-inactive"},
    "audit": {"account-inactive", "no-consent", "consent-not-yet-effective", "consent-withdrawn", "consent-expired"},
}


def facts(folder):
    times = ("created_at", "deactivated_at", "effective_from", "withdrawn_at", "expires_at")
    read = lambda row: {name: instant(value) if name in times else value for name, value in row.items()}
    accounts = {row["user_id"]: read(row) for row in rows(folder, "user_account")}
    return accounts, {row["consent_id"]: read(row) for row in rows(folder, "consent")}


def server(bug, accounts, consents):
    """An AuthZEN server with an audit trail, in which GET /audit finds the entries."""
    trail = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            assert self.path == "/access/v1/evaluations", self.path
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["evaluations"]
            answers = []
            for one in asked:
                context = one["context"]
                decision, reason = decide(
                    bug, accounts, consents, one["subject"]["id"], context["purpose"], instant(context["time"]), context.get("consent"))
                if not (bug == "audit" and decision == "deny"):
                    trail.append([len(answers), {"action": "R", "outcome": "8" if decision == "deny" else "0"}])
                review = {"review_within_hours": 72} if decision == "break-glass" else {}
                answers.append({"decision": decision != "deny", "context": {"reason": reason, "answer": decision, **review}})
            self.reply({"evaluations": answers})

        def do_GET(self):
            self.reply(trail)

        def reply(self, value):
            body = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    return made


def failures(bug, folder, pack):
    """The cases that a server fails: by answer, reason, obligation, or the entries of its audit trail."""
    made = server(bug, *facts(folder))
    connection = http.client.HTTPConnection(*made.server_address)
    body = (pack / "evaluations.json").read_text(encoding="utf-8")
    connection.request("POST", "/access/v1/evaluations", body, {"Content-Type": "application/json"})
    answers = json.loads(connection.getresponse().read())["evaluations"]
    connection.request("GET", "/audit")
    trail = json.loads(connection.getresponse().read())
    made.shutdown()
    expected = json.loads((pack / "expected.json").read_text(encoding="utf-8"))
    assert len(answers) == len(expected) >= EACH * 8
    failed = []
    for number, (answer, case) in enumerate(zip(answers, expected)):
        expect = case["expect"]
        entries = [entry for of, entry in trail if of == number]
        wanted = [{name: expect["audit"][name] for name in ("action", "outcome")}] * expect["audit"]["count"]
        said = answer["context"]
        if (answer["decision"], said["answer"], said["reason"], said.get("review_within_hours"), entries) != (
            expect["decision"], expect["answer"], expect["reason"], expect.get("review_within_hours"), wanted):
            failed.append(case)
    return failed


def profile(name):
    place = SCRATCH / name
    few, many, pack = place / "few", place / "many", place / "pack"
    run = lambda *words: subprocess.run([PLACEBO, *map(str, words), "-q", "--overwrite"], check=True)
    tables = ["--tables", "access_request,consent,user_account"]
    run("generate", name, "--out", few, *tables)
    scale = 1 + REQUESTS * 1.1 // len(rows(few, "access_request"))
    run("generate", name, "--out", many, *tables, "--scale", scale)
    accounts, consents = facts(many)
    requests = rows(many, "access_request")
    assert len(requests) >= REQUESTS, (name, len(requests))
    for row in requests:
        own = decide(None, accounts, consents, row["user_id"], row["purpose_of_use"], instant(row["requested_at"]), row["consent_id"])
        assert own == (row["decision"], row["reason"]), (name, row, own)
    run("cases", name, "--pack", "access", "--each", EACH, "--format", "authzen", "--out", pack)
    expected = {case["_case"]: case for case in json.loads((pack / "expected.json").read_text(encoding="utf-8"))}
    sent = dict(zip(expected, json.loads((pack / "evaluations.json").read_text(encoding="utf-8"))["evaluations"]))
    pairs = [(case, expected[case["pair"]]) for case in expected.values() if case.get("pair")]
    for one, other in pairs:
        assert other["pair"] == one["_case"] and one["expect"] != other["expect"], one
        # A boundary moves the time by a microsecond and nothing else; a fact changes the purpose, and with it the consent that is presented.
        ours, theirs = sent[one["_case"]], sent[other["_case"]]
        differ = {key for key in ours["context"].keys() | theirs["context"].keys() if ours["context"].get(key) != theirs["context"].get(key)}
        assert {**ours, "context": 0} == {**theirs, "context": 0}, one
        assert differ == {"time"} or (differ <= {"purpose", "consent"} and "purpose" in differ), (one, differ)
        if differ == {"time"}:
            assert abs(instant(ours["context"]["time"]) - instant(theirs["context"]["time"])) == datetime.timedelta(microseconds=1)
    assert not failures(None, few, pack), f"{name}: the server that is right fails"
    for bug, reasons in BUGS.items():
        failed = failures(bug, few, pack)
        assert any(case.get("pair") for case in failed), f"{name}: no pair finds `{bug}`"
        alien = [case["_case"] for case in failed if case["expect"]["reason"] not in reasons]
        assert not alien, f"{name}: `{bug}` fails {alien[:3]}"
        if bug == "microsecond":
            assert {case["differs"] for case in failed} == {"withdrawn"}, failed
    print(f"{name}: {len(requests)} decisions as the laws demand, {len(expected)} cases, {len(pairs) // 2} pairs, {len(BUGS)} bugs found and no others")


if __name__ == "__main__":
    for one in PROFILES:
        profile(one)
