web: {{ salt['cmd.run']('date') }}
