
new:
  module.run:
    - test.echo: [hi]
two:
  module.run:
    - file.touch: [@ROOT@/t]
none:
  module.run:
    - no.such: []
