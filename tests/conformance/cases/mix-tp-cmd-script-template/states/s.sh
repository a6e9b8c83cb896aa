#!/bin/sh
echo {{ v }} $1 $2 > @ROOT@/out
