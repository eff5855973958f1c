#!/bin/sh
# Runs PyTorch's reference cases on a second WebGPU: wgpu with its compiler naga, which Firefox has, in Deno. The npm package
# `deno` (some 90 MB) is installed in scripts/second-webgpu/ the first time; where it cannot be had, that is said and nothing
# runs. Arguments are those of `initlab selftest`; without any, operations and models run. Before them its compiler is given
# the kernels that a GPU would run.
# usage: sh scripts/second-webgpu.sh [--ops test/parity/ops.json]     (after sh setup.sh)
set -eu
cd "$(dirname "$0")/.."

home=scripts/second-webgpu
deno=$home/node_modules/.bin/deno
if ! "$deno" --version >/dev/null 2>&1; then
  echo "second-webgpu: installing the npm package deno in $home"
  npm install --prefix "$home" --no-audit --no-fund --no-package-lock --loglevel=error || true
fi
if ! "$deno" --version >/dev/null 2>&1; then
  echo 'second-webgpu: skipped: the npm package deno could not be installed or does not run here'
  exit 0
fi

# On a CPU driver nearly all of the time is LLVM's, which optimises code that then runs once: it is told not to.
export GALLIVM_PERF="${GALLIVM_PERF-nopt}"
# wgpu may also take OpenGL, which has no f16 in shaders and was slower.
if [ "$(uname)" = Linux ]; then export DENO_WEBGPU_BACKEND="${DENO_WEBGPU_BACKEND:-vulkan}"; fi
echo "second-webgpu: $("$deno" --version | head -n 1)"

# A GPU's kernels, of which a software driver is given few: naga is only to take their text.
kernels=$(mktemp -d)
trap 'rm -rf "$kernels"' EXIT
node packages/lab/bin/initlab.mjs kernels dump "$kernels" --for browser --batch 8 --precision f32,mixed \
  --models resnet20,vgg11-bn,mobilenetv2,simple-cnn,wrn16-2,plain-resnet8,fixup-resnet20 >/dev/null
"$deno" run --allow-all --unstable-webgpu scripts/take-kernels.mjs "$kernels"

"$deno" run --allow-all --unstable-webgpu packages/lab/bin/initlab.mjs selftest "$@"
