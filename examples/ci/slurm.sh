#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# slurm.sh: runs a suite as a Slurm job array, a shard on each node, and merges the reports when all
# shards are over. Waits for that; its exit code is that of `bulkhead report merge`: 0 all passed, 1
# failures, 77 nothing could run, 2 when a shard has left no report.
#
# Environment: SUITE (suite.yaml), SHARDS (4), RESULTS (results; a folder that all nodes see),
# BULKHEAD (bulkhead), SBATCH (more options for sbatch, such as "--partition=kvm").
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

if [ "${1-}" = shard ]; then # in a job of the array
	exec "$BULKHEAD" test "$SUITE" --shard "$SLURM_ARRAY_TASK_ID/$SHARDS" \
		--json "$RESULTS/shard-$SLURM_ARRAY_TASK_ID.json" --artifacts "$RESULTS/artifacts"
elif [ "${1-}" = merge ]; then # in the job after it
	exec "$BULKHEAD" report merge "$RESULTS"/shard-*.json --json "$RESULTS/results.json" \
		--junit "$RESULTS/results.xml"
fi

SUITE=$(realpath "${SUITE:-$here/suite.yaml}")
SHARDS=${SHARDS:-4}
BULKHEAD=$(realpath "$(command -v "${BULKHEAD:-bulkhead}")")
mkdir -p "${RESULTS:-results}"
RESULTS=$(realpath "${RESULTS:-results}")
rm -f "$RESULTS"/shard-*.json
export SUITE SHARDS BULKHEAD RESULTS
read -ra more <<<"${SBATCH-}"

# The job's script is a copy: the words that say what to do in it come behind it.
array=$(sbatch --parsable --array="1-$SHARDS" --output="$RESULTS/shard-%a.log" "${more[@]}" \
	"$here/slurm.sh" shard)
status=0
sbatch --wait --parsable --dependency="afterany:${array%%;*}" --output="$RESULTS/merge.log" \
	"${more[@]}" "$here/slurm.sh" merge >/dev/null || status=$?
cat "$RESULTS/merge.log"
exit $status
