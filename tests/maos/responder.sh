#!/bin/sh
# A program that answers what the folder `answers` beside it says, and keeps what it was asked in the file `calls`: each
# argument ends with a NUL, each call with a record separator and a NUL.
here=$(dirname "$0")
key=
for word in "$@"; do
  case $word in
    --help) break ;;
    -*) break ;;
    *) key=${key:+${key}_}$word ;;
  esac
  case $key in task|db|checkpoint|config) ;; *) break ;; esac
done
for last in "$@"; do :; done
[ "${last-}" = --help ] && key=${key:+${key}_}help
# Calls beside each other are kept apart: each is written in one go.
{ for word in "$@"; do printf '%s\0' "$word"; done; printf '\036\0'; } >"$here/call.$$"
cat "$here/call.$$" >>"$here/calls"
rm "$here/call.$$"
answer=$here/answers/$key
if [ -x "$answer.run" ]; then exec "$answer.run" "$@"; fi
if [ ! -e "$answer.out" ] && [ ! -e "$answer.code" ]; then
  echo "Error: No such command '$key'." >&2
  exit 2
fi
[ -e "$answer.err" ] && cat "$answer.err" >&2
[ -e "$answer.out" ] && cat "$answer.out"
exit "$(cat "$answer.code" 2>/dev/null || echo 0)"
