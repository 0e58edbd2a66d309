# shellcheck shell=bash
# The user's command: started when the coordinator allows it, in a process group of its own, with the environment,
# working folder, limits and streams of a plain `run:` step. How it ended is written into a file that has its full size
# before the command starts and stays open (descriptor 8): neither a full disk nor an emptied folder can lose it.

has_command=''    # set in `main` where there is one
command_pid=''    # leader and number of the command's process group
command_keeper='' # the shell that waits for it

# Before anything is deployed: the places for what has to be written down later.
prepare_command() {
  # shellcheck disable=SC2094 # both ends stay open: the code is written in place once the command has ended
  if { printf '%-15s\n' running >"$state/command.exit" && printf '%-47s\n' '' >"$state/command.pid" &&
    : >"$state/command.output"; } 2>/dev/null &&
    exec 8<>"$state/command.exit" 9<"$state/command.exit"; then return; fi
  give_up "The folder $state cannot be written to." "The command's exit code could not be kept, so nothing was deployed." \
    "Free disk space on the runner."
}

start_command_when_told() {
  if [ -n "$command_keeper" ]; then return; fi
  until [ -e "$state/command.go" ]; do
    kill -0 "$coordinator_pid" 2>/dev/null || return
    nap
  done
  if [ -n "$cancelled" ] || ! kill -0 "$coordinator_pid" 2>/dev/null; then return; fi
  set -m
  keep_command </dev/null &
  command_keeper=$!
  set +m
  until read_command_pid || ! kill -0 "$command_keeper" 2>/dev/null; do nap 0.01; done
  if [ -n "$cancelled" ]; then signal_command "$cancelled"; fi
}

read_command_pid() {
  { IFS=' ' read -r command_pid _ <"$state/command.pid"; } 2>/dev/null
  [ -n "$command_pid" ]
}

# Runs beside the launcher and outside the command's process group, so that whatever ends the command is recorded. Of
# its two shells either may die: the inner one waits for the command, the outer one for the inner.
keep_command() {
  local waiter result
  # Without job control the command could not hear SIGINT.
  set -m
  run_command &
  waiter=$!
  set +m
  wait "$waiter" 2>/dev/null
  result=$?
  if [ "$result" = 0 ]; then return; fi
  if read_command_pid; then
    while kill -0 -- "-$command_pid" 2>/dev/null; do nap 0.5; done
  fi
  printf '%-15s\n' lost >&8
}

run_command() {
  local folder='' result=1 pid line variables=()
  if [ -r "$state/command.env" ]; then
    while IFS= read -r line; do variables+=("$line"); done <"$state/command.env"
  fi
  # Its outputs are its own: in the step's file one of them could pass for the action's.
  if [ -n "${GITHUB_OUTPUT:-}" ]; then variables+=("GITHUB_OUTPUT=$state/command.output"); fi
  if [ -r "$state/command.cwd" ]; then IFS= read -r folder <"$state/command.cwd"; fi
  if cd "${folder:-.}"; then
    set -m
    (
      # Before the command can do anything. A subshell learns its own number from a child.
      pid=$(exec sh -c 'echo "$PPID"')
      printf '%-47s\n' "$pid $(born_at "$pid")" 1<>"$state/command.pid"
      if [ -n "$relay_pid" ]; then exec >"$state/log.out" 2>"$state/log.err"; fi
      exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
      as_plain_step env ${variables[@]+"${variables[@]}"} bash --noprofile --norc -eo pipefail "$state/command.sh"
    ) &
    pid=$!
    set +m
    wait "$pid" 2>/dev/null
    result=$?
  else
    say "The command cannot be run in the folder $folder: it does not exist or may not be entered."
  fi
  printf '%-15s\n' "$result" >&8
}

# Sets `exit_code`; false while there is none.
read_exit_code() {
  exit_code=''
  { read -r exit_code <"$state/command.exit" || { [ -e "$state/command.exit" ] || read -r exit_code <&9; }; } 2>/dev/null
  case $exit_code in '' | *[!0-9]*) return 1 ;; esac
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

# The coordinator is gone for good: the command's own exit code decides. 7 says that the verdict is unknown (errors.py).
follow_command() {
  await "$command_keeper"
  if read_exit_code; then
    code=$exit_code
    return
  fi
  code=7
  fail "The command ended, and its exit code was lost: the process that waited for it was killed." \
    "It may have succeeded or failed; unknown is not success." "Look at the stack in the console before you deploy again."
}
