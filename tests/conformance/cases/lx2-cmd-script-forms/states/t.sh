#!/bin/sh
echo {{ v }} >> @ROOT@/log
