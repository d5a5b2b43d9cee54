#!/usr/bin/env python3
"""Packs a container image without a container engine: image.py VERSION ARCHITECTURE BINARY CERTIFICATES ARCHIVE.

The image is what the Dockerfile builds: the binary, the certificates it trusts, the folder of the ledger, and nothing else. The
archive is an OCI image layout, for `skopeo copy oci-archive:…` and `podman load`, with the index that `docker load` reads. The
same binary, certificates and SOURCE_DATE_EPOCH give the same bytes.
"""

import gzip
import hashlib
import io
import json
import os
import pathlib
import sys
import tarfile
import time

USER = 65532
MADE = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
WHEN = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(MADE))


def entry(name, mode, content=None, user=0):
    """A file, or a folder where there is no content, as (what tar writes of it, its bytes)."""
    info = tarfile.TarInfo(name)
    info.mode, info.mtime, info.uid, info.gid = mode, MADE, user, user
    info.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
    info.size = len(content or b"")
    return info, content


def packed(entries):
    """The bytes of a tar archive."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for info, content in entries:
            tar.addfile(info, None if content is None else io.BytesIO(content))
    return archive.getvalue()


def layer(binary, certificates):
    """The file system, uncompressed. A new volume mounted on the ledger's folder takes its owner."""
    folders = ["etc", "etc/ssl", "etc/ssl/certs", "usr", "usr/local", "usr/local/bin", "var", "work"]
    entries = [entry(name, 0o755) for name in folders]
    entries += [entry(name, 0o755, user=USER) for name in ["var/lib", "var/lib/crm2capi"]]
    entries.append(entry("etc/ssl/certs/ca-certificates.crt", 0o644, certificates))
    entries.append(entry("usr/local/bin/crm2capi", 0o755, binary))
    return packed(sorted(entries, key=lambda it: it[0].name))


def main(version, architecture, binary, certificates, archive):
    """Writes the archive."""
    files = layer(pathlib.Path(binary).read_bytes(), pathlib.Path(certificates).read_bytes())
    compressed = gzip.compress(files, 9, mtime=0)
    blobs = {}

    def blob(content, media):
        digest = hashlib.sha256(content).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = content
        return {"mediaType": f"application/vnd.oci.image.{media}", "digest": f"sha256:{digest}", "size": len(content)}

    def document(content, media):
        return blob(json.dumps(content, separators=(",", ":")).encode(), media)

    labels = {
        "org.opencontainers.image.title": "crm2capi",
        "org.opencontainers.image.version": version,
        "org.opencontainers.image.licenses": "MIT OR Apache-2.0",
        "org.opencontainers.image.source": "https://github.com/crm2capi/crm2capi",
    }
    config = {
        "created": WHEN,
        "architecture": architecture,
        "os": "linux",
        "config": {
            "User": f"{USER}:{USER}",
            "Env": ["SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt", "XDG_STATE_HOME=/var/lib"],
            "Entrypoint": ["/usr/local/bin/crm2capi"],
            "WorkingDir": "/work",
            "Labels": labels,
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(files).hexdigest()}"]},
        "history": [{"created": WHEN, "created_by": "the release script"}],
    }
    layers = [blob(compressed, "layer.v1.tar+gzip")]
    config = document(config, "config.v1+json")
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config,
        "layers": layers,
        "annotations": labels,
    }
    name = f"ghcr.io/crm2capi/crm2capi:{version}"
    listed = document(manifest, "manifest.v1+json") | {
        "platform": {"architecture": architecture, "os": "linux"},
        "annotations": {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": version},
    }
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [listed]}

    def place(described):
        return "blobs/" + described["digest"].replace(":", "/")

    # What `docker load` read before it knew OCI layouts.
    loaded = [{"Config": place(config), "RepoTags": [name], "Layers": [place(it) for it in layers]}]
    documents = {"oci-layout": {"imageLayoutVersion": "1.0.0"}, "index.json": index, "manifest.json": loaded}
    entries = [entry(name, 0o755) for name in ["blobs", "blobs/sha256"]]
    entries += [entry(name, 0o644, content) for name, content in sorted(blobs.items())]
    entries += [entry(name, 0o644, json.dumps(content).encode()) for name, content in documents.items()]
    pathlib.Path(archive).write_bytes(packed(entries))
    print(f"{archive}: {len(compressed) / 1e6:.1f} MB to pull, {len(files) / 1e6:.1f} MB unpacked")


main(*sys.argv[1:])
