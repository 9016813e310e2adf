#!/bin/sh
# Print the first Python on PATH that the pinned packages support, or say in one line what is missing.
# SETUP_PYTHON names one outright. A shim that answers "not found" for a version (pyenv) is passed over,
# and so is an interpreter that cannot make environments while another one can.
set -u

oldest=11 newest=14 # the pinned packages ship wheels for CPython 3.11 to 3.14
seen='' lame=''

for name in ${SETUP_PYTHON:-python3.12 python3.13 python3.11 python3.14 python3 python}; do
    answer=$("$name" -c 'import sys, importlib.util as u
print(*sys.version_info[:2], sys.executable if u.find_spec("ensurepip") and u.find_spec("venv") else "-")' 2>/dev/null) || continue
    minor=$(echo "$answer" | cut -d' ' -f2)
    path=$(echo "$answer" | cut -d' ' -f3-)
    case "$answer" in 3\ *) ;; *) continue ;; esac
    if [ "$minor" -lt $oldest ] || [ "$minor" -gt $newest ]; then
        seen="$seen 3.$minor"
    elif [ "$path" = - ]; then
        lame=${lame:-3.$minor}
    else
        echo "$path"
        exit 0
    fi
done

if [ -n "$lame" ]; then
    echo "wattline: Python $lame has no venv module: install it (Debian, Ubuntu: apt install python$lame-venv), then run make again." >&2
else
    echo "wattline: needs Python 3.$oldest to 3.$newest on PATH (found:${seen:- none}): install one, or name it with SETUP_PYTHON=/path/to/python3." >&2
fi
exit 1
