# shellcheck shell=bash
# Runs the coordinator as a child, and beside it the user's command, which is never stopped because of the coordinator:
# the command ends by itself, by a cancel, or after the coordinator. A coordinator of `main` that dies is started again
# and goes on from its state folder; one that dies again and again is started a last time, to wait for the end and read
# the verdict without watching.

coordinator=()
coordinator_pid=''
container_name=''
command_pid=''    # leader and number of the command's process group
command_keeper='' # the shell that waits for it
restarts=0
restart_times=()
unwatched='' # set once the last coordinator is started

supervise() {
  code=130
  while [ -z "$cancelled" ]; do
    start_coordinator
    if [ "$step" = main ] && [ -f "$state/command.sh" ]; then start_command_when_told; fi
    await "$coordinator_pid"
    coordinator_pid=''
    if [ -n "$cancelled" ] || is_verdict; then break; fi
    if [ "$runtime" = container ]; then remove_container "$container_name"; fi
    if [ "$step" = main ]; then
      if [ -n "$unwatched" ]; then
        finish_without_coordinator
        break
      fi
      if restart_allowed; then
        say "The coordinator ended unexpectedly (exit code $code) and is started again; what is deployed goes on untouched."
      else
        stop_watching
      fi
    fi
    if container_failed; then
      explain_container
      if [ "$wish" != container ]; then
        fall_back
      elif [ "$step" != main ]; then
        no_container
      else
        say "$container_problem"
      fi
    elif [ "$step" != main ]; then
      break
    fi
  done
  if is_ending && [ -z "$cancelled" ] && ! is_verdict; then
    warn "The last step ended unexpectedly (exit code $code). $UNFINISHED"
    code=0
  fi
  stop_command
  rm -f "$state/container" "$state/coordinator.pid" "$state/command.pid"
}

start_coordinator() {
  export DEPLOY_COORDINATOR_RESTARTS=$restarts
  if [ "$runtime" = container ]; then
    export DEPLOY_COORDINATOR_MARKER=$state/marker
    : >>"$DEPLOY_COORDINATOR_MARKER"
    container_command "$restarts"
    printf '%s\n' "$container_name" >"$state/container"
  else
    unset DEPLOY_COORDINATOR_MARKER
    coordinator=("$python" -Iu -X utf8 "$action/entrypoint.py" "$step")
  fi
  # What an earlier coordinator allowed counts only once the command runs.
  if [ -z "$command_pid" ]; then rm -f "$state/command.go"; fi
  # Job control gives a child its own process group and leaves it able to hear SIGINT.
  set -m
  "${coordinator[@]}" </dev/null &
  coordinator_pid=$!
  set +m
  printf '%s\n' "$coordinator_pid" >"$state/coordinator.pid"
  if [ -n "$cancelled" ]; then signal_coordinator "$cancelled"; fi
}

# Exit codes that the coordinator means: everything but death by a foreign signal, a defect, and Docker's own failures.
# The command's exit code passes through it, so an equal one is meant too.
is_verdict() {
  local of_command=''
  if [ -r "$state/command.exit" ]; then read -r of_command <"$state/command.exit"; fi
  if [ "$of_command" = "$code" ]; then return 0; fi
  case $code in
  130) return 0 ;;
  70 | 97 | 125 | 126 | 127) return 1 ;;
  *) [ "$code" -lt 128 ] ;;
  esac
}

container_failed() {
  case $runtime-$code in container-97 | container-125 | container-126 | container-127) ;; *) return 1 ;; esac
}

explain_container() {
  case $code in
  97) container_problem="It does not see this job's files (a remote engine, Docker in Docker or a mapped user)." ;;
  *) container_problem="Docker could not run it (exit code $code; its own message is above)." ;;
  esac
}

