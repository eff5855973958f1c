# Finds out how a machine without a WebGPU adapter gets one. Sourced by setup.sh; POSIX sh, functions only.

# Prints the sources entry of CODENAME-backports, derived from the entry that gives this machine CODENAME itself: the
# same mirror, key and options. Prints nothing when there is no such entry.
# usage: backports_entry CODENAME APT_FOLDER
backports_entry() {
  for list in "$2"/sources.list.d/*.sources; do
    [ -f "$list" ] || continue
    entry=$(awk -v codename="$1" '
      function has(text, word,   parts, n, i) {
        n = split(text, parts, /[ \t\n]+/)
        for (i = 1; i <= n; i++) if (parts[i] == word) return 1
        return 0
      }
      function finish(   i, name) {
        if (!done && has(field["types"], "deb") && has(field["suites"], codename) && has(field["components"], "main") && field["enabled"] !~ /^(no|false|0)/) {
          print "Types: deb"
          print "Suites: " codename "-backports"
          print "Components: main"
          for (i = 1; i <= count; i++) {
            name = tolower(order[i])
            if (name !~ /^(types|suites|components|enabled)$/) print order[i] ": " field[name]
          }
          done = 1
        }
        for (name in field) delete field[name]
        count = 0
      }
      /^#/ { next }
      /^[ \t]*$/ { finish(); next }
      /^[ \t]/ { field[last] = field[last] "\n" $0; next }
      { colon = index($0, ":"); order[++count] = substr($0, 1, colon - 1); last = tolower(order[count])
        value = substr($0, colon + 1); sub(/^[ \t]+/, "", value); field[last] = value }
      END { finish() }' "$list")
    if [ -n "$entry" ]; then printf '%s\n' "$entry"; return 0; fi
  done
  for list in "$2"/sources.list "$2"/sources.list.d/*.list; do
    [ -f "$list" ] || continue
    entry=$(awk -v codename="$1" '
      /^[ \t]*deb[ \t]/ && !done {
        line = $0; options = ""
        sub(/#.*/, "", line)
        if (match(line, /\[[^]]*\]/)) {
          options = substr(line, RSTART + 1, RLENGTH - 2)
          line = substr(line, 1, RSTART - 1) substr(line, RSTART + RLENGTH)
        }
        n = split(line, word, /[ \t]+/); first = word[1] == "" ? 2 : 1
        uri = word[first + 1]
        if (word[first + 2] != codename || uri ~ /^cdrom:/) next
        for (i = first + 3; i <= n; i++) if (word[i] == "main") {
          print "Types: deb\nSuites: " codename "-backports\nComponents: main\nURIs: " uri
          m = split(options, option, /[ \t]+/)
          for (j = 1; j <= m; j++) if (split(option[j], pair, "=") == 2) {
            gsub(",", " ", pair[2])
            print (pair[1] == "arch" ? "Architectures" : pair[1]) ": " pair[2]
          }
          done = 1; break
        }
      }' "$list")
    if [ -n "$entry" ]; then printf '%s\n' "$entry"; return 0; fi
  done
}

# Prints how this system gets a software Vulkan driver that Dawn accepts: `backports CODENAME`, `apt`, or `tell`
# (not by us; see driver_advice).
# usage: driver_route OS_RELEASE_FILE
driver_route() {
  [ -f "$1" ] && command -v apt-get >/dev/null 2>&1 || { echo tell; return 0; }
  (
    . "$1"
    case "${ID:-}" in
      debian) [ "${VERSION_CODENAME:-}" = bookworm ] && echo "backports bookworm" || echo apt ;;
      ubuntu) echo apt ;;
      *) case " ${ID_LIKE:-} " in *" debian "* | *" ubuntu "*) echo apt ;; *) echo tell ;; esac ;;
    esac
  )
}

# What a person has to install where setup.sh does not.
driver_advice() {
  cat <<'TEXT'
WebGPU (through Dawn) needs a Vulkan driver. Install one, then run `sh setup.sh` again:
  with a GPU    NVIDIA: the proprietary driver with its Vulkan parts; AMD, Intel: Mesa, as below
  Debian 12     mesa-vulkan-drivers from bookworm-backports, and libvulkan1 (Debian's own Mesa 22.3 is too old for Dawn):
                apt-get install -t bookworm-backports mesa-vulkan-drivers libvulkan1
  Debian 13, Ubuntu 24.04 and newer
                apt-get install mesa-vulkan-drivers libvulkan1
  Fedora        dnf install mesa-vulkan-drivers vulkan-loader
  Arch          pacman -S vulkan-swrast vulkan-icd-loader
  openSUSE      zypper install libvulkan_lvp libvulkan1
In a container with an NVIDIA GPU, start it with the `graphics` capability (NVIDIA_DRIVER_CAPABILITIES=all).
If a driver is installed but not found, set VK_DRIVER_FILES to its .json file in /usr/share/vulkan/icd.d or /etc/vulkan/icd.d.
TEXT
}
