x: test.nop
y: cmd.run
