web:
  kind: ngnix
  domain: lab
