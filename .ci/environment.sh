#!/usr/bin/env bash
# Make the environment FOLDER and install exactly LOCK into it: with uv if it is here, else with plain pip.
set -euo pipefail
folder="$1" lock="$2" python="${PYTHON:-python3}"

say() { echo "$*" >&2; }

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
  say "Python 3.11 or newer is needed; \`$python\` is not. Name another: make run PYTHON=/path/to/python3"
  exit 1
}
begun=$SECONDS
if command -v uv >/dev/null && uv --version >/dev/null 2>&1; then
  say "Installing with uv into $folder ..."
  [ -x "$folder/bin/python" ] || uv venv --quiet --python "$("$python" -c 'import sys; print(sys.executable)')" "$folder"
  uv pip sync --quiet --python "$folder/bin/python" --require-hashes "$lock"
else
  if [ ! -x "$folder/bin/pip" ]; then
    "$python" -c 'import ensurepip, venv' 2>/dev/null || {
      say "Python's venv module is missing: on Debian and Ubuntu, apt-get install python3-venv"
      exit 1
    }
    "$python" -m venv --clear "$folder"
  fi
  say "Installing with pip into $folder; the first time takes a minute or two ..."
  "$folder/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$lock"
fi
say "Installed in $((SECONDS - begun)) s."
