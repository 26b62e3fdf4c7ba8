# Print the log $1 from its last start on, with the files that it was rolled over to, packed and as base64.
# With words in $2 only look whether they are there: 0 if so.
set -eu
cd "$(dirname "$1")"
name=$(basename "$1")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
: >"$scratch/whole"
# Newest first, until one holds a start; rolled-over files may be packed.
ls -t "$name" "$name".* 2>/dev/null | while read -r file; do
    case $file in *.gz) gzip -dc "$file" ;; *) cat "$file" ;; esac >"$scratch/one"
    start=$(grep -abE "Starting WSO2 Carbon" "$scratch/one" | tail -n 1 | cut -d: -f1)
    tail -c +$((${start:-0} + 1)) "$scratch/one" >"$scratch/part"
    cat "$scratch/part" "$scratch/whole" >"$scratch/both"
    mv "$scratch/both" "$scratch/whole"
    [ -z "$start" ] || break
done
[ $# -lt 2 ] || { grep -q "$2" "$scratch/whole"; exit; }
gzip -c "$scratch/whole" | base64
