#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The supervisor's end of the console in user space, under the sanitizers.
# shellcheck source=tests/unit/kshim.lib
. "$(dirname "$0")/kshim.lib"
