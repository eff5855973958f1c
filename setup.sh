#!/bin/sh
# Makes this checkout ready to run: npm packages, build, and a WebGPU adapter. Run it again at any time; what is done
# already is not done again. usage: sh setup.sh
set -eu
cd "$(dirname "$0")"
. scripts/apt.sh
. scripts/software-driver.sh

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

check_node() {
  command -v node >/dev/null 2>&1 || fail "Node.js 20 or newer is needed and there is no 'node' here. See nodejs.org, or your system's packages."
  major=$(node -p 'process.versions.node.split(".")[0]')
  [ "$major" -ge 20 ] || fail "Node.js 20 or newer is needed; this is $(node -v)."
  command -v npm >/dev/null 2>&1 || fail "npm is needed (it comes with Node.js; Debian and Ubuntu package it apart: apt-get install npm)."
}

install_packages() {
  # npm writes node_modules/.package-lock.json last, so one that is no older than the lockfile means a finished install.
  if [ -f node_modules/.package-lock.json ] && [ ! package-lock.json -nt node_modules/.package-lock.json ]; then return 0; fi
  say "installing npm packages"
  npm ci --no-audit --no-fund
}

build() {
  say "building (the first time a minute or two)"
  npm run --silent build || fail "the build failed (above)."
}

# Sets $adapter to the adapter's name; its status is find-adapter's. Dawn's own chatter is dropped.
find_adapter() {
  status=0
  adapter=$(node scripts/find-adapter.mjs 2>/dev/null) || status=$?
  return "$status"
}

configure_backports() {
  if apt-cache policy | grep -q "n=$1-backports"; then return 0; fi
  entry=$(backports_entry "$1" /etc/apt)
  [ -n "$entry" ] || { say "apt's sources name no mirror of $1, so $1-backports cannot be added by itself."; return 1; }
  say "adding $1-backports from this machine's own mirror: /etc/apt/sources.list.d/initlab-backports.sources"
  printf '# Added by initlab: setup.sh, for a Mesa that Dawn accepts.\n%s\n' "$entry" |
    as_root tee /etc/apt/sources.list.d/initlab-backports.sources >/dev/null
  apt_update
}

install_driver() {
  route=$(driver_route /etc/os-release)
  if [ "$route" = tell ]; then driver_advice; return 1; fi
  can_be_root || { say "installing one needs root or sudo."; driver_advice; return 1; }
  apt_update
  if ! PATH="$PATH:/usr/sbin:/sbin" ldconfig -p 2>/dev/null | grep -q 'libvulkan\.so\.1'; then
    say "installing the Vulkan loader (libvulkan1), without which no GPU driver is found"
    apt_install libvulkan1 || return 1
    if find_adapter; then return 0; fi
  fi
  case "$route" in
    "backports "*)
      codename=${route#backports }
      say "installing Mesa's software Vulkan driver from $codename-backports: Dawn refuses the Mesa 22.3 of Debian 12 itself"
      configure_backports "$codename" || { driver_advice; return 1; }
      apt_install -t "$codename-backports" mesa-vulkan-drivers libvulkan1 || return 1
      ;;
    apt)
      say "installing Mesa's Vulkan drivers, among them a software one (mesa-vulkan-drivers)"
      apt_install mesa-vulkan-drivers libvulkan1 || return 1
      ;;
  esac
}

check_adapter() {
  if find_adapter; then say "WebGPU adapter: $adapter"; return 0; fi
  [ "$status" = 1 ] || fail "the npm package 'webgpu' does not load here: $adapter
It needs 64-bit Linux with glibc 2.34 or newer (Debian 12, Ubuntu 22.04, ...), macOS or Windows."
  say "Dawn finds no WebGPU adapter on this machine."
  install_driver || fail "no WebGPU adapter; packages and build are in place."
  find_adapter || { driver_advice; fail "still no WebGPU adapter; packages and build are in place."; }
  say "WebGPU adapter: $adapter"
}

check_node
install_packages
build
check_adapter
say "ready"
