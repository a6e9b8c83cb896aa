{% from "./m.jinja" import show with context %}
{% from tpldir ~ "/m.jinja" import show as show2 %}
include:
  - .sub
one:
  file.managed:
    - name: @ROOT@/one
    - contents: |
        sls={{ sls }} slspath={{ slspath }} tpldir={{ tpldir }} tplfile={{ tplfile }} tplroot={{ tplroot }} slsdotpath={{ slsdotpath }} slscolonpath={{ slscolonpath }} sls_path={{ sls_path }} tpldot={{ tpldot }} saltenv={{ saltenv }}
        {{ show() }}
        {{ show2() }}
