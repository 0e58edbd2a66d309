# shellcheck shell=bash
# The container runtime: find or build an image, and say what of the job the container may see.

container_problem='' # why there is no container, for people
fresh=''             # set where the image was not here before

# Sets `image`: the input, else the release's own image, else one built from this checkout.
find_image() {
  local wanted=${DEPLOY_COORDINATOR_IMAGE:-} digest=''
  if ! have docker; then
    container_problem="There is no docker command on this runner."
    return 1
  fi
  if [ -n "$wanted" ]; then
    if present_or_pulled "$wanted"; then return; fi
    container_problem="The image $wanted is not here and could not be pulled ($(telling_line "$state/docker.log"))."
    if [ "$wish" = container ]; then return 1; fi
    warn "$container_problem Trying the action's own image."
  fi
  if [ -r "$action/image.digest" ]; then
    read -r digest <"$action/image.digest"
    if present_or_pulled "$digest"; then return; fi
    say "The released image $digest could not be pulled; building the same from this checkout."
  fi
  present_or_built
}

present() { limited 30 docker image inspect --format '{{.Id}}' "$1" >/dev/null 2>"$state/docker.log"; }

present_or_pulled() {
  image=$1
  case $image in '' | -*) return 1 ;; esac
  if present "$image"; then return; fi
  fresh=1
  patiently docker pull --quiet "$image" >"$state/docker.log" 2>&1
}

present_or_built() {
  image=deploy-coordinator:$(content_hash)
  if present "$image"; then return; fi
  fresh=1
  # Asked only here, so that a warm run pays for one question to the engine and no more.
  if ! limited 30 docker version --format '{{.Server.Version}}' >/dev/null 2>"$state/docker.log"; then
    container_problem="The Docker engine does not answer ($(telling_line "$state/docker.log"))."
    return 1
  fi
  if in_a_container && ! mounts_agree; then
    container_problem="This job runs in a container itself, and the engine of its host knows the job's folders by other names."
    return 1
  fi
  stop_if_cancelled
  if [ "$wish" != container ] && why=$(build_failed_lately "$image"); then
    container_problem="Building the image failed on this runner within the last hour ($why)."
    return 1
  fi
  echo "::group::deploy-coordinator: building the image (once per runner and release)"
  local failed='' why
  patiently build >"$state/docker.log" 2>&1 || failed=1
  if [ -n "$failed" ]; then show "$state/docker.log"; fi
  echo "::endgroup::"
  if [ -n "$failed" ]; then
    stop_if_cancelled
    why=$(telling_line "$state/docker.log")
    note_failed_build "$image" "$why"
    container_problem="Building the image failed ($why)."
    return 1
  fi
}

build() {
  local name arguments=()
  # A client without buildx refuses to build unless it is told to use the engine's own builder.
  docker buildx version >/dev/null 2>&1 || export DOCKER_BUILDKIT=0
  for name in HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy; do
    if [ -n "${!name:-}" ]; then arguments+=(--build-arg "$name"); fi
  done
  if docker buildx version >/dev/null 2>&1; then add_secrets; fi
  docker build --network host --tag "$image" ${arguments[@]+"${arguments[@]}"} "$action"
}

# Adds to `arguments` what leads to a private package index, as secrets of the build: they are in no layer and in no
# history. Only BuildKit has them; without buildx the build sees the index that the base image knows.
add_secrets() {
  local settings=$state/build-pip.conf mounts='--mount=type=secret,id=pip,target=/etc/pip.conf'
  (umask 077 && pip_settings >"$settings")
  trust_for_pip
  if [ -n "${PIP_CERT:-}" ] && [ -r "$PIP_CERT" ]; then
    mounts+=' --mount=type=secret,id=pip-cert,target=/run/pip-cert.pem'
    echo 'cert = /run/pip-cert.pem' >>"$settings"
    arguments+=(--secret "id=pip-cert,src=$PIP_CERT")
  elif [ "$(wc -l <"$settings")" -le 1 ]; then
    return
  fi
  sed "s|^RUN pip install|RUN $mounts pip install|" "$action/Dockerfile" >"$state/build-Dockerfile" || return
  arguments+=(--secret "id=pip,src=$settings" --file "$state/build-Dockerfile")
}

