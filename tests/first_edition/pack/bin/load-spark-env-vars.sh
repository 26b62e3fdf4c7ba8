#!/bin/sh
# The start script reads this file first; whatever Spark shall find in its environment is set here.

export CARBON_SPARK_HOME=$CARBON_HOME
export SPARK_SCALA_VERSION=2.10
