#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Shows what doublekey does on the repository's own largest document and a
# folder. Every refusal that it announces is checked: if something opens that
# should not, or the other way round, the demo fails.
#
# usage: examples/demo.sh BUILD
set -eu

build=$(cd "${1:-build}" && pwd)
root=$(cd "$(dirname "$0")/.." && pwd)
doublekey=$build/cli/doublekey
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
cd "$work"

if [ -t 1 ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); else bold='' plain=''; fi

say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }

# Show a command as a person would type it, then run it.
run() {
	printf '  $ doublekey %s\n' "$*"
	"$doublekey" "$@"
}

# The same for a command that must be refused, for the reason given first.
refused() {
	reason=$1
	shift
	printf '  $ doublekey %s\n' "$*"
	if "$doublekey" "$@" >refused.out 2>refused.err; then
		echo "this should have been refused" >&2
		exit 1
	fi
	sed 's/^/  /' refused.err
	grep -q "$reason" refused.err || {
		echo "this was refused for another reason than $reason" >&2
		exit 1
	}
}

same() { cmp -s "$1" "$2" || { echo "$1 and $2 differ" >&2; exit 1; }; }

document=$(find "$root/docs" "$root/spec" -name '*.md' -type f -exec ls -S {} + | head -n 1)
cp "$document" report.md
cp -r "$root/docs" folder

say '1. Two keys. One is yours, one sits with a cloud provider.'
echo '  (without passphrases, so that nothing asks; leave that option out for real keys)'
run --quiet keygen --side customer --type p256 --no-passphrase -o customer.key
run --quiet keygen --side provider --type p256 --no-passphrase -o provider.key

say "2. Encrypt a document ($(wc -c <report.md) bytes) and a folder. Public keys are enough for that."
run encrypt --quiet --customer customer.key.pub --provider provider.key.pub \
	--label internal -o report.md.dkey report.md
run encrypt --quiet -r --customer customer.key.pub --provider provider.key.pub folder
echo "  folder: $(find folder -name '*.dkey' | wc -l) files encrypted beside their originals"

say '3. What everybody can see: sizes, label and key ids. Not the content.'
run inspect report.md.dkey | sed 's/^/  /'

say '4. One key is not enough, whichever it is.'
run --quiet keygen --side customer --type p256 --no-passphrase -o thief-c.key
run --quiet keygen --side provider --type p256 --no-passphrase -o thief-p.key
refused no-customer-key decrypt --customer thief-c.key --provider provider.key -o out report.md.dkey
refused no-provider-key decrypt --customer customer.key --provider thief-p.key -o out report.md.dkey
refused key-need-private decrypt --customer customer.key.pub --provider provider.key -o out report.md.dkey

say '5. Both keys together open it.'
run decrypt --quiet --customer customer.key --provider provider.key -o back.md report.md.dkey
same report.md back.md
echo '  back.md is the document, byte for byte'

say '6. One changed byte in the middle: refused, and no file appears.'
cp report.md.dkey tampered.dkey
middle=$(($(wc -c <tampered.dkey) / 2))
byte=$(od -An -tu1 -j "$middle" -N 1 tampered.dkey)
# shellcheck disable=SC2059
printf "$(printf '\\%03o' $(((byte + 1) % 256)))" |
	dd of=tampered.dkey bs=1 seek="$middle" conv=notrunc 2>dd.err
refused segment-auth decrypt --customer customer.key --provider provider.key -o out tampered.dkey
[ ! -e out ] || { echo 'a file appeared' >&2; exit 1; }

say '7. A new customer key: the header changes, the body and the other side do not.'
cp report.md.dkey old.dkey
run --quiet keygen --side customer --type p384 --no-passphrase -o next.key
run rewrap --quiet --side customer --open customer.key --to next.key.pub report.md.dkey
refused no-customer-key decrypt --customer customer.key --provider provider.key -o out report.md.dkey
run decrypt --quiet --customer next.key --provider provider.key -o again.md report.md.dkey
same report.md again.md
echo '  This is hygiene, not revocation. A copy from before still opens with the old key,'
echo '  unless the reader insists on the new epoch:'
run decrypt --quiet --customer customer.key --provider provider.key -o copy.md old.dkey
same report.md copy.md
refused epoch-too-old decrypt --customer customer.key --provider provider.key --min-epoch-customer 2 \
	-o out old.dkey

say '8. A piece from the middle, without reading the rest.'
run decrypt --quiet --customer next.key --provider provider.key --offset 2000 --length 60 \
	-o piece report.md.dkey
tail -c +2001 report.md | head -c 60 >expected
same piece expected
printf '  "%s"\n' "$(tr '\n' ' ' <piece)"

say '9. The customer key in five shares, of which three bring it back.'
run key split --quiet --shares 5 --threshold 3 -o share next.key
echo "  $(ls share* | tr '\n' ' ')"
# shellcheck disable=SC2046
run key join --quiet --no-passphrase -o restored.key $(ls share* | tail -n 3)
run decrypt --quiet --customer restored.key --provider provider.key -o from-shares.md report.md.dkey
same report.md from-shares.md

if [ -x "$root/examples/service-demo.sh" ]; then
	"$root/examples/service-demo.sh" "$build"
fi

say 'A breach: a thief against a service that runs, and what the assessment says afterwards.'
/usr/bin/python3 "$root/tests/breach/story.py" "$build"

say 'Everything behaved as announced.'
