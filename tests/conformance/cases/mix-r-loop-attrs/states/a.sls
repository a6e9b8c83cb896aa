f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {% for x in 'abcd' %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.cycle('o','e') }}{{ loop.previtem|default('-') }}{{ loop.nextitem|default('-') }}{{ loop.changed(x in 'bc') }};{% endfor %}
        {% for x in [] %}x{% else %}none{% endfor %}
        {% for a, b in [[1,2],[3,4]] if a > 1 %}{{ a }}{{ b }}{{ loop.length }}{% endfor %}
        {% for k, v in {'b':1,'a':2}.items() %}{{ k }}{{ v }}{% endfor %}
        {% for k in {'b':1,'a':2} %}{{ k }}{% endfor %}
        {% for k, v in {'b':1,'a':2}|dictsort %}{{ k }}{{ v }}{% endfor %}
