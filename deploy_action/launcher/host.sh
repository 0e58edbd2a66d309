# shellcheck shell=bash
# The host runtime: find a Python, and a virtual environment that holds the requirements.
#
# The environment holds the requirements only and is therefore shared by all releases with the same ones; the
# action's own package is imported from where the runner put the action (see entrypoint.py). It is built in a folder
# of its own and published by renaming a small file that names it: nobody ever sees half an environment, and the
# lock below only saves two jobs from doing the same work twice.

find_python() {
  local base root key pointer
  choose_root
  key=$(sha256 "$action/requirements.txt" | cut -c1-16)-${HOSTTYPE:-}-${OSTYPE:-}
  for pointer in "$root/$key-py"*; do
    if published "$pointer"; then return; fi
  done
  base=$(first_python) || give_up "No Python 3.11 or newer with venv was found on this runner." \
    "The action needs it where it does not run in a container." \
    "Add actions/setup-python with python-version 3.13 before this step, or use a runner with Docker."
  build_environment "$base" "$root/$key-py$(version_of "$base")"
}

# Sets `python` from the published environment, if there is one that works and is what was installed: a tool cache may
# be shared by machines and job containers, where the same path can be another Python, and by jobs that are not trusted.
# Nothing of it is run before that.
published() {
  local name='' hash='' folder
  if [ ! -f "$1" ]; then return 1; fi
  { read -r name && read -r hash; } <"$1"
  folder=${1%/*}/$name
  python=$(interpreter "$folder")
  if [ -z "$hash" ] || [ ! -x "$python" ]; then return 1; fi
  case $name in */* | "${1##*/}".) return 1 ;; "${1##*/}".*) ;; *) return 1 ;; esac
  if ! private "$1" || ! private "$folder" || [ "$(installed_hash "$folder")" != "$hash" ]; then
    warn "The virtual environment ${folder} in the runner's tool cache was changed after it was installed, or others than" \
      "this user may write it. It is not used; another one is made." \
      "Find out which job changed it, or let each job start on a fresh runner."
    rm -f "$1" 2>/dev/null
    return 1
  fi
  [ "$(version_of "$python")" = "${1##*-py}" ]
}

interpreter() {
  if [ -d "$1/Scripts" ]; then echo "$1/Scripts/python.exe"; else echo "$1/bin/python"; fi
}

version_of() {
  local version
  version=$("$1" --version 2>/dev/null)
  version=${version#Python }
  printf '%s' "${version//[!0-9a-z.]/}"
}

# A Python of Debian may lack the parts that make an environment: then the next one is tried.
first_python() {
  local candidate tools=${RUNNER_TOOL_CACHE:-/nowhere}/Python
  for candidate in "${pythonLocation:-/nowhere}/bin/python3" "${pythonLocation:-/nowhere}/python.exe" \
    python3.14 python3.13 python3.12 python3.11 python3 python \
    "$tools"/3.1[1-9].*/*/bin/python3 "$tools"/3.1[1-9].*/*/python.exe; do
    have "$candidate" || continue
    case $(version_of "$candidate") in
    3.1[1-9]* | 3.[2-9][0-9]*) ;;
    *) continue ;;
    esac
    "$candidate" -I -c 'import ensurepip, venv' 2>/dev/null || continue
    command -v "$candidate"
    return
  done
  return 1
}

build_environment() {
  local base=$1 pointer=$2 log=$state/environment.log failed='' environment
  if ! take_lock "$pointer"; then return; fi
  # What a killed job left half done.
  find "${pointer%/*}" -maxdepth 1 -name "${pointer##*/}.????????" -mmin +60 -exec rm -rf {} + 2>/dev/null
  environment=$(mktemp -d "$pointer.XXXXXXXX")
  # Runners of several users may share a tool cache.
  chmod 755 "$environment"
  echo "::group::deploy-coordinator: preparing the virtual environment (once per runner)"
  patiently install "$base" "$environment" >"$log" 2>&1 || failed=1
  if [ -n "$failed" ]; then show "$log"; fi
  echo "::endgroup::"
  if [ -n "$failed" ]; then
    rm -rf "$environment" "$pointer.lock"
    stop_if_cancelled
    give_up "The virtual environment could not be made: $(tail -n 1 "$log" | tr -d '\r')" \
      "The action's requirements are installed in it." \
      "Look at the group above; a package index must be reachable (pip's own settings are used)."
  fi
  (umask 022 && write "$pointer" "${environment##*/}"$'\n'"$(installed_hash "$environment")")
  rm -rf "$pointer.lock"
  python=$(interpreter "$environment")
}

