f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {% set l = [3,1,2] %}{% do l.sort() %}{{ l }}{% do l.reverse() %}{{ l }}{% do l.extend([9]) %}{% do l.insert(0, 7) %}{% do l.remove(9) %}{{ l }} {{ l.pop() }} {{ l }}
