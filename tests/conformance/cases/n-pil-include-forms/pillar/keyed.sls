k: {{ d|default('nodef') }}
