#!/bin/sh
# Prints the program of this system's Chromium or Chrome; exit status 1 where there is none. CHROMIUM names another.
if [ -n "${CHROMIUM:-}" ]; then
  if [ -x "$CHROMIUM" ]; then printf '%s\n' "$CHROMIUM"; exit 0; fi
  printf 'find-chromium: CHROMIUM names %s, which is no program\n' "$CHROMIUM" >&2
  exit 1
fi
for name in chromium chromium-browser google-chrome google-chrome-stable; do
  command -v "$name" && exit 0
done
if [ "$(uname 2>/dev/null)" = Darwin ]; then
  for name in 'Google Chrome' Chromium; do
    program="/Applications/$name.app/Contents/MacOS/$name"
    if [ -x "$program" ]; then printf '%s\n' "$program"; exit 0; fi
  done
fi
exit 1
