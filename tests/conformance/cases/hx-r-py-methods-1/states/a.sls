p00:
  file.managed:
    - name: @ROOT@/p00
    - source: salt://t00.j2
    - template: jinja
p01:
  file.managed:
    - name: @ROOT@/p01
    - source: salt://t01.j2
    - template: jinja
p02:
  file.managed:
    - name: @ROOT@/p02
    - source: salt://t02.j2
    - template: jinja
p03:
  file.managed:
    - name: @ROOT@/p03
    - source: salt://t03.j2
    - template: jinja
p04:
  file.managed:
    - name: @ROOT@/p04
    - source: salt://t04.j2
    - template: jinja
p05:
  file.managed:
    - name: @ROOT@/p05
    - source: salt://t05.j2
    - template: jinja
p06:
  file.managed:
    - name: @ROOT@/p06
    - source: salt://t06.j2
    - template: jinja
p07:
  file.managed:
    - name: @ROOT@/p07
    - source: salt://t07.j2
    - template: jinja
p08:
  file.managed:
    - name: @ROOT@/p08
    - source: salt://t08.j2
    - template: jinja
p09:
  file.managed:
    - name: @ROOT@/p09
    - source: salt://t09.j2
    - template: jinja
p10:
  file.managed:
    - name: @ROOT@/p10
    - source: salt://t10.j2
    - template: jinja
p11:
  file.managed:
    - name: @ROOT@/p11
    - source: salt://t11.j2
    - template: jinja
p12:
  file.managed:
    - name: @ROOT@/p12
    - source: salt://t12.j2
    - template: jinja
p13:
  file.managed:
    - name: @ROOT@/p13
    - source: salt://t13.j2
    - template: jinja
p14:
  file.managed:
    - name: @ROOT@/p14
    - source: salt://t14.j2
    - template: jinja
p15:
  file.managed:
    - name: @ROOT@/p15
    - source: salt://t15.j2
    - template: jinja
p16:
  file.managed:
    - name: @ROOT@/p16
    - source: salt://t16.j2
    - template: jinja
p17:
  file.managed:
    - name: @ROOT@/p17
    - source: salt://t17.j2
    - template: jinja
p18:
  file.managed:
    - name: @ROOT@/p18
    - source: salt://t18.j2
    - template: jinja
p19:
  file.managed:
    - name: @ROOT@/p19
    - source: salt://t19.j2
    - template: jinja
