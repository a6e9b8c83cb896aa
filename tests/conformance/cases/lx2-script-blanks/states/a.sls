a:
  cmd.script:
    - name: salt://s.sh x y
b:
  cmd.script:
    - name: s x y
    - source: salt://s.sh
