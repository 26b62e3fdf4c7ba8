#!/bin/sh
# Miniature pack: configuration to practise on, without the server that would read it.
. "$CARBON_HOME/bin/load-spark-env-vars.sh"
echo "there is no server in this pack; it only shows what the wizard writes" >&2
exit 1
