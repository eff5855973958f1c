#!/bin/sh
# Build, types, lint, what nobody uses, arrows between packages. The tests' types take as long as the rest: beside it.
# usage: npm run check
set -eu
npm run --silent build
tsc -p test &
types=$!
status=0
{ tsc -p packages/lab/page && tsc -p apps/playground && biome check . && knip && sh scripts/gpu-objects.sh && depcruise -T err-long packages apps; } || status=1
wait "$types" || status=1
exit "$status"
