#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The one-way arrow milter -> crypto -> dns, and the single file that may see a library's header.
# Usage: layers.sh SOURCE-DIRECTORY. Prints each line that breaks a rule; fails if there is one.

set -u
cd "$1" || exit 2
status=0

# forbid RULE PATTERN FILE...: no file may have an #include that matches.
forbid() {
  rule=$1
  pattern=$2
  shift 2
  if grep -nE "^[[:space:]]*#[[:space:]]*include[[:space:]]*$pattern" "$@" /dev/null; then
    echo "^ $rule"
    status=1
  fi
}

# sources DIRECTORY...: their C++ files.
sources() {
  find "$@" -name '*.h' -o -name '*.cc'
}

[ "$(sources dns crypto milter | wc -l)" -gt 30 ] || { echo "sources not found"; exit 2; }

forbid "dns/ is the lowest layer" '"(crypto|milter)/' $(sources dns)
forbid "crypto/ stands below milter/" '"milter/' $(sources crypto)
forbid "programs do not use tests" '"tests/' $(sources dns crypto milter)
forbid "include by the full path" '"[^/"]+"' $(sources dns crypto milter)
forbid "callbacks.cc and milter/libmilter/ alone speak libmilter" '<libmilter/' \
  $(sources dns crypto milter | grep -vE '^milter/(callbacks\.cc$|libmilter/)')
forbid "crypto/*opendkim* alone call libopendkim" '<opendkim/' \
  $(sources dns crypto milter | grep -vE '^crypto/[a-z_]*opendkim[a-z_]*\.(cc|h)$')
forbid "dns/unbound/ alone calls libunbound" '<unbound' \
  $(sources dns crypto milter | grep -vE '^dns/unbound/')
forbid "commands alone write JSON" '<nlohmann/' \
  $(sources dns crypto milter | grep -v '^milter/command/')

exit $status
