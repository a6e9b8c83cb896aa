
include: [lib]
conf:
  file.managed:
    - name: @ROOT@/conf
    - contents: x
    - watch_in: [cmd: restart]
    - onchanges_in: [test: noted]
