"""Judges the words of cells with Debian's dieharder, in the four orders in which a data set reads them.

usage: dieharder.py WORDS [ORDER…]     WORDS is the built examples/words.rs

FAILED (p within 1e-6 of 0 or 1) fails. WEAK (p within 0.005) is what one assessment in a hundred of perfect words shows,
so a weak assessment is made once more on words far away from the first: weak again, and it fails (one in ten thousand).
Seeds are fixed and dieharder draws from nothing but these words, so a run shows the same figures every time. A planted
xor construction goes first and must fail, or the judge would prove nothing.
"""
import subprocess
import sys
import time

ORDERS = ["along-rows", "across-columns", "across-seeds", "along-child-rows"]
PLANTED = "planted-across-columns"
# Left out: 5-7 and 14, which dieharder itself calls suspect or unfit, and 201 without an n-tuple, which its own Mersenne
# Twister fails too.
PLAIN = [0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 13, 15, 16, 17, 100, 101, 102, 204, 205, 206, 207, 208, 209]
TUPLES = {200: [1, 2, 4, 6, 8, 12], 201: [2, 3, 4, 5], 202: [2, 3, 4, 5], 203: [0, 1, 3, 7, 15, 31]}
TESTS = [(test, None) for test in PLAIN] + [(test, size) for test, sizes in TUPLES.items() for size in sizes]
# Where the words of a second look start: no test reads this far.
FAR = 1 << 40


def run(words, order, test, size, first=0):
    """The assessments of one test: (name, n-tuple, place in the test) to (p, word)."""
    end = str(2**64 - 1)
    stream = subprocess.Popen([words, order, end, str(first)], stdout=subprocess.PIPE)
    flags = [flag for name in ("test_name", "ntuple", "pvalues", "assessment") for flag in ("-D", name)]
    tuple_flags = [] if size is None else ["-n", str(size)]
    ran = subprocess.run(["dieharder", "-g", "200", "-d", str(test), *tuple_flags, *flags], stdin=stream.stdout, capture_output=True, text=True)
    stream.stdout.close()
    if stream.wait() != 0:
        sys.exit(f"{words} {order} ends with {stream.returncode}")
    found = {}
    for line in ran.stdout.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 4 and cells[3] in ("PASSED", "WEAK", "FAILED"):
            found[cells[0], cells[1], len(found)] = (float(cells[2]), cells[3])
    if not found:
        sys.exit(f"dieharder -d {test} says nothing: {ran.stdout}{ran.stderr}")
    return found


def judge(words, order):
    """What fails in an order; each test is shown with its smallest and its largest p."""
    wrong, count, weak, started = [], 0, 0, time.monotonic()
    for test, size in TESTS:
        found = run(words, order, test, size)
        again = None
        for key, (p, word) in found.items():
            if word == "WEAK":
                weak += 1
                again = again or run(words, order, test, size, FAR)
                second, verdict = again[key]
                print(f"{order}: {key[0]} {key[1]} (assessment {key[2]}): p = {p} is weak; on other words {second}: {verdict}")
                word = "PASSED" if verdict == "PASSED" else "FAILED"
            if word == "FAILED":
                wrong.append(f"{order}: {key[0]} {key[1]} (assessment {key[2]}): p = {p}")
        count += len(found)
        ps = [p for p, _ in found.values()]
        print(f"{order}: {key[0]} {size if size is not None else key[1]}: p = {min(ps):.4f}" + (f" to {max(ps):.4f} ({len(ps)})" if len(ps) > 1 else ""), flush=True)
    print(f"{order}: {count} assessments, {weak} weak at first, {len(wrong)} failed, {time.monotonic() - started:.0f} s", flush=True)
    return wrong


def main():
    words, orders = sys.argv[1], sys.argv[2:] or ORDERS
    wrong = []
    for test in (2, 13, 16, 101):
        for key, (p, word) in run(words, PLANTED, test, None).items():
            print(f"{PLANTED}: {key[0]}: p = {p}: {word}", flush=True)
            wrong += [] if word == "FAILED" else [f"{PLANTED}: {key[0]} does not fail: dieharder sees nothing"]
    for order in orders:
        wrong += judge(words, order)
    print("\n".join(wrong) or "dieharder finds nothing")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
