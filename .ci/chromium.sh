#!/usr/bin/env bash
# Print the path of a Chromium for the browser tests; install Debian's if there is none and we may.
set -euo pipefail

find_one() {
  local name
  for name in ${PEP_CHROMIUM:+"$PEP_CHROMIUM"} chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" && return 0
  done
  return 1
}

find_one && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing Chromium for the browser tests ..." >&2
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; } </dev/null >&2
  find_one && exit 0
fi
echo "The browser tests need Chromium: apt-get install chromium, or set PEP_CHROMIUM to one." >&2
exit 1
