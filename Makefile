# `make test` is the gate. `make quick` is its short form, for while you edit. `make bench` and `make soak` take longer and are for people.
CARGO ?= cargo
export INSTA_UPDATE ?= no

.PHONY: test quick tools build bench soak dieharder golden schema marginals judges judged runners
test: tools judges
	$(CARGO) fmt --all --check
	$(CARGO) clippy --release --locked --all-targets -- -D warnings
	$(CARGO) clippy --release --locked --no-default-features --lib -- -D warnings
	$(CARGO) test --release --locked
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --release --locked --no-deps --quiet

# Style, lints, links of the documentation, unit tests, the tests that look at the sources, and the golden digests of every shipped profile. Compiled incrementally,
# so the first run takes longer than those after it.
quick: export CARGO_INCREMENTAL = 1
quick:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --release --locked --all-targets -- -D warnings
	$(CARGO) clippy --release --locked --no-default-features --lib -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --release --locked --no-deps --quiet
	$(CARGO) test --release --locked --lib --test it --no-run
	$(CARGO) test --release --locked --lib --quiet
	$(CARGO) test --release --locked --test it --quiet -- builds:: layers:: licences:: golden

build:
	$(CARGO) build --release --locked

# The program as it is given to others: target/dist/placebo.
.PHONY: dist
dist:
	$(CARGO) build --profile dist --locked

# What the tests and judges need of the system.
tools:
	command -v strace || (apt-get update && apt-get install -y --no-install-recommends strace) \
		|| (echo "hint: strace is needed (Debian: apt-get install strace)" && exit 1)
	command -v valgrind || (apt-get update && apt-get install -y --no-install-recommends valgrind) \
		|| (echo "hint: valgrind is needed (Debian: apt-get install valgrind)" && exit 1)
	ls /usr/lib/postgresql/*/bin/initdb || command -v initdb || (apt-get update && apt-get install -y --no-install-recommends postgresql) \
		|| (echo "hint: PostgreSQL is needed (Debian: apt-get install postgresql)" && exit 1)
	command -v mariadbd || (apt-get update && apt-get install -y --no-install-recommends mariadb-server) \
		|| (echo "hint: mariadb-server is needed (Debian: apt-get install mariadb-server)" && exit 1)
	command -v npm || (apt-get update && apt-get install -y --no-install-recommends nodejs npm) \
		|| (echo "hint: node and npm are needed (Debian: apt-get install nodejs npm)" && exit 1)
	command -v openssl || (apt-get update && apt-get install -y --no-install-recommends openssl) \
		|| (echo "hint: openssl is needed (Debian: apt-get install openssl)" && exit 1)
	python3 -c "import ensurepip, venv" || (apt-get update && apt-get install -y python3-venv) \
		|| (echo "hint: python3 with venv is needed (Debian: apt-get install python3-venv)" && exit 1)

# Foreign judges, in virtual environments under target/. Encryption and personal data have an environment of their own: Presidio brings
# half a language laboratory.
JUDGES := target/judges
SEALED := target/judges-sealed
MESSAGES := target/judges-messages
MODELS := target/judges-models
RUNNERS := target/judges-runners
PLACEBO := target/release/placebo
PROFILES := $(patsubst profiles/%/profile.toml,%,$(wildcard profiles/*/profile.toml))

# A judge is a line: its script in tests/judges/, then what follows PLACEBO and SCRATCH on its command line. LONG=1 (`make soak`) takes the
# second of two sizes: it looks for what is rarer, the first one sees every kind of defect.
size = $(if $(LONG),$(2),$(1))
judge_judge       := $(call size,500,2000) $(call size,20000,200000) $(PROFILES)
judge_identifiers := 1 $(PROFILES)
judge_ranges      := $(call size,100000,1000000)
judge_marginals   := $(PROFILES)
judge_bank        := $(call size,200000,1000000)
judge_sql         := 5000
judge_ddl         := $(PROFILES)
judge_digest      := healthcare
judge_doubles     := 200000
judge_coding      := $(call size,5000,50000)
judge_decisions   := $(call size,30000,300000) $(PROFILES)
judge_trails      := $(call size,20,300) healthcare:audit:audit_event legal:case_audit:case_audit
judge_instructions :=
judge_zones       := $(call size,100000,1000000)
judge_dialects    := $(call size,2000,50000)
judge_pages       :=
judge_catalog     := $(call size,100000,1000000)
sealed_encryption  := $(call size,2000,10000)
sealed_safe_harbor := $(call size,150000,1000000)
sealed_recognizers := $(call size,1000,5000) $(PROFILES)
# Judges of messages have an environment of their own, and those with models of pydantic 1 another one.
model_fhir             := $(call size,2000,100000)
model_x12              := $(call size,2000,100000)
message_ccda           := $(call size,2000,100000)
message_hl7            := $(call size,2000,100000)
message_bank_messages  := $(call size,2000,100000)
message_court_messages := $(call size,2000,100000)
# The forms of `placebo find` in the test runners and load generators that they are for.
runner_runners :=
messages := $(patsubst message_%,messages-%,$(filter message_%,$(.VARIABLES)))
runs := $(patsubst runner_%,runners-%,$(filter runner_%,$(.VARIABLES)))
models := $(patsubst model_%,models-%,$(filter model_%,$(.VARIABLES)))
judged := $(patsubst judge_%,judged-%,$(filter judge_%,$(.VARIABLES)))
sealed := $(patsubst sealed_%,sealed-%,$(filter sealed_%,$(.VARIABLES)))

