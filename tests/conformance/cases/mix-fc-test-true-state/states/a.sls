
a:
  file.managed:
    - name: @ROOT@/a
    - contents: x
    - test: True
b:
  file.managed:
    - name: @ROOT@/b
    - contents: x
    - require: [file: a]
c:
  cmd.run:
    - name: echo c >> @ROOT@/log
    - onchanges: [file: a]
d:
  cmd.run:
    - name: echo d >> @ROOT@/log
    - onfail: [file: a]
e:
  cmd.wait:
    - name: echo e >> @ROOT@/log
    - watch: [file: a]
