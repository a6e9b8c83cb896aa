{% for alias, repo in pillar['software'].repositories.items() %}
  {% if repo is mapping %}
    {% set url = repo.url %}
  {% else %}
    {% set url = repo %}
  {% endif %}
repo_{{ alias }}:
  pkgrepo.managed:
    - baseurl: {{ url }}
    - name: {{ repo.name if repo is mapping else alias }}
    - refresh: {{ alias.startswith('oss') }}
    - requires:
      - mount: typo_that_is_ignored
{% endfor %}
