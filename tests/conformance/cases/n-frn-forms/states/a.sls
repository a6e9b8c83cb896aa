r:
  file.rename:
    - name: @ROOT@/r
    - source: @ROOT@/s1
gone:
  file.rename:
    - name: @ROOT@/r
    - source: @ROOT@/s1
nosrc:
  file.rename:
    - name: @ROOT@/q
    - source: @ROOT@/nope
ex:
  file.rename:
    - name: @ROOT@/ex
    - source: @ROOT@/s2
exf:
  file.rename:
    - name: @ROOT@/exf
    - source: @ROOT@/s2
    - force: True
mk:
  file.rename:
    - name: @ROOT@/a/b
    - source: @ROOT@/s3
    - makedirs: True
nomk:
  file.rename:
    - name: @ROOT@/c/b
    - source: @ROOT@/s4
dir:
  file.rename:
    - name: @ROOT@/dd
    - source: @ROOT@/d
lnk:
  file.rename:
    - name: @ROOT@/ll
    - source: @ROOT@/l
todir:
  file.rename:
    - name: @ROOT@/e
    - source: @ROOT@/s4
    - force: True
