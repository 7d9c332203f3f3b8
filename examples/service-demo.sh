#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# From nothing to the first release of a customer key service, on loopback.
# usage: examples/service-demo.sh [DIRECTORY OF THE BUILD]
set -eu

build=$(cd "${1:-build}" && pwd)
keyd="$build/daemon/doublekeyd"
client="$build/cli/doublekey"
port=${DOUBLEKEY_DEMO_PORT:-18453}
url="https://127.0.0.1:$port"
here=$(mktemp -d)
service=$here/service
XDG_DATA_HOME=$here/data
export XDG_DATA_HOME
pid=

finish() {
	if [ -n "$pid" ]; then
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	fi
	rm -rf "$here"
}
trap finish EXIT
cd "$here"

say() { printf '\n--- %s\n' "$*"; }
run() { printf '$ %s\n' "$*"; "$@"; }

printf '%s\n' 'a passphrase for the demonstration' >pass

say "1. Make the service: CA, log keys, a sealed store for the customer keys."
run "$keyd" init --dir "$service" --url "$url" --passphrase-file pass --kdf-memory-mib 64 \
	</dev/null | tee init.out
fingerprint=$(awk '/^CA fingerprint/ { print $3 }' init.out)

say "2. Run it: five processes, each with its own narrow sandbox."
printf '$ doublekeyd run --dir %s &\n' "$service"
"$keyd" run --dir "$service" --passphrase-file pass 2>service.log &
pid=$!
tries=0
until "$keyd" status --dir "$service" >status.out 2>/dev/null; do
	tries=$((tries + 1))
	if [ "$tries" -gt 100 ]; then
		cat service.log >&2
		exit 1
	fi
	sleep 0.1
done
cat status.out

say "3. Make a customer key. Its private half never leaves the service."
run "$keyd" key create finance --dir "$service"

say "4. A code for one user; the code itself is never sent."
code=$("$keyd" enrol-code --user alice --dir "$service")
printf '%s\n' "$code"

say "5. Enrol this machine: it checks the service, and the service checks it."
run "$client" enrol "$url" --ca-fingerprint "$fingerprint" --code "$code"

say "Encrypt: one key is the service's, the other one a provider's."
run "$client" keygen --side provider --no-passphrase -o provider.key
echo "the figures of the third quarter" >report.txt
run "$client" encrypt --customer "$url/keys/finance" --provider provider.key.pub \
	report.txt -o report.txt.dk

say "Decrypt: the service records the release, then hands out one share."
run "$client" decrypt --customer "$url/keys/finance" --provider provider.key \
	report.txt.dk -o again.txt
cmp report.txt again.txt && echo "the same text came back"

say "What the log has."
run "$keyd" log --dir "$service"

say "Another machine, not enrolled, gets nothing."
if XDG_DATA_HOME=$here/stranger "$client" decrypt --customer "$url/keys/finance" \
	--provider provider.key report.txt.dk -o stolen.txt; then
	echo "this must not happen" >&2
	exit 1
fi

say "Emergency: freeze. Even the enrolled machine gets nothing now."
run "$keyd" freeze --dir "$service"
if "$client" decrypt --customer "$url/keys/finance" --provider provider.key \
	report.txt.dk -o frozen.txt; then
	echo "this must not happen" >&2
	exit 1
fi
run "$keyd" unfreeze --reason "the demonstration goes on" --dir "$service"
run "$client" decrypt --customer "$url/keys/finance" --provider provider.key \
	report.txt.dk -o again2.txt
cmp report.txt again2.txt && echo "and the same text again"
