{% set ns = namespace(installed=False) %}
{% for device, info in pillar['filesystems'].items() %}
  {% if info.get('mountpoint') == '/' %}
    {% if salt.cmd.run('findmnt --noheadings --output SOURCE /') == device %}
      {% set ns.installed = True %}
    {% endif %}
  {% endif %}
{% endfor %}

{% if not ns.installed %}
include:
  - .disk
  - .soft
  - ._last
{% endif %}
