# `make test` is the gate; `make bench` and `make soak` take longer and are for people.
CARGO ?= cargo
export INSTA_UPDATE ?= no

.PHONY: test bench soak golden schema
test:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --release --locked --all-targets -- -D warnings
	$(CARGO) test --release --locked
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --release --locked --no-deps --quiet

bench:
	$(CARGO) bench --locked

# 200,000 patients through every check, and the matrix of threads and chunk sizes on them.
soak:
	$(CARGO) build --release --locked
	target/release/placebo check healthcare --rows patient=200k --sample 200000

# Accept new golden values: only with a raised fingerprint and a "Values" line in CHANGELOG.md.
golden:
	INSTA_UPDATE=always $(CARGO) test --release --locked golden

schema:
	$(CARGO) run --release --locked --quiet -- schema > schemas/profile.json