# What of pip's files and variables leads to an index, as one file; what comes later in pip's own order wins.
pip_settings() {
  local name file home=${HOME:-/nowhere}
  for file in /etc/pip.conf "$home/.pip/pip.conf" "${XDG_CONFIG_HOME:-$home/.config}/pip/pip.conf" "${PIP_CONFIG_FILE:-}"; do
    if [ -f "$file" ] && [ -r "$file" ]; then
      tr -d '\r' <"$file"
      echo
    fi
  done | awk -F '[=:]' '
    /^[^ \t#;[]/ { key = $1; gsub(/[ \t]/, "", key); kept = key ~ /^(index-url|extra-index-url|trusted-host|timeout|retries)$/
      if (kept) line[key] = $0; next }
    /^[ \t]+[^ \t]/ { if (kept) line[key] = line[key] "\n" $0; next }
    /^\[/ { kept = 0 }
    END { print "[global]"
      split("INDEX_URL EXTRA_INDEX_URL TRUSTED_HOST TIMEOUT RETRIES", names, " ")
      for (i in names) if (ENVIRON["PIP_" names[i]] != "") {
        key = tolower(names[i]); gsub(/_/, "-", key); line[key] = key " = " ENVIRON["PIP_" names[i]] }
      for (key in line) print line[key] }'
}

in_a_container() { [ -e /.dockerenv ] || [ -e /run/.containerenv ]; }

# Where the engine knows the container that this job runs in, it says what the job's folders are called outside. An
# engine that does not know it (one beside the runner) may share them: that is seen when the image runs.
mounts_agree() {
  local mounts source target
  mounts=$(limited 30 docker inspect --format '{{range .Mounts}}{{.Source}}|{{.Destination}}{{println}}{{end}}' "$(uname -n)" 2>/dev/null) || return 0
  while IFS='|' read -r source target; do
    case ${RUNNER_TEMP:-$state}/ in "${target%/}"/*) [ -z "$target" ] || [ "$source" = "$target" ] || return 1 ;; esac
  done <<<"$mounts"
}

# The user in the container under whom this runner's user writes files. An engine without root (rootless Docker,
# podman) maps the user who runs it to 0; one that maps users away from root's is told not to.
record_user() {
  local options='' file
  file=$(image_mark)
  # An image that was here before was used with the same engine.
  if [ -z "$fresh" ] && [ -r "$file" ]; then options=$(tail -n 1 "$file"); fi
  case $options in
  '['*) ;;
  *) options="[$(limited 30 docker info --format '{{.SecurityOptions}}' 2>/dev/null)]" ;;
  esac
  case $options in
  *name=rootless*) write "$state/container-user" 0:0 ;;
  *name=userns*) write "$state/container-user" "$(id -u):$(id -g) host" ;;
  esac
  # An image of the caller's own (the input `image`) is not ours to remove later.
  if [ "$image" != "${DEPLOY_COORDINATOR_IMAGE:-}" ]; then printf '%s\n' "$image" "$options" 2>/dev/null >"$file"; fi
}

# container_command NUMBER [NAME=VALUE...]: sets `container_name` and the array `coordinator`, the command that runs
# this step in the container. It is started with these variables beside the job's own.
container_command() {
  local name user userns=''
  container_name=deploy-coordinator-${state##*.}-$step-$1
  container_name=${container_name//[!a-zA-Z0-9_.-]/_}
  user=$(id -u):$(id -g)
  if [ -r "$state/container-user" ]; then IFS=' ' read -r user userns <"$state/container-user"; fi
  coordinator=(docker run --interactive --rm --pull never --name "$container_name" --network host --user "$user")
  if [ -n "$userns" ]; then coordinator+=(--userns "$userns"); fi
  mounted=()
  mount_all
  if [ -d "${GITHUB_WORKSPACE:-}" ]; then coordinator+=(--workdir "$GITHUB_WORKSPACE"); fi
  shift
  for name in $(compgen -e) "${@%%=*}"; do
    if passes "$name"; then coordinator+=(--env "$name"); fi
  done
  coordinator+=("$image" "$step")
}

# The container is told what concerns it and no more; values never appear on a command line.
passes() {
  case $1 in
  AWS_* | GITHUB_* | RUNNER_* | DEPLOY_COORDINATOR_* | SLACK_* | SSL_*) ;;
  GITLAB_CI | GITLAB_USER_LOGIN | CI_JOB_URL | CI_PIPELINE_URL | CI_PROJECT_PATH | CI_COMMIT_SHA | CI_COMMIT_REF_NAME) ;;
  CI_PIPELINE_NAME | CI_JOB_NAME | CI_PIPELINE_IID | JENKINS_URL | CODEBUILD_BUILD_* | CODEBUILD_INITIATOR) ;;
  CODEBUILD_WEBHOOK_* | CODEBUILD_RESOLVED_SOURCE_VERSION | BITBUCKET_BUILD_NUMBER | BITBUCKET_GIT_HTTP_ORIGIN) ;;
  BITBUCKET_REPO_FULL_NAME | BITBUCKET_STEP_TRIGGERER_UUID | BITBUCKET_COMMIT | BITBUCKET_BRANCH | BITBUCKET_TAG) ;;
  BUILD_URL | BUILD_NUMBER | BUILD_USER | BUILD_USER_ID | RUN_DISPLAY_URL | JOB_NAME | BRANCH_NAME | CHANGE_AUTHOR) ;;
  GIT_COMMIT | GIT_BRANCH) ;;
  CI | TZ | NO_COLOR | LANG | REQUESTS_CA_BUNDLE | CURL_CA_BUNDLE | NODE_EXTRA_CA_CERTS | PIP_CERT) ;;
  HTTP_PROXY | HTTPS_PROXY | NO_PROXY | ALL_PROXY | http_proxy | https_proxy | no_proxy | all_proxy) ;;
  *) return 1 ;;
  esac
}

mount_all() {
  local path rest
  mount_path "${GITHUB_WORKSPACE:-}"
  mount_path "${RUNNER_TEMP:-}"
  mount_path "$state"
  for path in "${GITHUB_OUTPUT:-}" "${GITHUB_STEP_SUMMARY:-}" "${GITHUB_ENV:-}" "${GITHUB_STATE:-}" \
    "${GITHUB_EVENT_PATH:-}"; do
    if [ -e "$path" ]; then mount_path "${path%/*}"; fi
  done
  mount_path "$(registry_folder)"
  for path in "${AWS_WEB_IDENTITY_TOKEN_FILE:-}" "${AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE:-}" \
    "${AWS_SHARED_CREDENTIALS_FILE:-}" "${AWS_CONFIG_FILE:-}" "$(of_profile web_identity_token_file)"; do
    mount_renewed "$path"
  done
  for path in "${SSL_CERT_FILE:-}" "${REQUESTS_CA_BUNDLE:-}" "${CURL_CA_BUNDLE:-}" "${AWS_CA_BUNDLE:-}" \
    "${NODE_EXTRA_CA_CERTS:-}" "${PIP_CERT:-}" "$(of_profile ca_bundle)"; do
    mount_path "$path" ,readonly
  done
  keep_host_certificates
  rest=${SSL_CERT_DIR:-}
  while [ -n "$rest" ]; do
    mount_path "${rest%%:*}" ,readonly
    case $rest in *:*) rest=${rest#*:} ;; *) rest='' ;; esac
  done
  if [ -d "${HOME:-/nowhere}/.aws" ]; then
    mount_path "$HOME/.aws" ,readonly
    coordinator+=(--env HOME)
  fi
}

# A file whose content is replaced while the container runs: whoever does so puts a new file in its place, and only the
# folder's mount shows that one. Of a folder of the system the container must not see the rest.
mount_renewed() {
  local folder=${1%/*} real
  real=$(readlink -f "$1" 2>/dev/null)
  case $real in '' | "$folder"/*) ;; *) mount_path "${real%/*}" ,readonly ;; esac
  case $folder in
  '' | /etc | /home | /opt | /proc | /root | /run | /tmp | /usr | /var | /var/run | "${HOME:-/}") mount_path "$1" ,readonly ;;
  *) if [ -f "$1" ]; then mount_path "$folder" ,readonly; fi ;;
  esac
}

# The certificates that this machine trusts, by the first of the places where systems keep them (see trust.py).
keep_host_certificates() {
  local path
  if [ -e "$state/host-certificates.pem" ]; then return; fi
  for path in /etc/ssl/certs/ca-certificates.crt /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem \
    /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem /etc/ssl/cert.pem; do
    if [ -r "$path" ]; then
      cp "$path" "$state/host-certificates.pem" 2>/dev/null || rm -f "$state/host-certificates.pem"
      return
    fi
  done
}

# Mounts an absolute path under its own name, unless it is there already with a folder above it.
mount_path() {
  local path=${1%/} other
  case $path in /*) ;; *) return ;; esac
  if [ ! -e "$path" ]; then return; fi
  for other in ${mounted[@]+"${mounted[@]}"}; do
    case $path/ in "$other"/*) return ;; esac
  done
  mounted+=("$path")
  coordinator+=(--mount "type=bind,$(field source "$path"),$(field target "$path")${2:-}")
}

# `--mount` takes comma separated values.
field() {
  case $2 in
  *[\",]*) printf '"%s=%s"' "$1" "${2//\"/\"\"}" ;;
  *) printf '%s=%s' "$1" "$2" ;;
  esac
}

# The folder of a file registry, never created here: where it is missing, a mount of the host may be.
registry_folder() {
  local path=${DEPLOY_COORDINATOR_REGISTRY:-}
  case $path in
  file:///*) path=${path#file://} ;;
  file://?*) path=${GITHUB_WORKSPACE:-$PWD}/${path#file://} ;;
  *) return ;;
  esac
  case $path in *.json) path=${path%/*} ;; esac
  if [ -d "$path" ]; then printf '%s' "$path"; fi
}

# The AWS profile that the SDK would use; empty where keys in the environment come before the profile named `default`.
profile_in_use() {
  local profile=${AWS_PROFILE:-${AWS_DEFAULT_PROFILE:-}}
  if [ -z "$profile" ] && [ -z "${AWS_ACCESS_KEY_ID:-}" ]; then profile=default; fi
  printf '%s' "$profile"
}

# of_profile KEY: the setting of the profile in use, or of the first one in its chain of `source_profile` that has it.
of_profile() {
  local profile value='' hops=0
  profile=$(profile_in_use)
  while [ -n "$profile" ] && [ -z "$value" ] && [ "$hops" -lt 5 ]; do
    value=$(setting_of "$profile" "$1")
    profile=$(setting_of "$profile" source_profile)
    hops=$((hops + 1))
  done
  printf '%s' "$value"
}

# setting_of PROFILE KEY: as it stands in the AWS files, in which a section is `[profile NAME]` or `[NAME]`.
setting_of() {
  local file line section key value home=${HOME:-/nowhere}/.aws
  for file in "${AWS_CONFIG_FILE:-$home/config}" "${AWS_SHARED_CREDENTIALS_FILE:-$home/credentials}"; do
    if [ ! -f "$file" ] || [ ! -r "$file" ]; then continue; fi
    section=''
    while IFS= read -r line || [ -n "$line" ]; do
      line=${line%$'\r'}
      case $line in
      '['*']'*)
        read -r section value <<<"${line//[\[\]]/}"
        if [ "$section" = profile ] && [ -n "$value" ]; then section=$value; fi
        section=${section//[\"\']/}
        continue
        ;;
      ' '* | '#'* | ';'*) continue ;;
      *=*) ;;
      *) continue ;;
      esac
      IFS='=' read -r key value <<<"$line"
      read -r key <<<"$key"
      if [ "$section" = "$1" ] && [ "$key" = "$2" ]; then
        read -r value <<<"$value"
        printf '%s' "$value"
        return
      fi
    done <"$file"
  done
}
