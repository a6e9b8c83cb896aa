
f:
  file.managed:
    - name: @ROOT@/f
    {%- if grains.id == 'lab-minion' %}
    - contents: yes it is
    {%- else %}
    - contents: no
    {%- endif %}
    {%- for k, v in {'mode': '0640', 'makedirs': true}.items() %}
    - {{ k }}: {{ v }}
    {%- endfor %}
