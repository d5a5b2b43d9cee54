#!/usr/bin/env bash
# Runs `crm2capi validate` on $FILES with $CONFIG and $STRICT, and hands its counts to the workflow.
# The exit status is that of crm2capi; 2 where it cannot be run.
# Works in bash 3.2, which is what macOS has.
set -euo pipefail
: "${FILES?}" "${CONFIG?}" "${STRICT?}" "${RUNNER_TEMP:?}" "${GITHUB_OUTPUT:?}"

fail() {
    echo "::error title=crm2capi::$1"
    exit 2
}

command -v crm2capi >/dev/null || fail "no crm2capi on PATH; give a version to install"
command -v jq >/dev/null || fail "no jq on PATH; install it, the counts are read with it"

report=$(mktemp -d "$RUNNER_TEMP/crm2capi.XXXXXX")/report.json
arguments=(validate --format github --report "$report")
[[ -z $CONFIG ]] || arguments+=(--config "$CONFIG")
case $STRICT in
    true) arguments+=(--strict) ;;
    false) ;;
    *) fail "strict is neither true nor false" ;;
esac

files=()
# A file that a path and a pattern both name is read once.
add() {
    local file
    for file in ${files[@]+"${files[@]}"}; do
        [[ $file != "$1" ]] || return 0
    done
    files+=("$1")
}
while IFS= read -r line; do
    line=${line%$'\r'}
    line=${line#"${line%%[![:space:]]*}"}
    line=${line%"${line##*[![:space:]]}"}
    [[ -n $line ]] || continue
    if [[ -e $line ]]; then
        add "$line"
        continue
    fi
    matches=0
    while IFS= read -r match; do
        add "$match"
        matches=$((matches + 1))
    done < <(compgen -G "$line" | LC_ALL=C sort)
    # A pattern that finds nothing is a mistake: a check of no file would pass for ever.
    [[ $matches -gt 0 ]] || fail "no file matches ${line//%/%25}; give a path or a glob pattern"
done <<<"$FILES"
[[ ${#files[@]} -gt 0 ]] || fail "files names no file; give one path or glob pattern a line"

status=0
crm2capi "${arguments[@]}" -- "${files[@]}" || status=$?

# Where the input could not be read at all there is no report, and so no counts.
if [[ -s $report ]]; then
    jq --raw-output '"rows=\(.rows)", "events=\(.events)", "invalid=\(.rows_invalid)"' "$report" | tr -d '\r' >>"$GITHUB_OUTPUT"
fi
exit "$status"
