#!/bin/sh
# usage: exec.sh PROGRAM [ARG...]   (a test that is a program built for another platform)
exec "$@"
