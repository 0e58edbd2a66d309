# shellcheck shell=bash
# Beside the later steps of a job: renews the lock that the `lock` step took. Ends when the job's end stops it, and by
# itself once the runner's process of this job is gone: nobody would stop it then, and a lock that goes on being
# renewed is never found dead.

keep_lock() {
  local parent=${DEPLOY_COORDINATOR_JOB_PROCESS:-} born
  born=$(born_at "$parent")
  write "$state/keep.pid" "$$ $(born_at "$$")"
  code=0
  while [ -z "$cancelled" ]; do
    start_coordinator
    while kill -0 "$coordinator_pid" 2>/dev/null; do
      if ! job_is_there "$parent" "$born"; then
        say "The runner of this job is gone; its lock is not renewed any more."
        on_signal TERM
        break
      fi
      nap 1
    done
    await "$coordinator_pid"
    coordinator_pid=''
    if [ -n "$cancelled" ] || is_verdict; then break; fi
    if [ "$runtime" = container ]; then remove_container "$container_name"; fi
    if too_often; then break; fi
    nap 5
  done
  if [ "$runtime" = container ]; then remove_container "$container_name"; fi
  rm -f "$state/container" "$state/coordinator.pid" "$state/keep.pid"
  exit 0
}

# In a job container the runner's process cannot be seen (it counts as 0); the container ends with the job.
job_is_there() {
  case $1 in '' | 0 | 1 | *[!0-9]*) return 0 ;; esac
  kill -0 "$1" 2>/dev/null || { [ -d /proc/self ] && [ -d "/proc/$1" ]; } || return 1
  [ "$(born_at "$1")" = "$2" ]
}

# A number that was given to another process meanwhile has another time of birth. Empty where nobody can tell.
born_at() {
  local line='' rest
  case $1 in '' | 0 | 1 | *[!0-9]*) return ;; esac
  if [ -d /proc/self ]; then
    { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 0
    rest=${line##*) }
    printf '%s' "$rest" | cut -d ' ' -f 20
  else
    LC_ALL=C ps -o lstart= -p "$1" 2>/dev/null
  fi
}

# Whoever renews must be gone before the lock is given back.
stop_keeper() {
  local leader='' born=''
  if [ ! -r "$state/keep.pid" ]; then return; fi
  read -r leader born <"$state/keep.pid"
  if ours "$leader" "$born"; then end_group "$leader" 60; fi
  rm -f "$state/keep.pid"
}
