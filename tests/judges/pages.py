"""Runs the pages of docs/use that need a database or libraries: their commands end well, and their outputs are those shown.

usage: pages.py PLACEBO SCRATCH

Blocks of `sh` and `python` are run one after the other in one folder for each page, those of `console` are compared, and the step of
docs/use/ci.md that seeds a database is taken out of its workflow and run.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

import yaml

import postgres

PAGES = pathlib.Path("docs/use")


def blocks(text):
    """Language and text of each fenced block."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, re.S | re.M)


def console(text):
    """Commands behind `$` with what they print."""
    for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def run(command, folder, env):
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command[-1]}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def page(name, text, folder, env):
    """Runs a page; gives how many blocks it has run and how many outputs it has compared."""
    folder.mkdir(parents=True)
    ran = compared = 0
    here = folder
    for language, block in blocks(text):
        if language == "sh":
            # A block that changes folder leaves the next ones where the page began.
            run(["sh", "-euc", block], here, env)
            ran += 1
        elif language == "python":
            run([sys.executable, "-c", block], here, env)
            ran += 1
        elif language == "console":
            for command, output in console(block):
                got = run(["sh", "-euc", command], here, env)
                if got.strip() != output.strip():
                    sys.exit(f"{name}: {command}\nprints\n{got}\ninstead of\n{output}")
                compared += 1
    return ran, compared


def main(placebo, scratch):
    scratch = pathlib.Path(scratch).resolve() / "pages"
    shutil.rmtree(scratch, ignore_errors=True)
    ran = compared = pages = 0
    with postgres.server() as psql:
        host, port = psql[psql.index("-h") + 1], psql[psql.index("-p") + 1]
        programs = postgres.tools()
        path = [str(pathlib.Path(placebo).resolve().parent), str(pathlib.Path(sys.executable).parent), str(programs), os.environ["PATH"]]
        env = {**os.environ, "PATH": ":".join(path), "PGHOST": host, "PGPORT": port, "PGUSER": "postgres"}
        for file in sorted(PAGES.glob("*.md")):
            text = file.read_text(encoding="utf-8")
            if "<!-- run by: pages.py -->" in text:
                here = page(file.name, text, scratch / file.stem, env)
                ran, compared, pages = ran + here[0], compared + here[1], pages + 1
        workflow = yaml.safe_load(next(text for language, text in blocks((PAGES / "ci.md").read_text()) if language == "yaml"))
        steps = workflow["jobs"]["test"]["steps"]
        (seed,) = [step["run"] for step in steps if step.get("name") == "Seed the database"]
        (scratch / "ci").mkdir()
        run(["sh", "-euc", seed], scratch / "ci", env)
        rows = run(["psql", "-At", "-c", "SELECT count(*) FROM patient", "test"], scratch / "ci", env)
        if rows.strip() != "200":
            sys.exit(f"ci.md: {rows} patients instead of 200")
    shutil.rmtree(scratch)
    if pages < 2 or ran < 5 or compared < 2:
        sys.exit(f"the judge looks at nothing: {pages} pages, {ran} blocks, {compared} outputs")
    print(f"pages: {ran} blocks of {pages} pages run, {compared} outputs as shown; the workflow of ci.md seeds PostgreSQL")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
