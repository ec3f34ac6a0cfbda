# `make test` is the gate; `make bench` and `make soak` take longer and are for people.
CARGO ?= cargo
export INSTA_UPDATE ?= no

.PHONY: tools test bench soak dieharder golden schema marginals judges
test: tools judges
	$(CARGO) fmt --all --check
	$(CARGO) clippy --release --locked --all-targets -- -D warnings
	$(CARGO) test --release --locked
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --release --locked --no-deps --quiet

# What tests look at the program with.
tools:
	command -v strace || (apt-get update && apt-get install -y --no-install-recommends strace) \
		|| (echo "hint: strace is needed (Debian: apt-get install strace)" && exit 1)

# Foreign judges in a virtual environment under target/; Debian's python3-venv is installed where it is missing.
JUDGES := target/judges
PROFILES := $(patsubst profiles/%/profile.toml,%,$(wildcard profiles/*/profile.toml))
judges: $(JUDGES)/ready target/judges-sealed/ready
	$(CARGO) build --release --locked
	$(JUDGES)/bin/python tests/judges/judge.py target/release/placebo $(JUDGES)/data 2000 200000 $(PROFILES)
	$(JUDGES)/bin/python tests/judges/identifiers.py target/release/placebo $(JUDGES)/data 1 $(PROFILES)
	$(JUDGES)/bin/python tests/judges/ranges.py target/release/placebo $(JUDGES)/data 1000000
	$(JUDGES)/bin/python tests/judges/marginals.py target/release/placebo $(JUDGES)/data $(PROFILES)
	$(JUDGES)/bin/python tests/judges/bank.py target/release/placebo $(JUDGES)/data 1000000
	$(JUDGES)/bin/python tests/judges/sql.py target/release/placebo $(JUDGES)/data 5000
	$(JUDGES)/bin/python tests/judges/ddl.py target/release/placebo $(JUDGES)/data $(PROFILES)
	$(SEALED)/bin/python tests/judges/encryption.py target/release/placebo $(JUDGES)/data 10000
	$(SEALED)/bin/python tests/judges/safe_harbor.py target/release/placebo $(JUDGES)/data 1000000
	$(SEALED)/bin/python tests/judges/recognizers.py target/release/placebo $(JUDGES)/data 5000 $(PROFILES)
	$(JUDGES)/bin/python tests/judges/digest.py target/release/placebo $(JUDGES)/data healthcare
	rm -rf $(JUDGES)/data

# Those of encryption and of personal data have an environment of their own: Presidio brings half a language laboratory.
SEALED := target/judges-sealed
$(SEALED)/ready: tests/judges/encryption.txt
	python3 -m venv $(SEALED) || (apt-get update && apt-get install -y python3-venv && python3 -m venv $(SEALED)) \
		|| (echo "hint: python3 with venv is needed (Debian: apt-get install python3-venv)" && exit 1)
	$(SEALED)/bin/pip install --quiet --disable-pip-version-check -r tests/judges/encryption.txt
	touch $@

$(JUDGES)/ready: tests/judges/requirements.txt
	python3 -m venv $(JUDGES) || (apt-get update && apt-get install -y python3-venv && python3 -m venv $(JUDGES)) \
		|| (echo "hint: python3 with venv is needed (Debian: apt-get install python3-venv)" && exit 1)
	$(JUDGES)/bin/pip install --quiet --disable-pip-version-check -r tests/judges/requirements.txt
	touch $@

# About six minutes: every generator and format, then the whole program beside tpchgen-cli.
PEERS := target/peers
bench: $(PEERS)/ready
	$(CARGO) build --release --locked
	$(CARGO) bench --locked
	python3 benches/peers.py target/release/placebo $(PEERS)/bin/tpchgen-cli target

$(PEERS)/ready: benches/requirements.txt
	python3 -m venv $(PEERS)
	$(PEERS)/bin/pip install --quiet --disable-pip-version-check -r benches/requirements.txt
	touch $@

# 200,000 patients and 1,000,000 members with their claims through every check; 2,000 kills of runs; 2,000 random profiles; ten minutes each of mutants for the reader, the compiler, encrypted cells and the files beside the data; then
# the words of cells through dieharder, about ten minutes for each of four orders.
soak: dieharder
	$(CARGO) build --release --locked --bins --examples
	target/release/placebo check healthcare --rows patient=200k --sample 200000
	target/release/placebo check claims --scale 1000 --sample 1000000
	KILLED_RUNS=200 $(CARGO) test --release --locked --test it killed_runs -- --nocapture
	NONCE_CELLS=100000000 $(CARGO) test --release --locked --test it nonce
	RANDOM_PROFILES=2000 $(CARGO) test --release --locked --test it random_profiles -- --nocapture
	DAMAGE_ROUNDS=200000 $(CARGO) test --release --locked --test it damaged_file
	FUZZ_SECONDS=600 $(CARGO) test --release --locked --test fuzz -- --nocapture
	python3 tests/judges/dieharder.py target/release/examples/words

dieharder:
	command -v dieharder || (apt-get update && apt-get install -y --no-install-recommends dieharder) \
		|| (echo "hint: dieharder is needed (Debian: apt-get install dieharder)" && exit 1)

# Accept new golden values: only with a raised fingerprint and a "Values" line in CHANGELOG.md.
golden:
	INSTA_UPDATE=always $(CARGO) test --release --locked golden

# Measures the declared distributions of the shipped profiles again: docs/domains/*.marginals.md.
marginals: $(JUDGES)/ready
	$(CARGO) build --release --locked
	$(JUDGES)/bin/python tests/judges/marginals.py target/release/placebo target $(PROFILES) --write

schema:
	$(CARGO) build --release --locked
	target/release/placebo schema > schemas/profile.json
	target/release/placebo reference > docs/reference.md
	for name in $(PROFILES); do target/release/placebo document $$name > docs/domains/$$name.md || exit 1; done
