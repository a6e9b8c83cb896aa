{% set forms = [
  salt['pillar.get']('a'), salt['pillar.get']('a:b'), salt['pillar.get']('a:b:c', 'd'), salt['pillar.get']('a.b', 'd'), salt['pillar.get']('a/l/0', 'd', delimiter='/'),
  salt['pillar.get']('a:l:1'), salt['pillar.get']('n', 'd'), salt['pillar.get']('e', 'd'), salt['pillar.get']('f', 'd'), salt['pillar.get']('a', {'b': 9, 'z': 1}, merge=True),
  salt['pillar.get']('none', {'z': 1}, merge=True), salt['pillar.get']('l', [9], merge=True), salt['pillar.get']('l', [9], merge=True, merge_nested_lists=False), salt['pillar.get']('a', 'str', merge=True), salt['pillar.get']('a', {'l': [7]}, True),
  pillar.get('a:b', 'x'), pillar['a']['b'], pillar.a.l[0], salt.pillar.get('a:b'), salt['pillar.get']('', 'x'), salt['pillar.get']('a:', 'x'), salt['pillar.items']()|length, salt['pillar.keys']('a'), salt['pillar.item']('a:b', 'zz'), salt['pillar.raw']('l'), salt['pillar.fetch']('a:b'), salt['pillar.ls']()] %}
f:
  file.managed:
    - name: @ROOT@/f
    - contents:
{% for f in forms %}
      - {{ (loop.index ~ ' ' ~ f|json)|yaml_dquote }}
{% endfor %}
