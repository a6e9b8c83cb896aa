a:
  cmd.run:
    - name: pwd > out
    - cwd: @ROOT@/w
b:
  cmd.run:
    - name: pwd
    - cwd: @ROOT@/none
