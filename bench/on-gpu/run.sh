#!/bin/sh
# Does what is owed on a GPU (owed.txt), most valuable first, within MINUTES (default 9). What is done already is skipped,
# so call it again, there or on another machine, until it says that nothing is left. README.md beside it says how.
#
# usage: bench/on-gpu/run.sh OUT [MINUTES]
# Everything goes to one archive, OUT/on-gpu.tgz, renewed after every job: NAME.jsonl of a job that is done, NAME.failed of
# one that is not, NAME.log of both, and tuned/, what `tune` found. Unpacked into bench/results/on-gpu it is where the next
# call goes on; with the same OUT it goes on from the archive as well.
set -u
mkdir -p "${1:?usage: run.sh OUT [MINUTES]}"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.." || exit 1
# A little less: the machine may be gone when the time is over.
end=$(($(date +%s) + ${2:-9} * 60 - 20))
python=${PYTHON:-python3}
known=bench/results/on-gpu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
results=$work/results
mkdir -p "$results"
[ ! -f "$out/on-gpu.tgz" ] || tar -xzf "$out/on-gpu.tgz" -C "$results"

# What `tune` found, by this call or an earlier one, serves the jobs after it; datasets stay where they are.
export INITLAB_DATA="${INITLAB_DATA:-${XDG_CACHE_HOME:-$HOME/.cache}/initlab}"
export XDG_CACHE_HOME="$work/cache"
tuned=$XDG_CACHE_HOME/initlab/tuned
mkdir -p "$tuned" "$results/tuned"
for from in "$known/tuned" "$results/tuned"; do
  for file in "$from"/*.json; do [ ! -f "$file" ] || cp "$file" "$tuned/"; done
done

# What failed in an earlier call may fail again: it comes after everything else.
failed=' '
for file in "$known"/*.failed "$results"/*.failed; do
  [ ! -e "$file" ] || failed="$failed$(basename "$file" .failed) "
done
torch=$("$python" -c 'import importlib.util as u; print(u.find_spec("torch") and "yes" or "")' 2>/dev/null)

# missing COMMAND: what the job needs and this machine lacks, or nothing.
missing() {
  case $1 in *jaxjs* | *tfjs*) [ -d bench/peers/dist ] || echo 'the bundles in bench/peers/dist' ;; esac
  case $1 in *pytorch* | python\ *) [ -n "$torch" ] || echo 'PyTorch' ;; esac
  case $1 in *' fashion-mnist'*)
    [ -d /usr/share/datasets/fashion-mnist ] || [ -d "$INITLAB_DATA/fashion-mnist" ] || echo 'the dataset fashion-mnist' ;;
  esac
}

# The first word says whose arguments the others are, or is a variable set for them.
start() {
  limit=$1
  program=$2
  case $program in
    *=*) shift 2; (export "$program"; start "$limit" "$@") ;;
    peers) shift 2; timeout -k 10 "$limit" node bench/run-peers.mjs --json "$@" ;;
    python) shift 2; timeout -k 10 "$limit" "$python" bench/peers/src/pytorch_bench.py "$@" ;;
    *) shift; timeout -k 10 "$limit" node dist/initlab.mjs "$@" ;;
  esac
}

pack() {
  cp "$tuned"/*.json "$results/tuned/" 2>/dev/null
  tar -czf "$out/on-gpu.part" -C "$results" . && mv "$out/on-gpu.part" "$out/on-gpu.tgz"
}

finished=0
left=0
for pass in new again; do
  while read -r name limit command; do
    case $name in '' | '#'*) continue ;; esac
    if [ -s "$known/$name.jsonl" ] || [ -s "$results/$name.jsonl" ]; then continue; fi
    case $failed in *" $name "*) mine=again ;; *) mine=new ;; esac
    [ $pass = $mine ] || continue
    lack=$(missing "$command" | tr '\n' ' ')
    if [ -n "$lack" ]; then
      left=$((left + 1))
      echo "on-gpu: $name left, it needs $lack"
      continue
    fi
    now=$(date +%s)
    # A job that would not finish in what remains waits for the next call; a smaller one may still fit.
    if [ $((now + limit)) -gt "$end" ]; then
      left=$((left + 1))
      echo "on-gpu: $name left, it may take $limit s"
      continue
    fi
    echo "on-gpu: $name: $command"
    # shellcheck disable=SC2086 # the command line is split on purpose
    if start "$limit" $command > "$results/$name.part" 2> "$results/$name.log" < /dev/null; then
      mv "$results/$name.part" "$results/$name.jsonl"
      rm -f "$results/$name.failed"
      finished=$((finished + 1))
      echo "on-gpu: $name done in $(($(date +%s) - now)) s"
    else
      status=$?
      # What it printed is kept: the rows before the one that failed are good.
      mv "$results/$name.part" "$results/$name.failed"
      left=$((left + 1))
      echo "on-gpu: $name FAILED ($status) after $(($(date +%s) - now)) s"
      tail -5 "$results/$name.log"
    fi
    pack
  done < bench/on-gpu/owed.txt
done
echo "on-gpu: $finished done, $left left"
