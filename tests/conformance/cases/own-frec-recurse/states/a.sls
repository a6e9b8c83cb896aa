one:
  file.recurse:
    - name: @ROOT@/one
    - source: salt://d
modes:
  file.recurse:
    - name: @ROOT@/modes
    - source: salt://d
    - dir_mode: '0750'
    - file_mode: '0640'
keep:
  file.recurse:
    - name: @ROOT@/keep
    - source: salt://d
    - file_mode: keep
clean:
  file.recurse:
    - name: @ROOT@/t
    - source: salt://d
    - clean: True
inc:
  file.recurse:
    - name: @ROOT@/inc
    - source: salt://d
    - include_pat: '*.sh'
exc:
  file.recurse:
    - name: @ROOT@/exc
    - source: salt://d
    - exclude_pat: E@(sub|hidden)
nope:
  file.recurse:
    - name: @ROOT@/nope
    - source: salt://nope
slash:
  file.recurse:
    - name: @ROOT@/slash
    - source: salt://d/
file:
  file.recurse:
    - name: @ROOT@/file
    - source: salt://d/a
again:
  file.recurse:
    - name: @ROOT@/one
    - source: salt://d
depth:
  file.recurse:
    - name: @ROOT@/depth
    - source: salt://d
    - maxdepth: 0
