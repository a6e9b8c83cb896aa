{% from 'macros.jinja' import vhost %}
{{ vhost('a') }}
