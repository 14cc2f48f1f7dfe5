# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh
# What the kernel of the emulated machine has as files, and devices take; loaded once.
for module in modules/"$(uname -r)"/*; do
	name=${module##*/??-}
	grep -q "^${name%.ko} " /proc/modules || insmod "$module" || echo "insmod $module failed"
done
