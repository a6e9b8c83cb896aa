{%- set rows = [{'n': 2, 'v': 'b'}, {'n': 1, 'v': 'a'}, {'n': 2, 'v': 'c'}] %}
{%- set groups = rows|groupby('n') %}
{%- set g = groups[0] %}
{%- set lines = [
  g == (1, [{'n': 1, 'v': 'a'}]),
  (1, [{'n': 1, 'v': 'a'}]) in groups,
  groups[0] < groups[1],
  (g + (3,))|length,
  (g * 2)|length,
  g[0:1],
  g.count(1), g.index(1), g.grouper, g['grouper'], g[0], g.list|length, g[-1]|length,
  '%s %s' % g,
  g is iterable, g is sequence, g is mapping,
  g|length, g|first, g|list|length,
  (groups|sort(reverse=True))[0].grouper,
  (groups|map('first')|list), (groups|map(attribute='grouper')|list),
  (groups|map('last')|map('length')|list),
  g ~ '',
] %}
{%- for line in lines %}
"n{{ loop.index }} {{ line|string|replace('"', '') }}":
  test.nop
{%- endfor %}
{%- for n, items in groups %}
"g {{ n }} {{ items|map(attribute='v')|join(',') }}":
  test.nop
{%- endfor %}
