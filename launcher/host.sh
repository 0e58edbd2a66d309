# shellcheck shell=bash
# The host runtime: find a Python, and a virtual environment that holds the requirements.
#
# The environment holds the requirements only and is therefore shared by all releases with the same ones; the
# action's own package is imported from where the runner put the action (see entrypoint.py). It is built in a folder
# of its own and published by renaming a small file that names it: nobody ever sees half an environment, and the
# lock below only saves two jobs from doing the same work twice.

find_python() {
  local base root key pointer lacking=''
  choose_root
  key=$(sha256 "$action/requirements.txt" | cut -c1-16)-${HOSTTYPE:-}-${OSTYPE:-}
  for pointer in "$root/$key-py"*; do
    if published "$pointer"; then return; fi
  done
  first_python || give_up "No Python 3.11 or newer with venv was found on this runner${lacking:+ ($lacking lacks it)}." \
    "The action needs it where it does not run in a container." \
    "Add actions/setup-python with python-version 3.13 before this step${lacking:+, install the package python3-venv or uv}, or use a runner with Docker."
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
  [ "$(version_of "$python")" = "${1##*-py}" ] || return
  touch -c "$1" 2>/dev/null || :
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

# Sets `base`. A Python of Debian may lack the parts that make an environment: `lacking` names it, and uv makes one, or
# the next one is tried.
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
    if ! makes_environments "$candidate"; then
      lacking=$candidate
      continue
    fi
    base=$(command -v "$candidate")
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
  start_heartbeat "Still installing the action's requirements"
  patiently install "$base" "$environment" >"$log" 2>&1 || failed=1
  stop_heartbeat
  if [ -n "$failed" ]; then show "$log"; fi
  echo "::endgroup::"
  if [ -n "$failed" ]; then
    rm -rf "$environment" "$pointer.lock"
    stop_if_cancelled
    give_up "The virtual environment could not be made: $(pip_reason "$log")" \
      "The action's requirements are installed in it." "$(cat "$log" "$state/pip.log" 2>/dev/null | pip_remedy)"
  fi
  (umask 022 && write "$pointer" "${environment##*/}"$'\n'"$(installed_hash "$environment")")
  rm -rf "$pointer.lock"
  python=$(interpreter "$environment")
}

# Only wheels are installed: to build one is to run code of packages that no hash names. pip sees of the environment what
# it needs to reach an index, and neither credentials of AWS, GitHub or Slack nor settings that name another place to
# install to. Nobody else may write what is installed. Runs in a subshell.
install() {
  local name environment=$2 pip
  umask 022
  trust_for_pip
  for name in $(compgen -e); do
    if ! pip_needs "$name"; then unset "$name" 2>/dev/null; fi
  done
  # shellcheck disable=SC2046 # names
  export -nf $(compgen -A function)
  # Where uv fails, pip says why: its words have a remedy.
  if uv_is_enough && (by_uv "$1" "$environment") >"$state/uv.log" 2>&1; then return; fi
  # An environment with a pip of its own takes twice as long to make, and to look through.
  if "$1" -I -c 'import pip, venv' 2>/dev/null; then
    "$1" -I -m venv --clear --without-pip "$environment" || return
    pip=("$1" -I -m pip --python "$(interpreter "$environment")")
  elif "$1" -I -c 'import ensurepip, venv' 2>/dev/null; then
    "$1" -I -m venv --clear "$environment" || return
    pip=("$(interpreter "$environment")" -I -m pip)
  else
    trust_for_uv
    uv venv --quiet --clear --seed --python "$1" "$environment" || return
    pip=("$(interpreter "$environment")" -I -m pip)
  fi
  keep_pip_settings "${pip[@]}"
  PIP_CONFIG_FILE=/dev/null PIP_USER=0 "${pip[@]}" install --disable-pip-version-check --no-input --quiet --no-deps \
    --log "$state/pip.log" --only-binary :all: --require-hashes -r "$action/requirements.txt" &&
    prune "$environment" &&
    "$(interpreter "$environment")" -I -X utf8 "$action/entrypoint.py" prove
}

# uv takes a tenth of pip's time, and reads none of pip's settings: where there are others than it can be told, pip it is.
uv_is_enough() {
  local name
  have uv || return
  if [ -n "$(pip_files)" ]; then return 1; fi
  for name in $(compgen -e PIP_); do
    case $name in
    PIP_INDEX_URL | PIP_EXTRA_INDEX_URL | PIP_FIND_LINKS | PIP_CERT) ;;
    PIP_DISABLE_PIP_VERSION_CHECK | PIP_NO_INPUT | PIP_ROOT_USER_ACTION | PIP_DEFAULT_TIMEOUT) ;;
    *) if [ -n "${!name}" ]; then return 1; fi ;;
    esac
  done
}

