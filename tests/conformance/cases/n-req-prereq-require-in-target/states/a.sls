t:
  file.managed:
    - name: @ROOT@/t
    - contents: t
    - require:
      - cmd: dep
dep:
  cmd.run:
    - name: echo dep >> @ROOT@/log
p:
  cmd.run:
    - name: echo p >> @ROOT@/log
    - prereq:
      - file: t
    - require_in:
      - cmd: other
other:
  cmd.run:
    - name: echo other >> @ROOT@/log
