{% for m, c, e in [('insert','new','after: two'),('insert','new','before: two'),('insert','new','location: start'),('ensure','new','after: one'),('ensure','new','before: two'),('ensure','TWO','match: two'),('replace','TWO','match: two'),('delete','two',''),('delete','','match: two')] %}
s{{ loop.index }}:
  file.line:
    - name: @ROOT@/f{{ loop.index }}
    - mode: {{ m }}
    - content: '{{ c }}'
{% if e %}    - {{ e }}{% endif %}
{% endfor %}
{% for m, c, e in [('insert','new','after: two'),('ensure','new','after: one')] %}
again{{ loop.index }}:
  file.line:
    - name: @ROOT@/f{{ loop.index }}
    - mode: {{ m }}
    - content: '{{ c }}'
    - {{ e }}
{% endfor %}
