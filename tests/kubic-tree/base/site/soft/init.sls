{% import 'macros.yml' as macros %}
{% set software = pillar['software'] %}
include:
  - .repos
{{ macros.log('pkg', 'install') }}
install:
  pkg.installed:
    - pkgs: {{ software.packages }}
    - includes: [product, pattern]
    - root: /mnt
    - binds: [/dev, /proc]
    - env:
      - LANG: C
      - A=b
    - require:
      - mount: mount_/mnt
