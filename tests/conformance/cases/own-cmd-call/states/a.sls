m:
  module.run:
    - cmd.run:
      - cmd: echo m >> @ROOT@/log
      - python_shell: True
n:
  module.run:
    - name: cmd.run
    - cmd: echo n >> @ROOT@/log
    - python_shell: True
o:
  module.run:
    - test.echo:
      - text: hi
p:
  module.run:
    - cmd.nope:
      - x
q:
  module.run:
    - test.ping:
    - test.echo: [b]
r:
  module.run:
    - cmd.retcode:
      - exit 3
      - python_shell: True
