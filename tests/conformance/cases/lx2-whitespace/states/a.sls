f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        a{%- if true %} b {%- endif %} c
        {{- ' d' }}
        {% if true -%}
          e
        {%- endif %}
        {%+ if true %} f{% endif %}
        {# c #}g{#- h -#} i
        {% raw %}{{ x }}{% endraw %}
        {%- raw -%} {% y %} {%- endraw -%}
