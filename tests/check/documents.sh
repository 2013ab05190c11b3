#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The documents: manual pages free of warnings, each option of the sample configuration in
# signet.conf(5), a README of bearable length. Usage: documents.sh SOURCE-DIRECTORY.

set -u
cd "$1" || exit 2
status=0

fail() {
  echo "$*"
  status=1
}

for page in man/signet-milter.8 man/signet.conf.5 man/signet.1; do
  mandoc -T lint -W warning "$page" || fail "$page: mandoc warns"
  grep -q '^\.Sh EXAMPLES$' "$page" || fail "$page: want a section EXAMPLES"
done

options=$(sed -n 's/^#\([A-Z][A-Za-z]*\) .*/\1/p' conf/signet.conf)
[ "$(echo "$options" | wc -l)" -gt 40 ] || fail "conf/signet.conf: want more than 40 options"
for option in $options; do
  grep -q "^\.It Cm $option " man/signet.conf.5 || fail "man/signet.conf.5: want $option"
done

lines=$(wc -l < README.md)
[ "$lines" -le 150 ] || fail "README.md: want at most 150 lines, got $lines"

exit $status