# Only wheels are installed: to build one is to run code of packages that no hash names. pip sees of the environment what
# it needs to reach an index, and neither credentials of AWS, GitHub or Slack nor settings that name another place to
# install to. Nobody else may write what is installed. Runs in a subshell.
install() {
  local name
  umask 022
  for name in $(compgen -e); do
    if ! pip_needs "$name"; then unset "$name" 2>/dev/null; fi
  done
  # shellcheck disable=SC2046 # names
  export -nf $(compgen -A function)
  "$1" -I -m venv "$2" &&
    PIP_USER=0 "$(interpreter "$2")" -I -m pip install --disable-pip-version-check --no-input --quiet \
      --no-deps --only-binary :all: --require-hashes -r "$action/requirements.txt"
}

pip_needs() {
  case $1 in
  PIP_TARGET | PIP_PREFIX | PIP_ROOT | PIP_REQUIRE_VIRTUALENV) return 1 ;;
  PIP_* | PATH | HOME | USER | LOGNAME | LANG | LC_* | TMPDIR | TEMP | TMP | NETRC | XDG_CONFIG_HOME | XDG_CONFIG_DIRS) ;;
  HTTP_PROXY | HTTPS_PROXY | NO_PROXY | ALL_PROXY | http_proxy | https_proxy | no_proxy | all_proxy) ;;
  SSL_CERT_FILE | SSL_CERT_DIR | REQUESTS_CA_BUNDLE | CURL_CA_BUNDLE | LD_LIBRARY_PATH) ;;
  # Windows
  SYSTEMROOT | SYSTEMDRIVE | COMSPEC | PATHEXT | WINDIR | APPDATA | LOCALAPPDATA | USERPROFILE | PROGRAMDATA) ;;
  *) return 1 ;;
  esac
}

# Waits for another job that builds the same environment. False if that one has published it meanwhile.
take_lock() {
  local pointer=$1 lock=$1.lock told=''
  until mkdir "$lock" 2>/dev/null; do
    stop_if_cancelled
    if published "$pointer"; then return 1; fi
    if [ -z "$told" ]; then say "Another job on this runner prepares the same virtual environment; waiting for it."; fi
    told=1
    if stale "$lock"; then
      clear_lock "$lock"
    else
      nap 0.5
    fi
  done
  printf '%s\n' "$(uname -n) $$" >"$lock/owner"
  if published "$pointer"; then
    rm -rf "$lock"
    return 1
  fi
}

# A process number says something only on the machine (or in the container) that gave it out.
stale() {
  local owner=''
  if [ -n "$(find "$1" -maxdepth 0 -mmin +15 2>/dev/null)" ]; then return 0; fi
  if [ -r "$1/owner" ]; then read -r owner <"$1/owner"; fi
  if [ "${owner% *}" != "$(uname -n)" ]; then return 1; fi
  ! kill -0 "${owner##* }" 2>/dev/null
}

# Only one waiter at a time may clear a dead lock, and looks again first: it could be the living one of a faster waiter.
clear_lock() {
  find "$1.clear" -maxdepth 0 -mmin +1 -exec rmdir {} \; 2>/dev/null
  if mkdir "$1.clear" 2>/dev/null; then
    if stale "$1"; then rm -rf "$1"; fi
    rmdir "$1.clear"
  else
    nap
  fi
}

# Puts `deploy-coordinator` on the PATH of the later steps of the job.
offer_commands() {
  local folder=$state/bin
  find_python
  mkdir -p "$folder" || give_up "The folder $folder cannot be made." "The command would be put there." "Free disk space."
  printf '#!/usr/bin/env bash\nexec %q -Iu -X utf8 %q "$@"\n' "$python" "$action/entrypoint.py" \
    >"$folder/deploy-coordinator"
  chmod +x "$folder/deploy-coordinator"
  append "${GITHUB_PATH:-}" "$folder" ||
    give_up "The file for the PATH (GITHUB_PATH) cannot be written." "Later steps would not find the command." \
      "Free disk space on the runner."
  say "The command deploy-coordinator is there for the later steps of this job."
  exit 0
}
