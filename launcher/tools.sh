# shellcheck shell=bash
# What the other parts share: messages, a hash, waiting that a signal ends at once.

signalled='' # set by every signal, and reset by whoever waits
cancelled='' # the first signal of the runner; stays

# A workflow command is one line; its data is escaped as the runner wants it.
escaped() {
  local text=$1
  text=${text//'%'/%25}
  text=${text//$'\r'/%0D}
  printf '%s' "${text//$'\n'/%0A}"
}

say() {
  local text=$1
  text=${text//'##['/'## ['}
  printf 'deploy-coordinator: %s\n' "$text"
}

# Steps that end something: what they cannot do must not fail the job.
is_ending() { case $step in post | keep | unlock | release) ;; *) return 1 ;; esac }

UNFINISHED="The deployment's result stands; nothing is recorded of it, and its lock becomes free when the lease runs out."

warn() { printf '::warning title=deploy-coordinator::%s\n' "$(escaped "$*")"; }

fail() { printf '::error title=deploy-coordinator::%s\n' "$(escaped "$*")"; }

# give_up WHAT WHY NEXT: only for what the step cannot do without. A command that runs already goes on even so, and
# a deployment that has ended does not fail because of what comes after it.
give_up() {
  if is_ending; then
    warn "$1 $2 $3 $UNFINISHED"
    exit 0
  fi
  fail "$1 $2 $3"
  code=70
  if [ -n "$command_keeper" ] && [ -z "$cancelled" ]; then finish_without_coordinator; fi
  stop_command
  exit "$code"
}

# Shows a tool's output so that nothing in it can be read as a workflow command.
show() { sed -e 's/##\[/## [/g' -e 's/^/| /' "$1" | tr -d '\r'; }

# The first line of a tool's output that says what is wrong, else its last one, without colours and control characters.
telling_line() {
  local line
  line=$(without_escapes "$1" | grep -iE '^(error|.*error:|.*(denied|refused|failed|cannot|could not|unauthorized|timed out|no space))' |
    grep -viE 'warning|retrying' | head -n 1)
  if [ -z "$line" ]; then line=$(without_escapes "$1" | grep -v '^[[:space:]]*$' | tail -n 1); fi
  printf '%s' "${line:0:400}"
}

without_escapes() { sed -e $'s/\033\\[[0-9;?]*[a-zA-Z]//g' "$1" 2>/dev/null | tr -d '\000-\010\013-\037\177'; }

# While something quiet runs: a line every ten seconds, so that nobody takes it for dead.
heartbeat_pid=''
start_heartbeat() {
  set -m
  (
    trap - INT TERM
    while sleep "${heartbeat_seconds:-9}"; do say "$1 (${SECONDS} s)."; done
  ) </dev/null &
  heartbeat_pid=$!
  set +m
}

stop_heartbeat() {
  if [ -n "$heartbeat_pid" ]; then kill -TERM -- "-$heartbeat_pid" 2>/dev/null; fi
  wait "$heartbeat_pid" 2>/dev/null
  heartbeat_pid=''
}

# append FILE LINE: to a file that the runner shares with other programs, on a line of its own whatever they left. True
# where there is no such file, as outside of GitHub Actions.
append() {
  if [ -z "$1" ]; then return; fi
  if [ -s "$1" ] && [ -n "$(tail -c 1 "$1" 2>/dev/null)" ]; then
    printf '\n%s\n' "$2" 2>/dev/null >>"$1"
  else
    printf '%s\n' "$2" 2>/dev/null >>"$1"
  fi
}

# Sets the array `hasher` to a program that prints `HASH NAME` of each file that it is given.
find_hasher() {
  if command -v sha256sum >/dev/null; then
    hasher=(sha256sum)
  elif command -v shasum >/dev/null; then
    hasher=(shasum -a 256)
  else
    hasher=(openssl dgst -sha256 -r)
  fi
}

sha256() {
  local hasher
  find_hasher
  "${hasher[@]}" "$@"
}

have() { command -v "$1" >/dev/null 2>&1; }

nap() { sleep "${1:-0.05}" 2>/dev/null || sleep 1; }

# A client whose engine hangs must not hold up a deployment.
limited() {
  local seconds=$1
  shift
  if have timeout; then timeout "$seconds" "$@"; else "$@"; fi
}

# Sets `code` to the exit code of a child. A trapped signal interrupts `wait`, which then has to be asked again.
await() {
  local earlier=''
  while :; do
    signalled=''
    wait "$1" 2>/dev/null
    code=$?
    if [ "$code" = 127 ] && [ -n "$earlier" ]; then code=$earlier; fi
    if [ -z "$signalled" ]; then return; fi
    earlier=$code
  done
}

# Runs something slow so that a signal ends it at once: bash would sit out a child in the foreground.
slow_pid=''
patiently() {
  local code
  set -m
  "$@" </dev/null &
  slow_pid=$!
  set +m
  if [ -n "$cancelled" ]; then kill -TERM -- "-$slow_pid" 2>/dev/null; fi
  await "$slow_pid"
  slow_pid=''
  return "$code"
}

stop_if_cancelled() {
  if [ -n "$cancelled" ]; then
    say "Cancelled before the step '$step' had started."
    stop_command
    exit 130
  fi
}
