@echo off
rem The start script calls this file first; whatever Spark shall find in its environment is set here.

set CARBON_SPARK_HOME=%CARBON_HOME%
set SPARK_SCALA_VERSION=2.10
