{% import 'macros.yml' as macros %}
{% set ns = namespace(boot=None) %}
{% set seen = [] %}
{% for device, info in pillar['filesystems'].items() %}
  {% if info.get('mountpoint') and info.filesystem not in ('swap',) %}
    {% do seen.append(device) %}
    {% set fs_file = '/mnt' | path_join(info.mountpoint[1:] if info.mountpoint.startswith('/') else info.mountpoint) %}
{{ macros.log('mount', 'mount_' ~ fs_file) }}
mount_{{ fs_file }}:
  mount.mounted:
    - name: {{ fs_file }}
    - device: {{ device }}
    - mkmnt: yes
    - fstype: {{ info.filesystem }}
    - persist: no
    {% if 'options' in info %}
    - opts: {{ ','.join(info.options) }}
    {% endif %}
    - unless: "findmnt {{ fs_file }}"
  {% elif info is mapping %}
swap_{{ device }}:
  cmd.run:
    - name: swapon {{ '%s' | format(device) }}
    - onlyif: "test -b {{ device }}"
  {% endif %}
{% endfor %}
count:
  test.nop:
    - name: {{ seen | length }} of {{ pillar['filesystems'] | length }}
