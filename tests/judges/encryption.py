"""Judges encryption: Python, Tink, Java, Node and PostgreSQL open what placebo sealed, with the code of docs/encryption.md.

usage: encryption.py PLACEBO SCRATCH [ROWS]

Java and Node have no reader of Parquet: they are handed its cells, which pyarrow read, as text cells.
"""
import base64
import csv
import json
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.parse

import pyarrow.parquet
import tink
from tink import aead, cleartext_keyset_handle

import postgres
from postgres import run

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROFILE = ROOT / "tests/fixtures/clinic"
COLUMNS = ["name", "ssn", "born", "age", "zip", "phone", "balance", "sex", "note"]
KEY = ["--key-source", "test:judges"]

JAVA = """
import java.io.*;
class Judge {
    public static void main(String[] a) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        PrintStream out = new PrintStream(new BufferedOutputStream(System.out, 1 << 16), false, "UTF-8");
        for (String line; (line = in.readLine()) != null; ) {
            String[] part = line.split("\\t", -1);
            String text;
            try { text = "+" + Base64.getEncoder().encodeToString(Fe1.open(part[2], part[0], part[1]).getBytes("UTF-8")); }
            catch (Exception refused) { text = "-"; }
            out.println(text);
        }
        out.flush();
    }
}
"""
NODE = """
const lines = require("node:fs").readFileSync(0, "utf8").split("\\n").slice(0, -1);
const out = lines.map((line) => {
  const [key, aad, cell] = line.split("\\t");
  try { return "+" + Buffer.from(fe1Open(cell, key, aad)).toString("base64"); } catch { return "-"; }
});
process.stdout.write(out.join("\\n") + "\\n");
"""


def code(language):
    """The decryptor that the documentation shows."""
    return re.search(rf"```{language}\n(.*?)```", (ROOT / "docs/encryption.md").read_text(), re.S).group(1)


def flipped(cell):
    """One bit of the ciphertext or its tag turned."""
    blob = bytearray(base64.urlsafe_b64decode(cell[4:] + "=" * (-len(cell[4:]) % 4)))
    blob[17 + sum(blob) % (len(blob) - 17)] ^= 1 << sum(blob) % 8
    return "fe1." + base64.urlsafe_b64encode(blob).rstrip(b"=").decode()


def python(cells):
    scope = {}
    exec(code("python"), scope)
    for key, aad, cell in cells:
        try:
            yield scope["fe1_open"](cell, key, aad)
        except Exception:
            yield None


def google_tink(cells):
    aead.register()
    known = {}
    for key, aad, cell in cells:
        blob = base64.urlsafe_b64decode(cell[4:] + "=" * (-len(cell[4:]) % 4))
        if key not in known:
            number = int.from_bytes(blob[1:5], "big")
            value = base64.b64encode(b"\x1a\x20" + bytes.fromhex(key)).decode()
            data = {"typeUrl": "type.googleapis.com/google.crypto.tink.AesGcmKey", "value": value, "keyMaterialType": "SYMMETRIC"}
            entry = {"keyData": data, "status": "ENABLED", "keyId": number, "outputPrefixType": "TINK"}
            text = json.dumps({"primaryKeyId": number, "key": [entry]})
            known[key] = cleartext_keyset_handle.read(tink.JsonKeysetReader(text)).primitive(aead.Aead)
        try:
            yield known[key].decrypt(blob, aad.encode()).decode()
        except tink.TinkError:
            yield None


def lines(command, cells):
    """A program that reads key, associated data and cell, and prints the value or a minus."""
    text = "".join("\t".join(cell) + "\n" for cell in cells)
    for line in run(*command, input=text).splitlines():
        yield base64.b64decode(line[1:]).decode() if line.startswith("+") else None


def java(scratch):
    if not shutil.which("javac"):
        subprocess.run("apt-get update -q && apt-get install -yq default-jdk-headless", shell=True, check=True, stdout=subprocess.DEVNULL)
    (scratch / "Judge.java").write_text(code("java") + JAVA.replace("import java.io.*;", ""))
    source = (scratch / "Judge.java").read_text()
    (scratch / "Judge.java").write_text("import java.io.*;\n" + source)
    run("javac", "-encoding", "UTF-8", "-d", scratch, scratch / "Judge.java")
    return ["java", "-cp", str(scratch), "Judge"]


