good:
  file.managed:
    - name: @ROOT@/good
    - contents: yes it is
    - check_cmd: grep -q yes
bad:
  file.managed:
    - name: @ROOT@/bad
    - contents: no
    - check_cmd: grep -q yes
