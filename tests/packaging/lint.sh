#!/usr/bin/env bash
# Checks every file that only other programs read: workflows, actions, units, manifests, the Dockerfile, scripts.
# Needs the packages of requirements.txt on PATH, and systemd-analyze. A tool that is missing fails the check.
set -euo pipefail
cd "$(dirname "$0")/../.."

check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml examples/ci/github-*.yml
check-jsonschema --builtin-schema vendor.github-actions .github/actions/*/action.yml
check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
check-jsonschema --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci examples/ci/gitlab-*.yml
zizmor --offline --quiet --min-severity medium .github

shellcheck --external-sources .ci/run .github/scripts/*.sh .github/actions/*/*.sh tests/packaging/*.sh
hadolint Dockerfile
kubernetes-validate --strict --quiet examples/kubernetes-cronjob.yaml

# The units are verified in a root of their own: verify asks whether the program they start is there.
root=$(mktemp -d)
trap 'rm -r "$root"' EXIT
mkdir -p "$root/etc/systemd/system" "$root/usr/local/bin"
cp examples/systemd/*.service examples/systemd/*.timer "$root/etc/systemd/system"
install -m 0755 /dev/null "$root/usr/local/bin/crm2capi"
systemd-analyze verify --man=no --recursive-errors=no --root="$root" crm2capi.service crm2capi.timer
# Exposure in tenths, 0 to 100: what is left of it is that the service may use the network.
systemd-analyze security --offline=yes --threshold=15 --root="$root" crm2capi.service >"$root/exposure" ||
    { cat "$root/exposure"; exit 1; }

echo "all sound"
