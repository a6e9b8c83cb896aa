x: {{ nofun('a') }}
