#!/bin/sh
echo loc >> @ROOT@/log
