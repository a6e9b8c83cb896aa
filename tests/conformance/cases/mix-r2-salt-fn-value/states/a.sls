
{% set get = salt['pillar.get'] %}
{% set e = salt.test.echo %}
f:
  file.managed:
    - name: @ROOT@/f
    - contents: "{{ get('k') }} {{ e('x') }} {{ salt['test.echo']('a') | upper }} {{ 'test.echo' in salt }} {{ 'no.such' in salt }} {{ salt.get('no.such', 'dflt') }}"