def node(scratch):
    if not shutil.which("node"):
        subprocess.run("apt-get update -q && apt-get install -yq nodejs", shell=True, check=True, stdout=subprocess.DEVNULL)
    (scratch / "judge.js").write_text(code("js") + NODE)
    return ["node", str(scratch / "judge.js")]


def pgcrypto(cells, want):
    """The SQL function over two columns, in a server of its own; it has no tag to check."""
    text = code("sql") + "CREATE TABLE cells (n int, key text, cell text);\nCOPY cells FROM STDIN;\n"
    text += "".join(f"{n}\t{key}\t{cell}\n" for n, (key, _, cell) in enumerate(cells)) + "\\.\n"
    text += "SELECT encode(convert_to(fe1_open(cell, decode(key, 'hex')), 'UTF8'), 'hex') FROM cells ORDER BY n;\n"
    with postgres.server() as psql:
        got = [bytes.fromhex(line).decode() for line in run(*psql, input=text, cwd="/").splitlines()]
    assert got == want, "PostgreSQL opens something else"
    return f"PostgreSQL: {len(got)} cells of two columns, 0 mismatches"


def read(folder, form):
    """The rows of a file by a reader that is not ours; bytes as their text cell."""
    path = folder / f"patient.{form}"
    if form == "csv":
        yield from csv.DictReader(path.open(newline="", encoding="utf-8"))
    elif form == "ndjson":
        yield from map(json.loads, path.open(encoding="utf-8"))
    else:
        for row in pyarrow.parquet.read_table(path).to_pylist():
            yield {k: "fe1." + base64.urlsafe_b64encode(v).rstrip(b"=").decode() if isinstance(v, bytes) else v for k, v in row.items()}


def main():
    placebo, scratch = sys.argv[1], pathlib.Path(sys.argv[2]) / "encryption"
    rows = sys.argv[3] if len(sys.argv) > 3 else "10000"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    fixed = ["generate", PROFILE, "--rows", f"patient={rows}", "--tables", "patient", "-q"]
    run(placebo, *fixed, "--out", scratch / "clear")
    how = ["--protect", "pii=encrypt", "--protect", "narrative=encrypt", "--protect", "patient.balance=encrypt:money", *KEY]
    keys = {name: run(placebo, "keys", "export", *KEY, "--column", f"patient.{name}").strip() for name in COLUMNS}
    keys["balance"] = run(placebo, "keys", "export", *KEY, "--domain", "money").strip()
    clear = list(csv.DictReader((scratch / "clear/patient.csv").open(newline="", encoding="utf-8")))
    openers = {"Python": python, "Tink": google_tink}
    for name, command in (("Java", java(scratch)), ("Node", node(scratch))):
        openers[name] = lambda cells, command=command: lines(command, cells)
    for form in ("csv", "ndjson", "parquet"):
        run(placebo, *fixed, "--format", form, "--out", scratch / form, *how)
        cells, want = [], []
        for row, plain in zip(read(scratch / form, form), clear, strict=True):
            for name in COLUMNS:
                if not row[name]:
                    assert plain[name] == "", f"{form}: {name} lost"
                    continue
                scope = "@money" if name == "balance" else f"patient/{name}/{urllib.parse.quote(str(row['patient_id']), safe='')}"
                cells.append((keys[name], f"fe1/clinic/{scope}", row[name]))
                want.append(plain[name])
        assert len(want) > 8 * int(rows), "few cells"
        bad = [(key, aad, flipped(cell)) for key, aad, cell in cells[:5000]]
        for opener, open_all in openers.items():
            wrong = sum(a != b for a, b in zip(open_all(cells), want, strict=True))
            assert wrong == 0, f"{opener}, {form}: {wrong} mismatches"
            assert not any(text is not None for text in open_all(bad)), f"{opener}, {form}: a flipped bit was not seen"
            print(f"{opener}, {form}: {len(want)} cells, 0 mismatches; {len(bad)} flipped bits, all refused")
        if form == "csv":
            few = [n for n, (_, aad, _) in enumerate(cells) if "/ssn/" in aad or "/note/" in aad]
            print(pgcrypto([cells[n] for n in few], [want[n] for n in few]))
    shutil.rmtree(scratch)


main()
