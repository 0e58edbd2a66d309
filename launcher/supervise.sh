# shellcheck shell=bash
# Runs the coordinator as a child, and beside it the user's command, which is never stopped because of the coordinator:
# the command ends by itself, by a cancel, or after the coordinator. A coordinator of `main` that dies is started again
# and goes on from its state folder; one that dies again and again is started without watching, with growing pauses,
# to wait for the end and read the verdict.

coordinator=()
coordinator_pid=''
container_name=''
restarts=0
healed='' # set once the environment on the host, or the image, was looked at again
restart_times=()
unwatched='' # set once coordinators are started that do not watch
pause=0      # seconds before the next one of those
deaths=0     # of those, each soon after its start

pause_max=60
deaths_max=12 # with the pauses between them some seven minutes

supervise() {
  local begun
  code=130
  if [ "$step" = main ] && [ -f "$state/command.sh" ]; then
    has_command=1
    prepare_command
    open_log
  fi
  while [ -z "$cancelled" ]; do
    begun=$SECONDS
    start_coordinator
    if [ -n "$has_command" ]; then start_command_when_told; fi
    await "$coordinator_pid"
    coordinator_pid=''
    if [ -n "$cancelled" ] || is_verdict; then break; fi
    if [ "$runtime" = container ]; then remove_container "$container_name"; fi
    if [ "$step" = main ]; then
      # The runner would fold what follows into the group that was open.
      if [ -z "$has_command" ]; then echo "::endgroup::"; fi
      if [ -n "$command_keeper" ] && [ ! -e "$state/command.sh" ]; then
        warn "The state folder was emptied, so the coordinator (exit code $code) cannot be started again." "$COMMAND_DECIDES"
        follow_command
        break
      fi
      restart_allowed "$begun" || {
        finish_without_coordinator
        break
      }
    fi
    if [ "$runtime-$code-$healed" = host-97- ]; then
      healed=1
      heal_host
    elif container_failed; then
      explain_container
      if image_is_gone && use_container; then
        :
      elif [ "$wish" != container ]; then
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
  local given=("DEPLOY_COORDINATOR_STATE=$state" "DEPLOY_COORDINATOR_RESTARTS=$restarts" DEPLOY_COORDINATOR_INPUTS_FROM=stdin)
  if [ -n "$unwatched" ]; then given+=(DEPLOY_COORDINATOR_UNWATCHED=1); fi
  if [ "$runtime" = container ]; then
    given+=("DEPLOY_COORDINATOR_MARKER=$state/marker")
    container_command "$restarts" "${given[@]}"
    { : >>"$state/marker" && printf '%s\n' "$container_name" >"$state/container"; } 2>/dev/null
  else
    coordinator=("$python" -Iu -X utf8 "$action/entrypoint.py" "$step")
  fi
  # What an earlier coordinator allowed counts only once the command runs.
  if [ -z "$command_keeper" ]; then rm -f "$state/command.go"; fi
  # Job control gives a child its own process group and leaves it able to hear SIGINT.
  set -m
  as_given "${given[@]}" "${coordinator[@]}" < <(printf '%s' "$launcher_inputs") 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
  coordinator_pid=$!
  set +m
  printf '%s\n' "$coordinator_pid $(born_at "$coordinator_pid")" 2>/dev/null >"$state/coordinator.pid"
  if [ -n "$cancelled" ]; then signal_coordinator "$cancelled"; fi
}

# Exit codes that the coordinator means: everything but death by a foreign signal, a defect, and Docker's own failures.
# The command's exit code passes through it, so an equal one is meant too.
is_verdict() {
  local exit_code=''
  if [ -n "$command_keeper" ] && [ -e "$state/command.exit" ] && read_exit_code && [ "$exit_code" = "$code" ]; then return; fi
  case $code in
  130) return 0 ;;
  70 | 97 | 125 | 126 | 127) return 1 ;;
  *) [ "$code" -lt 128 ] ;;
  esac
}

