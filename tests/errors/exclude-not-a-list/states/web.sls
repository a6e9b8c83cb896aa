exclude: common
web: test.nop
