# syntax=docker/dockerfile:1

# Alpine's target is musl, whose binaries are static; the same file builds for x86-64 and arm64.
FROM rust:1.95.0-alpine3.23@sha256:606fd313a0f49743ee2a7bd49a0914bab7deedb12791f3a846a34a4711db7ed2 AS build
WORKDIR /build
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry cargo build --profile dist --locked
# The folder of the ledger, owned by the user below: a new volume mounted there takes its owner.
RUN mkdir -p /state/crm2capi

# The binary, the certificates it trusts, and nothing else: no shell, no package, no libc.
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build --chown=65532:65532 /state /var/lib
COPY --from=build /build/target/dist/crm2capi /usr/local/bin/crm2capi
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    XDG_STATE_HOME=/var/lib
USER 65532:65532
WORKDIR /work
ENTRYPOINT ["/usr/local/bin/crm2capi"]
