
include: [web]
extend:
  web-service:
    cmd:
      - name: echo reload >> @ROOT@/log
  web-conf:
    file:
      - mode: '0640'
site-done:
  test.nop:
    - require: [sls: web]
    - order: last