# At most 5 times in 5 minutes.
restart_allowed() {
  local moment recent=()
  for moment in ${restart_times[@]+"${restart_times[@]}"}; do
    if [ $((SECONDS - moment)) -lt 300 ]; then recent+=("$moment"); fi
  done
  restart_times=(${recent[@]+"${recent[@]}"} "$SECONDS")
  restarts=$((restarts + 1))
  if [ ${#restart_times[@]} -gt 5 ]; then return 1; fi
  nap 0.2
}

stop_watching() {
  unwatched=1
  export DEPLOY_COORDINATOR_UNWATCHED=1
  warn "The coordinator ended unexpectedly again and again (last exit code $code), so nothing is watched from here on." \
    "What is deployed goes on, and how it ended is read at the end."
}

# The last coordinator has died too. Exit code 7 says that the verdict is unknown (see errors.py).
finish_without_coordinator() {
  if [ -n "$command_pid" ]; then
    warn "The coordinator ended unexpectedly (exit code $code) and is not started any more." \
      "Nothing is watched or recorded from here on; the command goes on, and its exit code decides."
    await "$command_keeper"
    if [ -r "$state/command.exit" ]; then read -r code <"$state/command.exit"; fi
  elif [ -f "$state/command.sh" ]; then
    code=70
    fail "The coordinator ended unexpectedly again and again before the command was started." "Nothing was deployed." \
      "Look at the lines above, and report a defect with them."
  else
    code=7
    fail "The coordinator ended unexpectedly again and again, and nobody can say how the deployment ended." \
      "It may have succeeded or failed; unknown is not success." \
      "Look at the stack in the console before you deploy again."
  fi
}

start_command_when_told() {
  if [ -n "$command_pid" ]; then return; fi
  until [ -e "$state/command.go" ]; do
    kill -0 "$coordinator_pid" 2>/dev/null || return
    nap
  done
  if [ -n "$cancelled" ] || ! kill -0 "$coordinator_pid" 2>/dev/null; then return; fi
  set -m
  keep_command </dev/null &
  command_keeper=$!
  set +m
  until [ -e "$state/command.pid" ] || ! kill -0 "$command_keeper" 2>/dev/null; do nap 0.01; done
  if [ -r "$state/command.pid" ]; then read -r command_pid <"$state/command.pid"; fi
  if [ -n "$cancelled" ]; then signal_command "$cancelled"; fi
}

# Runs beside the launcher and outside the command's process group, so that whatever ends the command is recorded.
keep_command() {
  local folder='' result=1 pid
  unset DEPLOY_COORDINATOR_INPUTS DEPLOY_COORDINATOR_MARKER DEPLOY_COORDINATOR_RESTARTS DEPLOY_COORDINATOR_UNWATCHED
  if [ -r "$state/command.cwd" ]; then IFS= read -r folder <"$state/command.cwd"; fi
  if cd "${folder:-.}"; then
    set -m
    bash --noprofile --norc -eo pipefail "$state/command.sh" &
    pid=$!
    set +m
    write "$state/command.pid" "$pid"
    wait "$pid" 2>/dev/null
    result=$?
  else
    say "The command cannot be run in the folder $folder: it does not exist or may not be entered."
  fi
  write "$state/command.exit" "$result"
}

# A reader sees the whole line or no file.
write() { printf '%s\n' "$2" >"$1.new" && mv -f "$1.new" "$1"; }

# The runner signals this process only; everybody else hears it from here.
on_signal() {
  signalled=$1
  cancelled=${cancelled:-$1}
  if [ -n "$slow_pid" ]; then kill -TERM -- "-$slow_pid" 2>/dev/null; fi
  signal_coordinator "$1"
  signal_command "$1"
}

signal_coordinator() {
  if [ -z "$coordinator_pid" ]; then return; fi
  if [ "$runtime" = container ] && limited 5 docker kill --signal "$1" "$container_name" >/dev/null 2>&1; then return; fi
  kill -"$1" "$coordinator_pid" 2>/dev/null
}

signal_command() {
  if [ -n "$command_pid" ]; then kill -"$1" -- "-$command_pid" 2>/dev/null; fi
}

# After the coordinator nothing of the command may go on unseen. After a cancel the runner leaves little time.
stop_command() {
  if [ -z "$command_pid" ]; then return; fi
  local naps=100
  if [ -n "$cancelled" ]; then naps=20; fi
  end_group "$command_pid" "$naps"
  gone "$command_keeper" 20 || :
  command_pid=''
}

# end_group LEADER NAPS: TERM, and KILL for what is still there after NAPS times 0.05 s.
end_group() {
  kill -TERM -- "-$1" 2>/dev/null || return 0
  if gone "-$1" "$2"; then return 0; fi
  kill -KILL -- "-$1" 2>/dev/null
  gone "-$1" 10 || :
}

# gone PROCESS NAPS: whether a process (or -GROUP) ends within NAPS times 0.05 s.
gone() {
  local naps=$2
  while kill -0 -- "$1" 2>/dev/null; do
    if [ "$naps" -le 0 ]; then return 1; fi
    nap
    naps=$((naps - 1))
  done
}

remove_container() { limited 30 docker rm --force "$1" >/dev/null 2>&1; }

# For post: what a killed main (or pre) left behind.
clear_leftovers() {
  local name='' pid leader
  if [ -r "$state/container" ]; then
    read -r name <"$state/container"
    remove_container "$name"
    rm -f "$state/container"
  fi
  for pid in coordinator command; do
    if [ ! -r "$state/$pid.pid" ]; then continue; fi
    read -r leader <"$state/$pid.pid"
    if ours "$leader"; then end_group "$leader" 40; fi
    rm -f "$state/$pid.pid"
  done
}

# The number may belong to somebody else by now: a process of ours has this state folder in its environment.
ours() {
  local stat line fields
  kill -0 -- "-$1" 2>/dev/null || return 1
  if [ ! -d /proc/self ]; then return 0; fi
  for stat in /proc/[0-9]*/stat; do
    { read -r line <"$stat"; } 2>/dev/null || continue
    read -r _ _ fields _ <<<"${line##*) }"
    if [ "$fields" = "$1" ] && grep -aqF "DEPLOY_COORDINATOR_STATE=$state" "${stat%stat}environ" 2>/dev/null; then
      return 0
    fi
  done
  return 1
}
