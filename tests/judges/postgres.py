"""A PostgreSQL server of our own for as long as a judge needs it: no port, no password, nothing left behind."""
import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile

PORT = "54329"


def run(*args, **more):
    return subprocess.run([str(arg) for arg in args], check=True, capture_output=True, text=True, **more).stdout


def tools():
    """The folder of the server's programs; they are installed where they are missing."""
    installed = lambda: sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not installed():
        subprocess.run("apt-get update -q && apt-get install -yq --no-install-recommends postgresql", shell=True, check=True, stdout=subprocess.DEVNULL)
    assert installed(), "PostgreSQL is needed (Debian: apt-get install postgresql)"
    return installed()[-1].parent


@contextlib.contextmanager
def server():
    """The command line of psql on a server that is empty; it stops at the first error."""
    # Its own folder, so that two judges do not meet; in /tmp, because the path of a socket is short.
    programs, folder = tools(), pathlib.Path(tempfile.mkdtemp(prefix="placebo-pg-", dir="/tmp"))
    # The server does not run as root.
    user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    if user:
        run("chown", "postgres", folder)
    control = [*user, str(programs / "pg_ctl"), "-D", str(folder / "data")]
    try:
        run(*user, programs / "initdb", "-D", folder / "data", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", cwd="/")
        options = f"-k {folder} -c listen_addresses='' -p {PORT} -c fsync=off"
        subprocess.run([*control, "-w", "-l", str(folder / "log"), "-o", options, "start"], check=True, stdout=subprocess.DEVNULL, cwd="/")
        yield [*user, str(programs / "psql"), "-h", str(folder), "-p", PORT, "-v", "ON_ERROR_STOP=1", "-qAtX", "postgres"]
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
        shutil.rmtree(folder, ignore_errors=True)
