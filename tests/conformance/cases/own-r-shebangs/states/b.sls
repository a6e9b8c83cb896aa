#!yaml
'{{ b }}': test.nop
