
{% set targets = ['lab-minion'] %}
{% for t in targets %}
deploy-{{ t }}:
  salt.state:
    - tgt: {{ t }}
    - sls: [app]
    - pillar: {ver: "2"}
{% endfor %}
verify:
  salt.state:
    - tgt: '*'
    - sls: check
    - require:
      - salt: deploy-lab-minion
cleanup:
  salt.state:
    - tgt: '*'
    - sls: clean
    - onfail:
      - salt: verify
