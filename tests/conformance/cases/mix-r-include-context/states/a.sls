
{%- set v = 'mine' %}
f:
  file.managed:
    - name: @ROOT@/f
    - contents: "{% include 'part.jinja' %}-{% include 'part.jinja' without context %}-{% include ['none.jinja','part.jinja'] %}-{% include 'none.jinja' ignore missing %}"