container_failed() {
  case $runtime-$code in container-97 | container-125 | container-126 | container-127) ;; *) return 1 ;; esac
}

# Somebody removed the image since `pre`. It is looked for once.
image_is_gone() {
  if [ "$code" != 125 ] || [ -n "$healed" ] || present "$image"; then return 1; fi
  healed=1
  say "The image $image is no longer on this runner, so it is pulled or built again."
}

explain_container() {
  case $code in
  97) container_problem="It does not see this job's files (a remote engine, Docker in Docker or a mapped user)." ;;
  *) container_problem="Docker could not run it (exit code $code; its own message is above)." ;;
  esac
}

# restart_allowed BEGUN: five times in five minutes at once and as before; then without watching, after growing pauses,
# for as long as something from outside may be what kills it. A defect of its own (70) would only repeat itself.
restart_allowed() {
  if [ -z "$unwatched" ]; then
    if ! too_often; then
      say "The coordinator ended unexpectedly (exit code $code) and is started again; what is deployed goes on untouched."
      nap 0.2
      return
    fi
    unwatched=1
    warn "The coordinator ended unexpectedly again and again (last exit code $code), so nothing is watched from here on." \
      "What is deployed goes on, and how it ended is read at the end."
    return
  fi
  restarts=$((restarts + 1))
  if [ $((SECONDS - $1)) -ge "$pause_max" ]; then pause=0 deaths=0; fi
  deaths=$((deaths + 1))
  if [ "$code" = 70 ] || [ "$deaths" -ge "$deaths_max" ] || never_began; then return 1; fi
  pause=$((pause == 0 ? 1 : pause * 2))
  if [ "$pause" -gt "$pause_max" ]; then pause=$pause_max; fi
  say "The coordinator ended unexpectedly (exit code $code) and is started again in $pause s, to read how it ends."
  patiently sleep "$pause"
}

# Counts a death; true from the sixth within five minutes on.
too_often() {
  local moment recent=()
  for moment in ${restart_times[@]+"${restart_times[@]}"}; do
    if [ $((SECONDS - moment)) -lt 300 ]; then recent+=("$moment"); fi
  done
  restart_times=(${recent[@]+"${recent[@]}"} "$SECONDS")
  restarts=$((restarts + 1))
  [ ${#restart_times[@]} -gt 5 ]
}

# With a command it is known that nothing was deployed yet.
never_began() { [ -n "$has_command" ] && [ -z "$command_keeper" ]; }

COMMAND_DECIDES="Nothing is watched or recorded from here on; the command goes on, and its exit code decides."

# No coordinator will do. Exit code 7 says that the verdict is unknown (see errors.py).
finish_without_coordinator() {
  if [ -n "$command_keeper" ]; then
    warn "The coordinator ended unexpectedly (exit code $code) and is not started any more." "$COMMAND_DECIDES"
    follow_command
  elif [ -n "$has_command" ]; then
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
  local name='' pid leader born
  if [ -r "$state/container" ]; then
    read -r name <"$state/container"
    remove_container "$name"
    rm -f "$state/container"
  fi
  for pid in coordinator command relay; do
    if [ ! -r "$state/$pid.pid" ]; then continue; fi
    read -r leader born <"$state/$pid.pid"
    if ours "$leader" "$born"; then end_group "$leader" 40; fi
    rm -f "$state/$pid.pid"
  done
}

# ours LEADER BORN: the number may belong to somebody else by now. One that is still in use for a group is not given to
# a new process, so a group without its leader is the one that was written down.
ours() {
  case $1 in '' | *[!0-9]*) return 1 ;; esac
  kill -0 -- "-$1" 2>/dev/null || return 1
  if [ -z "$2" ]; then return 1; fi
  ! kill -0 "$1" 2>/dev/null || [ "$(born_at "$1")" = "$2" ]
}
