#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The long runs of selftests/guest-torture.list, not part of CI.
# ONLY=REGEX runs those whose name matches.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/guests.sh"

guest_list "$ROOT/selftests/guest-torture.list" "$BUILD/torture" torture
[ $((passed + failed)) -gt 0 ] || die "no test ran"
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
