#!/usr/bin/env bash
# Packs a Debian package: deb.sh VERSION ARCHITECTURE BINARY DIRECTORY leaves DIRECTORY/crm2capi_VERSION_ARCHITECTURE.deb
# with the binary, man pages, completions, licences and examples.
# The binary must need no library, as the musl one does: the package depends on nothing. Needs dpkg-deb.
set -euo pipefail
cd "$(dirname "$0")/../.."

version=$1 architecture=$2 binary=$3 directory=$4
root=$(mktemp -d)
trap 'rm -r "$root"' EXIT
chmod 0755 "$root"

install -D -m 0755 "$binary" "$root/usr/bin/crm2capi"
doc=$root/usr/share/doc/crm2capi
mkdir -p "$doc" "$root/usr/share/man/man1"
cat LICENSE-MIT LICENSE-APACHE >"$doc/copyright"
cp README.md "$doc"
gzip -n -9 <CHANGELOG.md >"$doc/changelog.gz"
cp -R examples "$doc/examples"
"$binary" man "$root/usr/share/man/man1"
gzip -n -9 "$root"/usr/share/man/man1/*
completions=$root/usr/share
mkdir -p "$completions/bash-completion/completions" "$completions/zsh/vendor-completions" "$completions/fish/vendor_completions.d"
"$binary" completions bash >"$completions/bash-completion/completions/crm2capi"
"$binary" completions zsh >"$completions/zsh/vendor-completions/_crm2capi"
"$binary" completions fish >"$completions/fish/vendor_completions.d/crm2capi.fish"
find "$root" -type d -exec chmod 0755 {} +
find "$root" -type f ! -path '*/bin/*' -exec chmod 0644 {} +

# In KiB, and by the contents alone: what a file system takes for them differs.
size=$(($(find "$root/usr" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum }') / 1024 + 1))
mkdir "$root/DEBIAN"
cat >"$root/DEBIAN/control" <<END
Package: crm2capi
Version: $version
Architecture: $architecture
Maintainer: The crm2capi authors <noreply@github.com>
Installed-Size: $size
Section: utils
Priority: optional
Recommends: ca-certificates
Homepage: https://github.com/crm2capi/crm2capi
Description: Upload a CRM's lead stages to a Meta dataset
 Takes the lead export of a CRM, hashes what is personal, and sends its lead
 stages through the Conversions API, each of them once.
END
mkdir -p "$directory"
# The times of the files are the commit's, so that the same content gives the same package.
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-0}
find "$root" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
# Compressed as every Debian can unpack it, and in one thread, since the count of them shows in the bytes.
export DPKG_DEB_THREADS_MAX=1
dpkg-deb --root-owner-group -Zxz --build "$root" "$directory/crm2capi_${version}_$architecture.deb" >/dev/null
