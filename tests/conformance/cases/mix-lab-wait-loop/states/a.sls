
start:
  cmd.run:
    - name: echo 1 > @ROOT@/state
wait:
  cmd.run:
    - name: n=$(cat @ROOT@/state); echo $((n+1)) > @ROOT@/state; test $n -ge 3
    - retry: {attempts: 10, interval: 0, until: True}
    - require: [cmd: start]
    - failhard: True
after:
  file.managed:
    - name: @ROOT@/after
    - contents: ok
    - watch: [cmd: wait]
