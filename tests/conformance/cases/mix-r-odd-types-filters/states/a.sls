f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {{ none|default('d') }} {{ none|default('d', true) }} {{ ''|default('d', true) }} {{ 0|default('d', true) }}
        {{ 3.7|int }} {{ 'x'|int }} {{ 'x'|int(5) }} {{ '0x1f'|int(0,16) }} {{ '3.5'|float }} {{ true|int }} {{ '12'|int + 1 }}
        {{ [3,1,2]|sort }} {{ ['b','A','c']|sort }} {{ ['b','A','c']|sort(case_sensitive=true) }} {{ {'b':1,'a':2}|sort }} {{ [1,2,3]|sum }} {{ [[1],[2]]|sum(start=[]) }}
        {{ [1,2,3,4,5]|batch(2)|list }} {{ [1,2,3,4,5]|slice(2)|list }} {{ [1,2,3,4,5]|batch(2,'x')|list }} {{ 'abc'|list }} {{ {'a':1}|list }}
        {{ 1.5|round }} {{ 2.5|round }} {{ 2.345|round(2) }} {{ 2.5|round(0,'ceil') }} {{ 7|round }} {{ -7|abs }} {{ 10|filesizeformat }} {{ 1500000|filesizeformat }} {{ 1500000|filesizeformat(true) }}
        {{ 'a b c'|wordcount }} {{ 'hello world foo'|truncate(8) }} {{ 'hello world foo'|truncate(8, true, '') }} {{ 'ab'|center(6) }}| {{ '<a>'|escape }} {{ '<b>x</b>'|striptags }} {{ 'x y&z'|urlencode }} {{ {'a':1,'b':'c d'}|urlencode }}
        {{ [{'a':1,'b':2},{'a':3}]|map(attribute='b', default=0)|list }} {{ ['a','b']|map('upper')|join('-') }} {{ [1,2,3]|select('odd')|list }} {{ [1,2,3]|reject('odd')|list }} {{ [{'x':1},{'x':0}]|selectattr('x')|list }} {{ [{'x':1},{'x':2}]|rejectattr('x','equalto',1)|list }} {{ [{'g':1,'v':2},{'g':1,'v':3}]|groupby('g')|list|length }}
        {{ [1,[2,[3]]]|flatten }} {{ 'abc'|first }} {{ [1,2]|last }} {{ [1,2]|reverse|list }} {{ 'abc'|reverse }} {{ [1,1,2]|unique }} {{ {'a':{'b':1}}|tojson }} {{ 'x'|tojson }} {{ ['x',none,true]|json }}
