s:
  file.managed:
    - name: @ROOT@/s
    - source: salt://files/s.txt
l:
  file.managed:
    - name: @ROOT@/l
    - source:
      - salt://files/gone.txt
      - salt://files/s.txt
g:
  file.managed:
    - name: @ROOT@/g
    - source: salt://files/gone.txt
a:
  file.managed:
    - name: @ROOT@/a
    - source: @ROOT@/here
x:
  file.managed:
    - name: @ROOT@/x
    - source: salt://files/run.sh
k:
  file.managed:
    - name: @ROOT@/k
    - source: salt://files/run.sh
    - mode: keep
