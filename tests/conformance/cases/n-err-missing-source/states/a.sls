x:
  file.managed:
    - name: @ROOT@/x
    - source: salt://none
y:
  file.managed:
    - name: @ROOT@/y
    - source:
      - salt://none
      - salt://none2
z:
  file.managed:
    - name: @ROOT@/d/z
    - contents: a
w:
  file.managed:
    - name: rel
    - contents: a
v:
  file.managed:
    - name: @ROOT@/v
    - contents_pillar: no:such
u:
  file.managed:
    - name: @ROOT@/u
    - contents_grains: no:such
s:
  file.managed:
    - name: @ROOT@/s
    - contents: a
    - user: nosuch
r:
  file.managed:
    - name: @ROOT@/r
    - contents: a
    - group: nosuch
q:
  file.managed:
    - name: @ROOT@/q
    - source: /no/such/file
p:
  file.managed:
    - name: @ROOT@/p
    - source: salt://a.sls
    - source_hash: md5=00000000000000000000000000000000
