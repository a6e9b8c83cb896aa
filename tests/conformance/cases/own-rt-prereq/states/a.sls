pre:
  cmd.run:
    - name: echo pre >> @ROOT@/log; test $(wc -l < @ROOT@/log) -ge 2
    - retry: {attempts: 3, interval: 0}
    - prereq:
      - file: t
t:
  file.managed:
    - name: @ROOT@/t
    - contents: x
