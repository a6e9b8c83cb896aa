a:
  cmd.script:
    - name: salt://s.sh
b:
  cmd.run:
    - name: echo x >> @ROOT@/log
c:
  cmd.run:
    - name: echo x >> @ROOT@/log
    - creates: /etc/passwd
d:
  cmd.wait:
    - name: echo x >> @ROOT@/log
    - watch:
      - cmd: b
e:
  cmd.run:
    - name: echo x
    - onchanges:
      - cmd: b
f:
  cmd.run:
    - name: echo x
    - unless: echo asked >> @ROOT@/asked
