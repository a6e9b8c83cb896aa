#!/usr/bin/env nothing
e: test.nop
