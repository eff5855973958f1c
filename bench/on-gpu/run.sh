#!/bin/sh
# Does what is owed on a GPU, most valuable first, within MINUTES (default 9); what is done already is skipped, so call it
# again until it says that nothing is left. Needs dist/initlab.mjs (npm run bundle) and a `webgpu` package beside it.
# usage: bench/on-gpu/run.sh OUT [MINUTES]
# Results of finished jobs go to OUT; copy them (and OUT/cache, what `tune` found) to bench/results/on-gpu/ and commit: that
# is how a job counts as done. `node scripts/ship-tuned.mjs OUT/cache/initlab/tuned/*.json` then ships the tuned kernels.
set -u
cd "$(dirname "$0")/../.."
out=${1:?usage: run.sh OUT [MINUTES]}
end=$(( $(date +%s) + ${2:-9} * 60 - 20 ))
mkdir -p "$out"
# What `tune` found, by this call or an earlier one, serves the benches after it.
export XDG_CACHE_HOME="$out/cache"
if [ -d bench/results/on-gpu/cache ] && [ ! -d "$out/cache" ]; then cp -r bench/results/on-gpu/cache "$out/cache"; fi
left=0
while read -r name limit command; do
  case "$name" in ''|'#'*) continue ;; esac
  if [ -s "bench/results/on-gpu/$name.jsonl" ] || [ -s "$out/$name.jsonl" ]; then continue; fi
  now=$(date +%s)
  # A job that would not finish in what is left waits for the next call; a smaller one may still fit.
  if [ $(( now + limit )) -gt "$end" ]; then left=$(( left + 1 )); continue; fi
  echo "on-gpu: $name ($command)"
  # shellcheck disable=SC2086 # the command line is split on purpose
  if timeout "$limit" node dist/initlab.mjs $command > "$out/$name.part" 2> "$out/$name.log"; then
    mv "$out/$name.part" "$out/$name.jsonl"; echo "on-gpu: $name done in $(( $(date +%s) - now )) s"
  else
    status=$?; mv "$out/$name.part" "$out/$name.failed"; left=$(( left + 1 )); echo "on-gpu: $name FAILED ($status)"; tail -5 "$out/$name.log"
  fi
done < bench/on-gpu/owed.txt
echo "on-gpu: $left left"
