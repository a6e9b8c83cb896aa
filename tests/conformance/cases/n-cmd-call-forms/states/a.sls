succ:
  cmd.run:
    - name: exit 2
    - success_retcodes: 2
succs:
  cmd.run:
    - name: echo err >&2; exit 2
    - success_stderr: ['err']
so:
  cmd.run:
    - name: echo out; exit 2
    - success_stdout: out
hide:
  cmd.run:
    - name: echo secret
    - hide_output: True
q:
  cmd.run:
    - name: echo q
    - output_loglevel: quiet
vt:
  cmd.run:
    - name: echo vt > @ROOT@/vt
    - use_vt: True
um:
  cmd.run:
    - name: touch @ROOT@/um
    - umask: '027'
umi:
  cmd.run:
    - name: touch @ROOT@/umi
    - umask: 077
ce:
  cmd.run:
    - name: test -z "$FOO" && touch @ROOT@/ce
    - clean_env: True
rl:
  cmd.run:
    - name: touch @ROOT@/rl
    - require:
      - cmd: hide
    - reload_modules: True
al:
  cmd.wait:
    - name: touch @ROOT@/al
    - onlyif: test -e @ROOT@/um
    - watch:
      - cmd: um
run-al:
  cmd.run:
    - names:
      - touch @ROOT@/z1
      - touch @ROOT@/z2:
        - creates: /etc
      - 'touch z3':
        - cwd: @ROOT@
watchnames:
  cmd.watch:
    - name: touch @ROOT@/cw
    - watch:
      - cmd: um
