web: {{ salt['grains.get']('role') }}
