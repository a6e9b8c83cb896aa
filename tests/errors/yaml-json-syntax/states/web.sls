#!json
{"web": {"test.nop": [],}}
