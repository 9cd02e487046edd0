#!/usr/bin/env bash
# Run a grid on the local Slurm cluster, let one of the two nodes vanish when a third is done, and
# compare the records with those of a run without Slurm.
#
#   try.sh                    24 runs of two notebooks with small parameters, in build/slurm-try
#
# Needs what cluster.sh needs, and Snakemake: make workflow.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
snakemake=${SNAKEMAKE:-build/workflow-venv/bin/snakemake}
dkg=${DKG:-.venv/bin/dkg}
out=$PWD/build/slurm-try
export SLURM_LOCAL=${SLURM_LOCAL:-$PWD/build/slurm-local}
grid="00_start_here 04_ciphertext_security --profile smoke --seeds 6 --weights base-phantom-1"
if [ -n "${GRID:-}" ]; then grid=$GRID; fi

rm -rf "$out"
mkdir -p "$out"
"$here/cluster.sh" start
job=
trap 'if [ -n "$job" ]; then kill "$job" 2> /dev/null || true; fi; "$here/cluster.sh" stop' EXIT
export SLURM_CONF=$SLURM_LOCAL/slurm.conf PATH=$SLURM_LOCAL/bin:$PATH

stamps() { find "$out/slurm" -path '*/executed/*.json' 2> /dev/null | wc -l; }

runs=$("$dkg" reproduce $grid --plan | grep -c '"stamp"')
echo "$runs runs: dkg reproduce $grid"
began=$SECONDS
DKG_OUTPUT=$out/slurm "$snakemake" --workflow-profile workflow/profiles/slurm --slurm-no-account \
  --slurm-status-command squeue --seconds-between-status-checks 5 --jobs 6 \
  --default-resources slurm_partition=main \
  --config dkg="$dkg" grid="$grid" > "$out/slurm.log" 2>&1 &
job=$!
# In the middle: a third is done, and the node is busy.
while [ "$(stamps)" -lt $((runs / 3)) ] || [ -z "$(squeue -h -t running -w node2)" ]; do
  kill -0 $job || { tail -30 "$out/slurm.log"; exit 1; }
  sleep 1
done
echo "after $((SECONDS - began)) s $(stamps) runs are done; now node2 vanishes"
"$here/cluster.sh" stop-node node2
wait $job || { tail -30 "$out/slurm.log"; exit 1; }
job=
echo "Snakemake on Slurm ended with status 0 after $((SECONDS - began)) s; $(stamps) runs are done"
sinfo --Node
scontrol --oneliner show jobs > "$out/jobs.txt"
echo "jobs by state and node: $(grep -o 'JobState=[A-Z_]*\| NodeList=[^ ]*' "$out/jobs.txt" | paste - - | sort | uniq -c | paste -sd ';')"
echo "jobs that Slurm started a second time: $(grep -c 'Restarts=[1-9]' "$out/jobs.txt")"

began=$SECONDS
DKG_OUTPUT=$out/local "$dkg" reproduce $grid --jobs 2 --threads 1 > "$out/local.log" 2>&1
echo "without Slurm: $((SECONDS - began)) s"
python3 workflow/compare_records.py "$out/local" "$out/slurm"
