#!/usr/bin/env bash
# Tests the scripts of a release and of the validate action: what one packs the other must install and run.
# Two programs are stood in for, on PATH: crm2capi, so that nothing need be built, and curl, which serves a release from
# a folder. Needs jq.
set -euo pipefail
repository=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
mkdir "$work/programs"
failures=0 passes=0

claim() { # claim NAME COMMAND…: the command succeeds
    local name=$1
    shift
    if "$@" >"$work/output" 2>&1; then
        passes=$((passes + 1))
    else
        failures=$((failures + 1))
        echo "FAILED: $name"
        sed 's/^/    /' "$work/output"
    fi
}
ends_with() { # ends_with STATUS TEXT COMMAND…: the command ends with STATUS and prints TEXT
    local status=0 expected=$1 text=$2
    shift 2
    "$@" >"$work/printed" 2>&1 || status=$?
    cat "$work/printed"
    [[ $status == "$expected" ]] && grep -qF -- "$text" "$work/printed"
}

cat >"$work/programs/crm2capi" <<'END'
#!/usr/bin/env bash
case $1 in
    --version) echo "crm2capi 1.2.3" ;;
    man) echo page >"$2/crm2capi.1" ;;
    completions) echo "completions of $2" ;;
    validate)
        printf '%s\n' "$@" >"$ARGUMENTS"
        echo checked
        while [[ $1 != --report ]]; do shift; done
        [[ $STATUS == 2 ]] || echo '{"rows": 7, "events": 5, "rows_invalid": 2, "inputs": [{"rows": 1}]}' >"$2"
        exit "$STATUS"
        ;;
