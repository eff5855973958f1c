#!/bin/sh
# Brings what `npm test` needs of the system and `npm start` does not: Chromium and Firefox, for the tests in a browser, FashionMNIST as
# Debian packages it, and Python's protocol buffers, which read our TensorBoard files. As root it installs what lacks; a person at a terminal is asked before sudo is used.
# Otherwise one line says what lacks, and the tests that need it are skipped by name; with CI set, that is an error, and
# a sudo that asks nothing is used. What is there already is left alone. usage: sh scripts/test-needs.sh
set -eu
cd "$(dirname "$0")/.."
. scripts/apt.sh

say() { printf 'test-needs: %s\n' "$*"; }

# Sets $missing to the Debian packages of what lacks.
look() {
  missing=
  sh scripts/find-chromium.sh >/dev/null || missing=chromium
  command -v "${FIREFOX:-firefox-esr}" >/dev/null 2>&1 || command -v firefox >/dev/null 2>&1 || missing="$missing${missing:+ }firefox-esr"
  [ -d /usr/share/datasets/fashion-mnist ] || missing="$missing${missing:+ }dataset-fashion-mnist"
  /usr/bin/python3 -c 'import google.protobuf' 2>/dev/null || missing="$missing${missing:+ }python3-protobuf"
}

# May apt-get install them? A person at a terminal is asked; root and CI's sudo need not ask.
allowed() {
  command -v apt-get >/dev/null 2>&1 || return 1
  [ "$(id -u)" != 0 ] || return 0
  can_be_root || return 1
  if [ -n "${CI:-}" ]; then is_root; return; fi
  [ -t 0 ] || return 1
  printf 'test-needs: install %s with sudo apt-get? [y/N] ' "$missing"
  read -r answer || answer=
  case "$answer" in [yY] | [yY][eE][sS]) return 0 ;; *) return 1 ;; esac
}

# Of $missing what apt knows: Ubuntu, for one, has no Chromium but a snap.
installable() {
  for package in $missing; do
    if apt-cache policy "$package" | grep -q 'Candidate: [^(]'; then printf '%s ' "$package"; fi
  done
}

look
[ -n "$missing" ] || exit 0
if allowed; then
  say "installing $missing"
  apt_update
  packages=$(installable)
  # shellcheck disable=SC2086 # a list of names
  [ -z "$packages" ] || apt_install $packages || say "apt-get could not install $packages(above)"
  look
fi
[ -n "$missing" ] || exit 0
say "$missing not found: tests that need it are skipped. Debian: apt-get install $missing. Another Chromium or Chrome: its program in CHROMIUM"
[ -z "${CI:-}" ]
