
src:
  cmd.run:
    - name: pwd > @ROOT@/src
    - cwd: /tmp
    - umask: '077'
dst:
  cmd.run:
    - name: pwd > @ROOT@/dst
    - use:
      - cmd: src