esac
END
cat >"$work/programs/curl" <<'END'
#!/usr/bin/env bash
while [[ $# -gt 1 ]]; do
    [[ $1 == --output ]] && output=$2
    shift
done
[[ $1 == https://github.com/crm2capi/crm2capi/releases/download/v1.2.3/* ]] && cp "$RELEASE/${1##*/}" "$output"
END
chmod +x "$work/programs"/*
export PATH=$work/programs:$PATH

# A release.
tree=$work/tree
mkdir -p "$tree/.github/scripts" "$tree/examples"
cp "$repository/.github/scripts/package.sh" "$tree/.github/scripts"
touch "$tree"/{README.md,CHANGELOG.md,LICENSE-MIT,LICENSE-APACHE,examples/cron}
export RELEASE=$work/release
name=crm2capi-v1.2.3-x86_64-unknown-linux-musl
package() { bash "$tree/.github/scripts/package.sh" "$1" x86_64-unknown-linux-musl "$work/programs/crm2capi" "$RELEASE"; }
claim "a release of another version than the binary's is refused" ends_with 1 "tag the version" package 1.2.4
claim "a release is packed" package 1.2.3
claim "an archive holds the program and all that explains it" diff <(tar -tzf "$RELEASE/$name.tar.gz" | grep -v '/$' | sort) <(
    printf "$name/%s\n" CHANGELOG.md LICENSE-APACHE LICENSE-MIT README.md completions/_crm2capi \
        completions/_crm2capi.ps1 completions/crm2capi.bash completions/crm2capi.fish crm2capi examples/cron \
        man/crm2capi.1 | sort
)
(cd "$RELEASE" && sha256sum -- * >../SHA256SUMS && mv ../SHA256SUMS .)

# Its formula for Homebrew.
archive=$RELEASE/$name.tar.gz
formula() { python3 "$repository/.github/scripts/formula.py" "$@"; }
names() { formula 1.2.3 "$RELEASE" | grep -A1 "v1.2.3/${archive##*/}" | grep -q "$(sha256sum <"$archive" | cut -d ' ' -f 1)"; }
claim "the formula names an archive by its address and its checksum" names
claim "a formula for nothing is refused" ends_with 1 "has no archive of version 9.9.9" formula 9.9.9 "$RELEASE"

# What is built into it.
sbom() { (cd "$repository" && python3 .github/scripts/sbom.py "$@"); }
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$repository/Cargo.toml" | head -n 1)
sbom "$version" >"$work/sbom" 2>/dev/null || true
lists() { grep -q "\"pkg:cargo/$1@" "$work/sbom"; }
lacks() { ! lists "$1"; }
claim "a release lists what is built into it" lists serde
claim "what only tests need is not in it" lacks proptest
claim "the list of another version is refused" ends_with 1 "this is version" sbom 999.0.0

# Its installation by the action.
export RUNNER_OS=Linux RUNNER_ARCH=X64 RUNNER_TEMP=$work/temp GITHUB_PATH=$work/path
mkdir "$RUNNER_TEMP"
touch "$GITHUB_PATH"
installing() { (export VERSION=$1 && bash "$repository/.github/actions/validate/install.sh"); }
says_version() { "$(tail -n 1 "$GITHUB_PATH")/crm2capi" --version | grep -qx "crm2capi 1.2.3"; }
claim "a release is installed by its number" installing 1.2.3
claim "what was installed is on the path of the next steps" says_version
claim "a v before the number is no matter" installing v1.2.3
claim "a version that is a path is refused" ends_with 2 "not a release number" installing ../../1.2.3
claim "a release there is not is an error" ends_with 2 "cannot be downloaded" installing 1.2.2
on_another_system() { RUNNER_ARCH=ARM installing 1.2.3; }
claim "a system nothing is built for is an error" ends_with 2 "no release is built for Linux on ARM" on_another_system
: >"$GITHUB_PATH"
printf 'x' >>"$RELEASE/$name.tar.gz"
claim "an archive that was tampered with is refused" ends_with 2 "nothing was installed" installing 1.2.3
sed -i.original '/musl/d' "$RELEASE/SHA256SUMS"
claim "an archive no checksum is listed for is refused" ends_with 2 "nothing was installed" installing 1.2.3
claim "nothing refused is put on the path" test ! -s "$GITHUB_PATH"

# The validation.
export ARGUMENTS=$work/arguments GITHUB_OUTPUT=$work/outputs
mkdir "$work/exports"
cd "$work/exports"
touch leads.csv "spring leads.csv" deals.json
validating() { # validating STATUS STRICT CONFIG FILES
    : >"$GITHUB_OUTPUT"
    rm -f "$ARGUMENTS"
    (export STATUS=$1 STRICT=$2 CONFIG=$3 FILES=$4 && bash "$repository/.github/actions/validate/validate.sh")
}
files_are() { diff <(sed '1,/^--$/d' "$ARGUMENTS") <(printf '%s\n' "$@"); }
outputs_are() { diff "$GITHUB_OUTPUT" <(printf '%s\n' "$@"); }
claim "a sound export passes" validating 0 false "" leads.csv
claim "the counts of the whole run are outputs" outputs_are rows=7 events=5 invalid=2
is_plain() { ! grep -xe --strict -e --config "$ARGUMENTS"; }
claim "nothing is strict unless asked" is_plain
claim "refused rows fail the step with their status" ends_with 1 checked validating 1 false "" leads.csv
claim "the counts are outputs of a failed step too" outputs_are rows=7 events=5 invalid=2
claim "an unreadable export fails the step with its status" ends_with 2 checked validating 2 false "" leads.csv
claim "what was not read has no counts" test ! -s "$GITHUB_OUTPUT"
claim "strictness and settings are passed on" validating 0 true my.toml leads.csv
claim "strict is an option" grep -qx -- --strict "$ARGUMENTS"
claim "the settings file is an argument" grep -qx -- my.toml "$ARGUMENTS"
claim "patterns and names with spaces are files" validating 0 false "" $'deals.json\r\n\n  spring leads.csv\n*.csv\n'
claim "files keep the order they are given in, each once" files_are deals.json "spring leads.csv" leads.csv
claim "a file is never taken for an option" ends_with 2 "no file matches --version" validating 0 false "" --version
claim "a pattern that finds nothing is an error" ends_with 2 "no file matches 100%25*.csv" validating 0 false "" '100%*.csv'
claim "naming no file is an error" ends_with 2 "names no file" validating 0 false "" $'\n \n'
claim "strict is true or false" ends_with 2 "neither true nor false" validating 0 yes "" leads.csv
# shellcheck disable=SC2016 # not expanding it is the point
claim "an input is never run as a command" ends_with 2 "no file matches" validating 0 false "" '$(touch pwned)'
claim "and was not" test ! -e pwned

echo "$passes passed, $failures failed"
[[ $failures == 0 ]]