# Most judges use one core, so two run at a time.
JOBS ?= $(shell nproc)
judges: tools
	$(MAKE) --no-print-directory --jobs=3 $(JUDGES)/ready $(SEALED)/ready $(MESSAGES)/ready $(MODELS)/ready $(RUNNERS)/ready build
	$(MAKE) --no-print-directory --jobs=$(JOBS) --output-sync=target judged
	rm -rf $(JUDGES)/data

# The longest first.
judged: judged-judge judged-instructions judged-marginals judged-ddl $(judged) $(runs) $(models) $(messages) $(sealed)
# Runs a judge and tells how long it took.
timed = @echo '$(1)'; start=$$(date +%s); $(1) && echo "$*: $$(($$(date +%s) - start)) seconds"

judged-%:
	@mkdir -p $(JUDGES)/data/$*
	$(call timed,$(JUDGES)/bin/python tests/judges/$*.py $(PLACEBO) $(JUDGES)/data/$* $(judge_$*))

sealed-%:
	@mkdir -p $(JUDGES)/data/$*
	$(call timed,$(SEALED)/bin/python tests/judges/$*.py $(PLACEBO) $(JUDGES)/data/$* $(sealed_$*))

messages-%:
	@mkdir -p $(JUDGES)/data/$*
	$(call timed,NODE_PATH=$(abspath $(MESSAGES)/node_modules) $(MESSAGES)/bin/python tests/judges/$*.py $(PLACEBO) $(JUDGES)/data/$* $(message_$*))

models-%:
	@mkdir -p $(JUDGES)/data/$*
	$(call timed,NODE_PATH=$(abspath $(MODELS)/node_modules) $(MODELS)/bin/python tests/judges/$*.py $(PLACEBO) $(JUDGES)/data/$* $(model_$*))

runners-%:
	@mkdir -p $(JUDGES)/data/$*
	$(call timed,NODE_PATH=$(abspath $(RUNNERS)/node_modules) $(RUNNERS)/bin/python tests/judges/$*.py $(PLACEBO) $(JUDGES)/data/$* $(runner_$*))

# Those alone.
runners: $(RUNNERS)/ready build
	$(MAKE) --no-print-directory $(runs)

$(RUNNERS)/ready: tests/judges/runners.txt tests/judges/runners-npm/package-lock.json | tools
	python3 -m venv $(RUNNERS)
	$(RUNNERS)/bin/pip install --quiet --disable-pip-version-check -r $<
	cp tests/judges/runners-npm/package.json tests/judges/runners-npm/package-lock.json $(RUNNERS)/
	PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --prefix $(RUNNERS) --silent --no-audit --no-fund --ignore-scripts
	touch $@

$(MESSAGES)/ready: tests/judges/messages.txt tests/judges/ccda-npm/package-lock.json | tools
	python3 -m venv $(MESSAGES)
	$(MESSAGES)/bin/pip install --quiet --disable-pip-version-check -r $<
	cp tests/judges/ccda-npm/package.json tests/judges/ccda-npm/package-lock.json $(MESSAGES)/
	npm ci --prefix $(MESSAGES) --silent --no-audit --no-fund --ignore-scripts
	touch $@

$(MODELS)/ready: tests/judges/models.txt tests/judges/fhir-npm/package-lock.json | tools
	python3 -m venv $(MODELS)
	$(MODELS)/bin/pip install --quiet --disable-pip-version-check -r $<
	cp tests/judges/fhir-npm/package.json tests/judges/fhir-npm/package-lock.json $(MODELS)/
	npm ci --prefix $(MODELS) --silent --no-audit --no-fund --ignore-scripts
	touch $@

$(JUDGES)/ready: tests/judges/requirements.txt | tools
	python3 -m venv $(JUDGES)
	$(JUDGES)/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

$(SEALED)/ready: tests/judges/encryption.txt | tools
	python3 -m venv $(SEALED)
	$(SEALED)/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

# About six minutes: every generator and format, then the whole program beside tpchgen-cli. Then messages beside the tools that make some of them, and loads
# beside the tools of databases, half an hour.
PEERS := target/peers
bench: $(PEERS)/ready
	$(CARGO) build --release --locked
	$(CARGO) bench --locked
	python3 benches/peers.py target/release/placebo $(PEERS)/bin/tpchgen-cli target
	python3 benches/messages.py target/release/placebo $(PEERS) target
	python3 benches/databases.py target/release/placebo target

.PHONY: bench-messages bench-databases
bench-messages: $(PEERS)/ready build
	python3 benches/messages.py target/release/placebo $(PEERS) target
bench-databases: build
	python3 benches/databases.py target/release/placebo target

$(PEERS)/ready: benches/requirements.txt
	python3 -m venv $(PEERS)
	$(PEERS)/bin/pip install --quiet --disable-pip-version-check -r benches/requirements.txt
	touch $@

# The judges over their large samples; 200,000 patients and 1,000,000 members with their claims through every check; 2,000 kills of runs; loads of
# 1,000,000 rows under kills, lost connections and a restart; 2,000 random profiles; ten minutes each of mutants for the reader, the compiler, encrypted cells and the files beside the data; then the
# words of cells through dieharder, about ten minutes for each of four orders.
soak: dieharder
	$(MAKE) --no-print-directory judges LONG=1
	$(CARGO) build --release --locked --bins --examples
	target/release/placebo check healthcare --rows patient=200k --sample 200000
	target/release/placebo check claims --scale 1000 --sample 1000000
	KILLED_RUNS=200 $(CARGO) test --release --locked --test it killed_runs -- --nocapture
	LOADED_ROWS=1000000 LOADED_KILLS=50 LOADED_TERMINATIONS=25 BROKEN_LINES=100 $(CARGO) test --release --locked --test it postgres::faults -- --nocapture
	ASSERTED_ROWS=10000000 $(CARGO) test --release --locked --test it exports_of_any_size -- --nocapture
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
