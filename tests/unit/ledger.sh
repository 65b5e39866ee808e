#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The ledger of owners in user space, under the sanitizers.
# shellcheck source=tests/unit/kshim.lib
. "$(dirname "$0")/kshim.lib"
