
new:
  module.run:
    - test.echo: [hi]
    - test.arg: [1, {a: 2}]
two:
  module.run:
    - name: test.echo
    - text: old
"fls":
  module.run:
    - test.false:
none:
  module.run:
    - no.such: []
touch:
  module.run:
    - file.touch: [@ROOT@/t]
write:
  module.run:
    - file.write:
      - path: @ROOT@/w
      - args: [one, two]
mk:
  module.run:
    - file.mkdir:
      - dir_path: @ROOT@/x/y
rm:
  module.run:
    - file.remove:
      - path: @ROOT@/gone
copy:
  module.run:
    - file.copy:
      - src: @ROOT@/src
      - dst: @ROOT@/dst
dep:
  test.nop:
    - onchanges: [module: write]
