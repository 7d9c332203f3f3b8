# SPDX-License-Identifier: Apache-2.0
# usage: tsan.sh PROGRAM [tsan]
# Addresses are not made random where the sanitizer's map of memory needs that
# and the system allows it.
export TSAN_OPTIONS=exitcode=66
plain=$(setarch -R true 2>/dev/null && echo 'setarch -R')
$plain "$1" || exit
[ "$2" = tsan ] || exit 0
# The control: a race that there is must be found.
$plain "$1" careless 2>/dev/null
[ $? = 66 ] || { echo 'the sanitizer does not see a race'; exit 1; }
