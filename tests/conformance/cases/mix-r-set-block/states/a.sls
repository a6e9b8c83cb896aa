{% set b %}
  x{{ 1+1 }}
{% endset %}
{% set c | upper %}abc{% endset %}
f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {{ b|trim }}|{{ c }}
