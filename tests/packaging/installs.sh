#!/usr/bin/env bash
# Tries all that release.sh left in a directory, each way in a root or an environment with nothing else in it: installs.sh DIRECTORY
# Needs root or sudo for chroot, dpkg, Python with venv, jq, Ruby. The commands of a newcomer are run and shown.
set -euo pipefail
cd "$(dirname "$0")/../.."
directory=$(cd "$1" && pwd)
work=$(mktemp -d)
chmod 0755 "$work"
as_root=()
[[ $(id -u) == 0 ]] || as_root=(sudo)
trap '"${as_root[@]}" rm -r "$work"' EXIT

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
machine=$(uname -m)
architecture=$(dpkg --print-architecture)
target=$machine-unknown-linux-musl

# Runs a program of a root, and nothing of this machine with it: inside ROOT USER PROGRAM ARGUMENT…
inside() {
    local root=$1 user=$2
    shift 2
    "${as_root[@]}" env --ignore-environment HOME=/work CRM2CAPI_ACCESS_TOKEN=none \
        SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt "$(command -v chroot)" --userspec="$user" "$root" "$@"
}
# What a newcomer does first, and what it must say: tries ROOT USER PROGRAM.
# Nothing is in the root but what was installed and an export; there is no /proc, no shell and no library.
tries() {
    local root=$1 user=$2 program=$3
    "${as_root[@]}" install -D -m 0644 examples/hubspot.csv "$root/work/export.csv"
    "${as_root[@]}" chmod 0755 "$root"
    [[ $(inside "$root" "$user" "$program" --version) == "crm2capi $version" ]]
    inside "$root" "$user" "$program" upload --sandbox --now 2026-11-21T16:00:00Z --timezone America/New_York /work/export.csv >"$work/report"
    grep -q '^✓ 21 events accepted by the sandbox$' "$work/report" || { cat "$work/report"; exit 1; }
}
step() { printf '\n== %s\n' "$*"; }

step "the checksums are those of the files, and all are listed"
(cd "$directory" && sha256sum --quiet --check SHA256SUMS && [[ $(wc -l <SHA256SUMS) == $(($(find . -type f | wc -l) - 1)) ]])

step "the list of what is built in names this version"
jq --exit-status --arg version "$version" \
    '.bomFormat == "CycloneDX" and .metadata.component.version == $version and (.components | length > 50)' \
    "$directory/crm2capi-v$version.cdx.json" >/dev/null

step "archive: tar -xzf crm2capi-v$version-$target.tar.gz, in an empty root"
mkdir "$work/archive"
tar -xzf "$directory/crm2capi-v$version-$target.tar.gz" -C "$work/archive" --strip-components 1
tries "$work/archive" 65534:65534 /crm2capi
for file in man/crm2capi-upload.1 completions/{crm2capi.bash,_crm2capi,crm2capi.fish,_crm2capi.ps1} README.md LICENSE-MIT examples/cron; do
    [[ -s $work/archive/$file ]] || { echo "error: no $file in the archive"; exit 1; }
done
bash -n "$work/archive/completions/crm2capi.bash"

# Without certificates there is no word to Meta, and the program says what to do.
status=0
inside "$work/archive" 65534:65534 /crm2capi check --dataset-id 1 2>"$work/said" || status=$?
if [[ $status == 0 ]] || ! grep -q "install the system's CA certificates" "$work/said"; then cat "$work/said"; exit 1; fi

step "cargo binstall: the archive lies where Cargo.toml says"
# As the template has it: crm2capi-v{ version }-{ target }.tar.gz, and the binary in the folder of that name.
python3 - "$directory" "$version" "$target" <<'END'
import pathlib, sys, tarfile, tomllib
directory, version, target = sys.argv[1:]
package = tomllib.loads(pathlib.Path("Cargo.toml").read_text())["package"]
words = {"repo": package["repository"], "name": "crm2capi", "version": version, "target": target,
         "archive-suffix": ".tar.gz", "bin": "crm2capi", "binary-ext": ""}
def filled(template):
    for word, value in words.items():
        template = template.replace("{ " + word + " }", value)
    assert "{" not in template, template
    return template
told = package["metadata"]["binstall"]
archive = pathlib.Path(directory, filled(told["pkg-url"]).rsplit("/", 1)[1])
tarfile.open(archive).getmember(filled(told["bin-dir"]))
END

