# syntax=docker/dockerfile:1
FROM rust:1.95-bookworm AS build
WORKDIR /placebo
COPY . .
RUN cargo build --profile dist --locked --bin placebo

# glibc and nothing else: no shell, no package manager.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /placebo/target/dist/placebo /usr/local/bin/placebo
WORKDIR /data
ENTRYPOINT ["/usr/local/bin/placebo"]
CMD ["--help"]
