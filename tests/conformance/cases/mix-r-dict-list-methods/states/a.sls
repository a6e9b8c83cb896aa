{% set d = {'a':1,'b':2} %}{% set l = [1,2,3] %}
f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {{ d.get('z', 5) }} {{ d.keys()|list }} {{ d.values()|list }} {{ d.items()|list }} {{ d.pop('a') }} {{ d }} {{ d.setdefault('q', []) }} {{ d.update({'r': 1}) }} {{ d }} {{ d.copy() }}
        {{ l.append(4) }} {{ l.extend([5]) }} {{ l.insert(0, 9) }} {{ l.pop() }} {{ l.index(2) }} {{ l.count(1) }} {{ l.sort() }} {{ l }} {{ l.reverse() }} {{ l }} {{ l.remove(9) }} {{ l }}
