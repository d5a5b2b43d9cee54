#!/usr/bin/env bash
# Packs one release archive: package.sh VERSION TARGET BINARY DIRECTORY
# leaves DIRECTORY/crm2capi-vVERSION-TARGET.tar.gz (.zip for Windows), holding one folder of that name with the binary,
# the man pages, the completions, the licences and the examples. The name and the folder are what the validate action
# and cargo-binstall look for: all three change together.
set -euo pipefail
cd "$(dirname "$0")/../.."

version=$1 target=$2 binary=$3 directory=$4
name=crm2capi-v$version-$target

# A tag that is not the version of the manifest would publish a binary that calls itself something else.
said=$("$binary" --version)
if [[ $said != "crm2capi $version" ]]; then
    echo "error: $binary calls itself '$said', not 'crm2capi $version'; tag the version Cargo.toml has" >&2
    exit 1
fi

mkdir -p "$directory/$name/man" "$directory/$name/completions"
cp "$binary" README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE "$directory/$name"
cp -R examples "$directory/$name/examples"
"$binary" man "$directory/$name/man"
"$binary" completions bash >"$directory/$name/completions/crm2capi.bash"
"$binary" completions zsh >"$directory/$name/completions/_crm2capi"
"$binary" completions fish >"$directory/$name/completions/crm2capi.fish"
"$binary" completions powershell >"$directory/$name/completions/_crm2capi.ps1"

cd "$directory"
case $target in
    *-windows-*) 7z a -bso0 "$name.zip" "$name" ;;
    # The same content gives the same archive: names in order, the commit's time, nobody's user. BSD tar, on macOS, has
    # no such options; what it packs is as good, and differs from one build to the next.
    *)
        if tar --version | grep -q 'GNU tar'; then
            tar --sort=name --mtime="@${SOURCE_DATE_EPOCH:-0}" --owner=0 --group=0 --numeric-owner --mode='u+rwX,go=rX' \
                -cf - "$name" | gzip -n -9 >"$name.tar.gz"
        else
            tar -czf "$name.tar.gz" "$name"
        fi
        ;;
esac
rm -r "$name"
