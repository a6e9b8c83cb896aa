{% set hosts = ['a'] %}
step:
  salt.function:
    - name: test.ping
    - tgt: {{ hots | join(',') }}
    - tgt_type: list
