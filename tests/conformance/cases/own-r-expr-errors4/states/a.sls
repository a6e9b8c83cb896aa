{{ 'x' | nosuchfilter }}: test.nop
