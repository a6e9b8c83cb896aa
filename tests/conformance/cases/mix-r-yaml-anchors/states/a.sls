
{% raw %}
x:
  file.managed:
    - name: @ROOT@/x
    - contents: &c |
        anchored
    - mode: &m '0600'
y:
  file.managed:
    - name: @ROOT@/y
    - contents: *c
    - mode: *m
{% endraw %}
