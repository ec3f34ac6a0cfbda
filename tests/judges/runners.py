"""Runs the forms of `placebo find` in the test runners and load generators that they are for, against a server that logs every row.

runners.py PLACEBO SCRATCH: no row may be used twice, by several workers at once and with retries, and a run without rows must fail.
"""

import collections
import csv
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading
import xml.etree.ElementTree

PLACEBO = str(pathlib.Path(sys.argv[1]).resolve())
SCRATCH = pathlib.Path(sys.argv[2]).resolve()
BIN = pathlib.Path(sys.executable).parent
MODULES = pathlib.Path(os.environ["NODE_PATH"])
USED, SEEN, LOCK = collections.Counter(), collections.Counter(), threading.Lock()


class Server(http.server.BaseHTTPRequestHandler):
    """POST /use {"case": …, "test": …}; /flaky fails the first time that a test comes."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with LOCK:
            USED[body["case"]] += 1
            SEEN[body.get("test")] += 1
            failed = self.path == "/flaky" and SEEN[body["test"]] == 1
        self.send_response(500 if failed else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


class Many(http.server.ThreadingHTTPServer):
    request_queue_size = 128

    def handle_error(self, *args):
        """Clients that are stopped go without a word."""


def find(folder, *options):
    """Makes fixtures in a folder, and gives their cases."""
    place = SCRATCH / folder
    command = [PLACEBO, "find", "healthcare", "patient", "--with", "person", "--out", place, "-q", "--overwrite", *options]
    subprocess.run(list(map(str, command)), check=True)
    return place


def run(place, command, fails=False, wait=True, says=None, **environment):
    """Runs a command in a folder; a failure must be one where it is meant, with words."""
    env = {**os.environ, "URL": URL, "CI": "", **environment}
    process = subprocess.Popen(list(map(str, command)), cwd=place, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def end():
        text, _ = process.communicate(timeout=600)
        good = (process.returncode != 0) == fails and (says is None or says in text)
        assert good, f"{command}: {process.returncode}\n{text}"
        return text

    return end() if wait else end


def used(name, most, least=None):
    """Holds the server's log to the rules, and empties it: `most` requests, or from `least` to `most` where a runner stops what is under way."""
    twice = [case for case, times in USED.items() if times > 1]
    total = sum(USED.values())
    assert not twice, f"{name}: used twice: {twice[:5]}"
    least = most if least is None else least
    assert least <= total <= most, f"{name}: {total} requests, expected {least} to {most}"
    assert all(case.startswith("patient/") for case in USED), name
    print(f"{name}: {total} requests, {len(USED)} rows, none twice")
    USED.clear()
    SEEN.clear()


