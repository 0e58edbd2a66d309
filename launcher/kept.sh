# shellcheck shell=bash
# What stays on a runner after a job, and when it goes: virtual environments, images, and which image could not be built.
# All of it is known by files in the tool cache (see choose_root), whose times say when it was last used.

kept_days=30
build_pause_minutes=60

# The file that says when `image` was last used, and with which options of the engine (see record_user).
image_mark() {
  local root
  choose_root
  printf '%s' "$root/image-$(printf '%s' "$image" | sha256 | cut -c1-16)"
}

# build_failed_lately IMAGE: prints why, where a job of this runner could not build it within the last hour.
build_failed_lately() {
  local root file
  choose_root
  file=$root/not-built-${1##*:}
  if [ -z "$(find "$file" -maxdepth 0 -mmin "-$build_pause_minutes" 2>/dev/null)" ]; then return 1; fi
  head -n 1 "$file"
}

note_failed_build() {
  local root
  choose_root
  printf '%s\n' "$2" 2>/dev/null >"$root/not-built-${1##*:}" || :
}

# Once a day and runner, after a deployment: what nothing used for 30 days goes. Never fails anything.
tidy() {
  local root pointer name environments=0 images=0
  choose_root
  if [ "$root" = "$state" ] || [ -n "$(find "$root/tidied" -maxdepth 0 -mtime -1 2>/dev/null)" ]; then return; fi
  : 2>/dev/null >"$root/tidied" || return
  while IFS= read -r pointer; do
    case $pointer in
    */image-*)
      read -r name <"$pointer"
      if have docker && limited 30 docker image rm "$name" >/dev/null 2>&1; then images=$((images + 1)); fi
      ;;
    */not-built-*) ;;
    *-py*.lock | *-py*.clear) continue ;;
    *-py*)
      read -r name <"$pointer"
      rm -f "$pointer"
      case $name in "${pointer##*/}".????????) rm -rf "${root:?}/$name" && environments=$((environments + 1)) ;; esac
      ;;
    *) continue ;;
    esac
    rm -f "$pointer"
  done < <(find "$root" -maxdepth 1 -type f -mtime "+$kept_days" 2>/dev/null)
  if [ $((environments + images)) -gt 0 ]; then
    say "Removed what no job of this runner used for $kept_days days: $environments virtual environments, $images images."
  fi
}
