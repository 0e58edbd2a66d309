# shellcheck shell=bash
# Container or host: decided once in pre, recorded in the state folder, followed by main and post.

wish=${DEPLOY_COORDINATOR_RUNTIME:-auto}
runtime='' # container or host
image=''   # with container
python=''  # with host

choose_runtime() {
  local kind='' what=''
  if [ -r "$state/runtime" ]; then IFS=' ' read -r kind what <"$state/runtime"; fi
  case $kind in
  container)
    runtime=container image=$what
    return
    ;;
  host)
    if [ -x "$what" ]; then
      runtime=host python=$what
      return
    fi
    ;;
  esac
  case $wish in
  host) use_host ;;
  container) use_container || no_container ;;
  *)
    if ! worth_a_container; then
      use_host
    elif [ -n "$(of_profile credential_process)" ]; then
      say "The AWS profile '$(profile_in_use)' gets its credentials from a program of this runner (credential_process), so the host is used instead of the container."
      use_host
    else
      use_container || fall_back
    fi
    ;;
  esac
}

use_container() {
  find_image || return 1
  record_user
  runtime=container
  record "container $image"
}

use_host() {
  find_python
  runtime=host
  record "host $python"
}

# After a start that failed because the virtual environment lacks something: what was published is looked at anew.
heal_host() {
  say "The virtual environment is damaged; another one is made."
  use_host
}

record() { printf '%s\n' "$1" >"$state/runtime" 2>/dev/null || :; }

# Only Linux runners have an engine that sees the job's own disk and network.
worth_a_container() {
  case ${OSTYPE:-} in linux*) have docker ;; *) return 1 ;; esac
}

fall_back() {
  stop_if_cancelled
  warn "The container could not be used: $container_problem The same code runs in a virtual environment on the host instead." \
    "Nothing is lost; set 'runtime: host' to skip the attempt."
  use_host
}

no_container() {
  stop_if_cancelled
  give_up "The container could not be used: $container_problem" "The input 'runtime' is 'container', so the host is not tried." \
    "Use a runner with a working Docker engine, or set 'runtime: auto'."
}

# The name of what was checked out: equal files give an equal image.
content_hash() {
  (
    cd "$action" || exit
    files=$(
      {
        printf '%s\n' Dockerfile .dockerignore requirements.txt entrypoint.py
        if [ -f LICENSE ]; then echo LICENSE; fi
        find deploy_action -type f ! -path '*/__pycache__/*' 
      } | LC_ALL=C sort
    )
    { printf '%s\n' "$files" && printf '%s\n' "$files" | tr '\n' '\0' | xargs -0 cat; } | sha256 | cut -c1-16
  )
}
