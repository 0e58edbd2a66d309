# shellcheck shell=bash
# The step's log while a command runs has one writer, log_relay.py. Descriptors: 3 and 4 are the step's own stdout and
# stderr; 5, 6 and 7 are pipes to the relay (the command's stdout, its stderr, and what is ours). Where there is no
# Python or no pipe can be made, everybody writes to the step's log directly, as without a launcher.

relay_pid='' # leader of the relay's process group

open_log() {
  local interpreter pipe
  interpreter=$(relay_interpreter) || return 0
  for pipe in out err ours; do
    mkfifo "$state/log.$pipe" 2>/dev/null || return 0
  done
  # Opened for both ways: opening does not wait, and neither side ever finds the other one gone.
  exec 3>&1 4>&2 5<>"$state/log.out" 6<>"$state/log.err" 7<>"$state/log.ours"
  set -m
  keep_relaying "$interpreter" </dev/null >&3 2>&4 &
  relay_pid=$!
  set +m
  printf '%s\n' "$relay_pid $(born_at "$relay_pid")" 2>/dev/null >"$state/relay.pid"
  exec >&7 2>&7
}

# A native Windows program cannot read the pipes of a POSIX layer.
relay_interpreter() {
  case ${OSTYPE:-} in msys* | cygwin*) return 1 ;; esac
  if [ "$runtime" = host ]; then
    printf '%s' "$python"
  elif have python3 && python3 -I -c 'import sys; sys.exit(sys.version_info < (3, 7))' 2>/dev/null; then
    command -v python3
  else
    return 1
  fi
}

# A relay that dies is started again on the same pipes; what comes meanwhile waits in them. In the end `cat` will do.
keep_relaying() {
  local tries=0
  while [ "$tries" -lt 5 ]; do
    "$1" -I -S "$action/launcher/log_relay.py" "$state/command.tail" "$$" 3>&- 4>&- 8>&- 9>&- && return
    tries=$((tries + 1))
  done
  cat <&6 >&2 &
  cat <&7 &
  cat <&5
}

# Everything that was written so far is shown, and the step's own streams are used again.
close_log() {
  if [ -z "$relay_pid" ]; then return; fi
  printf '\0end of the log\n'
  exec >&3 2>&4 5>&- 6>&- 7>&-
  if ! gone "$relay_pid" 100; then end_group "$relay_pid" 10; fi
  relay_pid=''
  rm -f "$state/log.out" "$state/log.err" "$state/log.ours" "$state/relay.pid"
}
