{% set md5 = 'b1946ac92492d2347c6235b4d2611184' %}
{% set sha = '5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03' %}
{% set forms = [
  md5, 'md5=' ~ md5, 'md5:' ~ md5, sha, 'sha256=' ~ sha, 'sha256:' ~ sha, 'SHA256=' ~ sha, sha | upper, 'sha1=' ~ sha, 'md5=00',
  'zzz', '', '@ROOT@/sums', '@ROOT@/sums256', '@ROOT@/sumsbad', '@ROOT@/missing', 'salt://h', 'salt://missing', 'sha256=' ~ ('0' * 64), '0' * 64, 'whirlpool=' ~ sha, 'md5 = ' ~ md5, ' ' ~ md5 ] %}
{% for h in forms %}
a{{ loop.index }}:
  file.managed:
    - name: @ROOT@/a{{ loop.index }}
    - source: @ROOT@/src
    - source_hash: {{ h | json }}
b{{ loop.index }}:
  file.managed:
    - name: @ROOT@/b{{ loop.index }}
    - source: salt://s
    - source_hash: {{ h | json }}
{% endfor %}
