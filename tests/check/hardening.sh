#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# What SIGNET_HARDEN promises of the programs: position independent, all relocations read-only
# before main(), no executable stack or writable code, stack protector, FORTIFY_SOURCE, and on x86 a
# landing pad at every function that is called through a pointer. Usage: hardening.sh PROGRAM...

set -u
status=0

want() {  # WHAT PATTERN TEXT
  printf '%s\n' "$3" | grep -Eq "$2" && return
  echo "$program: want $1"
  status=1
}

for program in "$@"; do
  header=$(readelf -hW "$program") || exit 1
  segments=$(readelf -lW "$program")
  dynamic=$(readelf -dW "$program")
  code=$(objdump -d --no-show-raw-insn "$program")
  want "a position independent executable" 'Type: +DYN' "$header"
  want "a position independent executable" 'FLAGS_1.*PIE' "$dynamic"
  want "read-only relocations" 'GNU_RELRO' "$segments"
  want "all of them before main()" 'FLAGS_1.*NOW' "$dynamic"
  want "a stack that is not executable" 'GNU_STACK .* RW +0x' "$segments"
  # libmilter.a alone brings some twenty.
  guarded=$(printf '%s\n' "$code" | grep -c 'call.*<__stack_chk_fail')
  if [ "$guarded" -lt 100 ]; then
    echo "$program: want the stack protector in 100 functions, got $guarded"
    status=1
  fi
  # libmilter.a has checked calls too, but not of this.
  want "FORTIFY_SOURCE" 'call.*<__memcpy_chk' "$code"
  if printf '%s\n' "$segments" | grep -Eq 'LOAD .* RWE'; then
    echo "$program: want no segment that is writable and executable"
    status=1
  fi
  if printf '%s\n' "$header" | grep -q 'X86-64'; then
    # Of the flag in the file's notes nothing can be asked: libmilter.a has been built without it.
    want "indirect branch tracking" 'endbr64' "$(printf '%s\n' "$code" | grep -A1 '<main>:$')"
  fi
done
exit $status
