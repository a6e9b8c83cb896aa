chg:
  test.succeed_with_changes: []
w1:
  cmd.wait_script:
    - name: salt://s.sh
    - source: salt://s.sh
    - watch:
      - test: chg
w2:
  cmd.wait_script:
    - name: salt://s.sh arg
    - source: salt://s.sh
