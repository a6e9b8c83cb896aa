a:
  cmd.run:
    - name: mytool
    - prepend_path: @ROOT@/bin
b:
  cmd.run:
    - name: mytool
c:
  cmd.run:
    - name: mytool
    - env:
      - PATH: "@ROOT@/bin:/usr/bin:/bin"
