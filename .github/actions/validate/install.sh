#!/usr/bin/env bash
# Installs the crm2capi release $VERSION and puts it on the PATH of the steps that follow.
# The archive is unpacked only if its SHA-256 is the one the release lists for it.
set -euo pipefail
: "${VERSION:?}" "${RUNNER_OS:?}" "${RUNNER_ARCH:?}" "${RUNNER_TEMP:?}" "${GITHUB_PATH:?}"

fail() {
    echo "::error title=crm2capi::$1"
    exit 2
}

version=${VERSION#v}
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] ||
    fail "version is not a release number; give one such as 0.1.0"

case "$RUNNER_OS-$RUNNER_ARCH" in
    Linux-X64) target=x86_64-unknown-linux-musl suffix=.tar.gz ;;
    Linux-ARM64) target=aarch64-unknown-linux-musl suffix=.tar.gz ;;
    macOS-X64) target=x86_64-apple-darwin suffix=.tar.gz ;;
    macOS-ARM64) target=aarch64-apple-darwin suffix=.tar.gz ;;
    Windows-X64) target=x86_64-pc-windows-msvc suffix=.zip ;;
    *) fail "no release is built for $RUNNER_OS on $RUNNER_ARCH; put a crm2capi on PATH and leave out the version" ;;
esac

name=crm2capi-v$version-$target
release=https://github.com/crm2capi/crm2capi/releases/download/v$version
directory=$RUNNER_TEMP/crm2capi-v$version
mkdir -p "$directory"
cd "$directory"

for file in "$name$suffix" SHA256SUMS; do
    curl --proto '=https' --tlsv1.2 --fail --silent --show-error --location --retry 3 --output "$file" "$release/$file" ||
        fail "$file of release v$version cannot be downloaded; is there such a release"
done

# Read rather than handed to sha256sum --check: macOS has no sha256sum, and a line that is missing must fail.
expected=$(awk -v file="$name$suffix" '$2 == file || $2 == "*" file { print $1 }' SHA256SUMS)
if command -v sha256sum >/dev/null; then
    actual=$(sha256sum <"$name$suffix" | cut -d ' ' -f 1)
else
    actual=$(shasum -a 256 <"$name$suffix" | cut -d ' ' -f 1)
fi
[[ -n $expected && $actual == "$expected" ]] ||
    fail "$name$suffix is not the file that SHA256SUMS of the release lists; nothing was installed"

if [[ $suffix == .zip ]]; then
    unzip -q -o "$name$suffix"
else
    tar -xzf "$name$suffix"
fi
echo "$directory/$name" >>"$GITHUB_PATH"
