# shellcheck shell=bash
# What an earlier job left in the tool cache of a persistent runner is used only if nobody but this user (or root) can
# have written it, and if it is still what was installed. A job of the same user can change both the files and the hash:
# see docs/security.md.

# Sets `root` to the folder for virtual environments: in the tool cache, or the state folder of this job.
choose_root() {
  local cache=${RUNNER_TOOL_CACHE:-${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}} name
  if [ -z "$cache" ]; then
    root=$state
    return
  fi
  for name in deploy-coordinator "deploy-coordinator-$(id -u)"; do
    root=$cache/$name
    if (umask 022 && mkdir -p "$root") 2>/dev/null && [ -w "$root" ] && { private "$root" || close_to_others "$root"; }; then
      return
    fi
  done
  root=$state
}

# Earlier releases made the folder with whatever umask the job had.
close_to_others() { [ -O "$1" ] && chmod go-w "$1" 2>/dev/null && private "$1"; }

# private PATH: whether only this user and root may write it, and what is in it. Windows' files have no such owners.
private() {
  case ${OSTYPE:-} in msys* | cygwin*) return ;; esac
  local depth=() others
  if [ "$1" = "$root" ]; then depth=(-maxdepth 0); fi
  others=$(find "$1" ${depth[@]+"${depth[@]}"} \( ! -user "$(id -u)" ! -user 0 \) -print -o \
    ! -type l \( -perm -020 -o -perm -002 \) -print 2>&1) && [ -z "$others" ]
}

# The hash of the names and contents of all files and links of a folder, wherever it lies.
installed_hash() {
  local file hasher
  find_hasher
  (
    cd "$1" || exit
    find . -type f -exec "${hasher[@]}" {} + | LC_ALL=C sort
    find . -type l -print | LC_ALL=C sort | while IFS= read -r file; do printf '%s %s\n' "$file" "$(readlink "$file")"; done
  ) | sha256 | cut -c1-64
}
