x:
  file.managed:
    - name: @ROOT@/x
    - content: hi
    - mde: '0600'
y:
  cmd.run:
    - name: echo hi
    - cwdd: /tmp