step "Homebrew: what crm2capi.rb says is done with the archive it names, in an empty root"
ruby tests/packaging/formula.rb "$directory/crm2capi.rb" "$directory" "$work/brew"
cmp "$work/brew/bin/crm2capi" "$work/archive/crm2capi"
tries "$work/brew" 65534:65534 /bin/crm2capi
for file in share/man/man1/crm2capi-upload.1 etc/bash_completion.d/crm2capi share/zsh/site-functions/_crm2capi \
    share/fish/vendor_completions.d/crm2capi.fish share/crm2capi/examples/hubspot.csv; do
    [[ -s $work/brew/$file ]] || { echo "error: the formula installs no $file"; exit 1; }
done

step "wheel: pip install crm2capi, in a fresh virtual environment"
python3 -m venv "$work/venv"
wheels=("$directory"/crm2capi-"$version"-py3-none-*_"$machine".whl)
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-index "${wheels[0]}"
cmp "$work/venv/bin/crm2capi" "$work/archive/crm2capi"
mkdir "$work/wheel"
cp "$work/venv/bin/crm2capi" "$work/wheel/crm2capi"
tries "$work/wheel" 65534:65534 /crm2capi
"$work/venv/bin/pip" uninstall --quiet --yes crm2capi
[[ ! -e $work/venv/bin/crm2capi ]]

step "Debian: dpkg --install crm2capi_${version}_$architecture.deb, in an empty root"
package=$directory/crm2capi_${version}_$architecture.deb
mkdir -p "$work/deb/var/lib/dpkg"/{info,updates,triggers} "$work/deb/var/log"
touch "$work/deb/var/lib/dpkg"/{status,available}
debian() { "${as_root[@]}" dpkg --root="$work/deb" --log="$work/deb/var/log/dpkg.log" "$@"; }
debian --force-not-root --install "$package" >/dev/null
cmp "$work/deb/usr/bin/crm2capi" "$work/archive/crm2capi"
tries "$work/deb" 65534:65534 /usr/bin/crm2capi
for file in man/man1/crm2capi.1.gz doc/crm2capi/copyright doc/crm2capi/examples/cron bash-completion/completions/crm2capi; do
    [[ -s $work/deb/usr/share/$file ]] || { echo "error: no /usr/share/$file in the package"; exit 1; }
done
debian --purge crm2capi >/dev/null
[[ -z $(find "$work/deb/usr" -type f 2>/dev/null) ]] || { echo "error: the package leaves files behind"; exit 1; }

step "image: docker load, by unpacking its layer into an empty root"
archive=$directory/crm2capi-v$version-$architecture.oci.tar
mkdir "$work/oci" "$work/image"
tar -xf "$archive" -C "$work/oci"
blob() { echo "$work/oci/blobs/${1/://}"; }
for file in "$work"/oci/blobs/sha256/*; do
    [[ $(sha256sum <"$file") == "${file##*/}  -" ]] || { echo "error: a blob is not what its name says"; exit 1; }
done
manifest=$(blob "$(jq -r '.manifests[0].digest' "$work/oci/index.json")")
config=$(blob "$(jq -r .config.digest "$manifest")")
layer=$(blob "$(jq -r '.layers[0].digest' "$manifest")")
[[ sha256:$(gzip -dc "$layer" | sha256sum | cut -d ' ' -f 1) == $(jq -r '.rootfs.diff_ids[0]' "$config") ]]
jq --exit-status --arg config "$config" '.[0].Config as $it | $config | endswith($it)' "$work/oci/manifest.json" >/dev/null
[[ $(wc -c <"$layer") -lt 20000000 ]] || { echo "error: the image is of 20 MB or more"; exit 1; }
"${as_root[@]}" tar --same-owner -xzf "$layer" -C "$work/image"
cmp "$work/image/usr/local/bin/crm2capi" "$work/archive/crm2capi"
tries "$work/image" "$(jq -r .config.User "$config")" "$(jq -r '.config.Entrypoint[0]' "$config")"
# Its certificates are found: what fails is the connection, not TLS.
status=0
inside "$work/image" 65532:65532 /usr/local/bin/crm2capi check --dataset-id 1 --graph-url https://127.0.0.1:1 \
    >"$work/said" 2>&1 || status=$?
if [[ $status != 4 ]] || grep -q 'TLS cannot be set up' "$work/said"; then cat "$work/said"; exit 1; fi
if command -v skopeo >/dev/null; then
    skopeo inspect "oci-archive:$archive" | jq --exit-status '.Layers | length == 1' >/dev/null
    skopeo copy --quiet "docker-archive:$archive" "dir:$work/pulled"
fi

step "all sound"
