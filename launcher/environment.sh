# shellcheck shell=bash
# The environment that the job gave this step. The launcher's own variables would overwrite what the job exported under
# their names (bash exports such a variable on, a `local` one too), so programs are started out of a copy that was made
# before the first of them: `launcher_environment`, in the first lines of `launch`.

# as_given [NAME=VALUE...] PROGRAM...: becomes the program, in the job's own environment and shell options; what comes
# before the program is for `env`. To be called in a subshell. Has no variables, since they would be in the way.
as_given() {
  set -- "$launcher_environment" "$@"
  # shellcheck disable=SC2046 # names
  unset $(compgen -e) 2>/dev/null
  # shellcheck disable=SC2046
  unset -f $(compgen -A function) 2>/dev/null
  eval "$1" 2>/dev/null
  shift
  # A shell counts itself in: the one of a plain `run:` step is as deep as the launcher is.
  SHLVL=$((${SHLVL:-1} - 1))
  exec env "$@"
}

# What the launcher itself starts (pip, the engine's client and its build) reads proxies without the space or line break
# that a secret often ends in, and that pip refuses. The coordinator does the same for its clients, and the command gets
# what the job gave.
trim_proxies() {
  local name value
  for name in HTTP_PROXY HTTPS_PROXY ALL_PROXY http_proxy https_proxy all_proxy; do
    value=${!name:-}
    case $value in *[[:space:]]*) export "$name=${value//[[:space:]]/}" ;; esac
  done
}

# The same without what action.yml gives the launcher: what a plain `run:` step gets.
as_plain_step() {
  as_given -u DEPLOY_COORDINATOR_INPUTS -u DEPLOY_COORDINATOR_REGISTRY -u DEPLOY_COORDINATOR_RUNTIME \
    -u DEPLOY_COORDINATOR_IMAGE -u DEPLOY_COORDINATOR_STATE -u DEPLOY_COORDINATOR_CHECK_RUN_ID \
    -u DEPLOY_COORDINATOR_JOB_WORKFLOW_REF -u DEPLOY_COORDINATOR_MATRIX "$@"
}
