{% if grains.os != 'SUSE' %}
{{ raise('this SLS is for SUSE only') }}
{% endif %}