def pytest_xdist():
    place = find("pytest", "--format", "pytest", "--workers", 4, "--each", 30)
    (place / "test_it.py").write_text("""import json, os, time, urllib.request, pytest

@pytest.mark.parametrize("n", range(24))
def test_row(patient, n):
    time.sleep(0.02)
    assert patient["person"]["person_id"] == patient["patient"]["person_id"]
    data = json.dumps({"case": patient["_case"], "test": n}).encode()
    path = "/flaky" if n % 3 == 0 else "/use"
    urllib.request.urlopen(urllib.request.Request(os.environ["URL"] + path, data, method="POST"))
""")
    command = [BIN / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", 4, "test_it.py"]
    run(place, [*command, "--reruns", 2])
    used("pytest-xdist, 4 workers, reruns", 24 + 8)
    find("pytest", "--format", "pytest", "--workers", 4, "--each", 2)
    run(place, command, fails=True, says="has used its 2 rows")
    used("pytest-xdist, exhausted", 4 * 2, least=4)
    find("pytest", "--format", "pytest", "--workers", 1, "--each", 50)
    run(place, command, fails=True, says="has no pool")
    USED.clear(), SEEN.clear()


def playwright():
    place = find("playwright", "--format", "playwright", "--workers", 4, "--each", 30)
    (place / "node_modules").symlink_to(MODULES) if not (place / "node_modules").exists() else None
    (place / "playwright.config.ts").write_text(
        "export default { testDir: '.', workers: 4, retries: 2, fullyParallel: true, reporter: 'line' };\n")
    (place / "it.spec.ts").write_text("""import { test, expect } from './placebo';
for (let n = 0; n < 24; n++)
  test(`row ${n}`, async ({ patient, request }) => {
    expect(patient.person.person_id).toBe(patient.patient.person_id);
    const path = n % 3 === 0 ? '/flaky' : '/use';
    const answer = await request.post(process.env.URL + path, { data: { case: patient._case, test: n } });
    expect(answer.status()).toBe(200);
  });
""")
    command = ["node", MODULES / "@playwright/test/cli.js", "test"]
    run(place, command)
    used("Playwright, 4 workers, retries", 24 + 8)
    run(place, command)
    used("Playwright again: rows are free for the next run", 24 + 8)
    find("playwright", "--format", "playwright", "--workers", 4, "--each", 2)
    run(place, command, fails=True, says="has used its 2 rows")
    used("Playwright, exhausted", 4 * 2, least=8)
    find("playwright", "--format", "playwright", "--workers", 2, "--each", 50)
    run(place, command, fails=True, says="has no pool")
    USED.clear(), SEEN.clear()


def newman():
    place = find("newman", "--format", "postman", "--workers", 3, "--each", 5)
    script = (place / "placebo.prerequest.js").read_text().splitlines()
    body = {"mode": "raw", "raw": '{"case": "{{_case}}", "test": "{{_case}}"}'}
    header = [{"key": "Content-Type", "value": "application/json"}]
    collection = {
        "info": {"name": "it", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
        "event": [{"listen": "prerequest", "script": {"type": "text/javascript", "exec": script}}],
        "item": [{"name": "use", "request": {"method": "POST", "url": "{{url}}/use", "header": header, "body": body}, "event": [
            {"listen": "test", "script": {"exec": ["pm.test('person', () => pm.expect(pm.iterationData.get('person').person_id).to.eql(pm.iterationData.get('patient').person_id))"]}}]}],
    }
    (place / "it.json").write_text(json.dumps(collection))
    command = ["node", MODULES / "newman/bin/newman.js", "run", "it.json", "--env-var", f"url={URL}", "-d"]
    for end in [run(place, [*command, f"fixtures-{n}.json"], wait=False) for n in range(3)]:
        end()
    used("newman, 3 at once", 15)
    run(place, [*command, "fixtures-0.json", "-n", 8], fails=True, says="has no row of its own")
    used("newman, exhausted", 5)


def k6():
    place = find("k6", "--format", "k6", "--engines", 2, "--each", 40)
    (place / "it.js").write_text("""import http from 'k6/http';
import { check } from 'k6';
import { next } from './placebo.js';
export const options = { vus: 5, iterations: Number(__ENV.N), thresholds: { checks: ['rate==1'] } };
export default function () {
  const row = next();
  const answer = http.post(`${__ENV.URL}/use`, JSON.stringify({ case: row._case, test: row._case }));
  check(answer, { ok: (r) => r.status === 200 && row.person.person_id === row.patient.person_id });
}
""")
    command = [BIN / "k6", "run", "--quiet", "--no-usage-report", "-e", f"URL={URL}"]
    ends = [run(place, [*command, "-e", f"PLACEBO_ENGINE={n}", "-e", "N=40", "it.js"], wait=False) for n in range(2)]
    for end in ends:
        end()
    used("k6, 2 engines of 5 users", 80)
    run(place, [*command, "-e", "N=60", "it.js"], fails=True, says="has used its 40 rows")
    # The user that finds no row aborts the test, and k6 stops the others in the middle of theirs.
    used("k6, exhausted", 40, least=40 - 4)


def locust():
    place = find("locust", "--format", "locust", "--engines", 2, "--each", 30)
    (place / "locustfile.py").write_text("""from locust import HttpUser, task, constant
from placebo_rows import Rows

class User(HttpUser):
    wait_time = constant(0.01)
    def on_start(self):
        self.rows = Rows(self.environment)
    @task
    def use(self):
        row = self.rows.next()
        self.client.post("/use", json={"case": row["_case"], "test": row["_case"]})
""")
    command = [BIN / "locust", "--headless", "-u", 4, "-r", 4, "-t", "300s", "--host", URL, "--processes", 2, "--skip-log"]
    run(place, command, fails=True, says="has used its rows")
    # The user that finds no row ends its process, with the requests of the three others.
    used("Locust, 2 processes, until the rows end", 60, least=60 - 2 * 3)


def files_of_lines():
    """JMeter, Gatling and JUnit read lines of CSV; none of them is run here. Their files are held to what the adapters say of them."""
    for form in ("jmeter", "gatling", "junit"):
        place = find(form, "--format", form, "--workers", 3, "--each", 25)
        plan = xml.etree.ElementTree.parse(place / "placebo.jmx").getroot() if form == "jmeter" else None
        names = None
        if plan is not None:
            said = {element.get("name"): element.text for element in plan.iter("CSVDataSet").__next__()}
            assert (said["recycle"], said["stopThread"], said["quotedData"]) == ("false", "true", "true"), said
            names = said["variableNames"].split(",")
        keys = []
        for n in range(3):
            with open(place / f"fixtures-{n}.csv", newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file, fieldnames=names))
            assert len(rows) == 25 and all(None not in row and None not in row.values() for row in rows), form
            assert all(row["person_person_id"] == row["patient_id"] for row in rows), form
            keys += [row["patient_id"] for row in rows]
        assert len(set(keys)) == 75, form
    print("JMeter, Gatling, JUnit: files of 25 lines each, no row in two")


def cypress():
    place = find("cypress", "--format", "cypress", "--workers", 2, "--each", 3)
    script = """const tasks = {};
require('./placebo')((event, all) => Object.assign(tasks, all), {});
for (let n = 0; n < Number(process.env.N); n++) console.log(tasks['placebo:next']()._case);
"""
    (place / "it.js").write_text(script)
    cases = [run(place, ["node", "it.js"], N="3", PLACEBO_WORKER=str(worker)).split() for worker in range(2)]
    assert len(set(cases[0] + cases[1])) == 6, cases
    run(place, ["node", "it.js"], fails=True, says="has used its 3 rows", N="4")
    run(place, ["node", "it.js"], fails=True, says="has no pool", N="1", PLACEBO_WORKER="2")
    print("Cypress: its task gives each row once")


if __name__ == "__main__":
    server = Many(("127.0.0.1", 0), Server)
    URL = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    SCRATCH.mkdir(parents=True, exist_ok=True)
    for runner in (pytest_xdist, newman, cypress, k6, locust, files_of_lines, playwright):
        if runner.__name__ in (sys.argv[3:] or runner.__name__):
            runner()
    server.shutdown()
