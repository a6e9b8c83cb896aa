s:
  cmd.script:
    - name: salt://s.sh
    - template: jinja
    - context: {v: hello}
    - args: "x y"
