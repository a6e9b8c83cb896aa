p:
  file.blockreplace:
    - name: @ROOT@/p
    - marker_start: '# S'
    - marker_end: '# E'
    - content: |
        l1
        l2
    - prepend_if_not_found: True
a:
  file.blockreplace:
    - name: @ROOT@/a
    - marker_start: '# S'
    - marker_end: '# E'
    - content: |
        l1
    - append_if_not_found: True
a2:
  file.blockreplace:
    - name: @ROOT@/a
    - marker_start: '# S'
    - marker_end: '# E'
    - content: |
        l1
    - append_if_not_found: True
n:
  file.blockreplace:
    - name: @ROOT@/n
    - marker_start: '# S'
    - marker_end: '# E'
    - content: x
    - append_if_not_found: True
i:
  file.blockreplace:
    - name: @ROOT@/i
    - marker_start: '# S'
    - marker_end: '# E'
    - content: x
    - insert_after_match: '^two'
j:
  file.blockreplace:
    - name: @ROOT@/j
    - marker_start: '# S'
    - marker_end: '# E'
    - content: x
    - insert_before_match: '^two'
k:
  file.blockreplace:
    - name: @ROOT@/k
    - marker_start: '# S'
    - marker_end: '# E'
    - content: x
    - insert_before_match: 'nomatch'
k2:
  file.blockreplace:
    - name: @ROOT@/k
    - content: x
    - insert_before_match: 'nomatch'
    - append_if_not_found: True
e:
  file.blockreplace:
    - name: @ROOT@/e
    - content: x
    - append_if_not_found: True
    - backup: '.orig'
miss:
  file.blockreplace:
    - name: @ROOT@/missing
    - content: x
    - append_if_not_found: True
noend:
  file.blockreplace:
    - name: @ROOT@/noend
    - marker_start: '# S'
    - marker_end: '# E'
    - content: x
