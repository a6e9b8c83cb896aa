#!jinja|yaml|gpg
d: test.nop
