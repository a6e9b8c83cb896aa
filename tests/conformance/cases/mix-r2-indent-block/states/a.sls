
{% set cert %}
-----BEGIN-----
abc
  def
-----END-----
{% endset %}
f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {{ cert | trim | indent(8) }}
        after
