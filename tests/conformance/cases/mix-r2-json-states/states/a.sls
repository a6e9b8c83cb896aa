
{{ {'x': {'file.managed': [{'name': '@ROOT@/x'}, {'contents': 'a: "b"
- c
'}, {'mode': '0600'}]}} | json }}
