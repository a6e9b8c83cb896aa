k: pk
tplt: 'from {{ "{{ v }}" }}'
