# Installing with apt, as root or through sudo. Sourced by setup.sh and test-needs.sh; POSIX sh, functions only.

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Root, or sudo that asks for no password.
is_root() {
  [ "$(id -u)" = 0 ] && return 0
  command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null
}

# Root, or sudo that may ask a person for a password.
can_be_root() {
  is_root && return 0
  command -v sudo >/dev/null 2>&1 && [ -t 0 ]
}

apt_update() {
  as_root apt-get update -q || say "apt-get update reported errors; going on with what it got."
}

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
}
