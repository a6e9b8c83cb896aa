{{ salt['test.echo']() }}: test.nop
