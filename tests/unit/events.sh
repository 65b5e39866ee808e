#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The ring of events in user space, under the sanitizers.
# shellcheck source=tests/unit/kshim.lib
. "$(dirname "$0")/kshim.lib"
