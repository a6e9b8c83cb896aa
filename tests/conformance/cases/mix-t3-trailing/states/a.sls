f0:
  file.managed:
    - name: @ROOT@/f0
    - source: salt://t0
    - template: jinja
f1:
  file.managed:
    - name: @ROOT@/f1
    - source: salt://t1
    - template: jinja
f2:
  file.managed:
    - name: @ROOT@/f2
    - source: salt://t2
    - template: jinja
f3:
  file.managed:
    - name: @ROOT@/f3
    - source: salt://t3
    - template: jinja
f4:
  file.managed:
    - name: @ROOT@/f4
    - source: salt://t4
    - template: jinja
f5:
  file.managed:
    - name: @ROOT@/f5
    - source: salt://t5
    - template: jinja
