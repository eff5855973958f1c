#!/bin/sh
# GPU objects and navigator.gpu stay in one room: packages/core/src/gpu/. Fails on any other file that names one, in a comment too.
# usage: sh scripts/gpu-objects.sh     where packages/ and apps/ lie
found=$(grep -rnE '\bGPU[A-Z]|navigator\.gpu\b' packages/*/src apps/*/src --include='*.ts' --include='*.tsx' 2>/dev/null | grep -v '^packages/core/src/gpu/')
[ -z "$found" ] && exit 0
printf '%s\n\nGPU objects belong in packages/core/src/gpu/: ask its Device for what is needed\n' "$found" >&2
exit 1
