#!/bin/sh
echo hi >> @ROOT@/log
