{% set filter = salt.filters.is_not_raid %}
{% include './_part.sls' %}
