{% set c = salt['config.get'] %}
{{ c('g:x') }}-{{ c('p:y') }}-{{ c('both') }}-{{ c('nope') }}-{{ c('nope', 'd') }}-{{ c('file_client') }}-{{ c('g', {}) | json }}-{{ c('id') }}-{{ c('test') }}-{{ c('m') }}: test.nop