# The files that pip reads and that are there.
pip_files() {
  local file
  for file in "${PIP_CONFIG_FILE:-}" /etc/pip.conf "${HOME:-}/.pip/pip.conf" "${XDG_CONFIG_HOME:-${HOME:-}/.config}/pip/pip.conf" \
    /etc/xdg/pip/pip.conf "${HOME:-}/Library/Application Support/pip/pip.conf" "/Library/Application Support/pip/pip.conf" \
    "${APPDATA:-}/pip/pip.ini" "${PROGRAMDATA:-}/pip/pip.ini"; do
    if [ -s "$file" ]; then printf '%s\n' "$file"; fi
  done
}

# by_uv PYTHON FOLDER: in the state folder, since uv reads settings of the folder that it is started in. Files are
# copied: what is linked to uv's cache could be changed there. uv leaves a lock that everybody may write.
by_uv() {
  trust_for_uv
  if [ -n "${PIP_EXTRA_INDEX_URL:-}" ]; then export UV_INDEX=$PIP_EXTRA_INDEX_URL; fi
  if [ -n "${PIP_FIND_LINKS:-}" ]; then export UV_FIND_LINKS=$PIP_FIND_LINKS; fi
  export UV_HTTP_TIMEOUT=15
  cd "$state" &&
    uv venv --quiet --clear --no-project --python "$1" "$2" &&
    uv pip install --quiet --python "$(interpreter "$2")" --link-mode copy --compile-bytecode --no-deps \
      --only-binary :all: --require-hashes -r "$action/requirements.txt" &&
    prune "$2" && chmod -R go-w "$2" &&
    "$(interpreter "$2")" -I -X utf8 "$action/entrypoint.py" prove
}

# What the action asks of AWS, as in the image (see Dockerfile).
aws_services='cloudformation cloudtrail dynamodb ec2 ecr ecs iam lambda logs rds s3 secretsmanager service-quotas sns sqs ssm sso sso-oidc sts'

# prune ENVIRONMENT: botocore describes 400 services in 3,500 files, through which each job would look.
prune() {
  local data folder gone=()
  for data in "$1"/lib/python3*/site-packages/boto*/data "$1"/Lib/site-packages/boto*/data; do
    for folder in "$data"/*/; do
      folder=${folder%/}
      case " $aws_services " in *" ${folder##*/} "*) ;; *) if [ -d "$folder" ]; then gone+=("$folder"); fi ;; esac
    done
  done
  if [ -n "${gone[*]-}" ]; then rm -rf "${gone[@]}"; fi
}

# makes_environments PYTHON: by itself, by its pip, or by uv. Debian splits off what `venv` needs.
makes_environments() {
  "$1" -I -c 'import ensurepip, venv' 2>/dev/null || "$1" -I -c 'import pip, venv' 2>/dev/null || have uv
}

# pip takes one file: all that is named for anybody, and the system's (see trust.py).
trust_for_pip() {
  local path named='' bundle=$state/pip-certificates.pem
  for path in "${PIP_CERT:-}" "${REQUESTS_CA_BUNDLE:-}" "${CURL_CA_BUNDLE:-}" "${SSL_CERT_FILE:-}" "${AWS_CA_BUNDLE:-}" \
    "${NODE_EXTRA_CA_CERTS:-}"; do
    if [ -f "$path" ]; then named+=$path$'\n'; fi
  done
  if [ -z "$named" ]; then return; fi
  keep_host_certificates
  printf '%s%s\n' "$named" "$state/host-certificates.pem" | while IFS= read -r path; do
    if [ -r "$path" ]; then cat "$path" && echo; fi
  done >"$bundle" && export PIP_CERT=$bundle
}

# uv reads nothing of pip's.
trust_for_uv() {
  local index
  index=$(pip_settings | sed -n 's/^index-url[[:space:]]*[=:][[:space:]]*//p')
  if [ -n "$index" ]; then export UV_DEFAULT_INDEX=$index; fi
  if [ -n "${PIP_CERT:-}" ]; then export SSL_CERT_FILE=$PIP_CERT; fi
}

# Of pip's configuration files what leads to an index is kept; `target`, `prefix`, `user` and their like, which would
# install past the environment, are not. What the environment says has precedence, as with pip.
keep_pip_settings() {
  local line name value
  while IFS= read -r line; do
    name=${line%%=*} value=${line#*=}
    case $name in ':env:'*) continue ;; esac
    name=${name#*.}
    case $name in
    index-url | extra-index-url | find-links | no-index | trusted-host | cert | client-cert | proxy | timeout | retries | constraint) ;;
    *) continue ;;
    esac
    name=PIP_$(printf '%s' "$name" | tr 'a-z-' 'A-Z_')
    value=${value#?} value=${value%?}
    if [ -z "${!name:-}" ]; then
      export "$name=${value//\\n/ }"
    elif [ "$name" = PIP_CERT ] && [ "$PIP_CERT" = "$state/pip-certificates.pem" ]; then
      cat "$value" >>"$PIP_CERT" 2>/dev/null
    fi
  done < <("$@" --disable-pip-version-check config list 2>/dev/null | tr -d '\r')
}

# pip_reason LOG: the line that tells why. What keeps pip from an index stands in its verbose log alone: what it prints
# is that there is no such version.
pip_reason() {
  local line
  line=$(without_escapes "$state/pip.log" | sed -E 's/^[0-9T:,-]+ +//' |
    grep -iE 'connection broken by|could not fetch url .*(error|problem)|[45][0-9][0-9] (client|server) error|(conflict|constraint)' |
    sed -E 's/ - skipping$//; s/^.*connection broken by/Connection broken by/' | head -n 1)
  if [ -n "$line" ]; then printf '%s' "${line:0:400}"; else telling_line "$1"; fi
}

# What to set, by pip's own words on standard input.
pip_remedy() {
  local words
  words=$(tr '[:upper:]' '[:lower:]')
  case $words in
  *certificate*verify*failed* | *sslerror* | *ssl:*) echo "Name a file with your company's certificates in PIP_CERT or NODE_EXTRA_CA_CERTS." ;;
  *'407 proxy'* | *'proxy authentication'*) echo "The proxy wants a password: put it into HTTPS_PROXY, http://USER:PASSWORD@HOST:PORT." ;;
  *'401 client'* | *'401 error'* | *'403 client'* | *'403 error'* | *'user for '*) echo "The package index refuses: give its address with a token in PIP_INDEX_URL." ;;
  *'403 forbidden'* | *'connection broken'* | *'timed out'* | *'connection refused'* | *'name resolution'*) echo "The package index cannot be reached: set HTTPS_PROXY, or PIP_INDEX_URL to one that can." ;;
  *constraint*) echo "A constraint in pip's settings forbids a version that the action pins: unset PIP_CONSTRAINT for this step." ;;
  *'no matching distribution'* | *'could not find a version'*) echo "The package index does not have that version: mirror it there, or name another index in PIP_INDEX_URL." ;;
  *ensurepip* | *'no module named venv'*) echo "Install python3-venv (apt-get install python3-venv), or add actions/setup-python before this step." ;;
  *'no space left'*) echo "Free disk space on the runner." ;;
  *) echo "Look at the group above; a package index must be reachable (pip's own settings are used)." ;;
  esac
}

pip_needs() {
  case $1 in
  PIP_TARGET | PIP_PREFIX | PIP_ROOT | PIP_REQUIRE_VIRTUALENV) return 1 ;;
  UV_DEFAULT_INDEX | UV_INDEX_URL | UV_INDEX | UV_EXTRA_INDEX_URL | UV_NATIVE_TLS | UV_SYSTEM_CERTS | UV_CACHE_DIR | UV_OFFLINE) ;;
  PIP_* | PATH | HOME | USER | LOGNAME | LANG | LC_* | TMPDIR | TEMP | TMP | NETRC | XDG_CONFIG_HOME | XDG_CONFIG_DIRS) ;;
  HTTP_PROXY | HTTPS_PROXY | NO_PROXY | ALL_PROXY | http_proxy | https_proxy | no_proxy | all_proxy) ;;
  SSL_CERT_FILE | SSL_CERT_DIR | REQUESTS_CA_BUNDLE | CURL_CA_BUNDLE | LD_LIBRARY_PATH) ;;
  # Windows
  SYSTEMROOT | SYSTEMDRIVE | COMSPEC | PATHEXT | WINDIR | APPDATA | LOCALAPPDATA | USERPROFILE | PROGRAMDATA) ;;
  *) return 1 ;;
  esac
}

# No environment takes that long to make, on any index that is of use.
lock_patience=600

pointer_of_job() {
  root=$state
  pointer=$state/${1##*/}
}

# Waits for another job that builds the same environment. False if that one has published it meanwhile. Sets `pointer`
# of the caller where the lock cannot be had.
take_lock() {
  local lock=$1.lock told='' began=$SECONDS tries=0
  until mkdir "$lock" 2>/dev/null; do
    stop_if_cancelled
    if published "$pointer"; then return 1; fi
    if [ -z "$told" ]; then say "Another job on this runner prepares the same virtual environment; waiting for it."; fi
    told=1
    # Another user's lock cannot be removed, and a folder may not be writable any more: this job makes its own then.
    if [ ! -w "${lock%/*}" ] || [ -f "$lock" ] || [ "$tries" -ge 5 ] || [ $((SECONDS - began)) -ge "$lock_patience" ]; then
      say "The lock $lock cannot be had; this job makes an environment of its own."
      pointer_of_job "$pointer"
      return
    fi
    if stale "$lock"; then
      clear_lock "$lock"
      tries=$((tries + 1))
      nap
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
  is_gone "${owner##* }"
}

# A process of another user cannot be signalled, and is there all the same.
is_gone() {
  if kill -0 "$1" 2>/dev/null; then return 1; fi
  if [ -d /proc/self ]; then [ ! -d "/proc/$1" ]; else ! ps -p "$1" >/dev/null 2>&1; fi
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
